"""Lesson 1, gradient calculation: the Jacobian, whole, by rows, by columns, and the products that autodiff computes in its place."""

from collections.abc import Callable
from math import prod
from typing import Literal

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

Function = Callable[[Array], Array]
Mode = Literal["auto", "forward", "reverse"]


def example(x: Float[ArrayLike, "3"]) -> Float[Array, "2"]:
    """Map three numbers to two: f(x) = (x₁ · x₂, x₃ · sin x₂), whose Jacobian is [[x₂, x₁, 0], [0, x₃ · cos x₂, sin x₂]].

    Example:
        >>> example(jnp.array([1.0, 0.0, 2.0]))
        Array([0., 0.], dtype=float32)
    """
    x = jnp.asarray(x)
    return jnp.stack([x[0] * x[1], x[2] * jnp.sin(x[1])])


def cheaper_mode(inputs: int, outputs: int) -> Literal["forward", "reverse"]:
    """Say which mode needs fewer passes for an outputs × inputs Jacobian: forward takes one a column, reverse one a row.

    Example:
        >>> cheaper_mode(inputs=784, outputs=1)  # a loss: one backward pass, not 784 forward ones
        'reverse'
    """
    return "forward" if inputs < outputs else "reverse"


def jacobian(f: Function, x: ArrayLike, mode: Mode = "auto") -> Array:
    """Compute the whole Jacobian of `f` at `x`.

    J[i, j] = ∂f_i/∂x_j: row i is the gradient of output i, column j the change of all outputs with input j.

    Args:
        f: a function of one array that returns one array.
        x: where, an array of a floating dtype and any shape.
        mode: 'reverse' builds J by rows, 'forward' by columns, 'auto' takes the one with fewer passes.

    Returns:
        An array of shape f(x).shape + x.shape.

    Example:
        >>> jacobian(example, jnp.array([1.0, 0.0, 2.0]))
        Array([[0., 1., 0.],
               [0., 2., 0.]], dtype=float32)

    Raises:
        TypeError: `x` is not of a floating dtype.
        ValueError: an unknown mode.

    PyTorch's counterpart: `torch.func.jacrev` and `torch.func.jacfwd`; `torch.autograd.functional.jacobian`.
    """
    x = _floating("jacobian", x)
    if mode == "auto":
        mode = cheaper_mode(x.size, prod(jax.eval_shape(f, x).shape))
    if mode == "reverse":
        return jacobian_by_rows(f, x)
    if mode == "forward":
        return jacobian_by_columns(f, x)
    raise ValueError(f"jacobian: mode must be 'auto', 'forward' or 'reverse', but {mode!r} was given")


def jacobian_by_rows(f: Function, x: ArrayLike) -> Array:
    """Build the Jacobian from one vector-Jacobian product a row: reverse mode.

    Row i is eᵢᵀ · J, with eᵢ the i-th unit vector of the outputs.

    Example:
        >>> jacobian_by_rows(example, jnp.array([1.0, 0.0, 2.0])).shape
        (2, 3)

    PyTorch's counterpart: `torch.func.jacrev`.
    """
    x = _floating("jacobian_by_rows", x)
    y, pull_back = jax.vjp(f, x)
    unit_vectors = jnp.eye(y.size, dtype=y.dtype).reshape(y.size, *y.shape)
    rows = jax.vmap(lambda e: pull_back(e)[0])(unit_vectors)
    return rows.reshape(*y.shape, *x.shape)


def jacobian_by_columns(f: Function, x: ArrayLike) -> Array:
    """Build the Jacobian from one Jacobian-vector product a column: forward mode.

    Column j is J · eⱼ, with eⱼ the j-th unit vector of the inputs.

    Example:
        >>> jacobian_by_columns(example, jnp.array([1.0, 0.0, 2.0])).shape
        (2, 3)

    PyTorch's counterpart: `torch.func.jacfwd`.
    """
    x = _floating("jacobian_by_columns", x)
    y, push_forward = jax.linearize(f, x)
    unit_vectors = jnp.eye(x.size, dtype=x.dtype).reshape(x.size, *x.shape)
    columns = jax.vmap(push_forward, out_axes=-1)(unit_vectors)
    return columns.reshape(*y.shape, *x.shape)


def vector_jacobian_product(f: Function, x: ArrayLike, v: ArrayLike) -> tuple[Array, Array]:
    """Compute vᵀ · J without building J: what `backward(v)` computes, for about the price of one forward pass.

    With v = ∂L/∂f it is the chain rule, ∂L/∂x = ∂L/∂f · ∂f/∂x.

    Args:
        f: a function of one array that returns one array.
        x: where.
        v: the cotangent, of the shape of f(x).

    Returns:
        f(x), and vᵀJ of the shape of `x`.

    Example:
        >>> y, vJ = vector_jacobian_product(example, jnp.array([1.0, 0.0, 2.0]), jnp.array([1.0, 10.0]))
        >>> vJ
        Array([ 0., 21.,  0.], dtype=float32)

    Raises:
        TypeError: `x` is not of a floating dtype.
        ValueError: `v` does not have the shape of f(x).

    PyTorch's counterpart: `f(x).backward(v)`, `torch.func.vjp`.
    """
    x = _floating("vector_jacobian_product", x)
    y, pull_back = jax.vjp(f, x)
    v = jnp.asarray(v, y.dtype)
    if v.shape != y.shape:
        raise ValueError(f"vector_jacobian_product: v must have the shape of f(x), {y.shape}, but {v.shape} was given")
    return y, pull_back(v)[0]


def jacobian_vector_product(f: Function, x: ArrayLike, v: ArrayLike) -> tuple[Array, Array]:
    """Compute J · v without building J: the change of f(x) when x moves along v.

    Args:
        f: a function of one array that returns one array.
        x: where.
        v: the tangent, of the shape of `x`.

    Returns:
        f(x), and Jv of the shape of f(x).

    Example:
        >>> y, Jv = jacobian_vector_product(example, jnp.array([1.0, 0.0, 2.0]), jnp.array([0.0, 1.0, 0.0]))
        >>> Jv
        Array([1., 2.], dtype=float32)

    Raises:
        TypeError: `x` is not of a floating dtype.
        ValueError: `v` does not have the shape of `x`.

    PyTorch's counterpart: `torch.func.jvp`.
    """
    x = _floating("jacobian_vector_product", x)
    v = jnp.asarray(v, x.dtype)
    if v.shape != x.shape:
        raise ValueError(f"jacobian_vector_product: v must have the shape of x, {x.shape}, but {v.shape} was given")
    return jax.jvp(f, (x,), (v,))


def _floating(function: str, x: ArrayLike) -> Array:
    x = jnp.asarray(x)
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise TypeError(f"{function}: x must have a floating dtype, but {x.dtype} was given")
    return x
