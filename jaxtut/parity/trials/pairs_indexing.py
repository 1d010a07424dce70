"""Pairs of operations that move, pick and join elements."""

import jax
import jax.numpy as jnp
import numpy as np

from .drawing import PROFILES, SMOOTH, Draw
from .pair import Pair, require_torch


def embedding(draw: Draw) -> Pair:
    """Draw a lookup of rows, by several means."""
    torch = require_torch()
    rows, width = draw.choice(((5, 3), (1, 1), (17, 4)))
    table = draw.array((rows, width))
    index = draw.labels(draw.choice(((7,), (2, 3), (0,))), rows)
    form = draw.choice(("index", "take", "one-hot"))
    functions = {
        "index": lambda w, i: w[i],
        "take": lambda w, i: jnp.take(w, i, axis=0),
        # Zeros times large numbers are exact, so this is the same function.
        "one-hot": lambda w, i: jax.nn.one_hot(i, rows, dtype=w.dtype) @ w,
    }
    torch_fn = torch.nn.functional.embedding
    return Pair(f"embedding, {form}", functions[form], lambda w, i: torch_fn(i, w), (table, index))


def scatter(draw: Draw) -> Pair:
    """Draw a gather, or a scatter that adds."""
    torch = require_torch()
    kind = draw.choice(("gather", "scatter add", "index add", "segment sum", "index put"))
    rows, width = draw.choice(((5, 3), (17, 4), (1, 2)))
    x = draw.array((rows, width), most=1e15)
    if kind == "gather":
        index = draw.labels((rows, 2), width)
        return Pair(
            "scatter, gather", lambda x, i: jnp.take_along_axis(x, i, 1), lambda x, i: x.gather(1, i), (x, index)
        )
    index = draw.labels((7,), rows)
    u = draw.array((7, width), most=1e15)
    if kind == "segment sum":
        return Pair(
            "scatter, segment sum",
            lambda u, i: jax.ops.segment_sum(u, i, rows),
            lambda u, i: torch.zeros(rows, width, dtype=u.dtype).index_add(0, i, u),
            (u, index),
        )
    if kind == "index put":
        unique = draw.generator().permutation(rows)[: min(rows, 3)]
        return Pair(
            "scatter, index put",
            lambda x, u, i: x.at[i].set(u[: i.shape[0]]),
            lambda x, u, i: x.index_put((i,), u[: i.shape[0]]),
            (x, u, unique),
        )
    if kind == "scatter add":
        return Pair(
            "scatter, add",
            lambda x, u, i: x.at[i].add(u),
            lambda x, u, i: x.scatter_add(0, i[:, None].expand(7, width), u),
            (x, u, index),
        )
    return Pair(
        "scatter, index add",
        lambda x, u, i: x.at[i].add(2 * u),
        lambda x, u, i: x.index_add(0, i, u, alpha=2),
        (x, u, index),
    )


def sorting(draw: Draw) -> Pair:
    """Draw a sort, stable where there are ties, or the largest few."""
    torch = require_torch()
    kind = draw.choice(("sort", "descending", "top", "argsort", "median of an odd number"))
    axis = draw.choice((0, 1))
    if kind in ("sort", "argsort"):
        x = draw.array((5, 7), PROFILES)
        if kind == "argsort":
            return Pair(
                f"sorting argsort, axis {axis}",
                lambda x: jnp.argsort(x, axis, stable=True).astype("int32"),
                lambda x: torch.argsort(x, dim=axis, stable=True).to(torch.int32),
                (x,),
            )
        return Pair(
            f"sorting, axis {axis}", lambda x: jnp.sort(x, axis), lambda x: x.sort(dim=axis, stable=True).values, (x,)
        )
    # Which of two equal elements is taken, is nobody's promise here.
    x = draw.array((5, 7), ("normal",))
    if kind == "top":
        return Pair("sorting, top 3", lambda x: jax.lax.top_k(x, 3)[0], lambda x: x.topk(3, 1).values, (x,))
    if kind == "median of an odd number":
        return Pair(f"sorting, {kind}", lambda x: jnp.median(x, axis), lambda x: x.median(axis).values, (x,))
    return Pair(
        f"sorting, descending, axis {axis}",
        lambda x: -jnp.sort(-x, axis),
        lambda x: x.sort(axis, descending=True).values,
        (x,),
    )


