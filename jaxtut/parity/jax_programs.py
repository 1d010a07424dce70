"""Look into a traced JAX program: where it lowers precision, whether two tracings agree, and how far rounding moves its results."""

import math
import re
from collections.abc import Callable, Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from .definition import U32

# A constant with more significant bits than this was rounded when it became float32; 0.5 or 3 were not.
_SHORT_MANTISSA = 12


def inner_programs(params: dict) -> Iterator[Jaxpr]:
    """Yield the programs among the parameters of an operation: the bodies of calls, loops, branches and rules."""
    for value in params.values():
        for item in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(item, ClosedJaxpr):
                yield item.jaxpr
            elif isinstance(item, Jaxpr):
                yield item


def bind(primitive, inputs: Sequence, params: dict) -> list:
    """Apply one operation; JAX versions differ in how they hand over the functions inside it."""
    bound = primitive.get_bind_params(params)
    functions, params = bound if isinstance(bound, tuple) else ((), bound)
    out = primitive.bind(*functions, *inputs, **params)
    return list(out) if primitive.multiple_results else [out]


def same_program(a: ClosedJaxpr, b: ClosedJaxpr) -> bool:
    """Say whether two tracings gave the same operations on the same constants; the addresses of functions do not count."""
    texts = [re.sub(r"0x[0-9a-f]+", "", str(program)) for program in (a, b)]
    if texts[0] != texts[1] or len(a.consts) != len(b.consts):
        return False
    return all(
        np.array_equal(np.asarray(x), np.asarray(y), equal_nan=bool(jnp.issubdtype(jnp.asarray(x).dtype, jnp.inexact)))
        for x, y in zip(a.consts, b.consts, strict=True)
        if not jax.dtypes.issubdtype(jnp.asarray(x).dtype, jax.dtypes.extended)
    )


def lowered_precision(closed: ClosedJaxpr) -> list[str]:
    """Say where a program that was traced for float64 computes in a lower precision: casts, results, rounded constants."""
    found = [
        f"a {jnp.asarray(c).dtype} constant of shape {jnp.shape(c)} from outside the function"
        for c in closed.consts
        if _is_lower(jnp.asarray(c).dtype) and is_rounded(np.asarray(c))
    ]
    return list(dict.fromkeys([*found, *_lowered(closed.jaxpr)]))


def is_rounded(constant: np.ndarray) -> bool:
    """Say whether a float32 or smaller constant has so many significant bits that it was rounded to get there."""
    mantissa, _ = np.frexp(constant.astype(np.float64))
    scaled = mantissa * 2.0**_SHORT_MANTISSA
    return bool(np.any(np.isfinite(scaled) & (scaled != np.round(scaled))))


def _lowered(jaxpr: Jaxpr) -> Iterator[str]:
    for equation in jaxpr.eqns:
        inner = list(inner_programs(equation.params))
        for program in inner:
            yield from _lowered(program)
        if inner:
            continue
        place = _place(equation)
        for variable in equation.invars:
            if not isinstance(variable, Literal):
                continue
            dtype = getattr(variable.aval, "dtype", None)
            if (_is_lower(dtype) or _was_float32(variable.val, dtype)) and is_rounded(np.asarray(variable.val)):
                yield f"the {dtype} constant {np.asarray(variable.val)}{place}"
        dtypes = [getattr(v.aval, "dtype", None) for v in equation.outvars]
        from_higher = any(getattr(v.aval, "dtype", None) == np.float64 for v in equation.invars)
        yield from (f"a cast to {d}{place}" for d in dtypes if from_higher and _is_lower(d))


def _was_float32(value, dtype) -> bool:
    """Say whether a float64 constant is a float32 number: JAX writes `jnp.float32(0.1)` into the program as 0.10000000149011612."""
    return dtype == np.float64 and bool(np.all(np.float32(value) == value))


def _is_lower(dtype) -> bool:
    return dtype is not None and jnp.issubdtype(dtype, jnp.floating) and jnp.finfo(dtype).bits < 64


def _place(equation) -> str:
    from jax._src import source_info_util

    try:
        return f" at {source_info_util.summarize(equation.source_info)}"
    except (AttributeError, TypeError, ValueError):  # a private function, and only the place is lost without it
        return ""


def with_moved_results(function: Callable) -> Callable:
    """Return a function that takes a seed first, then the arguments, and evaluates `function` with the result of every operation moved at random.

    Every floating result is multiplied by 1 + size·u with u uniform in (−1, 1): rounding of a chosen size, 2⁻²⁴ as in float32, carried out
    in float64, so that nothing overflows and no small term is absorbed whole.
    """
    programs: dict = {}

    def run(seed: int, *args):
        shapes = tuple((jnp.shape(x), str(jnp.asarray(x).dtype)) for x in jax.tree.leaves(args))
        if shapes not in programs:
            closed, out = jax.make_jaxpr(function, return_shape=True)(*args)
            tree = jax.tree.structure(out)
            programs[shapes] = jax.jit(
                lambda seed, *xs: jax.tree.unflatten(
                    tree, _evaluate_moved(closed.jaxpr, closed.consts, xs, _Dice(seed))
                )
            )
        return programs[shapes](float(seed), *jax.tree.leaves(args))

    return run


class _Dice:
    """Pseudo-random factors in (−1, 1), others for every operation; a sine of the position is random enough and compiles at once."""

    def __init__(self, seed):
        self.seed = seed
        self.throws = 0

    def throw(self, shape: tuple[int, ...]):
        self.throws += 1
        position = jnp.arange(math.prod(shape), dtype=np.float64).reshape(shape)
        return jnp.sin(position * (1.7 + 0.618 * self.throws) + 2.4 * self.seed + 0.9 * self.throws)


_OPENED = (
    "jit",
    "pjit",
    "closed_call",
    "core_closed_call",
    "remat2",
    "checkpoint",
    "custom_jvp_call",
    "custom_vjp_call",
    "custom_vjp_call_jaxpr",
)
# Nothing is rounded where numbers are only moved about.
_EXACT = frozenset(
    (  # noqa: SIM905
        "name copy copy_p reshape transpose broadcast_in_dim squeeze expand_dims slice dynamic_slice dynamic_update_slice concatenate pad "
        "gather rev select_n neg abs max min sign convert_element_type stop_gradient reduce_max reduce_min argmax argmin sort iota split"
    ).split()
)


def _evaluate_moved(jaxpr: Jaxpr, consts: Sequence, args: Sequence, dice: _Dice) -> list:
    values = dict(zip(jaxpr.constvars, consts, strict=True)) | dict(zip(jaxpr.invars, args, strict=True))

    def read(variable):
        return variable.val if isinstance(variable, Literal) else values[variable]

    for equation in jaxpr.eqns:
        inputs = [read(v) for v in equation.invars]
        name = equation.primitive.name
        inner = [p for p in equation.params.values() if isinstance(p, (ClosedJaxpr, Jaxpr))]
        if name in _OPENED and len(inner) == 1:
            program, own = (inner[0].jaxpr, inner[0].consts) if isinstance(inner[0], ClosedJaxpr) else (inner[0], ())
            results = _evaluate_moved(program, own, inputs, dice)
        else:
            results = bind(equation.primitive, inputs, equation.params)
            results = results if name in _EXACT else [_move(x, dice) for x in results]
        values.update(zip(equation.outvars, results, strict=True))
    return [read(v) for v in jaxpr.outvars]


def _move(x, dice: _Dice):
    if not hasattr(x, "dtype") or x.dtype != np.float64:
        return x
    return x * (1 + U32 * dice.throw(x.shape))
