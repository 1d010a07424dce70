"""The affine map of a fully connected layer."""

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from . import checks
from .linear_products import outputs


def linear(
    input: Float[ArrayLike, "*batch in_features"],
    weight: Float[ArrayLike, "*out_features in_features"],
    bias: Float[ArrayLike, " out_features"] | None = None,
) -> Float[Array, "*batch_out_features"]:
    """Affine map of the last dimension.

    y = x · Wᵀ + b

    Args:
        input: x, shape (..., in_features).
        weight: W, shape (out_features, in_features), PyTorch's layout; or (in_features,), for one output without a dimension.
        bias: b, shape (out_features,); not with a weight of shape (in_features,).

    Returns:
        y, shape (..., out_features), or (...) for a weight of shape (in_features,).

    Example:
        >>> import numpy as np
        >>> x, W, b = np.ones((1, 2), "float32"), np.array([[1.0, 2.0]], "float32"), np.array([0.5], "float32")
        >>> linear(x, W, b)
        Array([[3.5]], dtype=float32)

    Raises:
        TypeError: wrong dtypes.
        ValueError: shapes that do not belong together.

    PyTorch's counterpart: `torch.nn.functional.linear`. Flax: `nnx.Linear` keeps W transposed, as (in_features, out_features).
    """
    x = checks.floating("linear", "input", input)
    w = checks.floating("linear", "weight", weight)
    checks.same_dtype("linear", input=x, weight=w)
    if x.ndim == 0:
        raise ValueError("linear: input must have at least one dimension, but a 0-d array was given")
    checks.shape("linear", "weight", w, (x.shape[-1],) if w.ndim == 1 else (None, x.shape[-1]))
    y = outputs(x, w)
    if bias is None:
        return y
    if w.ndim == 1:
        raise ValueError(f"linear: a weight of shape {w.shape} takes no bias; give it the shape {(1, *w.shape)}")
    b = checks.floating("linear", "bias", bias)
    checks.same_dtype("linear", input=x, bias=b)
    checks.shape("linear", "bias", b, (w.shape[0],))
    return y + b.reshape((1,) * (y.ndim - 1) + (-1,))


def bilinear(
    input1: Float[ArrayLike, "*batch in1_features"],
    input2: Float[ArrayLike, "*batch in2_features"],
    weight: Float[ArrayLike, "out_features in1_features in2_features"],
    bias: Float[ArrayLike, " out_features"] | None = None,
) -> Float[Array, "*batch out_features"]:
    """Bilinear map of the last dimensions of two arrays.

    y_o = x1 · W_o · x2 + b_o

    Args:
        input1: x1, shape (..., in1_features).
        input2: x2, shape (..., in2_features), with the same leading dimensions.
        weight: W, shape (out_features, in1_features, in2_features).
        bias: b, shape (out_features,).

    Returns:
        y, shape (..., out_features).

    Example:
        >>> import numpy as np
        >>> bilinear(np.array([2.0], "float32"), np.array([3.0], "float32"), np.array([[[10.0]]], "float32"))
        Array([60.], dtype=float32)

    Raises:
        TypeError: wrong dtypes.
        ValueError: shapes that do not belong together.

    PyTorch's counterpart: `torch.nn.functional.bilinear`.
    """
    a, b = checks.floating("bilinear", "input1", input1), checks.floating("bilinear", "input2", input2)
    w = checks.floating("bilinear", "weight", weight)
    checks.same_dtype("bilinear", input1=a, input2=b, weight=w)
    if a.ndim == 0 or b.ndim == 0 or a.shape[:-1] != b.shape[:-1]:
        raise ValueError(
            f"bilinear: input1 and input2 must have the same leading dimensions, but {a.shape} and {b.shape} were given"
        )
    checks.shape("bilinear", "weight", w, (None, a.shape[-1], b.shape[-1]))
    y = jnp.einsum("...i,oij,...j->...o", a, w, b)
    if bias is None:
        return y
    c = checks.floating("bilinear", "bias", bias)
    checks.same_dtype("bilinear", input1=a, bias=c)
    checks.shape("bilinear", "bias", c, (w.shape[0],))
    return y + c.reshape((1,) * (y.ndim - 1) + (-1,))
