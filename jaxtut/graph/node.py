"""What a computational graph is made of: nodes, and the local gradient on each edge between two of them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
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
        dtype: of the node's value.

    Example:
        >>> from jaxtut import graph
        >>> square = graph.trace(lambda x: x**2, jnp.arange(100.0), cotangent=jnp.ones(100)).output
        >>> [(_, jacobian)] = square.inputs
        >>> jacobian
        ImplicitJacobian(100 × 100)
        >>> float(jacobian.vjp(jnp.ones(100))[3])
        6.0
        >>> round(jacobian.spectral_norm()), round(jacobian.frobenius_norm() ** 2)  # 2 · 99, Σ (2x)²
        (198, 1313400)

    Complex-valued edges are always of this kind: one row of complex numbers cannot hold the slope of a function such
    as the real part.
    """

    out_shape: tuple[int, ...]
    in_shape: tuple[int, ...]
    product: Callable[[Array], Array]
    x64: bool
    dtype: Any = "float32"

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

    def jvp(self, u: ArrayLike) -> Array:
        """Return Ju, an array of `out_shape`, for `u` of `in_shape`: the transpose of the rule v ↦ vᵀJ."""
        if jnp.shape(u) != self.in_shape:
            raise ValueError(f"jvp: u must have the input's shape {self.in_shape}, but {jnp.shape(u)} was given")
        with jax.enable_x64(self.x64):
            u = jnp.asarray(u)
            [result] = jax.linear_transpose(self.product, jax.ShapeDtypeStruct(self.out_shape, u.dtype))(u)
            return result

    def frobenius_norm(self, probes: int = 8, seed: int = 0) -> float:
        """Estimate the root of the sum of the squares of all entries, from products with random signs.

        The mean of ‖vᵀJ‖² over vectors v of random signs is ‖J‖². It is exact for one sign vector where no two rows
        have an entry in one column, as for every elementwise operation.

        Args:
            probes: how many products are taken.
            seed: of the signs.
        """
        signs = np.random.default_rng(seed).choice([-1.0, 1.0], (probes, *self.out_shape))
        products = [np.asarray(self.vjp(v.astype(self.dtype))) for v in signs]
        return math.sqrt(sum(float(np.sum(np.abs(p) ** 2, dtype=float)) for p in products) / probes)

    def spectral_norm(self, steps: int = 40, seed: int = 0) -> float:
        """Estimate the largest singular value by power iteration on JᵀJ: how much the operation stretches at most.

        Args:
            steps: how many times both products are taken.
            seed: of the vector to start from.
        """
        u = jnp.asarray(np.random.default_rng(seed).normal(size=self.in_shape), self.dtype)
        size = 0.0
        for _ in range(steps):
            length = float(jnp.linalg.norm(u.ravel()))
            if length == 0.0:
                return 0.0
            image = self.jvp(u / length)
            size, u = float(jnp.linalg.norm(image.ravel())), self.vjp(image)
        return size

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
            where the value is an integer, a boolean or a random key, and inside a call that has its own rule.
        inputs: pairs of an input's id and the local gradient ∂(this value)/∂(that input). It is an array of shape
            `shape + input.shape`, an `ImplicitJacobian` where that would be large, or `None` where one of the two is
            not a floating-point value, or where gradients pass by through a rule. An
            input that is used twice, as in `x * x`, is one pair with the whole
            derivative, 2x.
        aliases: further names, where a value was named more than once.
        group: the innermost call that computed it, a position in `Graph.groups`; `None` for inputs and for what the
            traced function did itself.
        params: the operation's own parameters that are numbers or words, such as `{"y": 2}` of a square.
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
    group: int | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        name = f" {self.name!r}" if self.name else ""
        return f"Node({self.id}: {self.op}{name}, {self.dtype}{list(self.shape)})"


def is_differentiable(dtype: Any) -> bool:
    """Say whether values of `dtype` have gradients: floating-point and complex numbers do, all others do not."""
    return bool(jnp.issubdtype(dtype, jnp.inexact))


def shape_text(shape: tuple[int, ...]) -> str:
    """Write a shape for reading: `4×3`, or `scalar`."""
    return "×".join(map(str, shape)) or "scalar"
