"""The three maps of a convolution: forward, and the gradients of its input and of its kernel. The derivatives of each are the two others.

All three come from one form that is linear in each of x, w and y:

T(x, w, y) = Σ over n, o, c, i, k of y[n, o, i] · w[o, c, k] · x[n, c, i·stride + k·dilation − padding]

Leaving one of the three out gives a map of the other two. So the transpose of each map is another of them, derivatives of any order are made
of these three, and what makes them fast makes all of them fast. They are primitives of JAX, because then the program is chosen for each
platform when it is compiled: XLA's convolution, which is cuDNN on a GPU, and on a CPU what `cpu_convolution` finds best for the shape.

They do not say how they vary over a mesh: `jax.shard_map` needs `check_vma=False`, and an array that is cut along an explicit axis is refused.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import ad, batching
from jaxtyping import Array

from . import cpu_convolution
from .convolution_geometry import Geometry, layout
from .lowering import lower


def convolve(x: Array, w: Array, where: Geometry) -> Array:
    """Return y, which is Σ w · x over each window."""
    return convolution_p.bind(x, w, where=where)


def input_gradient(y: Array, w: Array, where: Geometry) -> Array:
    """Return x, which is Σ y · w over all windows that see an element: the gradient in the input, or a transposed convolution."""
    return input_gradient_p.bind(y, w, where=where)


def kernel_gradient(x: Array, y: Array, where: Geometry) -> Array:
    """Return w, which is Σ y · x over all windows: the gradient in the kernel."""
    return kernel_gradient_p.bind(x, y, where=where)


def xla_convolve(x: Array, w: Array, where: Geometry) -> Array:
    """Compute `convolve` as XLA does it.

    Elements at the end that no window reaches are cut off: they would make a gradient of negative padding, on which XLA ends the process
    (jaxlib 0.10, algebraic_simplifier.cc: "Window dimensions do not match RHS shape") where a grouped convolution has one window on an axis.
    """
    ends, pads = zip(*where.reached(), strict=True)
    first = where.channel_axis + 1
    return lax.conv_general_dilated(
        x[(*[slice(None)] * first, *(slice(end) for end in ends))],
        w,
        window_strides=where.strides,
        padding=pads,
        rhs_dilation=where.dilations,
        dimension_numbers=layout(len(where.size), where.batch_last),
        feature_group_count=where.groups,
        precision=where.precision,
    )


def _xla_input_gradient(y: Array, w: Array, where: Geometry) -> Array:
    x = jax.ShapeDtypeStruct(where.input_shape(y.shape[where.batch_axis], w.shape[1] * where.groups), y.dtype)
    return jax.linear_transpose(lambda x: xla_convolve(x, w, where), x)(y)[0]


def _xla_kernel_gradient(x: Array, y: Array, where: Geometry) -> Array:
    channel = where.channel_axis
    w = jax.ShapeDtypeStruct((y.shape[channel], x.shape[channel] // where.groups, *where.kernel), x.dtype)
    return jax.linear_transpose(lambda w: xla_convolve(x, w, where), w)(y)[0]


def _primitive(
    name: str,
    shape: Callable[[Any, Any, Geometry], tuple[int, ...]],
    on_xla: Callable[[Array, Array, Geometry], Array],
    on_cpu: Callable[..., Array],
) -> Primitive:
    primitive = Primitive(name)

    def result(a: Any, b: Any, *, where: Geometry) -> ShapedArray:
        if a.dtype != b.dtype:
            raise TypeError(f"{name}: both arrays must have one dtype, but {a.dtype} and {b.dtype} were given")
        return ShapedArray(shape(a, b, where), a.dtype)

    primitive.def_abstract_eval(result)

    def elsewhere(a: Array, b: Array, *, where: Geometry) -> Array:
        return on_xla(a, b, where)

    def here(a: Array, b: Array, *, where: Geometry, is_cut: bool) -> Array:
        return on_cpu(a, b, where, is_cut, on_xla)

    lower(primitive, elsewhere, here, "where")
    return primitive


convolution_p = _primitive(
    "convolution",
    lambda x, w, where: where.output_shape(x.shape[where.batch_axis], w.shape[0]),
    xla_convolve,
    cpu_convolution.convolve,
)
input_gradient_p = _primitive(
    "convolution_input_gradient",
    lambda y, w, where: where.input_shape(y.shape[where.batch_axis], w.shape[1] * where.groups),
    _xla_input_gradient,
    cpu_convolution.input_gradient,
)
kernel_gradient_p = _primitive(
    "convolution_kernel_gradient",
    lambda x, y, where: (y.shape[where.channel_axis], x.shape[where.channel_axis] // where.groups, *where.kernel),
    _xla_kernel_gradient,
    cpu_convolution.kernel_gradient,
)

# Each rule: the cotangent, the other operand, and whose transpose it is.
ad.defbilinear(
    convolution_p,
    lambda y, x, w, *, where: input_gradient(y, w, where),
    lambda y, x, w, *, where: kernel_gradient(x, y, where),
)
ad.defbilinear(
    input_gradient_p,
    lambda x, y, w, *, where: convolve(x, w, where),
    lambda x, y, w, *, where: kernel_gradient(x, y, where),
)
ad.defbilinear(
    kernel_gradient_p,
    lambda w, x, y, *, where: input_gradient(y, w, where),
    lambda w, x, y, *, where: convolve(x, w, where),
)


# Under `vmap`, the mapped axis becomes part of the batch where only what lies on one side of the kernel has it, part of the channels where
# only one operand has it, and so many more groups where both have it.


def _into(a: Array, mapped: int, axis: int, groups: int = 1) -> Array:
    """Move a mapped axis into another, inside each of its groups; `axis` counts without the mapped one."""
    moved = jnp.moveaxis(a, mapped, 0)
    size, shape = moved.shape[0], moved.shape[1:]
    parts = moved.reshape(size, *shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :])
    inside = jnp.moveaxis(parts, 0, axis + 1)
    return inside.reshape(*shape[:axis], size * shape[axis], *shape[axis + 1 :])


def _out_of(a: Array, size: int, axis: int, groups: int = 1) -> Array:
    """Undo `_into`; the mapped axis comes first."""
    shape = a.shape
    parts = a.reshape(*shape[:axis], groups, size, shape[axis] // (groups * size), *shape[axis + 1 :])
    moved = jnp.moveaxis(parts, axis + 1, 0)
    return moved.reshape(size, *shape[:axis], shape[axis] // size, *shape[axis + 1 :])


def _batching(map: Callable[..., Array], axes: Callable[[Geometry], "_Axes"]) -> Callable[..., tuple[Array, int]]:
    def rule(operands: Sequence[Array], dims: Sequence[int | None], *, where: Geometry) -> tuple[Array, int]:
        (a, b), (a_dim, b_dim), on = operands, dims, axes(where)
        size = next(x.shape[d] for x, d in zip(operands, dims, strict=True) if d is not None)
        if size == 0:
            one = [
                x if d is None else jnp.zeros(np.delete(x.shape, d), x.dtype)
                for x, d in zip(operands, dims, strict=True)
            ]
            return jnp.zeros((0, *map(*one, where).shape), a.dtype), 0
        if a_dim is not None and b_dim is not None:
            wide = where._replace(groups=where.groups * size)
            return _out_of(map(_into(a, a_dim, on.both[0]), _into(b, b_dim, on.both[1]), wide), size, on.both[2]), 0
        if a_dim is not None:
            axis, out = on.first
            a = _into(a, a_dim, axis.axis, axis.groups)
        else:
            assert b_dim is not None
            axis, out = on.second
            b = _into(b, b_dim, axis.axis, axis.groups)
        return _out_of(map(a, b, where), size, out.axis, out.groups), 0

    return rule


class _Axis(NamedTuple):
    axis: int
    groups: int = 1


class _Axes(NamedTuple):
    """Where a mapped axis goes, in the operand that has it and in the result: if the first has it, the second, or both."""

    first: tuple[_Axis, _Axis]
    second: tuple[_Axis, _Axis]
    both: tuple[int, int, int]


def _of_convolution(where: Geometry) -> _Axes:
    batch, channel = _Axis(where.batch_axis), _Axis(where.channel_axis, where.groups)
    return _Axes((batch, batch), (_Axis(0, where.groups), channel), (channel.axis, 0, channel.axis))


def _of_input_gradient(where: Geometry) -> _Axes:
    batch, channel = _Axis(where.batch_axis), _Axis(where.channel_axis, where.groups)
    return _Axes((batch, batch), (_Axis(1), channel), (channel.axis, 0, channel.axis))


def _of_kernel_gradient(where: Geometry) -> _Axes:
    channel = _Axis(where.channel_axis, where.groups)
    return _Axes((channel, _Axis(1)), (channel, _Axis(0, where.groups)), (channel.axis, channel.axis, 0))


batching.primitive_batchers[convolution_p] = _batching(convolve, _of_convolution)
batching.primitive_batchers[input_gradient_p] = _batching(input_gradient, _of_input_gradient)
batching.primitive_batchers[kernel_gradient_p] = _batching(kernel_gradient, _of_kernel_gradient)
