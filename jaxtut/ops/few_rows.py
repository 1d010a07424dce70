"""The product of a matrix of few rows and a transposed one, y = x · wᵀ, whose gradient in w is written as a sum of outer products.

XLA computes that sum where it is used, such as in the optimizer's update of w; a matrix product it writes to memory first, and reads it again. It
is a primitive of JAX for the sake of this rule alone: under `vmap`, where there are more rows, it is the matrix product that it was.
"""

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

import jax
from jax import lax
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array

from .materialize import materialize

# From two up to so many.
FEW = 8
# Numbers of a weight below which it is near, whatever is done.
LARGE = 1 << 16


def product(x: Array, w: Array) -> Array:
    """Return x · wᵀ along the last axes of both; `x` may have any number of axes."""
    if not _are_few(x, w):
        return _product(x, w)
    rows = x.reshape(-1, x.shape[-1])
    return few_rows_p.bind(rows, w, precision=_precision()).reshape(*x.shape[:-1], w.shape[0])


def _are_few(x: Array, w: Array) -> bool:
    # A size may be a symbol, in a program that is exported.
    sizes = (*x.shape, *w.shape)
    if w.ndim != 2 or not all(isinstance(size, int) and size > 0 for size in sizes) or w.size < LARGE:
        return False
    # Half-precision products are summed in single precision by a matrix product alone.
    is_precise = x.dtype.itemsize >= 4
    # Inside `shard_map`, and on a mesh of explicit axes, XLA's product knows what to do.
    on_mesh = not jax.sharding.get_abstract_mesh().empty or not all(jax.typeof(a).sharding.mesh.empty for a in (x, w))
    return is_precise and not on_mesh and 1 < x.size // x.shape[-1] <= FEW


def _precision() -> str | None:
    config: Any = jax.config
    return config.jax_default_matmul_precision


def _product(x: Array, w: Array, precision: str | None = None) -> Array:
    # Not x @ w.T: where there is one row, XLA would write down the transposed w.
    return lax.dot_general(x, w, (((x.ndim - 1,), (w.ndim - 1,)), ((), ())), precision=precision)


def _in_w(y: Array, x: Array, w: Any, *, precision: str | None) -> Array:
    y, x = materialize(y), materialize(x)
    outer = [lax.dot_general(a, b, (((), ()), ((), ()))) for a, b in zip(y, x, strict=True)]
    return reduce(add, outer)


def _in_x(y: Array, x: Any, w: Array, *, precision: str | None) -> Array:
    return lax.dot_general(y, w, (((1,), (0,)), ((), ())), precision=precision)


def _mapped(operands: Sequence[Array], axes: Sequence[int | None], *, precision: str | None) -> tuple[Array, int]:
    return jax.vmap(lambda x, w: _product(x, w, precision), tuple(axes))(*operands), 0


few_rows_p = Primitive("few_rows")
few_rows_p.def_impl(
    jax.jit(lambda x, w, *, precision: few_rows_p.bind(x, w, precision=precision), static_argnames="precision")
)
few_rows_p.def_abstract_eval(lambda x, w, *, precision: ShapedArray((x.shape[0], w.shape[0]), x.dtype))
mlir.register_lowering(few_rows_p, mlir.lower_fun(_product, multiple_results=False))
ad.defbilinear(few_rows_p, _in_x, _in_w)
batching.primitive_batchers[few_rows_p] = _mapped
