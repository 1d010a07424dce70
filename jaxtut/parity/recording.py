"""Record one side of a comparison in a file, where the other framework is not installed, and judge two such files where neither is."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from . import definition, probes
from .arguments import Arguments, collect
from .evidence import LiveEvidence, Plan, Side, Spread
from .quantities import GRADIENT, Arrays, Key, Quantities, is_floating
from .report import Report
from .verdict import CANNOT_RUN, reach

FORMAT = "jaxtut-recording"
VERSION = 1


class RecordingError(ValueError):
    """A file that is no recording, or is damaged, or does not fit the other one."""


def record(
    function: Callable,
    *args: Any,
    path: str | Path,
    framework: str,
    argnums: int | Sequence[int] | None = None,
    params: Mapping[str, Any] | None = None,
    map_params: Callable | None = None,
    cotangents: int = 3,
    seed: int = 0,
    mode: str = "jit",
    taps: bool = True,
) -> None:
    """Run one side and store its inputs, values, gradients and measured noise in a safetensors file.

    Args:
        function: the function or module, as for `compare`.
        args, argnums, params, map_params, cotangents, seed: as for `compare`, and equal on both sides.
        path: the file to write; it is written whole or not at all.
        framework: 'jax' or 'torch': which of the two `function` belongs to.
        mode: how a JAX function runs, 'jit' or 'eager'.
        taps: whether to store named values too.

    Raises:
        ValueError: an unknown framework, or arguments that do not fit.
        OSError: the file cannot be written.
    """
    side, inputs = _side(function, framework, mode, args, argnums, params, map_params)
    drawn = probes.draw(side.outputs(inputs, "float32"), inputs, cotangents, seed)
    evidence = LiveEvidence(side, Plan(inputs, drawn, (), seed))
    arrays: dict[str, np.ndarray] = {f"input/{n}": x for n, x in inputs.arrays.items()}
    facts: dict[str, Any] = {
        "name": side.name,
        "mode": side.mode,
        "seed": seed,
        "cotangents": cotangents,
        "lowered": [],
        "refused": "",
    }
    facts["inputs"] = list(inputs.arrays)
    facts["differentiated"] = [leaf.name for leaf in inputs.differentiable]
    facts["static"] = {leaf.name: repr(leaf.value) for leaf in inputs.leaves if not isinstance(leaf.value, np.ndarray)}
    _store(evidence, "", arrays, facts)
    facts["unused"] = sorted(getattr(side, "unused", ()))
    if taps:
        _store(evidence.taps, "taps/", arrays, facts)
    write(Path(path), arrays, facts)


def judge_files(first: str | Path, second: str | Path, dtypes: tuple[str, ...] = ("float64", "float32")) -> Report:
    """Judge two recordings by the definition; neither framework is needed.

    Args:
        first: the recording of one side, JAX's in most cases.
        second: of the other, PyTorch's.
        dtypes: the precisions to judge.

    Raises:
        RecordingError: a file is no recording, is damaged, or was made from other inputs than the other.
        OSError: a file cannot be read.
    """
    a, b = read(first), read(second)
    if (a.name, b.name) == ("PyTorch", "JAX"):
        a, b, first, second = b, a, second, first
    _same_inputs(a, b, first, second)
    b = b.under_names_of(a)
    notes = (
        ()
        if (a.name, b.name) == ("JAX", "PyTorch")
        else (f"both files are {a.name}'s: read JAX as {first} and PyTorch as {second}",)
    )
    report = reach([a], b, dtypes, a.inputs, notes)
    unused = b.facts.get("unused")
    if unused and b.name == "PyTorch":
        report = report.noting(f"PyTorch never used {', '.join(unused)}: its gradient is None there, taken as zeros")
    return report


@dataclass
class RecordedEvidence:
    """Evidence that was stored by `record`."""

    facts: dict[str, Any]
    inputs: dict[str, np.ndarray]
    stored: dict[str, np.ndarray] = field(repr=False)
    prefix: str = ""
    renamed: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The framework."""
        return self.facts["name"]

    @property
    def mode(self) -> str:
        """How the side ran."""
        return self.facts["mode"]

    @property
    def cotangents(self) -> tuple[Arrays, ...]:
        """They are not kept."""
        return ()

    @property
    def exact(self) -> Quantities:
        """The results in float64."""
        if self.facts["refused"]:
            raise ValueError(self.facts["refused"])
        return self._group("exact")

    @property
    def singles(self) -> list[Quantities]:
        """The results in float32: at the inputs, then at inputs moved by an ulp."""
        return [self._group(f"single{i}") for i in range(definition.NOISE_RUNS) if self._group(f"single{i}")]

    @property
    def lowered(self) -> list[str]:
        """Where the function lowers precision inside."""
        return self.facts["lowered"]

    @property
    def nearby(self) -> tuple[Quantities, Quantities]:
        """The noise at inputs nearby."""
        return self._group("near"), self._group("far")

    @property
    def operations(self) -> Quantities:
        """How far the results move with the result of every operation."""
        return self._group("operations")

    @property
    def beside_kinks(self) -> list[Quantities]:
        """float64 results at inputs jittered by a millionth."""
        return [g for i in range(definition.KINK_JITTERS) if (g := self._group(f"beside{i}"))]

    def spread(self, key: Key) -> Spread:
        """Return how far a quantity moves at inputs that float32 can hardly tell apart."""
        return Spread(self._group("most")[key], self._group("least")[key])

    def low(self, dtype: str) -> tuple[Quantities, Quantities]:
        """Refuse: 16-bit results are not recorded."""
        raise RecordingError(f"{dtype} results are not recorded; compare both sides in one process for them")

    def differs_from_itself(self) -> bool:
        """Say whether the function differed from itself when it was recorded."""
        return bool(self.facts.get("impure"))

    @property
    def taps(self) -> "RecordedEvidence":
        """The same for what the function names."""
        return replace(self, prefix="taps/")

    def under_names_of(self, other: "RecordedEvidence") -> "RecordedEvidence":
        """Return the same with the inputs called as in the other: two functions may call their arguments differently."""
        names = dict(zip(self.facts["inputs"], other.facts["inputs"], strict=True))
        return replace(self, inputs={names[n]: x for n, x in self.inputs.items()}, renamed=names)

    def _group(self, group: str) -> Quantities:
        start = f"{self.prefix}{group}/"
        order = self.facts["order"].get(start, ())
        return {
            (str(kind), str(self.renamed.get(name, name) if kind == GRADIENT else name)): self.stored[
                f"{start}{kind}/{name}"
            ]
            for kind, name in order
        }


