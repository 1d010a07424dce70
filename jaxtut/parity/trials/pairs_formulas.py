"""Pairs of different formulas for one value of each element."""

import jax.numpy as jnp

from .drawing import PROFILES, SMOOTH, Draw
from .pair import Pair, require_torch
from .pairs_elementwise import nonzero, positive

# Forms under these names lose digits by cancellation where the others of the same value do not.
UNSTABLE = ("cancelling", "one-pass", "expanded")


def formula(draw: Draw) -> Pair:
    """Draw two formulas for the same value of one or two arrays."""
    name = draw.choice(list(_formulas()))
    domain, most, profiles, forms = _formulas()[name]
    first, second = draw.choice(list(forms)), draw.choice(list(forms))
    arity = 2 if name.endswith("(a, b)") else 1
    shape = draw.choice(((7,), (3, 5), (1,), ()))
    args = tuple(draw.array(shape, profiles, 1 / most, most, domain) for _ in range(arity))
    torch = require_torch()
    # PyTorch's error is the measure for JAX's in float32, so JAX's form may lose digits only where PyTorch's does.
    unstable = first != second and any(first.startswith(u) for u in UNSTABLE)
    jax_form, torch_form = forms[first], forms[second]
    return Pair(
        f"formula {name}: {first}, {second}",
        lambda *xs: jax_form(jnp, *xs),
        lambda *xs: torch_form(torch, *xs),
        args,
        dtypes=("float64",) if unstable else None,
    )


def _formulas() -> dict[str, tuple]:
    """Return, by value: the map into the domain, the largest magnitude, the profiles, and the forms by name."""
    square = lambda xp, x: x * x  # noqa: E731
    return {
        "square": (
            None,
            1e6,
            PROFILES,
            {"product": square, "power": lambda xp, x: x**2, "xp.square": lambda xp, x: xp.square(x)},
        ),
        "cube": (None, 1e6, PROFILES, {"product": lambda xp, x: x * x * x, "power": lambda xp, x: x**3}),
        "sqrt(x² + 1) − 1": (
            None,
            100,
            SMOOTH,
            {
                "stable": lambda xp, x: x * x / (xp.sqrt(x * x + 1) + 1),
                "cancelling": lambda xp, x: xp.sqrt(x * x + 1) - 1,
                "expm1": lambda xp, x: xp.expm1(0.5 * xp.log1p(x * x)),
            },
        ),
        "a² − b² (a, b)": (
            None,
            1e3,
            PROFILES,
            {
                "factors": lambda xp, a, b: (a - b) * (a + b),
                "cancelling": lambda xp, a, b: a * a - b * b,
            },
        ),
        "1 − cos x": (
            None,
            10,
            SMOOTH,
            {
                "half angle": lambda xp, x: 2 * xp.sin(x / 2) ** 2,
                "cancelling": lambda xp, x: 1 - xp.cos(x),
            },
        ),
        "polynomial": (
            None,
            10,
            PROFILES,
            {
                "Horner": lambda xp, x: ((x * 0.5 - 1.25) * x + 3) * x - 2,
                "powers": lambda xp, x: 0.5 * x**3 - 1.25 * x**2 + 3 * x - 2,
                "products": lambda xp, x: -2 + 3 * x + (-1.25) * (x * x) + 0.5 * (x * x * x),
            },
        ),
        "(x − 1)⁴": (
            None,
            4,
            PROFILES,
            {
                "power": lambda xp, x: (x - 1) ** 4,
                "products": lambda xp, x: ((x - 1) * (x - 1)) * ((x - 1) * (x - 1)),
                "expanded": lambda xp, x: (((x - 4) * x + 6) * x - 4) * x + 1,
            },
        ),
        "softplus": (
            None,
            30,
            PROFILES,
            {
                "naive": lambda xp, x: xp.log(1 + xp.exp(x)) + 1,
                "log1p": lambda xp, x: xp.log1p(xp.exp(x)) + 1,
                "logaddexp": lambda xp, x: xp.logaddexp(x, xp.zeros_like(x)) + 1,
            },
        ),
        "sigmoid": (
            None,
            30,
            PROFILES,
            {
                "exp": lambda xp, x: 1 / (1 + xp.exp(-x)),
                "tanh": lambda xp, x: 0.5 + 0.5 * xp.tanh(x / 2),
                "log": lambda xp, x: xp.exp(-xp.log1p(xp.exp(-x))),
            },
        ),
        "tanh": (
            None,
            10,
            SMOOTH,
            {
                "xp.tanh": lambda xp, x: xp.tanh(x),
                "cancelling": lambda xp, x: (xp.exp(x) - xp.exp(-x)) / (xp.exp(x) + xp.exp(-x)),
                "expm1": lambda xp, x: xp.expm1(2 * x) / (xp.expm1(2 * x) + 2),
            },
        ),
        "exp(a + b) (a, b)": (
            None,
            10,
            PROFILES,
            {
                "sum": lambda xp, a, b: xp.exp(a + b),
                "product": lambda xp, a, b: xp.exp(a) * xp.exp(b),
                "quotient": lambda xp, a, b: xp.exp(a) / xp.exp(-b),
            },
        ),
        "log ab (a, b)": (
            positive,
            1e6,
            PROFILES,
            {
                "product": lambda xp, a, b: xp.log(a * b),
                "sum": lambda xp, a, b: xp.log(a) + xp.log(b),
            },
        ),
        "a / b (a, b)": (
            nonzero,
            1e6,
            PROFILES,
            {
                "quotient": lambda xp, a, b: a / b,
                "reciprocal": lambda xp, a, b: a * (1 / b),
                "twice": lambda xp, a, b: a / (b * b) * b,
            },
        ),
        "distance (a, b)": (
            nonzero,
            1e4,
            SMOOTH,
            {
                "hypot": lambda xp, a, b: xp.hypot(a, b),
                "root": lambda xp, a, b: xp.sqrt(a * a + b * b),
            },
        ),
        "1 / √x": (
            positive,
            1e6,
            PROFILES,
            {
                "quotient": lambda xp, x: 1 / xp.sqrt(x),
                "power": lambda xp, x: x**-0.5,
                "root": lambda xp, x: xp.sqrt(1 / x),
                "exp": lambda xp, x: xp.exp(-0.5 * xp.log(x)),
            },
        ),
        "(a − b)² (a, b)": (
            None,
            1e3,
            PROFILES,
            {
                "difference": lambda xp, a, b: (a - b) ** 2,
                "expanded": lambda xp, a, b: a * a - 2 * a * b + b * b,
            },
        ),
        "log2": (
            positive,
            1e6,
            PROFILES,
            {
                "xp.log2": lambda xp, x: xp.log2(x),
                "quotient": lambda xp, x: xp.log(x) / 0.6931471805599453,
            },
        ),
        "sin 2x": (
            None,
            1e3,
            SMOOTH,
            {"double": lambda xp, x: xp.sin(2 * x), "product": lambda xp, x: 2 * xp.sin(x) * xp.cos(x)},
        ),
        "tan": (
            None,
            1.5,
            SMOOTH,
            {"xp.tan": lambda xp, x: xp.tan(x), "quotient": lambda xp, x: xp.sin(x) / xp.cos(x)},
        ),
    }
