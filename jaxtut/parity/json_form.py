"""The JSON form of a report: written, read, and held against `report.schema.json`, which describes every field."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, fields
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from .heat_map import HeatMap
from .rows import Row

if TYPE_CHECKING:
    from .report import Report

SCHEMA = 1
_WORDS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}
# A list that holds no other; a line break inside of JSON is never part of a string.
_INNERMOST = re.compile(r'\[\n\s+((?:"(?:[^"\\]|\\.)*"|[^\[\]{}"])*?)\n\s+\]')


def write(report: "Report") -> str:
    """Return a report as JSON text; numbers that JSON does not know are written as the strings 'nan', 'inf' and '-inf'."""
    plain = _plain({"schema": SCHEMA, "same": report.same} | asdict(report))
    text = json.dumps(plain, indent=2, allow_nan=False)
    return _INNERMOST.sub(lambda found: "[" + re.sub(r",\n\s+", ", ", found[1]) + "]", text)


def read(text: str) -> "Report":
    """Return the report that `write` wrote.

    Raises:
        ValueError: the text is no JSON, or does not fit the schema.
    """
    from .report import Report

    try:
        data = json.loads(text, parse_constant=_refuse)
        check(data, schema())
    except RecursionError:
        raise ValueError("report: not a report, but JSON of great depth") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"report: not JSON: {error}") from None
    first, drawn = data["first_divergence"], data["heat_map"]
    report = Report(
        data["verdict"],
        tuple(_made(Row, row) for row in data["rows"]),
        None if first is None else _made(Row, first),
        tuple(data["notes"]),
        None if drawn is None else _made(HeatMap, drawn),
        data["definition"],
        data["versions"],
    )
    if report.same != data["same"]:
        raise ValueError(f"report: same is {data['same']}, but the verdict is {report.verdict!r}")
    return report


@cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema of reports."""
    return json.loads(files("jaxtut.parity").joinpath("report.schema.json").read_text("utf-8"))


def check(data: Any, rule: Mapping[str, Any], path: str = "report") -> None:
    """Hold data against a JSON Schema, of which only the keywords that `report.schema.json` uses are known.

    Args:
        data: what `json.loads` returned.
        rule: the schema, or a part of it.
        path: where in the report `data` stands, for the message.

    Raises:
        ValueError: the data do not fit; says where, what is expected, and what was given.
    """
    if "$ref" in rule:
        rule = schema()["$defs"][rule["$ref"].removeprefix("#/$defs/")]
    if "anyOf" in rule:
        if isinstance(data, dict):  # the first option is the only object, and says more about what is wrong
            check(data, rule["anyOf"][0], path)
        elif not any(_fits(data, option, path) for option in rule["anyOf"]):
            raise ValueError(f"{path} must be {rule['title']}, but {_given(data)} was given")
        return
    for allowed in [rule["enum"]] if "enum" in rule else [[rule["const"]]] if "const" in rule else []:
        if isinstance(data, bool) or data not in allowed:
            raise ValueError(f"{path} must be {' or '.join(map(repr, allowed))}, but {_given(data)} was given")
    wanted = rule.get("type")
    if wanted and not _is(data, wanted):
        raise ValueError(f"{path} must be of type {wanted}, but {_given(data)} was given")
    if "minimum" in rule and data < rule["minimum"]:
        raise ValueError(f"{path} must be at least {rule['minimum']}, but {_given(data)} was given")
    _check_inside(data, rule, path)


def _check_inside(data: Any, rule: Mapping[str, Any], path: str) -> None:
    for name in rule.get("required", ()):
        if name not in data:
            raise ValueError(f"{path} must have the field {name!r}")
    if isinstance(data, dict):
        known, other = rule.get("properties", {}), rule.get("additionalProperties", {})
        for name, value in data.items():
            check(value, known.get(name, other), f"{path}.{name}")
    elif isinstance(data, list):
        for i, value in enumerate(data):
            check(value, rule.get("items", {}), f"{path}[{i}]")


def _fits(data: Any, rule: Mapping[str, Any], path: str) -> bool:
    try:
        check(data, rule, path)
    except ValueError:
        return False
    return True


def _is(data: Any, kind: str) -> bool:
    return isinstance(data, _TYPES[kind]) and (kind == "boolean" or not isinstance(data, bool))


def _given(data: Any) -> str:
    text = repr(data)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _refuse(word: str) -> None:
    raise ValueError(f"report: not JSON: {word} is no JSON number; reports have it as a string")


def _made(kind: type, data: Mapping[str, Any]) -> Any:
    """Return the dataclass of these fields; lists become tuples, and the words for NaN and infinities numbers."""
    texts = {f.name for f in fields(kind) if f.type is str or f.type == "str"}
    return kind(**{f.name: data[f.name] if f.name in texts else _numbers(data[f.name]) for f in fields(kind)})


def _numbers(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_numbers(v) for v in value)
    return _WORDS.get(value, value) if isinstance(value, str) else value


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value
