"""Losses over real numbers: squared and absolute error."""

import jax
import jax.numpy as jnp

from . import checks
from .checks import Reduction
from .shapes import AnyFloats, Floats, Losses


def mse_loss(
    input: AnyFloats, target: AnyFloats, size_average: None = None, reduce: None = None, reduction: Reduction = "mean"
) -> Losses:
    """Squared error.

    loss_i = (x_i − t_i)²; the mean is over all elements

    Args:
        input: x, of any shape.
        target: t, of the same shape.
        reduction: 'mean', 'sum' or 'none'.

    Returns:
        A scalar, or with 'none' a loss for each element.

    Example:
        >>> import jax, numpy as np
        >>> x, t = np.array([1.0, 3.0], "float32"), np.array([0.0, 1.0], "float32")
        >>> mse_loss(x, t), jax.grad(mse_loss)(x, t)
        (Array(2.5, dtype=float32), Array([1., 2.], dtype=float32))

    Raises:
        TypeError: wrong dtypes.
        ValueError: different shapes (PyTorch warns and broadcasts, which is nearly always a mistake), or a deprecated argument.

    Slope: 2 · (x − t) / n.
    PyTorch's counterpart: `torch.nn.functional.mse_loss`. Optax: `l2_loss` is half of it, in value and gradient.
    """
    checks.no_deprecated("mse_loss", size_average=size_average, reduce=reduce)
    return checks.reduce("mse_loss", jnp.square(_difference("mse_loss", input, target)), reduction)


def l1_loss(
    input: AnyFloats, target: AnyFloats, size_average: None = None, reduce: None = None, reduction: Reduction = "mean"
) -> Losses:
    """Absolute error.

    loss_i = |x_i − t_i|; the mean is over all elements

    Args:
        input: x, of any shape.
        target: t, of the same shape.
        reduction: 'mean', 'sum' or 'none'.

    Returns:
        A scalar, or with 'none' a loss for each element.

    Example:
        >>> import jax, numpy as np
        >>> x, t = np.array([1.0, 3.0], "float32"), np.array([1.0, 1.0], "float32")
        >>> l1_loss(x, t), jax.grad(l1_loss)(x, t)
        (Array(1., dtype=float32), Array([0. , 0.5], dtype=float32))

    Raises:
        TypeError: wrong dtypes.
        ValueError: different shapes, or a deprecated argument.

    Slope: sign(x − t) / n, **0 where x = t**, and 0 where x − t is NaN.
    PyTorch's counterpart: `torch.nn.functional.l1_loss`. Plain JAX: `jnp.abs` has slope 1 at 0.
    """
    checks.no_deprecated("l1_loss", size_average=size_average, reduce=reduce)
    return checks.reduce("l1_loss", _abs(_difference("l1_loss", input, target)), reduction)


def _difference(function: str, input: AnyFloats, target: AnyFloats) -> Floats:
    x = checks.floating(function, "input", input)
    t = checks.floating(function, "target", target)
    checks.same_shape(function, input=x, target=t)
    checks.same_dtype(function, input=x, target=t)
    return x - t


@jax.custom_jvp
def _abs(x: Floats) -> Floats:
    return jnp.abs(x)


@_abs.defjvp
def _abs_jvp(primals: tuple[Floats], tangents: tuple[Floats]) -> tuple[Floats, Floats]:
    (x,), (t,) = primals, tangents
    # Not jnp.sign(x), which is NaN at NaN: PyTorch's slope is 0 there.
    return _abs(x), t * ((x > 0).astype(x.dtype) - (x < 0).astype(x.dtype))