def masking(draw: Draw) -> Pair:
    """Draw a choice by a mask of booleans, filling, clipping to a triangle, or a masked softmax."""
    torch = require_torch()
    mask = draw.mask((4, 5))
    a, b = draw.array((4, 5)), draw.array((4, 5))
    kind = draw.choice(("where", "fill", "triangle", "softmax", "multiply", "mean"))
    safe = mask | (np.arange(5) == 0)[None, :]
    functions = {
        "where": (lambda m, a, b: jnp.where(m, a, b), torch.where),
        "fill": (lambda m, a, b: jnp.where(m, 7.5, a) + b, lambda m, a, b: a.masked_fill(m, 7.5) + b),
        "triangle": (lambda m, a, b: jnp.tril(a) + jnp.triu(b, 1), lambda m, a, b: a.tril() + b.triu(1)),
        "multiply": (lambda m, a, b: jnp.where(m, a, 0) + b, lambda m, a, b: a * m + b),
        "softmax": (
            lambda m, a, b: jax.nn.softmax(jnp.where(m, a, -jnp.inf), 1) * b,
            lambda m, a, b: a.masked_fill(~m, -torch.inf).softmax(1) * b,
        ),
        "mean": (
            lambda m, a, b: jnp.sum(jnp.where(m, a, 0)) / jnp.sum(m.astype(a.dtype)) + b,
            lambda m, a, b: a[m].mean() + b,
        ),
    }
    return Pair(f"masking {kind}", *functions[kind], (safe, a, b))


def moving(draw: Draw) -> Pair:
    """Draw a concatenation, slice, padding, transposition or reshaping."""
    torch = require_torch()
    T = torch.nn.functional
    a, b = draw.array((3, 5)), draw.array((3, 5), SMOOTH)
    functions = {
        "concatenate": (lambda a, b: jnp.concatenate([a, b], 1), lambda a, b: torch.cat([a, b], 1)),
        "stack": (lambda a, b: jnp.stack([a, b, a]), lambda a, b: torch.stack([a, b, a])),
        "slice": (lambda a, b: a[1:, ::2] + b[:-1, :3], lambda a, b: a[1:, ::2] + b[:-1, :3]),
        "pad": (lambda a, b: jnp.pad(a, ((0, 0), (2, 1))), lambda a, b: T.pad(a, (2, 1))),
        "reflect": (
            lambda a, b: jnp.pad(a, ((0, 0), (2, 1)), mode="reflect"),
            lambda a, b: T.pad(a, (2, 1), "reflect"),
        ),
        "replicate": (
            lambda a, b: jnp.pad(a, ((0, 0), (2, 1)), mode="edge"),
            lambda a, b: T.pad(a, (2, 1), "replicate"),
        ),
        "transpose": (lambda a, b: a.T @ b, lambda a, b: a.mT.contiguous() @ b),
        "reshape": (lambda a, b: a.reshape(5, 3) * b.T, lambda a, b: a.reshape(5, 3) * b.T),
        "flip": (lambda a, b: jnp.flip(a, 1) - b, lambda a, b: a.flip(1) - b),
        "roll": (lambda a, b: jnp.roll(a, 2, 1) + b, lambda a, b: a.roll(2, 1) + b),
        "repeat": (lambda a, b: jnp.repeat(a, 2, 0), lambda a, b: a.repeat_interleave(2, 0)),
        "tile": (lambda a, b: jnp.tile(a, (2, 3)), lambda a, b: a.repeat(2, 3)),
        "split": (lambda a, b: jnp.split(a, [2], 1)[1] * 2, lambda a, b: a.split([2, 3], 1)[1] * 2),
        "diagonal": (lambda a, b: jnp.diagonal(a) * 2, lambda a, b: a.diagonal() * 2),
        "difference": (lambda a, b: jnp.diff(a, axis=1), lambda a, b: a.diff(dim=1)),
        "two outputs": (
            lambda a, b: {"sum": a + b, "more": (a - b, a)},
            lambda a, b: {"sum": a + b, "more": (a - b, a)},
        ),
    }
    name = draw.choice(list(functions))
    if name == "transpose":
        a, b = (np.clip(x, -1e9, 1e9) for x in (a, b))
    return Pair(f"moving, {name}", *functions[name], (a, b))


def integers(draw: Draw) -> Pair:
    """Draw an operation whose result is of integers or booleans."""
    torch = require_torch()
    x = draw.array((3, 5))
    n = draw.labels((3, 5), 7) + 1
    functions = {
        "argmax": (lambda x, n: jnp.argmax(x, 1).astype("int32"), lambda x, n: x.argmax(1).to(torch.int32)),
        "greater": (lambda x, n: x > x[:, :1], lambda x, n: x > x[:, :1]),
        "count": (lambda x, n: jnp.sum(x > 0).astype("int32"), lambda x, n: (x > 0).sum().to(torch.int32)),
        "floor division": (lambda x, n: (n // 3, n % 3), lambda x, n: (n // 3, n % 3)),
        "sign": (lambda x, n: jnp.sign(x), lambda x, n: x.sign()),
        "floor": (lambda x, n: jnp.floor(x) + jnp.ceil(x), lambda x, n: x.floor() + x.ceil()),
        "round": (lambda x, n: jnp.round(x), lambda x, n: x.round()),
        "factor": (lambda x, n: x * n.astype(x.dtype), lambda x, n: x * n),
    }
    name = draw.choice(list(functions))
    return Pair(f"integers {name}", *functions[name], (x, n))
