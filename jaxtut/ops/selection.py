"""Elements picked out of an array: what they are, where they stood, and to whom their gradient goes."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int, Shaped


class ValuesIndices(NamedTuple):
    """Elements, and their places along the dimension that was searched: int64, or int32 where JAX has no 64 bits."""

    values: Shaped[Array, "..."]
    indices: Int[Array, "..."]


def select(x: Array, axis: int, find: Callable[[Array, int], Array], keepdim: bool = True) -> ValuesIndices:
    """Return the elements at the places that `find` names along an axis; each takes its gradient back to its place.

    Args:
        x: an array; one of rank 0 is searched as an array of one element.
        axis: the axis.
        find: returns the places, for the array and the axis, with the axis kept.
        keepdim: keep the axis, or drop it.
    """
    lifted = jnp.atleast_1d(x)
    indices = find(lax.stop_gradient(lifted), axis)
    values = jnp.take_along_axis(lifted, indices, axis, mode="promise_in_bounds")
    if x.ndim == 0:
        return ValuesIndices(values.reshape(()), indices.reshape(()))
    return ValuesIndices(values, indices) if keepdim else ValuesIndices(values.squeeze(axis), indices.squeeze(axis))


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def evenly(x: Array, reduce: Callable[[Array], Array]) -> Array:
    """Return one element of the whole array, as `reduce` names it; all that are equal to it share its gradient."""
    return reduce(x)


@evenly.defjvp
def _evenly_jvp(reduce: Callable[[Array], Array], primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (t,) = primals, tangents
    value = evenly(x, reduce)
    chosen = jnp.where(jnp.isnan(value), jnp.isnan(x), x == value)
    share = t / jnp.maximum(jnp.sum(chosen), 1).astype(t.dtype)
    return value, jnp.sum(jnp.where(chosen, share, jnp.zeros_like(share)), dtype=t.dtype)
