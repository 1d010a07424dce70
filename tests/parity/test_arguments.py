"""Inputs that are moved a little: what moves, and what must not."""

import numpy as np

from jaxtut.parity.arguments import jitter, move_by_ulps


def test_an_infinity_and_nan_are_not_moved():
    x = np.tile([[np.inf], [-np.inf], [np.nan], [1.0], [0.0]], 20)
    for reach in (np.inf, 0.5):
        moved = jitter(x, np.random.default_rng(0), 1e-6, reach=reach)
        np.testing.assert_array_equal(moved[:3], x[:3])
        assert np.all((moved[3] != 1) & (abs(moved[3] - 1) <= 1e-6))
    ulps = move_by_ulps(x.astype("float32"), np.random.default_rng(0), hold_integers=False)
    np.testing.assert_array_equal(ulps[:3], x[:3])
    assert np.all(ulps[3:] != x[3:])
