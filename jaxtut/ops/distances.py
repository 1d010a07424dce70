"""Distances and angles between vectors."""

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Shaped

from . import checks
from .dtypes import Number, number
from .elementwise import absolute, sign
from .norms import divide, p_norm
from .powers import power_to

Vectors = Shaped[ArrayLike, "..."]
Results = Float[Array, "..."]
MODES = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")


def cdist(
    x1: Float[ArrayLike, "*batch1 rows1 size"],
    x2: Float[ArrayLike, "*batch2 rows2 size"],
    p: Number = 2.0,
    compute_mode: str = MODES[0],
) -> Float[Array, "*batch rows1 rows2"]:
    """Distance of every vector of one set from every vector of another.

    y[i, j] = ‖x1[i] − x2[j]‖_p

    Args:
        x1: vectors in rows, with any batch dimensions before, which broadcast.
        x2: vectors in rows.
        p: of the norm, 0 to inf.
        compute_mode: how PyTorch computes; here the differences are always taken, which is exact where PyTorch's matrix product is not.

    Returns:
        The distances.

    Example:
        >>> import jax, numpy as np
        >>> a, b = np.array([[0.0, 0.0]], "float32"), np.array([[3.0, 4.0], [0.0, 0.0]], "float32")
        >>> cdist(a, b), jax.grad(lambda a: cdist(a, b).sum())(a)
        (Array([[5., 0.]], dtype=float32), Array([[-0.6, -0.8]], dtype=float32))

    Raises:
        TypeError: dtypes other than float32 and float64, or two different ones, or `p` is no number.
        ValueError: fewer than two dimensions, different lengths of vectors, batches that do not broadcast, p < 0, or an unknown `compute_mode`.

    Slope: that of the norm, **0 where two vectors are equal**; for p = inf **each of the equal has slope ±1**, they do not share it, and
    NaN among the differences is left out of the largest. PyTorch's counterpart: `torch.cdist`.
    Plain JAX: the norm of `a[:, None] - b` has slope NaN where two vectors are equal.
    """
    a, b = _of_32_bits("cdist", "x1", x1), _of_32_bits("cdist", "x2", x2)
    checks.same_dtype("cdist", x1=a, x2=b)
    if a.ndim < 2 or b.ndim < 2:
        raise ValueError(f"cdist: expected at least two dimensions, but x1 {a.shape}, x2 {b.shape} were given")
    if a.shape[-1] != b.shape[-1]:
        raise ValueError(f"cdist: expected vectors of one length, but x1 {a.shape}, x2 {b.shape} were given")
    if compute_mode not in MODES:
        raise ValueError(f"cdist: compute_mode must be one of {MODES}, but {compute_mode!r} was given")
    try:
        np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        raise ValueError(f"cdist: expected batches that broadcast, but x1 {a.shape}, x2 {b.shape} were given") from None
    pairs = checks.broadcast("cdist", x1=a[..., :, None, :], x2=b[..., None, :, :])
    return _distance(pairs[0] - pairs[1], _order("cdist", p), True)


def pdist(input: Float[ArrayLike, "rows size"], p: Number = 2.0) -> Float[Array, " pairs"]:
    """Distance of every two vectors of a set.

    y = ‖x[i] − x[j]‖_p for i < j, in the order (0, 1), (0, 2), …, (1, 2), …

    Args:
        input: x, vectors in rows.
        p: of the norm, 0 to inf.

    Returns:
        rows · (rows − 1) / 2 distances.

    Example:
        >>> import numpy as np
        >>> pdist(np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]], "float32"))
        Array([5., 0., 5.], dtype=float32)

    Raises:
        TypeError: a dtype other than float32 and float64, or `p` is no number.
        ValueError: not two dimensions, or p < 0.

    Slope: that of the norm, **0 where two vectors are equal**; for p = inf **each of the equal has slope ±1**.
    PyTorch's counterpart: `torch.nn.functional.pdist`.
    """
    x = _of_32_bits("pdist", "input", input)
    checks.shape("pdist", "input", x, (None, None))
    order = _order("pdist", p)
    first, second = np.triu_indices(x.shape[0], 1)
    return _distance(x[first] - x[second], order, False)


