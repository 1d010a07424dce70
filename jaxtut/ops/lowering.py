"""What all primitives of ours have in common: how they become programs, are mapped, and, where they are linear, differentiated.

On a CPU a primitive is one of our own programs, elsewhere XLA's.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array


def lower(primitive: Primitive, on_xla: Callable[..., Any], on_cpu: Callable[..., Any], *options: str) -> None:
    """Say what a primitive becomes, also where it stands outside `jit`.

    Args:
        primitive: of arrays and options.
        on_xla: computes it on every platform, from the same arrays and options.
        on_cpu: computes it on a CPU; `is_cut` tells it whether XLA is to change the program, for several devices or for export, as it cannot
            do with what it does not know.
        options: their names.
    """
    compiled = jax.jit(lambda *arrays, **given: primitive.bind(*arrays, **given), static_argnames=options)

    def outside(*arrays: Array, **given: Any) -> Array:
        config: Any = jax.config
        return (on_xla if config.jax_disable_jit else compiled)(*arrays, **given)

    primitive.def_impl(outside)

    def here(context: Any, *operands: Any, **given: Any) -> Any:
        module = context.module_context
        # Inside `pmap` and `shard_map` it is not said for how many devices the program is.
        is_cut = module.lowering_parameters.for_export or getattr(module.axis_context, "num_devices", 2) > 1
        program = lambda *arrays: on_cpu(*arrays, **given, is_cut=is_cut)  # noqa: E731
        return mlir.lower_fun(program, multiple_results=primitive.multiple_results)(context, *operands)

    mlir.register_lowering(primitive, mlir.lower_fun(on_xla, multiple_results=primitive.multiple_results))
    mlir.register_lowering(primitive, here, platform="cpu")


def map_leading_axes(primitive: Primitive, on_xla: Callable[..., Array]) -> None:
    """Let `vmap` map a primitive whose arrays have the same axes in front: the mapped one becomes the first.

    Where the first array is the same for all, what is computed of it is computed once, by XLA.
    """

    def rule(operands: Sequence[Array], axes: Sequence[int | None], **options: Any) -> tuple[Array, int]:
        if axes[0] is None:
            return jax.vmap(partial(on_xla, **options), tuple(axes))(*operands), 0
        size = operands[0].shape[axes[0]]
        first = [
            jnp.broadcast_to(a, (size, *a.shape)) if axis is None else jnp.moveaxis(a, axis, 0)
            for a, axis in zip(operands, axes, strict=True)
        ]
        return primitive.bind(*first, **options), 0

    batching.primitive_batchers[primitive] = rule


def linear_in_last(primitive: Primitive, transpose: Primitive, on_xla: Callable[..., Array]) -> None:
    """Give a primitive that is linear in its last array its derivatives.

    Args:
        primitive: of coefficients, whose derivatives are XLA's, and of what it is linear in.
        transpose: of the same coefficients.
        on_xla: computes the primitive.
    """

    def jvp(primals: Sequence[Array], tangents: Sequence[Any], **options: Any) -> tuple[Array, Any]:
        *coefficients, last = primals
        *their_tangents, its_tangent = tangents
        found = []
        if type(its_tangent) is not ad.Zero:
            found.append(primitive.bind(*coefficients, its_tangent, **options))
        for i, tangent in enumerate(their_tangents):
            if type(tangent) is not ad.Zero:

                def of_one(a: Array, i: int = i) -> Array:
                    return on_xla(*coefficients[:i], a, *coefficients[i + 1 :], last, **options)

                found.append(jax.jvp(of_one, (coefficients[i],), (tangent,))[1])
        return primitive.bind(*primals, **options), sum(found[1:], found[0])

    def transposed(cotangent: Any, *operands: Any, **options: Any) -> list[Any]:
        *coefficients, _ = operands
        nothing: list[Any] = [None] * len(coefficients)
        if type(cotangent) is ad.Zero:
            return [*nothing, None]
        return [*nothing, transpose.bind(*coefficients, cotangent, **options)]

    ad.primitive_jvps[primitive] = jvp
    ad.primitive_transposes[primitive] = transposed


def on_mesh(*arrays: Array) -> bool:
    """Return whether this is inside `shard_map`, or an array lies on a mesh of explicit axes: XLA's operations know what to do there."""
    return not jax.sharding.get_abstract_mesh().empty or not all(jax.typeof(a).sharding.mesh.empty for a in arrays)


def has_fixed_shape(x: Array) -> bool:
    """Return whether all sizes are numbers: in a program that is exported they may be symbols."""
    return all(isinstance(size, int) for size in x.shape)


def strong(x: Array) -> Array:
    """Return an array that takes part in promotion with its own dtype, as results of primitives do."""
    return jnp.asarray(x, x.dtype) if jax.typeof(x).weak_type else x
