"""Fill the measured columns of the convention table: `python -m jaxtut.parity.conventions.write [FILE ...]`."""

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .measure import jax_outcome, our_outcome, torch_outcome
from .row import FOLDER, Outcome, Row, read

_WRITTEN = (
    "op",
    "point",
    "args",
    "call",
    "plain",
    "torch",
    "jax",
    "jax_until",
    "ours",
    "dtype",
    "fixed",
    "source",
    "note",
)


def main() -> None:
    """Measure every row of the named files, or of all, and write it back."""
    for path in [Path(name) for name in sys.argv[1:]] or sorted(FOLDER.glob("*.toml")):
        found = [_measured(row) for row in read(path)]
        versions = {"torch": version("torch").split("+")[0], "jax": version("jax")}
        head = path.read_text(encoding="utf-8").split("[versions]")[0]
        body = "\n".join(_entry(row) for row in found)
        path.write_text(f"{head}[versions]\n{_lines(versions)}\n{body}", encoding="utf-8")
        print(f"{path.name}: {len(found)} rows")


def _measured(row: Row) -> dict[str, Any]:
    torch, jax = torch_outcome(row), jax_outcome(row)
    entry = {name: getattr(row, name) for name in _WRITTEN} | {"torch": _plain(torch), "jax": _plain(jax)}
    entry["ours"] = our_outcome(row).error if torch.error else ""
    defaults = {"ours": "", "jax_until": "", "dtype": "float32", "fixed": (), "note": ""}
    return {k: v for k, v in entry.items() if v != defaults.get(k) and v != {}}


def _plain(outcome: Outcome) -> dict[str, Any]:
    if outcome.error:
        return {"error": outcome.error}
    return {} if outcome.value is None else {"value": outcome.value, "slope": dict(outcome.slope)}


def _entry(entry: dict[str, Any]) -> str:
    return f"[[row]]\n{_lines(entry)}"


def _lines(entry: dict[str, Any]) -> str:
    return "".join(f"{name} = {_toml(value)}\n" for name, value in entry.items())


def _toml(value: Any) -> str:
    """Write a value as TOML does, which has nan, inf and −0.0."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value)


def _key(name: str) -> str:
    return name if name.replace("_", "").isalnum() else f'"{name}"'


if __name__ == "__main__":
    main()
