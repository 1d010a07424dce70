"""Pairs of one elementwise operation: unary and binary."""

from collections.abc import Callable
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from jaxtut import functional as F

from .drawing import PROFILES, SHAPES, SMOOTH, Draw
from .pair import Pair, require_torch


def positive(x: np.ndarray) -> np.ndarray:
    """Map to positive numbers."""
    return np.where(x == 0, 1.0, np.abs(x))


def unit(x: np.ndarray) -> np.ndarray:
    """Map into the open interval (−1, 1)."""
    return np.where(np.abs(x) < 0.999, x, np.sign(x) * 0.999 / (1 + 1 / np.abs(np.where(x == 0, 1, x))))


def probability(x: np.ndarray) -> np.ndarray:
    """Map into the open interval (0, 1)."""
    return np.abs(unit(positive(x)))


def above_one(x: np.ndarray) -> np.ndarray:
    """Map to numbers above 1."""
    return 1.001 + np.abs(x)


def nonzero(x: np.ndarray) -> np.ndarray:
    """Map zeros to 1."""
    return np.where(x == 0, 1.0, x)


@cache
def unary_operations() -> dict[str, tuple]:
    """Return, by name, the JAX function, PyTorch's, the map into the domain, and the largest magnitude."""
    torch = require_torch()
    T, S, L = torch.nn.functional, torch.special, jax.lax
    return {
        "exp": (jnp.exp, torch.exp, None, 80),
        "exp2": (jnp.exp2, torch.exp2, None, 100),
        "expm1": (jnp.expm1, torch.expm1, None, 80),
        "log": (jnp.log, torch.log, positive, 1e20),
        "log of any number": (jnp.log, torch.log, nonzero, 1e20),
        "log2": (jnp.log2, torch.log2, positive, 1e20),
        "log10": (jnp.log10, torch.log10, positive, 1e20),
        "log1p": (jnp.log1p, torch.log1p, positive, 1e20),
        "log1p in (-1, 1)": (jnp.log1p, torch.log1p, unit, 1e20),
        "sin": (jnp.sin, torch.sin, None, 1e20),
        "cos": (jnp.cos, torch.cos, None, 1e20),
        "tan": (jnp.tan, torch.tan, None, 1e4),
        "asin": (jnp.arcsin, torch.asin, unit, 1e20),
        "acos": (jnp.arccos, torch.acos, unit, 1e20),
        "atan": (jnp.arctan, torch.atan, None, 1e18),
        "sinh": (jnp.sinh, torch.sinh, None, 80),
        "cosh": (jnp.cosh, torch.cosh, None, 80),
        "tanh": (jnp.tanh, torch.tanh, None, 1e20),
        "F.tanh": (F.tanh, torch.tanh, None, 1e20),
        "asinh": (jnp.arcsinh, torch.asinh, None, 1e18),
        "acosh": (jnp.arccosh, torch.acosh, above_one, 1e18),
        "atanh": (jnp.arctanh, torch.atanh, unit, 1e20),
        "erf": (L.erf, torch.erf, None, 9),
        "erfc": (L.erfc, torch.erfc, None, 8),
        "erfinv": (L.erf_inv, torch.erfinv, unit, 1e20),
        "lgamma": (L.lgamma, torch.lgamma, positive, 1e18),
        "digamma": (L.digamma, torch.digamma, lambda x: 1e-6 + positive(x), 1e18),
        "sqrt": (jnp.sqrt, torch.sqrt, positive, 1e20),
        "sqrt of any number": (jnp.sqrt, torch.sqrt, None, 1e20),
        "rsqrt": (L.rsqrt, torch.rsqrt, lambda x: np.clip(positive(x), 1e-15, 1e15), 1e15),
        "reciprocal": (jnp.reciprocal, torch.reciprocal, lambda x: nonzero(x), 1e18),
        "square": (jnp.square, torch.square, None, 1e18),
        "negative": (jnp.negative, torch.neg, None, 1e20),
        "sigmoid": (jax.nn.sigmoid, torch.sigmoid, None, 1e20),
        "logsigmoid": (jax.nn.log_sigmoid, T.logsigmoid, None, 1e20),
        "softplus": (jax.nn.softplus, lambda x: torch.logaddexp(x, torch.zeros_like(x)), None, 1e20),
        "silu": (jax.nn.silu, T.silu, None, 80),
        "gelu, erf": (lambda x: jax.nn.gelu(x, approximate=False), T.gelu, None, 80),
        "gelu, tanh": (lambda x: jax.nn.gelu(x), lambda x: T.gelu(x, approximate="tanh"), None, 80),
        "mish": (jax.nn.mish, T.mish, None, 80),
        # JAX differentiates softsign as a quotient, whose terms cancel: float32 has no digit of the slope at 1e8.
        "softsign": (jax.nn.soft_sign, T.softsign, nonzero, 1e3),
        "elu": (jax.nn.elu, T.elu, None, 80),
        "selu": (jax.nn.selu, T.selu, None, 80),
        "relu": (F.relu, torch.relu, None, 1e20),
        "leaky relu": (F.leaky_relu, T.leaky_relu, None, 1e20),
        "relu6": (jax.nn.relu6, T.relu6, None, 1e20),
        "hard sigmoid": (jax.nn.hard_sigmoid, T.hardsigmoid, None, 1e20),
        "abs": (lambda x: jnp.where(x == 0, 0 * x, jnp.abs(x)), torch.abs, None, 1e20),
        "ndtr": (jax.scipy.special.ndtr, S.ndtr, None, 5),
        "ndtri": (jax.scipy.special.ndtri, S.ndtri, lambda x: np.clip(probability(x), 1e-4, 0.9), 1e20),
        "logit": (jax.scipy.special.logit, torch.logit, probability, 1e20),
        "sinc": (jnp.sinc, torch.sinc, nonzero, 1e2),
        "i0e": (jax.scipy.special.i0e, S.i0e, nonzero, 80),
        "i1e": (jax.scipy.special.i1e, S.i1e, nonzero, 80),
    }


