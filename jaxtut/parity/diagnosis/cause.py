"""The detectors in their order, from the one that asks for most to the one that asks for least; the first to answer is believed."""

from collections.abc import Callable, Sequence

import numpy as np

from .activations import another_activation
from .arrangements import another_leaf, conjugate, same_numbers_elsewhere
from .attention import another_attention
from .axis_factors import axis_factor
from .borders import border, diagonal
from .convolutions import another_convolution
from .cross_entropy import another_cross_entropy, smoothed_gradient
from .cuts import cut_graph
from .difference import Difference
from .elementwise import function_of_the_other_side
from .epsilons import another_epsilon
from .factors import constant_factor
from .gathers import other_rows
from .indices import labelled_rows, one_index
from .integers import bytes_out_of_range, wrapped_integers
from .kinks import channel_with_kink, equal_inputs, halfway, kink, subnormal
from .masks import another_mask, inverted
from .nonfinite import infinite, not_a_number
from .normalization import another_normalization
from .permutations import rearranged
from .precision import coarse_products, float32_inside, one_pass_variance, rounded_input, stored_in_fewer_bits
from .products import another_product
from .reductions import another_reduction, reduction_along_another_axis
from .softmaxes import scaled_before_a_softmax, softmax_along_another_axis
from .steps import another_running_variance, another_step
from .structure import another_dtype, another_shape
from .terms import constant_offset, forgotten_vector, multiple_of_an_input
from .thresholds import beyond_a_threshold, saturated
from .ties import tie
from .traps import Cause

Detector = Callable[[Difference], Cause | None]

# Shapes, then dtypes.
STRUCTURE: tuple[Detector, ...] = (another_shape, another_dtype)
# Where NaN or an infinity stands on one side.
NOT_FINITE: tuple[Detector, ...] = (not_a_number, infinite)
# Numbers, all finite where they are compared.
NUMBERS: tuple[Detector, ...] = (
    # one whole side
    conjugate, inverted, wrapped_integers, bytes_out_of_range, stored_in_fewer_bits,
    # exactly these places, and no others
    tie, kink, cut_graph, equal_inputs, halfway, subnormal, labelled_rows,
    # one factor, and formulas that are evaluated here and found equal to both sides
    another_normalization, constant_factor, another_activation, another_cross_entropy, another_product, another_convolution,
    softmax_along_another_axis, scaled_before_a_softmax, another_attention, reduction_along_another_axis, other_rows,
    # every element fits one rule
    rearranged, another_leaf, forgotten_vector, multiple_of_an_input, another_step, another_running_variance,
    another_reduction, function_of_the_other_side, another_epsilon, smoothed_gradient, constant_offset, axis_factor,
    # these places, and few others
    diagonal, saturated, border, beyond_a_threshold, one_index, channel_with_kink, same_numbers_elsewhere, another_mask,
    # the size of the differences
    rounded_input, one_pass_variance, float32_inside,
)  # fmt: skip
# What makes a difference in float32 that is none in float64.
FEWER_BITS: tuple[Detector, ...] = (
    stored_in_fewer_bits, subnormal, another_product, rounded_input, one_pass_variance, coarse_products,
)  # fmt: skip
# These ask exactly which elements part.
PLACES = (
    tie, kink, equal_inputs, halfway, subnormal, labelled_rows, diagonal, saturated, border, beyond_a_threshold, one_index, channel_with_kink,
)  # fmt: skip


def likely_cause(difference: Difference) -> Cause | None:
    """Return the mistake that a difference looks like, None if its numbers show none.

    Args:
        difference: one quantity on both sides, with what is known about where it comes from.

    Returns:
        What the numbers show, and the section of the documentation about it.

    Example:
        >>> x = np.array([1.0, -2.0, 3.0])
        >>> twice = Difference("gradient", "x", 2 * x[None], x[None], None, {"x": x}, {})
        >>> likely_cause(twice).text
        'JAX is 2 times PyTorch everywhere: a 1/2 is left out in JAX, or a term is counted twice'
        >>> likely_cause(Difference("value", "output", x, x, None, {}, {})) is None
        True
    """
    with np.errstate(all="ignore"):
        if difference.jax.shape != difference.torch.shape:
            return _first(STRUCTURE, difference)
        if (cause := another_dtype(difference)) is not None or difference.jax.size == 0:
            return cause
        if (_classes(difference.jax) != _classes(difference.torch)).any():
            return _first(NOT_FINITE, difference)
        if not difference.unequal.any():
            return None
        detectors = FEWER_BITS if difference.same_in_float64 else NUMBERS
        return _first([d for d in detectors if difference.clear or d not in PLACES], difference)


def _first(detectors: Sequence[Detector], difference: Difference) -> Cause | None:
    return next((cause for detector in detectors if (cause := detector(difference)) is not None), None)


def _classes(x: np.ndarray) -> np.ndarray:
    """Return 0 for a number, 1 and −1 for the infinities, 2 for NaN."""
    if x.dtype.kind not in "fc":
        return np.zeros(x.shape)
    if x.dtype.kind == "c":
        return np.where(np.isnan(x), 2, np.isinf(x))
    return np.where(np.isnan(x), 2, np.isposinf(x).astype(int) - np.isneginf(x))