def write(path: Path, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> None:
    """Write a recording: whole or not at all, and never in place of a good one that then is lost."""
    from safetensors.numpy import save

    order: dict[str, list[list[str]]] = {}
    for name in arrays:
        *group, kind, quantity = _parts(name)
        if group:
            order.setdefault("/".join([*group, ""]), []).append([kind, quantity])
    described = json.dumps({**facts, "order": order})
    # safetensors stores the memory behind an array, so a transposed view would come out as other numbers.
    held = {n: np.asarray(x, order="C") for n, x in arrays.items()}
    checksum = _checksum(described, held)
    data = save(held, {"format": FORMAT, "version": str(VERSION), "facts": described, "checksum": checksum})
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read(path: str | Path) -> RecordedEvidence:
    """Read a recording; nothing in it is executed.

    Raises:
        RecordingError: the file is no recording, is of another version, is cut off or damaged.
        OSError: it cannot be read.
    """
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise RecordingError(f"{path}: there is no such file")
    try:
        with safe_open(str(path), framework="numpy") as file:
            described = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise RecordingError(f"{path}: not a whole safetensors file: {error}") from None
    return _understood(path, described, arrays)


def _understood(path: str | Path, described: dict[str, str], arrays: dict[str, np.ndarray]) -> RecordedEvidence:
    if described.get("format") != FORMAT:
        raise RecordingError(f"{path}: a safetensors file, but no recording of `jaxtut record`")
    if described.get("version") != str(VERSION):
        raise RecordingError(
            f"{path}: a recording of version {described.get('version')}; this jaxtut reads version {VERSION}"
        )
    try:
        facts = json.loads(described["facts"])
        _check_facts(facts)
        if described["checksum"] != _checksum(described["facts"], arrays):
            raise ValueError("the numbers are not those that were written")
        wanted = {f"{start}{kind}/{name}" for start, keys in facts["order"].items() for kind, name in keys}
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise RecordingError(
            f"{path}: the description of the recording is damaged: {type(error).__name__} {error}"
        ) from None
    held = {name for name in arrays if not name.startswith("input/")}
    if wanted != held or not any(name.startswith("single0/") for name in held):
        lost = sorted(wanted ^ held)[:3]
        raise RecordingError(
            f"{path}: the arrays do not fit their description; first: {', '.join(lost) or 'no float32 results'}"
        )
    inputs = {name.removeprefix("input/"): x for name, x in arrays.items() if name.startswith("input/")}
    evidence = RecordedEvidence(facts, inputs, arrays)
    _check_shapes(path, evidence)
    return evidence


def _checksum(facts: str, arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256(facts.encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def _check_facts(facts: dict[str, Any]) -> None:
    texts = dict.fromkeys(("name", "mode", "refused"), str)
    numbers, containers = dict.fromkeys(("seed", "cotangents"), int), {"static": dict, "order": dict}
    kinds = texts | numbers | containers | dict.fromkeys(("lowered", "differentiated", "inputs"), list)
    for name, kind in kinds.items():
        if not isinstance(facts[name], kind):
            raise TypeError(f"{name} is {type(facts[name]).__name__}, not {kind.__name__}")
    if facts["name"] not in ("JAX", "PyTorch"):
        raise ValueError(f"the framework is {facts['name']!r}")


def _check_shapes(path: str | Path, evidence: RecordedEvidence) -> None:
    """Every run of a quantity has its shape, every gradient is there, and noise is a finite number without a sign."""
    base, facts = evidence.singles[0], evidence.facts
    groups = [*evidence.singles, *evidence.beside_kinks, *evidence.nearby, evidence.operations]
    groups += [evidence._group("most"), evidence._group("least")] + ([] if facts["refused"] else [evidence.exact])
    for group in groups:
        for key, x in group.items():
            if key not in base or x.shape != base[key].shape:
                there = base[key].shape if key in base else "none"
                raise RecordingError(f"{path}: {key[0]} {key[1]} has shape {x.shape} in one run and {there} in another")
    for group in [base] if facts["refused"] else [base, evidence.exact]:
        for name in facts["differentiated"]:
            x = group.get((GRADIENT, name))
            if (
                name not in evidence.inputs
                or x is None
                or x.shape != (facts["cotangents"], *evidence.inputs[name].shape)
            ):
                raise RecordingError(f"{path}: the gradient of {name} is missing or has another shape than {name}")
    for group in (*evidence.nearby, evidence.operations):
        for key, x in group.items():
            if not np.all((x >= 0) & np.isfinite(x)):
                raise RecordingError(f"{path}: the noise of {key[0]} {key[1]} is negative or no number")


def _store(evidence: LiveEvidence, prefix: str, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
    def put(group: str, quantities: Quantities) -> None:
        arrays.update({f"{prefix}{group}/{kind}/{name}": x for (kind, name), x in quantities.items()})

    try:
        exact = evidence.exact
    except CANNOT_RUN as error:
        exact = None
        facts["refused"] = " ".join(str(error).split())[:300]
    for i, run in enumerate(evidence.singles):
        put(f"single{i}", run)
    if exact is None:
        return
    put("exact", exact)
    if not prefix:
        facts["lowered"] = evidence.lowered
        facts["impure"] = evidence.differs_from_itself()
    near, far = evidence.nearby
    put("near", near)
    put("far", far)
    put("operations", evidence.operations)
    for i, run in enumerate(evidence.beside_kinks):
        put(f"beside{i}", run)
    spreads = {key: evidence.spread(key) for key, x in exact.items() if is_floating(x)}
    put("most", {key: s.most for key, s in spreads.items()})
    put("least", {key: s.least for key, s in spreads.items()})


def _side(
    function: Callable, framework: str, mode: str, args: tuple, argnums: Any, params: Any, map_params: Callable | None
) -> tuple[Side, Arguments]:
    if framework == "torch":
        from .torch_side import TorchSide

        torch = TorchSide(function, has_params=params is not None)
        return torch, collect(function, args, argnums, params, torch.buffers)
    if framework != "jax":
        raise ValueError(f"record: framework must be 'jax' or 'torch', but {framework!r} was given")
    from .flax_modules import adapted
    from .jax_side import JaxSide

    function, params, map_params = adapted(function, params, map_params)
    return JaxSide(function, map_params, jit=mode == "jit"), collect(function, args, argnums, params)


def _same_inputs(a: RecordedEvidence, b: RecordedEvidence, first: str | Path, second: str | Path) -> None:
    for what in ("seed", "cotangents", "static"):
        if a.facts[what] != b.facts[what]:
            raise RecordingError(
                f"{first} and {second} were recorded with other {what}: {a.facts[what]} and {b.facts[what]}"
            )
    if len(a.facts["inputs"]) != len(b.facts["inputs"]):
        raise RecordingError(f"{first} has the inputs {a.facts['inputs']}, {second} {b.facts['inputs']}")
    for here, there in zip(a.facts["inputs"], b.facts["inputs"], strict=True):
        if not definition.same_bits(a.inputs[here], b.inputs[there]):
            raise RecordingError(f"{first} and {second} were recorded on other numbers in the input {here}")
        if (here in a.facts["differentiated"]) != (there in b.facts["differentiated"]):
            raise RecordingError(
                f"the input {here} was differentiated in one of {first} and {second} alone; record both with the same argnums"
            )


def _parts(name: str) -> list[str]:
    """Part a stored name into its group, kind and quantity; quantities may have slashes of their own."""
    pieces = name.split("/")
    if pieces[0] == "input":
        return ["input", "/".join(pieces[1:])]
    groups = 2 if pieces[0] == "taps" else 1
    return [*pieces[:groups], pieces[groups], "/".join(pieces[groups + 1 :])]