@cache
def binary_operations() -> dict[str, tuple]:
    """Return, by name, the two functions, the maps of both arguments into the domain, and the largest magnitude."""
    torch = require_torch()

    def exponent(x: np.ndarray) -> np.ndarray:
        return np.clip(x, -4, 4)

    def base(x: np.ndarray) -> np.ndarray:
        return np.clip(positive(x), 1e-6, 1e6)

    return {
        "add": (jnp.add, torch.add, None, None, 1e20),
        "subtract": (jnp.subtract, torch.sub, None, None, 1e20),
        "multiply": (jnp.multiply, torch.mul, None, None, 1e18),
        "divide": (jnp.divide, torch.div, None, nonzero, 1e9),
        "pow": (jnp.power, torch.pow, base, exponent, 1e20),
        "atan2": (jnp.arctan2, torch.atan2, nonzero, None, 1e9),
        "hypot": (jnp.hypot, torch.hypot, nonzero, None, 1e9),
        "maximum": (jnp.maximum, torch.maximum, None, None, 1e20),
        "minimum": (jnp.minimum, torch.minimum, None, None, 1e20),
        "logaddexp": (jnp.logaddexp, torch.logaddexp, None, None, 1e20),
        "xlogy": (jax.scipy.special.xlogy, torch.xlogy, nonzero, positive, 1e9),
        "where": (lambda a, b: jnp.where(a > b, a, b), lambda a, b: torch.where(a > b, a, b), None, None, 1e20),
        "lerp": (lambda a, b: a + 0.25 * (b - a), lambda a, b: torch.lerp(a, b, 0.25), None, None, 1e18),
        "addcmul": (lambda a, b: a + 0.5 * a * b, lambda a, b: torch.addcmul(a, a, b, value=0.5), None, None, 1e9),
    }


def unary(draw: Draw) -> Pair:
    """Draw one unary operation."""
    name = draw.choice(list(unary_operations()))
    jax_fn, torch_fn, domain, most = unary_operations()[name]
    x = draw.array(draw.choice(SHAPES), most=most, domain=domain)
    # PyTorch's trigamma, the slope of digamma, has a relative error of 5e-10 in float64.
    return Pair(f"unary {name}", jax_fn, torch_fn, (x,), () if name == "digamma" else None)


def special_values(draw: Draw) -> Pair:
    """Draw one unary operation whose frameworks agree at NaN and infinities, with some of them among the arguments."""
    names = ("exp", "log1p", "tanh", "atan", "sigmoid", "sqrt of any number", "negative", "sin", "cos", "relu")
    name = draw.choice(names)
    jax_fn, torch_fn, domain, _ = unary_operations()[name]
    x = draw.array((17,), profiles=SMOOTH, most=50, domain=domain)
    x[draw.integer(0, 16)] = draw.choice((np.nan, np.inf))
    return Pair(f"special values {name}", jax_fn, torch_fn, (x,))


def binary(draw: Draw) -> Pair:
    """Draw one binary operation, with or without broadcasting, and which of its arguments to differentiate."""
    name = draw.choice(list(binary_operations()))
    jax_fn, torch_fn, first, second, most = binary_operations()[name]
    left, right = draw.choice([(s, s) for s in SHAPES] + [((3, 1), (1, 5)), ((3, 5), (1, 5)), ((1, 1), (2, 17))])
    least = 1e-9 if most <= 1e9 else 1e-18
    a = draw.array(left, most=most, least=least, domain=first)
    b = a.copy() if left == right and draw.choice((False, False, True)) else draw.array(right, PROFILES, least, most)
    b = second(b) if second is not None else b
    return Pair(f"binary {name}", jax_fn, torch_fn, (a, b), draw.choice((None, (0,), (1,))))


def subnormal(draw: Draw) -> Pair:
    """Draw an operation whose arguments or results lie below the smallest normal float32 number."""
    torch = require_torch()
    table: dict[str, tuple[Callable, Callable]] = {
        "double": (lambda x: x + x, lambda x: x + x),
        "small product": (lambda x: x * 1e-20, lambda x: x * 1e-20),
        "sin": (jnp.sin, torch.sin),
        "expm1": (jnp.expm1, torch.expm1),
        "sum": (jnp.sum, torch.sum),
        "exp": (lambda x: jnp.exp(-95 - x), lambda x: torch.exp(-95 - x)),
    }
    name = draw.choice(list(table))
    x = draw.array(draw.choice(((7,), (3, 5))), profiles=("spread", "scaled"), least=1e-44, most=1e-30)
    return Pair(f"subnormal {name}", *table[name], (x,))
