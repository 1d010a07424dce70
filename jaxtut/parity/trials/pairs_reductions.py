"""Pairs of reductions, cumulative operations and products of matrices."""

import jax
import jax.numpy as jnp
import numpy as np

from .drawing import PROFILES, SMOOTH, Draw, Shape
from .pair import Pair, require_torch
from .pairs_elementwise import nonzero

# Every shape with the axes that may be reduced; None is all of them.
REDUCED: tuple[tuple[Shape, int | None], ...] = (
    ((7,), None),
    ((7,), 0),
    ((3, 5), None),
    ((3, 5), 0),
    ((3, 5), 1),
    ((3, 5), -1),
    ((2, 3, 5), None),
    ((2, 3, 5), 1),
    ((64,), 0),
    ((1,), 0),
    ((), None),
)
EMPTY: tuple[tuple[Shape, int | None], ...] = (((0,), None), ((0,), 0), ((3, 0), 1), ((3, 0), 0))


def reduction(draw: Draw) -> Pair:
    """Draw a sum, mean, product, logarithm of a sum of exponentials, or largest element."""
    torch = require_torch()
    name = draw.choice(("sum", "mean", "prod", "logsumexp", "amax", "amin", "max", "min"))
    shape, axis = draw.choice(REDUCED if name not in ("sum", "mean", "prod") else REDUCED + EMPTY)
    keep = draw.choice((False, True))
    most, least = {"prod": (10, 0.1), "logsumexp": (1e20, 1e-20)}.get(name, (1e20, 1e-20))
    x = draw.array(shape, least=least, most=most)
    dims = tuple(range(len(shape))) if axis is None else (axis,)
    if name in ("max", "min"):
        axis = 0 if axis is None else axis
        if not shape:
            return Pair(f"reduction {name} of a number", lambda x: x, lambda x: getattr(torch, name)(x, 0).values, (x,))
        return Pair(
            f"reduction {name}, axis {axis}",
            lambda x: _first(x, getattr(jnp, f"arg{name}")(x, axis, keepdims=True), axis, keep),
            lambda x: getattr(torch, name)(x, axis, keep).values,
            (x,),
        )
    if name == "logsumexp":
        jax_fn, torch_fn = jax.scipy.special.logsumexp, lambda x: torch.logsumexp(x, dims, keep)
        return Pair(f"reduction {name}, axis {axis}", lambda x: jax_fn(x, axis, keepdims=keep), torch_fn, (x,))
    if name == "prod" and axis is None:
        return Pair("reduction prod", jnp.prod, torch.prod, (x,))
    last = axis if name == "prod" else dims
    return Pair(
        f"reduction {name}, axis {axis}, keep {keep}",
        lambda x: getattr(jnp, name)(x, dims, keepdims=keep),
        lambda x: getattr(torch, name)(x, last, keep),
        (x,),
    )


def _first(x: jax.Array, index: jax.Array, axis: int, keep: bool) -> jax.Array:
    """Take the first largest or smallest element, to which PyTorch gives the whole gradient."""
    taken = jnp.take_along_axis(x, index, axis)
    return taken if keep else jnp.squeeze(taken, axis)


def spread(draw: Draw) -> Pair:
    """Draw a variance, standard deviation or norm."""
    torch = require_torch()
    name = draw.choice(("var", "std", "norm", "norm 1", "norm inf", "norm 3"))
    shape, axis = draw.choice([(s, a) for s, a in REDUCED if s not in ((1,), ())])
    x = draw.array(shape, SMOOTH, 1e-5, 1e5, nonzero)
    if name in ("var", "std"):
        correction = draw.choice((0, 1))
        return Pair(
            f"spread {name}, axis {axis}, correction {correction}",
            lambda x: getattr(jnp, name)(x, axis, ddof=correction),
            lambda x: getattr(torch, name)(x, axis, correction=correction),
            (x,),
        )
    order = {"norm": 2, "norm 1": 1, "norm inf": np.inf, "norm 3": 3}[name]
    if axis is None:
        return Pair(
            f"spread {name}", lambda x: jnp.linalg.norm(x.ravel(), order), lambda x: x.ravel().norm(order), (x,)
        )
    return Pair(
        f"spread {name}, axis {axis}",
        lambda x: jnp.linalg.norm(x, order, axis),
        lambda x: torch.linalg.vector_norm(x, order, axis),
        (x,),
    )


def cumulative(draw: Draw) -> Pair:
    """Draw a cumulative sum, product or logarithm of a sum of exponentials."""
    torch = require_torch()
    name = draw.choice(("cumsum", "cumprod", "logcumsumexp"))
    shape, axis = draw.choice((((7,), 0), ((3, 5), 0), ((3, 5), 1), ((64,), 0), ((1,), 0), ((3, 0), 1)))
    # Products stay in range.
    least, most = {"cumsum": (1e-20, 1e20), "cumprod": (0.1, 10), "logcumsumexp": (1e-20, 50)}[name]
    x = draw.array(shape, PROFILES, least, most)
    jax_fn = {"cumsum": jnp.cumsum, "cumprod": jnp.cumprod, "logcumsumexp": jax.lax.cumlogsumexp}[name]
    return Pair(
        f"cumulative {name}, axis {axis}",
        lambda x: jax_fn(x, axis=axis % x.ndim),
        lambda x: getattr(torch, name)(x, axis),
        (x,),
    )


def product(draw: Draw) -> Pair:
    """Draw a product of matrices, as one framework and the other would write it."""
    torch = require_torch()
    name = draw.choice(("matmul", "chain", "einsum", "bmm", "outer", "bilinear", "gram"))
    rows, inner, columns = draw.choice(((3, 5, 4), (1, 1, 1), (2, 17, 3), (16, 64, 8), (3, 0, 2), (5, 1, 5)))
    least, most = draw.choice(((1e-3, 1e3), (1e-9, 1e9)))
    a = draw.array((rows, inner), least=least, most=most)
    b = draw.array((inner, columns), least=least, most=most)
    argnums = draw.choice((None, (0,), (1,)))
    if name == "chain":
        c = draw.array((columns, 2), least=1e-3, most=1e3)
        return Pair("product (ab)c and a(bc)", lambda a, b, c: (a @ b) @ c, lambda a, b, c: a @ (b @ c), (a, b, c))
    if name == "bmm":
        a, b = np.stack([a, -a]), np.stack([b, b / 2])
        return Pair("product bmm", lambda a, b: a @ b, torch.bmm, (a, b), argnums)
    if name == "gram":
        return Pair("product gram", lambda a: a @ a.T, lambda a: torch.einsum("ij,kj->ik", a, a), (a,))
    if inner == 0:
        name = "matmul"  # an empty product has no first column
    functions = {
        "matmul": (jnp.matmul, torch.matmul),
        "einsum": (lambda a, b: jnp.einsum("ij,jk->ki", a, b), lambda a, b: (a @ b).T),
        "outer": (lambda a, b: jnp.outer(a[0], b[:, 0]), lambda a, b: torch.outer(a[0], b[:, 0])),
        "bilinear": (lambda a, b: jnp.einsum("ij,jk,ij->", a, b, a), lambda a, b: torch.einsum("ij,jk,ij->", a, b, a)),
    }
    return Pair(f"product {name}", *functions[name], (a, b), argnums)
