"""The affine map of a fully connected layer."""

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from . import checks


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
    y = jnp.matmul(x, w.T)
    if bias is None:
        return y
    if w.ndim == 1:
        raise ValueError(f"linear: a weight of shape {w.shape} takes no bias; give it the shape {(1, *w.shape)}")
    b = checks.floating("linear", "bias", bias)
    checks.same_dtype("linear", input=x, bias=b)
    checks.shape("linear", "bias", b, (w.shape[0],))
    return y + b.reshape((1,) * (y.ndim - 1) + (-1,))
