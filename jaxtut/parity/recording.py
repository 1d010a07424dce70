"""Record one side of a comparison in a file, where the other framework is not installed."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from jaxtut.errors import MissingDependencyError

from . import probes
from .arguments import Arguments, collect
from .evidence import LiveEvidence, Plan, Side
from .quantities import Quantities, is_floating
from .recorded_evidence import BESIDE, SINGLES, TAPS, RecordedEvidence, check
from .recorded_evidence import RecordingError as RecordingError
from .recorded_files import read as read
from .recorded_files import write
from .recorded_verdict import judge_files as judge_files
from .verdict import CANNOT_RUN

# What is measured in case that it is needed, and may fail where a verdict would never have asked for it.
_UNMEASURED = (*CANNOT_RUN, KeyError)
_PACKAGES = {"JAX": ("jaxtut", "numpy", "jax", "jaxlib"), "PyTorch": ("jaxtut", "numpy", "torch")}


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

    Example:
        >>> import tempfile, jax.numpy as jnp, torch
        >>> folder, x = Path(tempfile.mkdtemp()), np.array([0.5, -2.0])
        >>> record(jnp.tanh, x, path=folder / "jax.safetensors", framework="jax")
        >>> record(torch.tanh, x, path=folder / "torch.safetensors", framework="torch")
        >>> judge_files(folder / "jax.safetensors", folder / "torch.safetensors").same
        True

    Raises:
        ValueError: an unknown framework or mode, no cotangents, or arguments that do not fit or cannot be stored.
        MissingDependencyError: the framework is not installed.
        OSError: the file cannot be written.
    """
    if isinstance(cotangents, bool) or not isinstance(cotangents, int) or cotangents < 1:
        raise ValueError(f"record: cotangents must be at least 1, but {cotangents} was given")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError(f"record: seed must be a whole number from 0 on, but {seed} was given")
    if mode not in ("jit", "eager"):
        raise ValueError(f"record: mode must be 'jit' or 'eager', but {mode!r} was given")
    side, inputs, facts = _side(function, framework, mode, args, argnums, params, map_params)
    drawn = probes.draw(side.outputs(inputs, "float32"), inputs, cotangents, seed)
    evidence = LiveEvidence(side, Plan(inputs, drawn, (), seed))
    with np.errstate(all="ignore"):  # moved inputs may overflow
        refused, groups = _results(evidence)
    facts |= {
        "name": side.name,
        "mode": side.mode,
        "seed": seed,
        "cotangents": cotangents,
        "inputs": list(inputs.arrays),
        "differentiated": [leaf.name for leaf in inputs.differentiable],
        "static": [None if isinstance(leaf.value, np.ndarray) else repr(leaf.value) for leaf in inputs.leaves],
        "refused": refused,
        "lowered": [] if refused else _measured(lambda: evidence.lowered, []),
        "impure": not refused and evidence.differs_from_itself(),
        "unused": sorted(getattr(side, "unused", ())),
        "untapped": "",
        "versions": _installed(_PACKAGES[side.name]),
    }
    stacked = {name: np.stack([c[name] for c in drawn.cotangents]) for name in drawn.cotangents[0]}
    recording = RecordedEvidence(facts, inputs.arrays, stacked, groups)
    try:
        check(recording)
    except ValueError as error:
        raise ValueError(f"record: {error}") from None
    write(path, _with_taps(recording, evidence) if taps else recording)


def _results(evidence: LiveEvidence, prefix: str = "") -> tuple[str, dict[str, Quantities]]:
    """Return why float64 was refused, if it was, and all that was run and measured, in groups."""
    singles = evidence.singles
    groups = {prefix + name: run for name, run in zip(SINGLES, singles, strict=False) if _alike(run, singles[0])}
    try:
        exact = evidence.exact
    except CANNOT_RUN as error:
        return " ".join(str(error).split())[:300] or type(error).__name__, groups
    floating = {key: x for key, x in exact.items() if is_floating(x)}
    near, far = _measured(lambda: evidence.nearby, ({}, {}))
    spreads = _measured(lambda: {key: evidence.spread(key) for key in floating}, {})
    measured = {"near": near, "far": far, "operations": _measured(lambda: evidence.operations, {})}
    measured |= {side: {key: getattr(s, side) for key, s in spreads.items()} for side in ("most", "least")}
    groups[prefix + "exact"] = exact
    groups |= {prefix + name: group for name, group in measured.items() if _alike(group, floating)}
    beside = _measured(lambda: evidence.beside_kinks, [])
    if all(_alike(run, exact) for run in beside):
        groups |= {prefix + name: run for name, run in zip(BESIDE, beside, strict=False)}
    return "", groups


def _measured(measure: Callable, otherwise: Any) -> Any:
    try:
        return measure()
    except _UNMEASURED:
        return otherwise


def _alike(group: Quantities, like: Quantities) -> bool:
    """Say whether a run at moved inputs has what the run at the inputs has: functions that choose by value may not."""
    return group.keys() == like.keys() and all(x.shape == like[key].shape for key, x in group.items())


def _with_taps(recording: RecordedEvidence, evidence: LiveEvidence) -> RecordedEvidence:
    """Return the recording with what the function names, or with why that could not be had."""
    try:
        with np.errstate(all="ignore"):
            refused, named = _results(evidence.taps, TAPS)
        if refused and not recording.facts["refused"]:
            raise ValueError(refused)
        if recording.facts["refused"]:
            named = {name: run for name, run in named.items() if name.removeprefix(TAPS) in SINGLES}
        full = replace(recording, groups=recording.groups | named)
        check(full)
        return full
    except _UNMEASURED as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        return replace(recording, facts=recording.facts | {"untapped": reason})


def _side(
    function: Callable, framework: str, mode: str, args: tuple, argnums: Any, params: Any, map_params: Callable | None
) -> tuple[Side, Arguments, dict[str, Any]]:
    """Return the side, its arguments, and what is to be known about them beside."""
    if framework == "torch":
        from .torch_side import TorchSide

        torch = TorchSide(function, has_params=params is not None)
        inputs = collect(function, args, argnums, params, torch.buffers)
        buffers = sorted(torch.buffers & set(params or ()) & set(inputs.arrays))
        return torch, inputs, {"buffers": buffers, "notes": []}
    if framework != "jax":
        raise ValueError(f"record: framework must be 'jax' or 'torch', but {framework!r} was given")
    try:
        from .jax_side import HIDDEN_VALUES, JaxSide
    except ImportError as error:
        raise MissingDependencyError(
            f"JAX is needed to record a JAX function and cannot be imported: {error}"
        ) from None
    from .flax_modules import adapted

    function, params, map_params = adapted(function, params, map_params)
    inputs = collect(function, args, argnums, params)
    jax, notes = JaxSide(function, map_params, jit=mode == "jit"), []
    try:
        jax.structure(inputs, "float32")
    except HIDDEN_VALUES:
        if not jax.jit:
            raise
        jax = JaxSide(function, map_params, jit=False)
        notes = ["the JAX function cannot be compiled, since it looks at values; it was run eagerly"]
    return jax, inputs, {"buffers": [], "notes": notes}


def _installed(packages: Sequence[str]) -> dict[str, str]:
    found = {}
    for package in packages:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
