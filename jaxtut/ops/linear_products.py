"""The three products of a linear layer: y = x · wᵀ, and the gradients y · w in x and yᵀ · x in w. The derivatives of each are the two others.

They are primitives of JAX, because then the program is chosen for each platform when it is compiled. On a CPU, XLA's product writes w down
transposed at every call; for a batch of some hundred rows at most, loops compiled for the processor at hand (`native.products`, `native.sums`)
read each array as it is. Of a few rows the gradient in w is left to XLA as a sum of outer products, which it computes where it is used, such as in
the optimizer's update of w, and does not write to memory.

Elsewhere, in programs for several devices or for export, where `vmap` maps the weight or the gradient in it, and for a layer that is small or has
one row only, they are XLA's.
"""

from collections.abc import Callable, Sequence
from functools import partial, reduce
from operator import add
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching
from jaxtyping import Array

from ..native import library, machine
from ..native.loops import Phase, Products, Sums
from ..native.program import Copy, Program
from .lowering import lower, on_mesh

# Numbers of a weight below which a product takes no time worth saving.
LARGE = 1 << 16
# Rows up to which the loops are faster than XLA's product, for y and for the gradients in x and in w. Measured for weights from 256×256 on, at
# 2, 4, 8 ... 256 rows and (the gradients) 1,024, on two cores of an AMD EPYC with vectors of 64 bytes.
MOST, MOST_IN_X, MOST_IN_W = 64, 256, 512
# Rows up to which a sum of outer products is no work beside that of reading and writing w.
FEW = 8


def outputs(x: Array, w: Array) -> Array:
    """Return x · wᵀ along the last axes of both; `x` may have any number of axes."""
    if not _is_ours(x, w):
        return _outputs(x, w)
    rows = x.reshape(-1, x.shape[-1])
    config: Any = jax.config
    y = linear_p.bind(rows, w, precision=config.jax_default_matmul_precision)
    return y.reshape(*x.shape[:-1], w.shape[0])


def _is_ours(x: Array, w: Array) -> bool:
    # A size may be a symbol, in a program that is exported.
    if w.ndim != 2 or not all(isinstance(size, int) and size > 0 for size in (*x.shape, *w.shape)):
        return False
    # Half-precision products are summed in single precision by XLA's alone.
    if w.size < LARGE or x.dtype.name not in machine.BYTES:
        return False
    return not on_mesh(x, w) and x.size // x.shape[-1] <= max(MOST, MOST_IN_X, MOST_IN_W)


def _outputs(x: Array, w: Array, precision: str | None = None) -> Array:
    # Not x @ w.T: where there is one row, XLA would write down the transposed w.
    return lax.dot_general(x, w, (((x.ndim - 1,), (w.ndim - 1,)), ((), ())), precision=precision)


def _input_gradient(y: Array, w: Array, precision: str | None = None) -> Array:
    return lax.dot_general(y, w, (((1,), (0,)), ((), ())), precision=precision)


def _weight_gradient(y: Array, x: Array, precision: str | None = None) -> Array:
    return lax.dot_general(y, x, (((0,), (0,)), ((), ())), precision=precision)


def _outputs_on_cpu(x: Array, w: Array) -> Array:
    """Sum along the rows of both; the rows of w, which are many, are shared among the threads."""
    (rows, length), number = x.shape, w.shape[0]
    main = Products(
        groups=1,
        inputs=rows,
        outputs=number,
        lines=(),
        run=length,
        taps=(),
        last=(0,),
        source_channel=length,
        other_channel=length,
        shares=1,
        parts=1,
    )
    return _called(main, (number, rows), x, w).T


def _input_gradient_on_cpu(y: Array, w: Array) -> Array:
    (rows, number), length = y.shape, w.shape[1]
    main = _sums(channels=number, results=rows, length=length, factor_channel=1, factor_output=number)
    return _called(main, (rows, length), w, y)


