"""Φ and φ against the C library's complementary error function in float64."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxtut.ops.normal_distribution import probability_and_density

POINTS = np.concatenate([np.linspace(-12.5, 9, 20001), [0.0]]).astype("float32")


def exact(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    probability = [math.erfc(-a / math.sqrt(2)) / 2 for a in x.tolist()]
    return np.array(probability), np.exp(-(x.astype("float64") ** 2) / 2) / math.sqrt(2 * math.pi)


@pytest.mark.parametrize("compiled", [False, True])
def test_single_precision_keeps_its_digits_far_to_the_left(compiled: bool) -> None:
    function = jax.jit(probability_and_density) if compiled else probability_and_density
    # The exponent x²/2 is rounded to 24 bits, too.
    bound = 8e-7 + POINTS.astype("float64") ** 2 / 2 * 2.0**-23
    for found, expected in zip(function(jnp.asarray(POINTS)), exact(POINTS), strict=True):
        assert (np.abs(np.asarray(found, "float64") - expected) <= bound * expected).all()


def test_double_precision() -> None:
    x = np.linspace(-30.0, 9.0, 2001)
    with jax.enable_x64(True):
        for found, expected in zip(probability_and_density(jnp.asarray(x)), exact(x), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_middle_and_the_ends(dtype: str) -> None:
    with jax.enable_x64(True):
        x = jnp.asarray([0.0, -0.0, np.inf, -np.inf, np.nan, 1e30, -1e30], dtype)
        for function in (probability_and_density, jax.jit(probability_and_density)):
            probability, density = function(x)
            np.testing.assert_array_equal(probability, [0.5, 0.5, 1, 0, np.nan, 1, 0])
            np.testing.assert_array_equal(density[2:], [0, 0, np.nan, 0, 0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("x", [0.0, 1e-3, -1e-3, 1.5, -2.0])
def test_derivatives_of_any_order_are_those_of_the_function(x: float, dtype: str) -> None:
    """Not those of the polynomial that it is computed by, nor of its two branches."""
    with jax.enable_x64(True):
        point = jnp.asarray(x, dtype)
        found, function = [], lambda x: probability_and_density(x)[0]
        for _ in range(3):
            function = jax.grad(function)
            found.append(float(function(point)))
        phi = math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
        np.testing.assert_allclose(found, [phi, -x * phi, (x * x - 1) * phi], rtol=2e-6, atol=1e-9)
