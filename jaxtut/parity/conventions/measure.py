"""Measure what the installed PyTorch, plain JAX and `jaxtut.functional` give at the points of the convention table."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..torch_side import counterpart, require_torch
from ..trees import flatten
from .row import Outcome, Row


def torch_outcome(row: Row) -> Outcome:
    """Return PyTorch's outcome at a point."""
    torch = require_torch()

    class F:
        """PyTorch's functions by name, wherever they live."""

        def __getattr__(self, name: str) -> Any:
            return counterpart(name)

    args = {n: torch.from_numpy(x).clone() for n, x in arrays(row).items()}
    floating = [n for n, x in args.items() if x.is_floating_point() and n not in row.fixed]
    for name in floating:
        args[name].requires_grad_()

    def run() -> Outcome:
        result = eval(row.call, {"F": F(), "torch": torch, **args})
        named, _ = flatten(result)
        smooth = [y for _, y in named if y.requires_grad]
        # A cotangent of ones by hand: adding results up would make one NaN of a NaN beside numbers.
        slopes = (
            torch.autograd.grad(
                smooth, [args[n] for n in floating], [torch.ones_like(y) for y in smooth], allow_unused=True
            )
            if smooth and floating
            else [None] * len(floating)
        )
        found = {
            n: (torch.zeros_like(args[n]) if g is None else g).tolist() for n, g in zip(floating, slopes, strict=True)
        }
        return Outcome(_shown([(n, y.detach().numpy()) for n, y in named]), found)

    return _refused(run)


def jax_outcome(row: Row) -> Outcome:
    """Return plain JAX's outcome at a point; nothing where JAX has nothing of the kind."""
    import jax
    import jax.numpy as jnp
    import optax
    from flax import nnx

    names = {"jax": jax, "jnp": jnp, "lax": jax.lax, "optax": optax, "nnx": nnx, "np": np}
    return _by_jax(row, row.plain, names) if row.plain else Outcome()


def our_outcome(row: Row, under_jit: bool = False) -> Outcome:
    """Return the outcome of `jaxtut.functional`."""
    from jaxtut import functional

    return _by_jax(row, row.call, {"F": functional}, under_jit)


def _by_jax(row: Row, call: str, names: Mapping[str, Any], under_jit: bool = False) -> Outcome:
    import jax
    import jax.numpy as jnp

    def run() -> Outcome:
        given = {n: jnp.asarray(x) for n, x in arrays(row).items()}
        smooth = {n for n, x in given.items() if jnp.issubdtype(x.dtype, jnp.floating) and n not in row.fixed}
        floating = {n: x for n, x in given.items() if n in smooth}
        rest = {n: x for n, x in given.items() if n not in smooth}
        outputs: list = []

        def of(floats: dict, others: dict) -> tuple[list, list]:
            result, _ = flatten(eval(call, {**names, **others, **floats}))
            values = [jnp.asarray(y) for _, y in result]
            outputs[:] = [n for n, _ in result]
            return [y for y in values if jnp.issubdtype(y.dtype, jnp.floating)], values

        # Under `jit` every argument is hidden, labels too.
        transformed = jax.jit(of) if under_jit else of
        if not floating:
            values, pull_back, found = transformed({}, rest)[1], None, []
        else:
            found, pull_back, values = jax.vjp(lambda floats: transformed(floats, rest), floating, has_aux=True)
        slopes = pull_back([jnp.ones_like(y) for y in found])[0] if pull_back else {}
        return Outcome(
            _shown([(n, np.asarray(y)) for n, y in zip(outputs, values, strict=True)]),
            {n: np.asarray(g).tolist() for n, g in slopes.items()},
        )

    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        return _refused(run)


def arrays(row: Row) -> dict[str, np.ndarray]:
    """Return the arguments of a row as arrays."""
    made = {n: np.asarray(v) for n, v in row.args.items()}
    return {n: x.astype(row.dtype) if x.dtype.kind == "f" else x for n, x in made.items()}


# Library functions of the two frameworks differ by a few units in the last place.
ULPS = 8


def agree(a: Outcome, b: Outcome, ulps: float = 0.0, dtype: str = "float32") -> bool:
    """Say whether two outcomes are the same: the same exception, or the same numbers up to some ulp of the dtype; NaN equals NaN."""
    if a.error or b.error:
        return a.error == b.error
    return (
        _near(a.value, b.value, ulps, dtype)
        and a.slope.keys() == b.slope.keys()
        and all(_near(x, b.slope[n], ulps, dtype) for n, x in a.slope.items())
    )


def _near(a: Any, b: Any, ulps: float, dtype: str) -> bool:
    if isinstance(a, dict) or isinstance(b, dict):
        return (
            isinstance(a, dict)
            and isinstance(b, dict)
            and a.keys() == b.keys()
            and all(_near(a[k], b[k], ulps, dtype) for k in a)
        )
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if x.shape != y.shape:
        return False
    with np.errstate(invalid="ignore"):
        close = np.abs(x - y) <= ulps * np.spacing(np.maximum(np.abs(x), np.abs(y)).astype(dtype))
    return bool(np.all((x == y) | (np.isnan(x) & np.isnan(y)) | close))


def _shown(named: list[tuple[str, np.ndarray]]) -> Any:
    if len(named) == 1 and not named[0][0]:
        return named[0][1].tolist()
    return {n or "output": x.tolist() for n, x in named}


def _refused(run: Callable[[], Outcome]) -> Outcome:
    try:
        return run()
    except Exception as error:
        return Outcome(error=type(error).__name__)
