"""What a computational graph is made of: nodes, and the local gradient on each edge between two of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike


@dataclass(frozen=True)
class ImplicitJacobian:
    """A local Jacobian that is known by its products and never stored, since it would be too large.

    Args:
        out_shape: the shape of the node's value.
        in_shape: the shape of the input's value.
        product: the rule v ↦ vᵀJ of the node's operation.
        x64: whether 64-bit types were switched on when the graph was traced; products are taken under the same setting.

    Example:
        >>> from jaxtut import graph
        >>> square = graph.trace(lambda x: x**2, jnp.arange(100.0), cotangent=jnp.ones(100)).output
        >>> [(_, jacobian)] = square.inputs
        >>> jacobian
        ImplicitJacobian(100 × 100)
        >>> float(jacobian.vjp(jnp.ones(100))[3])
        6.0

    Complex-valued edges are always of this kind: one row of complex numbers cannot hold the slope of a function such
    as the real part.
    """

    out_shape: tuple[int, ...]
    in_shape: tuple[int, ...]
    product: Callable[[Array], Array]
    x64: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape that the whole Jacobian would have: `out_shape + in_shape`."""
        return self.out_shape + self.in_shape

    def vjp(self, v: ArrayLike) -> Array:
        """Return vᵀJ, an array of `in_shape`, for `v` of `out_shape`."""
        if jnp.shape(v) != self.out_shape:
            raise ValueError(f"vjp: v must have the node's shape {self.out_shape}, but {jnp.shape(v)} was given")
        with jax.enable_x64(self.x64):
            return self.product(jnp.asarray(v))

    def __repr__(self) -> str:
        return f"ImplicitJacobian({shape_text(self.out_shape)} × {shape_text(self.in_shape)})"


LocalGradient = Array | ImplicitJacobian | None


@dataclass(frozen=True)
class Node:
    """One value of the computation, and how it came about.

    Attributes:
        id: the position in `Graph.nodes`; inputs of a node have smaller ids.
        op: `input`, `constant`, the name of a JAX primitive such as `mul`, or of a folded function such as `relu`.
        name: the argument's path for an input, else the name that `tap` gave, else "".
        source: the line of the program that computed it, as `file.py:12`, or "".
        shape: of the value.
        dtype: of the value.
        value: the number or array of the forward pass.
        gradient: of the output (along the cotangent) with respect to this value, of the same shape and dtype; `None`
            where the value is an integer, a boolean or a random key.
        inputs: pairs of an input's id and the local gradient ∂(this value)/∂(that input). It is an array of shape
            `shape + input.shape`, an `ImplicitJacobian` where that would be large, or `None` where one of the two is
            not a floating-point value. An input that is used twice, as in `x * x`, is one pair with the whole
            derivative, 2x.
        aliases: further names, where a value was named more than once.
    """

    id: int
    op: str
    name: str
    source: str
    shape: tuple[int, ...]
    dtype: Any
    value: Array
    gradient: Array | None
    inputs: tuple[tuple[int, LocalGradient], ...]
    aliases: tuple[str, ...] = ()

    def __repr__(self) -> str:
        name = f" {self.name!r}" if self.name else ""
        return f"Node({self.id}: {self.op}{name}, {self.dtype}{list(self.shape)})"


def is_differentiable(dtype: Any) -> bool:
    """Say whether values of `dtype` have gradients: floating-point and complex numbers do, all others do not."""
    return bool(jnp.issubdtype(dtype, jnp.inexact))


def shape_text(shape: tuple[int, ...]) -> str:
    """Write a shape for reading: `4×3`, or `scalar`."""
    return "×".join(map(str, shape)) or "scalar"
