"""Pairs of different orders of summation, and of different formulas, for one value of a row."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from .drawing import SMOOTH, Draw
from .pair import Pair, require_torch
from .pairs_elementwise import nonzero
from .pairs_formulas import UNSTABLE

Forms = dict[str, Callable]


def order_of_summation(draw: Draw) -> Pair:
    """Draw a sum of the same terms in two orders."""
    torch = require_torch()
    size = draw.choice((7, 64, 1, 33))
    forms = ("sum", "reversed", "blocks", "dot", "pairwise", "one by one", "cumsum", "permuted")
    first, second = draw.choice(forms), draw.choice(forms)
    permutation = draw.generator().permutation(size)

    def total(form: str, x, xp):
        if form == "reversed":
            return xp.flip(x, (0,)).sum()
        if form == "blocks":
            return sum(x[i : i + 8].sum() for i in range(0, size, 8))
        if form == "dot":
            return (x[None, :] @ xp.ones_like(x)[:, None])[0, 0]
        if form == "pairwise":
            while x.shape[0] > 1:
                half = x.shape[0] // 2
                x = xp.concatenate([x[:half] + x[half : 2 * half], x[2 * half :]])
            return x[0]
        if form == "one by one":
            return sum(x[i] for i in range(size))
        if form == "cumsum":
            return xp.cumsum(x, 0)[-1]
        return x[permutation].sum() if form == "permuted" else x.sum()

    # The square makes the gradient depend on the sum's rounding.
    def square(x, xp, form: str):
        y = total(form, x, xp)
        return y * y + y

    x = draw.array((size,), most=1e15, least=1e-15)
    name = f"order of summation {first}, {second}"
    return Pair(name, lambda x: square(x, jnp, first), lambda x: square(x, torch, second), (x,))


def formula_of_a_row(draw: Draw) -> Pair:
    """Draw two formulas for one value of a whole row, such as its variance or softmax."""
    torch = require_torch()
    name = draw.choice(("variance", "softmax", "squared distances", "logsumexp", "cosine", "weighted mean"))
    shape = draw.choice(((3, 5), (7, 4), (2, 17)))
    x = draw.array(shape, SMOOTH, 1e-2, 30, nonzero)
    forms: dict[str, Forms] = {
        "variance": {
            "two-pass": lambda xp, x: ((x - x.mean(1)[:, None]) ** 2).mean(1),
            "one-pass": lambda xp, x: (x * x).mean(1) - x.mean(1) ** 2,
            "pairs": lambda xp, x: 0.5 * ((x[:, :, None] - x[:, None, :]) ** 2).mean((1, 2)),
        },
        "softmax": {
            "shifted": lambda xp, x: _normalized(xp.exp(x - xp.amax(x, 1)[:, None])),
            "plain": lambda xp, x: _normalized(xp.exp(x)),
            "library": lambda xp, x: jax.nn.softmax(x, 1) if xp is jnp else xp.softmax(x, 1),
            "log": lambda xp, x: xp.exp(x - xp.log(xp.exp(x).sum(1))[:, None]),
        },
        "squared distances": {
            "differences": lambda xp, x: ((x[:, None, :] - x[None, :, :]) ** 2).sum(2),
            "expanded": lambda xp, x: (x * x).sum(1)[:, None] + (x * x).sum(1)[None, :] - 2 * (x @ x.T),
        },
        "logsumexp": {
            "library": lambda xp, x: jax.scipy.special.logsumexp(x, 1) if xp is jnp else xp.logsumexp(x, 1),
            "plain": lambda xp, x: xp.log(xp.exp(x).sum(1)),
        },
        "cosine": {
            "divide last": lambda xp, x: x[0] @ x[1] / (xp.sqrt(x[0] @ x[0]) * xp.sqrt(x[1] @ x[1])),
            "divide first": lambda xp, x: (x[0] / xp.sqrt(x[0] @ x[0])) @ (x[1] / xp.sqrt((x[1] ** 2).sum())),
        },
        "weighted mean": {
            "divide last": lambda xp, x: (x * x * x).sum() / (x * x).sum(),
            "divide first": lambda xp, x: (x * (x * x / (x * x).sum())).sum(),
        },
    }
    first, second = draw.choice(list(forms[name])), draw.choice(list(forms[name]))
    unstable = first != second and first in UNSTABLE
    jax_form, torch_form = forms[name][first], forms[name][second]
    return Pair(
        f"formula of a row {name}: {first}, {second}",
        lambda x: jax_form(jnp, x),
        lambda x: torch_form(torch, x),
        (np.asarray(x),),
        dtypes=("float64",) if unstable else None,
    )


def _normalized(x):
    return x / x.sum(1)[:, None]
