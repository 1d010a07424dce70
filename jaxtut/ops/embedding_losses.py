"""Losses between embeddings: by the angle of two, and by the distances among three."""

import math
from collections.abc import Callable
from functools import partial

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from . import checks
from .checks import Reduction
from .extrema import smaller
from .margins import at_least_zero, same_rank
from .norms import p_norm
from .shapes import Floats, Losses

# What cosine_embedding_loss adds to each squared length: a float32 constant in PyTorch's source, also for float64 arrays.
SQUARED_LENGTH_FLOOR = float(np.float32(1e-12))

Distance = Callable[[Array, Array], Array]


def cosine_embedding_loss(
    input1: ArrayLike,
    input2: ArrayLike,
    target: ArrayLike,
    margin: float = 0,
    size_average: None = None,
    reduce: None = None,
    reduction: Reduction = "mean",
) -> Losses:
    """Loss by the cosine of the angle between two vectors, which should be similar where the target is 1, dissimilar where it is −1.

    loss_n = 1 − cos_n where t_n = 1, max(0, cos_n − margin) where t_n = −1, 0 for any other target,
    with cos = x1 · x2 / √((x1 · x1 + 1e-12) · (x2 · x2 + 1e-12))

    Args:
        input1: x1, shape (batch, features) or (features,).
        input2: x2, likewise; shapes broadcast.
        target: t, 1 or −1, shape (batch,), or () for single vectors.
        margin: the largest cosine of dissimilar vectors that costs nothing.
        reduction: 'mean', 'sum' or 'none'.

    Returns:
        A scalar, or with 'none' a loss for each pair.

    Example:
        >>> import jax, numpy as np
        >>> x1, x2 = np.array([[1.0, 0.0]], "float32"), np.array([[0.0, 2.0]], "float32")
        >>> cosine_embedding_loss(x1, x2, np.array([-1])), jax.grad(cosine_embedding_loss)(x1, x2, np.array([-1]))
        (Array(0., dtype=float32), Array([[0., 1.]], dtype=float32))

    Raises:
        TypeError: wrong dtypes, or a `margin` that is no number.
        ValueError: ranks that do not belong together, shapes that do not broadcast, an unknown reduction, or a deprecated argument.

    Slope: with t = −1, that of the cosine **at cos = margin** too, 0 below; at a vector of zeros, x2 / (1e-6 · |x2|), which is large but finite.
    PyTorch's counterpart: `torch.nn.functional.cosine_embedding_loss`. Plain JAX: a norm in the denominator makes both value and slope NaN at a
    vector of zeros, and `jnp.maximum` has half the slope at the kink.
    """
    name = "cosine_embedding_loss"
    checks.no_deprecated(name, size_average=size_average, reduce=reduce)
    margin = checks.number(name, "margin", margin)
    x1, x2 = checks.widened(name, "input1", input1), checks.widened(name, "input2", input2)
    t = checks.numeric(name, "target", target, booleans=True)
    if t.ndim > 1 or x1.ndim != t.ndim + 1 or x2.ndim != t.ndim + 1:
        given = f"input1 {x1.shape}, input2 {x2.shape}, target {t.shape}"
        raise ValueError(
            f"{name}: expected a target of rank 1 for inputs of rank 2, or of rank 0 for rank 1, but {given} were given"
        )
    cos = _cosine(*checks.promoted(x1, x2))
    cos, t = checks.broadcast(name, cosine=cos, target=t.astype(jnp.int32) if t.dtype == jnp.bool_ else t)
    zeros = jnp.zeros_like(cos)
    losses = jnp.where(t == 1, 1 - cos, zeros) + jnp.where(t == -1, at_least_zero(cos - margin), zeros)
    return checks.reduce(name, losses, reduction)


def _cosine(x1: Floats, x2: Floats) -> Floats:
    a, b = checks.broadcast("cosine_embedding_loss", input1=x1, input2=x2)
    squares = [jnp.sum(x * x, -1) + SQUARED_LENGTH_FLOOR for x in (x1, x2)]  # before broadcasting, as in PyTorch
    product, square1, square2 = jnp.broadcast_arrays(jnp.sum(a * b, -1), *squares)
    return product / jnp.sqrt(square1 * square2)


