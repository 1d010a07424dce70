"""Compare a JAX function with a PyTorch function: values and gradients, in float64 and float32, by the definition of "identical"."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import probes
from .arguments import Arguments, collect
from .definition import IMPURE, UNDECIDED
from .evidence import LiveEvidence, Plan
from .jax_side import HIDDEN_VALUES, JaxSide
from .quantities import VALUE, Arrays
from .report import Report
from .structure import structural_rows
from .torch_side import TorchSide
from .verdict import explained_structure, reach
from .witness import testify

DTYPES = ("float64", "float32", "bfloat16", "float16")
MODES = ("jit", "eager")
CHECKS = ("jacobian", "hvp", "jvp", "vmap")


def compare(
    jax_fn: Callable,
    torch_fn: Callable,
    *args: Any,
    argnums: int | Sequence[int] | None = None,
    params: Mapping[str, Any] | None = None,
    map_params: Callable | None = None,
    cotangents: int = 3,
    seed: int = 0,
    dtypes: Sequence[str] | None = None,
    modes: Sequence[str] = ("jit",),
    checks: Sequence[str] = (),
) -> Report:
    """Say whether two functions have the same values and the same gradients, and if not, where they part first.

    Each output y gets random cotangents v, and the gradients vᵀ · ∂y/∂x of both sides are compared element by element; the first cotangent of
    a scalar output is 1, which gives its plain gradient. `jaxtut.parity.definition` says what "the same" means.

    Args:
        jax_fn: the JAX function, pure, or a Flax NNX module; it takes JAX arrays and returns any tree of arrays.
        torch_fn: the PyTorch function, or `torch.nn.Module`; it takes tensors and returns a tree of the same structure.
        args: NumPy arrays, or nested containers of them; floating ones are rounded to float32 first. Python numbers and strings are
            passed on as they are.
        argnums: which of `args` to differentiate; None: every one with a floating leaf.
        params: the parameters under PyTorch's names, or the state of a Flax NNX module; they go first into `jax_fn`, and into the module by
            `functional_call`. The module's buffers may be among them; those are not differentiated.
        map_params: turns `params` into what `jax_fn` takes first; differentiated through, so gradients keep PyTorch's names. For a Flax
            module None is `jaxtut.parity.flax_parameters`, which goes by names and shapes.
        cotangents: how many, at least 1.
        seed: of the cotangents and of the moved inputs.
        dtypes: of 'float64', 'float32', 'bfloat16' and 'float16', those to judge; None: the first two.
        modes: how the JAX side runs: 'jit', 'eager', or both.
        checks: what to compare besides: 'jacobian' (whole Jacobians), 'hvp' (Hessian-vector products), 'jvp' (forward mode), 'vmap' (a
            batch of three samples under `jax.vmap` against one call of PyTorch after the other).

    Returns:
        A report: `.same`, `.verdict`, `.rows`, `.first_divergence`, `.to_json()`, `.to_html()`.

    Example:
        >>> import jax.numpy as jnp, numpy as np, torch
        >>> compare(jnp.tanh, torch.tanh, np.array([0.5, -2.0])).same
        True
        >>> report = compare(lambda x: x * jnp.tanh(x), lambda x: 2 * x * torch.tanh(x), np.array([0.5, -2.0]))
        >>> report.verdict, report.first_divergence.name
        ('different', 'output')
        >>> print(report.first_divergence.cause)
        JAX is 0.5 times PyTorch everywhere...

    Raises:
        TypeError: arguments that are no arrays.
        ValueError: no cotangents, unknown dtypes, modes or checks, argnums that do not fit.
        MissingDependencyError: PyTorch is not installed.
    """
    _check_options(cotangents, dtypes, modes, checks)
    from .flax_modules import adapted

    jax_fn, params, map_params = adapted(jax_fn, params, map_params)
    torch_side = TorchSide(torch_fn, has_params=params is not None)
    inputs = collect(jax_fn, args, argnums, params, torch_side.buffers)
    there = torch_side.outputs(inputs, "float32")
    sides, notes = _sides(jax_fn, map_params, modes, inputs)
    if structure := _output_structure(sides, there, inputs):
        return structure
    plan = Plan(inputs, probes.draw(there, inputs, cotangents, seed), tuple(checks), seed)
    jax = [LiveEvidence(side, plan) for side in sides]
    torch = LiveEvidence(torch_side, plan)
    # A cached property is a property to everybody but the type checker.
    report = reach(jax, torch, tuple(dtypes or DTYPES[:2]), inputs.arrays, tuple(notes))  # pyright: ignore[reportArgumentType]
    if report.verdict == IMPURE:
        return report
    if torch_side.unused:
        report = report.noting(
            f"PyTorch never used {', '.join(sorted(torch_side.unused))}: its gradient is None there, taken as zeros"
        )
    return testify(report, jax, torch)


def assert_same_gradients(
    jax_fn: Callable, torch_fn: Callable, *args: Any, at_kinks: str = "raise", **options: Any
) -> Report:
    """Raise `AssertionError` unless two functions have the same values and gradients; the message names the first divergence.

    Args:
        jax_fn, torch_fn, args, options: as for `compare`.
        at_kinks: 'raise' also where the verdict is "undecided at a kink", or 'report', which lets it pass.

    Returns:
        The report.

    Example:
        >>> import jax.numpy as jnp, numpy as np, torch
        >>> assert_same_gradients(jnp.sin, torch.sin, np.array([0.0, 1.0])).same
        True

    Raises:
        AssertionError: the two differ; "first divergence: gradient of x (float64, jit) at [0], cotangent 0: JAX 0.5, PyTorch 0.0; ..."
    """
    __tracebackhide__ = True
    if at_kinks not in ("raise", "report"):
        raise ValueError(f"assert_same_gradients: at_kinks must be 'raise' or 'report', but {at_kinks!r} was given")
    report = compare(jax_fn, torch_fn, *args, **options)
    if not report.same and not (report.verdict == UNDECIDED and at_kinks == "report"):
        raise ParityError(report)
    return report


class ParityError(AssertionError):
    """Two functions that should be the same are not; `.report` has the whole comparison."""

    def __init__(self, report: Report):
        super().__init__(report.summary())
        self.report = report


def _check_options(cotangents: int, dtypes: Sequence[str] | None, modes: Sequence[str], checks: Sequence[str]) -> None:
    if isinstance(cotangents, bool) or not isinstance(cotangents, int) or cotangents < 1:
        raise ValueError(f"compare: cotangents must be at least 1, but {cotangents} was given")
    for name, given, known in (("dtypes", dtypes, DTYPES), ("modes", modes, MODES), ("checks", checks, CHECKS)):
        empty = given is not None and not given and name != "checks"
        if given is not None and (isinstance(given, str) or empty or set(given) - set(known)):
            raise ValueError(f"compare: {name} must be some of {sorted(known)}, but {given!r} was given")


def _sides(
    jax_fn: Callable, map_params: Callable | None, modes: Sequence[str], args: Arguments
) -> tuple[list[JaxSide], list[str]]:
    """Return the JAX side in each mode; eager alone where the function looks at values, which `jit` hides."""
    sides = [JaxSide(jax_fn, map_params, jit=mode == "jit") for mode in dict.fromkeys(modes)]
    if "jit" not in modes:
        return sides, []
    try:
        next(side for side in sides if side.jit).structure(args, "float32")
    except HIDDEN_VALUES:
        note = "the JAX function cannot be compiled, since it looks at values; it was run eagerly"
        return [JaxSide(jax_fn, map_params, jit=False)], [note]
    return sides, []


def _output_structure(sides: list[JaxSide], torch: Arrays, args: Arguments) -> Report | None:
    """Compare the names, shapes and dtypes of the float32 outputs, before any gradient is asked for."""
    there = {(VALUE, n): a for n, a in torch.items()}
    rows = []
    for side in sides:
        here = {(VALUE, n): a for n, a in side.structure(args, "float32").items()}
        found = structural_rows(here, there, side, narrow_integers=True, shapes_only=True)
        # The numbers say more about a wrong shape than the shape does.
        numbers = {(VALUE, n): a for n, a in side.outputs(args, "float32").items()} if found else {}
        rows += [explained_structure(row, numbers, there, args.arrays) for row in found]
    return Report.of(rows) if rows else None