def _weight_gradient_on_cpu(y: Array, x: Array) -> Array:
    (rows, number), length = y.shape, x.shape[1]
    if rows <= FEW:
        # XLA would compute what is cheap, such as taking these rows out of all samples, again for every number of the sum.
        y, x = (_called(Copy(a.size), a.shape, a) for a in (y, x))
        return reduce(add, (lax.dot_general(a, b, (((), ()), ((), ()))) for a, b in zip(y, x, strict=True)))
    main = _sums(channels=rows, results=number, length=length, factor_channel=number, factor_output=1)
    return _called(main, (number, length), x, y)


def _sums(channels: int, results: int, length: int, factor_channel: int, factor_output: int) -> Sums:
    """Return the loop for result[o] = Σ_c factor[c, o] · source[c], where each source[c] and result[o] is a row of `length` numbers."""
    return Sums(
        images=1,
        groups=1,
        channels=channels,
        outputs=results,
        source_image=0,
        source_channel=length,
        result_image=0,
        result_output=length,
        kernel_group=0,
        kernel_channel=factor_channel,
        kernel_output=factor_output,
        phases=(Phase(source=0, result=0, rows=(), run=length, taps=(), parts=(((0, 0),),)),),
    )


def _called(main: Products | Sums | Copy, shape: tuple[int, ...], *arrays: Array) -> Array:
    dtype = arrays[0].dtype
    return jax.ffi.ffi_call(library.target(Program(dtype.name, main)), jax.ShapeDtypeStruct(shape, dtype))(*arrays)


def _primitive(name: str, on_xla: Callable[..., Array], on_cpu: Callable[..., Array], most: int) -> Primitive:
    primitive = Primitive(name)

    def result(a: Any, b: Any, *, precision: str | None) -> ShapedArray:
        shape = jax.eval_shape(on_xla, *(jax.ShapeDtypeStruct(array.shape, array.dtype) for array in (a, b))).shape
        return ShapedArray(shape, a.dtype)

    def here(a: Array, b: Array, *, precision: str | None, is_cut: bool) -> Array:
        host = machine.host()
        # A row that is shorter than a vector would be read beyond its end.
        if is_cut or host is None or not 1 < a.shape[0] <= most or b.shape[1] < host.width(b.dtype.name):
            return on_xla(a, b, precision=precision)
        return on_cpu(a, b)

    def mapped(operands: Sequence[Array], axes: Sequence[int | None], *, precision: str | None) -> tuple[Array, int]:
        (a, b), (axis, of_b) = operands, axes
        if axis is not None and of_b is None and primitive is not weight_gradient_p:
            # The rows of all are rows of one product.
            a = jnp.moveaxis(a, axis, 0)
            result = primitive.bind(a.reshape(-1, a.shape[-1]), b, precision=precision)
            return result.reshape(*a.shape[:2], -1), 0
        return jax.vmap(partial(on_xla, precision=precision), tuple(axes))(*operands), 0

    primitive.def_abstract_eval(result)
    lower(primitive, on_xla, here, "precision")
    batching.primitive_batchers[primitive] = mapped
    return primitive


linear_p = _primitive("linear", _outputs, _outputs_on_cpu, MOST)
input_gradient_p = _primitive("linear_input_gradient", _input_gradient, _input_gradient_on_cpu, MOST_IN_X)
weight_gradient_p = _primitive("linear_weight_gradient", _weight_gradient, _weight_gradient_on_cpu, MOST_IN_W)

# Each rule: the cotangent, the other operand, and whose transpose it is.
ad.defbilinear(
    linear_p,
    lambda y, x, w, **how: input_gradient_p.bind(y, w, **how),
    lambda y, x, w, **how: weight_gradient_p.bind(y, x, **how),
)
ad.defbilinear(
    input_gradient_p,
    lambda x, y, w, **how: linear_p.bind(x, w, **how),
    lambda x, y, w, **how: weight_gradient_p.bind(y, x, **how),
)
ad.defbilinear(
    weight_gradient_p,
    lambda w, y, x, **how: linear_p.bind(x, w, **how),
    lambda w, y, x, **how: input_gradient_p.bind(y, w, **how),
)