def triplet_margin_loss(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: None = None,
    reduce: None = None,
    reduction: Reduction = "mean",
) -> Losses:
    """Hinge of distances: an anchor should be nearer to the positive example than to the negative one.

    loss_n = max(0, margin + d(a_n, p_n) − d(a_n, n_n)) with d(x, y) = ‖x − y + ε‖_p; `swap` takes min(d(a, n), d(p, n)) for the latter

    Args:
        anchor: a, shape (..., features).
        positive: p, of the same rank; shapes broadcast.
        negative: n, likewise.
        margin: by how much nearer; positive.
        p: which norm; any number, math.inf and 0 included.
        eps: ε, added to each difference.
        swap: whether the positive example may stand for the anchor, where it is nearer to the negative one.
        reduction: 'mean', 'sum' or 'none'.

    Returns:
        A scalar, or with 'none' a loss for each triplet.

    Example:
        >>> import jax, numpy as np
        >>> a, p, n = np.float32([[0.0, 0.0]]), np.float32([[3.0, 4.0]]), np.float32([[0.0, 2.0]])
        >>> triplet_margin_loss(a, p, n, eps=0.0), jax.grad(triplet_margin_loss)(a, p, n, eps=0.0)
        (Array(4., dtype=float32), Array([[-0.6       ,  0.19999999]], dtype=float32))

    Raises:
        TypeError: wrong dtypes, or a `margin`, `p` or `eps` that is no number.
        ValueError: different ranks, shapes that do not broadcast, a margin that is not positive, no features for p = ±∞ or p < 0, an unknown
            reduction, or a deprecated argument.

    Slope: that of the distances where the loss is positive **and where it is just 0**; 0 beyond, and at NaN. A norm's slope is **0 where it is 0**
    (with p < 1 wherever a component is 0), ties of p = ∞ share it equally, p = 0 has none. A tie of `swap` shares it equally too.
    PyTorch's counterpart: `torch.nn.functional.triplet_margin_loss`. Optax: `triplet_margin_loss` adds ε under the root, and takes no absolute
    values before the power, which is no distance for odd p. Plain JAX: `jnp.linalg.norm` has slope NaN at 0, so that equal vectors spoil
    the gradient when ε is 0.
    """
    name = "triplet_margin_loss"
    checks.no_deprecated(name, size_average=size_average, reduce=reduce)
    arrays = {"anchor": anchor, "positive": positive, "negative": negative}
    measured = partial(_distance, name, float(checks.number(name, "p", p)), checks.number(name, "eps", eps))
    return _triplet(name, arrays, measured, margin, swap, reduction)


def triplet_margin_with_distance_loss(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    *,
    distance_function: Distance | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: Reduction = "mean",
) -> Losses:
    """Hinge of distances, as `triplet_margin_loss`, with a distance of one's own.

    loss_n = max(0, margin + d(a_n, p_n) − d(a_n, n_n)); `swap` takes min(d(a, n), d(p, n)) for the latter

    Args:
        anchor: a, of any shape that the distance takes.
        positive: p, of the same rank.
        negative: n, of the same rank.
        distance_function: d, of two arrays; None: ‖x − y + 1e-6‖_2 over the last axis.
        margin: by how much nearer; positive.
        swap: whether the positive example may stand for the anchor, where it is nearer to the negative one.
        reduction: 'mean', 'sum' or 'none'.

    Returns:
        A scalar, or with 'none' a loss for each distance.

    Example:
        >>> import numpy as np
        >>> a, p, n = np.float32([[0.0, 0.0]]), np.float32([[3.0, 4.0]]), np.float32([[0.0, 2.0]])
        >>> triplet_margin_with_distance_loss(a, p, n, distance_function=lambda x, y: abs(x - y).sum(-1))
        Array(6., dtype=float32)

    Raises:
        TypeError: wrong dtypes, or a `margin` that is no number.
        ValueError: different ranks, shapes that do not broadcast, a margin that is not positive, or an unknown reduction.

    Slope: as in `triplet_margin_loss`, with the slope of the distance: **at the kink** it counts.
    PyTorch's counterpart: `torch.nn.functional.triplet_margin_with_distance_loss`.
    """
    name = "triplet_margin_with_distance_loss"
    arrays = {"anchor": anchor, "positive": positive, "negative": negative}

    def measured(**pair: Array) -> Array:
        return _distance(name, 2.0, 1e-6, **pair) if distance_function is None else distance_function(*pair.values())

    return _triplet(name, arrays, measured, margin, swap, reduction)


def _triplet(
    function: str,
    arrays: dict[str, ArrayLike],
    measured: Callable[..., Array],
    margin: float,
    swap: bool,
    reduction: Reduction,
) -> Losses:
    margin = checks.number(function, "margin", margin)
    if margin <= 0:
        raise ValueError(f"{function}: margin must be positive, but {margin} was given")
    given = {argument: checks.numeric(function, argument, x) for argument, x in arrays.items()}
    same_rank(function, **given)

    def between(one: str, other: str) -> Array:
        pair = checks.promoted(given[one], given[other])
        return measured(**{n: checks.widened(function, n, x) for n, x in zip((one, other), pair, strict=True)})

    near, far = between("anchor", "positive"), between("anchor", "negative")
    if swap:
        far = smaller(*_alike(function, far, between("positive", "negative")))
    near, far = _alike(function, near, far)
    return checks.reduce(function, at_least_zero(margin + near - far), reduction)


def _alike(function: str, near: Array, far: Array) -> tuple[Array, ...]:
    near, far = checks.promoted(near, far)
    return checks.broadcast(function, **{"distances": near, "other distances": far})


def _distance(function: str, p: float, eps: float, **pair: Array) -> Float[Array, "*batch"]:
    """Return the p-norm of the difference over the last axis."""
    x, y = checks.broadcast(function, **pair)
    d = x - y + eps
    d = d if d.ndim else d[None]
    if d.shape[-1] == 0 and (math.isinf(p) or p < 0):
        raise ValueError(f"{function}: the norm with p = {p} needs features, but arrays of shape {x.shape} have none")
    return p_norm(d, p, (d.ndim - 1,)).squeeze(-1)
