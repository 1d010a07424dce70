"""The definition of "identical": its judgements on arrays, each shown to fail where it must."""

import numpy as np
import pytest

from jaxtut.parity import definition as d

RNG = np.random.default_rng(0)


def test_worst_orders_the_verdicts():
    assert d.worst([]) == d.BIT_IDENTICAL
    assert d.worst([d.TO_ROUNDING, d.BIT_IDENTICAL]) == d.TO_ROUNDING
    assert d.worst([d.DIFFERENT, d.UNDECIDED, d.TO_ROUNDING]) == d.DIFFERENT


@pytest.mark.parametrize(
    ("jax", "torch", "words"),
    [
        (np.zeros(3), np.zeros((3, 1)), "shape"),
        (np.zeros(3), np.zeros(3, np.float32), "dtype"),
        (np.array([0.0, np.nan]), np.zeros(2), "NaN"),
        (np.array([0.0, np.inf]), np.zeros(2), "inf"),
        (np.array([0.0, -np.inf]), np.array([0.0, np.inf]), "inf"),
    ],
)
def test_structure_is_compared_first(jax, torch, words):
    assert words in d.structural_difference(jax, torch)[0]
    assert d.structural_difference(torch, torch) == ("", None)


def test_bits():
    assert d.same_bits(np.array([np.nan, 1.0]), np.array([np.nan, 1.0]))
    assert not d.same_bits(np.array([0.0]), np.array([-0.0]))
    assert not d.same_bits(np.array([1.0]), np.array([np.nextafter(1.0, 2)]))


def test_gate_passes_what_float32_noise_explains_and_nothing_larger():
    truth = RNG.standard_normal(1000)
    noise = np.full(1000, d.U32)
    explained = truth + 4 * d.U64 * RNG.choice([-1, 1], 1000)
    assert d.judge_float64(explained, truth, noise).verdict == d.TO_ROUNDING
    assert d.judge_float64(truth * (1 + 1e-6), truth, noise).verdict == d.DIFFERENT
    one_wrong = truth.copy()
    one_wrong[317] += 1e-12
    judged = d.judge_float64(one_wrong, truth, noise)
    assert (judged.verdict, judged.index) == (d.DIFFERENT, (317,))


def test_gate_sees_a_small_element_beside_large_ones():
    truth = np.array([1e6, 1e-12])
    noise = np.abs(truth) * d.U32
    assert d.judge_float64(truth * [1, 2], truth, noise).verdict == d.DIFFERENT


def test_gate_without_noise_is_relative():
    truth = np.array([1e-50, 1e300])
    noise = np.array([1e-50, np.inf])
    assert d.judge_float64(truth * (1 + 1e-13), truth, noise).verdict == d.TO_ROUNDING
    assert d.judge_float64(truth * (1 + 1e-11), truth, noise).verdict == d.DIFFERENT


def test_zeros_and_empty_arrays_are_safe():
    zeros = np.zeros(3)
    assert d.judge_float64(zeros, zeros, zeros).verdict == d.BIT_IDENTICAL
    assert d.judge_float64(-zeros, zeros, zeros).verdict == d.TO_ROUNDING
    assert d.judge_float64(np.zeros(0), np.zeros(0), np.zeros(0)).verdict == d.BIT_IDENTICAL
    assert d.judge_float64(zeros, np.array([0, 1e-300, 0]), zeros).verdict == d.DIFFERENT


def test_float32_is_judged_by_its_error_against_the_truth():
    truth = RNG.standard_normal(1000)
    rounded = truth.astype(np.float32)
    error = d.largest_error(rounded, truth)
    close = (truth + 8 * d.U32 * RNG.uniform(-1, 1, 1000)).astype(np.float32)
    judged = d.judge_float32(close, rounded, truth, error)
    assert (judged.verdict, judged.note) == (d.TO_ROUNDING, "")
    worse = (truth * (1 + 100 * d.U32)).astype(np.float32)
    judged = d.judge_float32(worse, rounded, truth, error)
    assert judged.verdict == d.TO_ROUNDING
    assert "less accurate" in judged.note
    tf32 = (truth * (1 + 2.0**-11)).astype(np.float32)
    assert d.judge_float32(tf32, rounded, truth, error).verdict == d.DIFFERENT


def test_exempt_elements_are_counted_and_not_judged():
    truth = np.ones(10)
    jax = truth.astype(np.float32)
    jax[3] = 5
    exempt = np.arange(10) == 3
    assert d.judge_float32(jax, truth.astype(np.float32), truth, 0.0).verdict == d.DIFFERENT
    judged = d.judge_float32(jax, truth.astype(np.float32), truth, 0.0, exempt)
    assert judged.verdict == d.TO_ROUNDING
    assert "1 elements exempt" in judged.note


def test_integers_are_equal_or_different():
    assert d.judge_exact(np.arange(3), np.arange(3)).verdict == d.BIT_IDENTICAL
    assert d.judge_exact(np.arange(3), np.array([0, 1, 3])).index == (2,)
