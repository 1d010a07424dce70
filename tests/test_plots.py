"""The pictures are drawn, and the numbers in them are right."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxtut.plots import activations, draw_activations, draw_all, draw_loss_surface, loss_surface


@pytest.mark.parametrize("shown", activations.SHOWN, ids=lambda shown: shown.name)
def test_kinks_are_where_slopes_jump(shown: activations.Shown) -> None:
    x = np.arange(-7.0, 7.0, 0.0625, dtype=np.float32)  # every kink is among them
    before, after = (activations.slopes(shown.f, x + np.float32(d)) for d in (-1e-3, 1e-3))
    jumps = set(x[np.abs(after - before) > 0.05].tolist())
    # A function that itself jumps, such as the step, has a kink without a jump of its slope.
    values = [np.asarray(shown.f(jnp.asarray(x + np.float32(d)))) for d in (-1e-3, 1e-3)]
    jumps |= set(x[np.abs(values[1] - values[0]) > 0.1].tolist())
    assert jumps == set(shown.kinks)


def test_gradient_descent_ends_at_the_least_squares_solution() -> None:
    x, y = loss_surface.samples()
    design = np.concatenate([x, np.ones_like(x)], axis=1).astype(float)
    solution = np.linalg.lstsq(design, y.astype(float), rcond=None)[0].ravel()
    # The slowest direction shrinks by 1 − 0.3 · 0.55 a step; what is left after 300 steps is float32's rounding.
    np.testing.assert_allclose(loss_surface.descend((-2.0, 2.0), 0.3, 300)[-1], solution, atol=1e-4)


def test_the_surface_is_the_loss() -> None:
    x, y = loss_surface.samples()
    found = loss_surface.surface(np.array([0.5, 1.0]), np.array([0.0, -1.0, 2.0]))
    assert found.shape == (3, 2)
    assert found[1, 0] == pytest.approx(np.mean((0.5 * x - 1.0 - y) ** 2), rel=1e-5)


def test_quick_pictures_are_written(tmp_path) -> None:
    for draw in (draw_activations, draw_loss_surface):
        draw(tmp_path / "new" / "a.png")
        assert (tmp_path / "new" / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.long
def test_all_pictures_are_written(tmp_path) -> None:
    paths = list(draw_all(tmp_path))
    assert [p.name for p in paths] == ["activations.png", "loss_surface.png", "filters.png", "gradients.png"]
    assert all(p.stat().st_size > 20_000 for p in paths)