def pairwise_distance(x1: Vectors, x2: Vectors, p: Number = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Results:
    """Distance of each vector from its counterpart.

    y = ‖x1 − x2 + eps‖_p, along the last dimension

    Args:
        x1: vectors along the last dimension.
        x2: vectors; shapes broadcast.
        p: of the norm.
        eps: added to every difference.
        keepdim: keep the last dimension with size 1.

    Returns:
        The distances; of integers in float32.

    Example:
        >>> import numpy as np
        >>> pairwise_distance(np.array([[3.0, 4.0]], "float32"), np.zeros((1, 2), "float32"), eps=0)
        Array([5.], dtype=float32)

    Raises:
        TypeError: an argument is not an array, or of booleans, or `p` or `eps` is no number.
        ValueError: shapes that do not broadcast, or no element to choose for p < 0 or p = inf.

    Slope: that of the norm of x1 − x2 + eps. **Between equal vectors that is 1/√n in every element**, since eps keeps the norm from 0;
    with eps = 0 it is 0. PyTorch's counterpart: `torch.nn.functional.pairwise_distance`.
    """
    a, b = checks.numeric("pairwise_distance", "x1", x1), checks.numeric("pairwise_distance", "x2", x2)
    a, b = checks.broadcast("pairwise_distance", **dict(zip(("x1", "x2"), checks.promoted(a, b), strict=True)))
    order = float(number("pairwise_distance", "p", p))
    difference = checks.widened("pairwise_distance", "x1", a - b)
    moved = difference + jnp.asarray(number("pairwise_distance", "eps", eps), difference.dtype)
    over = (moved.ndim - 1,) if moved.ndim else ()
    if moved.ndim and moved.shape[-1] == 0 and (order < 0 or order == math.inf):
        raise ValueError(f"pairwise_distance: p={p} needs vectors with elements, but shape {moved.shape} was given")
    found = p_norm(moved, order, over)
    return found if keepdim else found.squeeze(over)


def cosine_similarity(x1: Vectors, x2: Vectors, dim: int = 1, eps: float = 1e-8) -> Results:
    """Cosine of the angle between vectors.

    cos = Σ_i x1_i / max(‖x1‖, eps) · x2_i / max(‖x2‖, eps)

    Args:
        x1: vectors along `dim`.
        x2: vectors; shapes broadcast.
        dim: the dimension of the broadcast shape.
        eps: the smallest divisor.

    Returns:
        The cosines; 0 beside the zero vector.

    Example:
        >>> import jax, numpy as np
        >>> a, b = np.array([[3.0, 4.0], [0.0, 0.0]], "float32"), np.array([[1.0, 0.0], [0.0, 0.0]], "float32")
        >>> cosine_similarity(a, b)
        Array([0.6, 0. ], dtype=float32)

    Raises:
        TypeError: an argument is not an array, or neither is of a floating dtype.
        ValueError: shapes that do not broadcast, or `dim` is out of range.

    Slope: (x2 / ‖x2‖ − cos · x1 / ‖x1‖) / ‖x1‖ in x1; **at the zero vector x2 / (‖x2‖ · eps)**. Where a norm lies between 0 and eps, the divisor
    is eps and its slope still that of the norm. PyTorch's counterpart: `torch.nn.functional.cosine_similarity`.
    Optax: `cosine_similarity` has eps = 0, which makes NaN of the zero vector.
    """
    a = checks.numeric("cosine_similarity", "x1", x1, booleans=True)
    b = checks.numeric("cosine_similarity", "x2", x2, booleans=True)
    a, b = checks.promoted(a, b)
    checks.floating("cosine_similarity", "x1 with x2", a)
    a, b = checks.broadcast("cosine_similarity", x1=a, x2=b)
    axis = checks.axis("cosine_similarity", dim, a.ndim)
    over = (axis,) if a.ndim else ()
    least = float(number("cosine_similarity", "eps", eps))
    units = [divide(x, jnp.broadcast_to(_at_least(p_norm(x, 2.0, over), least), x.shape)) for x in (a, b)]
    return jnp.sum(units[0] * units[1], over)


def _of_32_bits(function: str, argument: str, x: Vectors) -> Array:
    x = checks.floating(function, argument, x)
    if x.dtype.itemsize < 4:
        raise TypeError(f"{function}: {argument} must have dtype float32 or float64, but {x.dtype} was given")
    return x


def _order(function: str, p: Number) -> float:
    order = float(number(function, "p", p))
    if not order >= 0:
        raise ValueError(f"{function}: p must lie in [0, inf], but {p} was given")
    return order


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _at_least(x: Array, least: float) -> Array:
    """Return max(x, least) with slope 1 everywhere, as PyTorch's cosine has it."""
    bound = jnp.asarray(least, x.dtype)
    return jnp.where(x < bound, bound, x)


@_at_least.defjvp
def _at_least_jvp(least: float, primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    return _at_least(primals[0], least), tangents[0]


@partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _distance(d: Array, p: float, skip_nan: bool) -> Array:
    """Return the norm of differences along the last dimension; the largest may skip what is NaN."""
    size = jnp.abs(d)
    if p == 0:
        return jnp.sum(jnp.minimum(jnp.ceil(size), 1.0), -1)
    if p == math.inf:
        return jnp.max(jnp.where(jnp.isnan(size), 0.0, size) if skip_nan else size, -1, initial=0.0)
    return p_norm(d, p, (d.ndim - 1,)).squeeze(-1)


@_distance.defjvp
def _distance_jvp(p: float, skip_nan: bool, primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (d,), (t,) = primals, tangents
    y = _distance(d, p, skip_nan)
    far, size = y[..., None], absolute(d)
    zero = jnp.broadcast_to(far == 0, d.shape)
    safe = jnp.where(far == 0, jnp.ones_like(far), far)
    signed = jnp.where(jnp.isnan(d), d, sign(d))
    if p == 0:
        return y, jnp.zeros_like(y)
    if p == 1:
        moved = t * signed
    elif p == math.inf:
        moved = t * (signed * (1 - jnp.minimum(jnp.ceil(jnp.abs(size - far)), 1.0)))
    else:
        if p < 1:
            zero = zero | (d == 0)
        if p == 2:
            slope = d / safe
        elif p < 2:
            slope = signed * power_to(jnp.where(zero, jnp.ones_like(size), size), p - 1) / power_to(safe, p - 1)
        else:
            slope = d * power_to(size, p - 2) / power_to(safe, p - 1)
        slope = jnp.where(
            zero, jnp.zeros_like(slope), slope
        )  # twice: neither an infinite t nor a NaN slope comes through
        moved = jnp.where(zero, jnp.zeros_like(t), t * slope)
    return y, jnp.sum(moved, -1)
