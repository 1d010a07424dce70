"""A value with a condition that `jax.experimental.checkify` raises for, at no cost where nobody asks.

`checkify.debug_check` is an effect of the program that has it, and JAX starts programs with effects from Python, which takes several times as
long. Here the condition goes through a primitive that returns its first operand, so it is part of the value's way, and vanishes when compiled.
"""

from typing import Any

import jax.numpy as jnp
from jax.core import ShapedArray
from jax.experimental import checkify
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array, Bool

try:
    # There is no public way to tell checkify what a primitive means.
    from jax._src.checkify import FailedCheckError, assert_func, error_checks, get_traceback
except ImportError:
    FailedCheckError = assert_func = error_checks = get_traceback = None


def checked(x: Array, bad: Bool[Array, "..."], message: str) -> Array:
    """Return `x`, and let `checkify.checkify(f)` report the message where anything is bad."""
    if error_checks is None:
        checkify.debug_check(jnp.logical_not(jnp.any(bad)), message)
        return x
    return checked_p.bind(x, bad, message=message)


checked_p = Primitive("checked")
checked_p.def_impl(lambda x, bad, *, message: x)
checked_p.def_abstract_eval(lambda x, bad, *, message: ShapedArray(x.shape, x.dtype, weak_type=x.weak_type))
mlir.register_lowering(checked_p, lambda context, x, bad, *, message: [x])


def _jvp(primals: tuple[Array, Array], tangents: tuple[Array, Array], *, message: str) -> tuple[Array, Array]:
    return checked_p.bind(*primals, message=message), tangents[0]


def _batch(
    operands: tuple[Array, Array], axes: tuple[int | None, int | None], *, message: str
) -> tuple[Array, int | None]:
    return checked_p.bind(*operands, message=message), axes[0]


def _transpose(cotangent: Any, x: Any, bad: Any, *, message: str) -> list[Any]:
    return [cotangent, None]


ad.primitive_jvps[checked_p] = _jvp
ad.primitive_transposes[checked_p] = _transpose
batching.primitive_batchers[checked_p] = _batch


def _report(*given: Any, message: str) -> tuple[Any, Array]:
    # From JAX 0.12 on there is a context in front.
    *context, error, enabled_errors, x, bad = given
    assert FailedCheckError is not None
    assert get_traceback is not None
    add: Any = assert_func
    if FailedCheckError in enabled_errors:
        error = add(*context, error, jnp.any(bad), FailedCheckError(get_traceback(), message))
    return error, checked_p.bind(x, bad, message=message)


if error_checks is not None:
    error_checks[checked_p] = _report
