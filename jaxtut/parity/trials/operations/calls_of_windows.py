"""Calls of convolutions and poolings."""

from typing import Any

import numpy as np

from ..drawing import Draw
from .call import Call, Calls

PROFILES = ("normal", "integers", "ties", "zeros", "scaled")
# Sizes of the spatial axes, by their number; kernels fit into the smallest.
SPATIAL = {1: ((7,), (8,), (5,)), 2: ((6, 5), (7, 8), (5, 5)), 3: ((5, 5, 5), (6, 5, 7))}


def images(draw: Draw, axes: int, channels: int) -> np.ndarray:
    """Draw images, a few of them, none, or one without the axis of the batch."""
    batch = draw.choice(((2,), (), (1,), (0,)))
    return draw.array((*batch, channels, *draw.choice(SPATIAL[axes])), PROFILES, 1e-6, 1e6).astype("float32")


def per_axis(draw: Draw, axes: int, *values: int) -> int | tuple[int, ...]:
    """Draw one number, or one for each axis."""
    return draw.choice(values) if draw.choice((True, False)) else tuple(draw.choice(values) for _ in range(axes))


def weights(draw: Draw, *shape: int) -> np.ndarray:
    """Draw a kernel or bias."""
    return draw.array(shape, ("normal", "integers"), 1e-3, 10).astype("float32")


def convolution(axes: int) -> Calls:
    """Return calls of the convolution along so many axes."""

    def calls(draw: Draw) -> Call:
        groups = draw.choice((1, 1, 2, 4))
        options: dict[str, Any] = {"groups": groups} if groups > 1 else {}
        if draw.choice((True, False)):
            options["dilation"] = per_axis(draw, axes, 1, 2)
        options["padding"] = draw.choice((0, 1, "valid", "same", per_axis(draw, axes, 0, 1, 2)))
        if options["padding"] != "same":
            options["stride"] = per_axis(draw, axes, 1, 2, 3)
        kernel = [draw.choice((1, 2, 3)) for _ in range(axes)]
        x, w = images(draw, axes, 4), weights(draw, 4, 4 // groups, *kernel)
        return Call((x, w, weights(draw, 4)) if draw.choice((True, False)) else (x, w), options=options)

    return calls


def transposed(axes: int) -> Calls:
    """Return calls of the transposed convolution along so many axes."""

    def calls(draw: Draw) -> Call:
        groups = draw.choice((1, 1, 2))
        stride = draw.choice((1, 2, 3))
        options: dict[str, Any] = {"stride": stride, "groups": groups, "padding": per_axis(draw, axes, 0, 1, 2)}
        options["dilation"] = draw.choice((1, 2))
        options["output_padding"] = draw.integer(0, max(stride, options["dilation"]) - 1)
        kernel = [draw.choice((1, 2, 3)) for _ in range(axes)]
        x, w = images(draw, axes, 4), weights(draw, 4, 3, *kernel)
        return Call((x, w, weights(draw, 3 * groups)) if draw.choice((True, False)) else (x, w), options=options)

    return calls


def pooling(axes: int, **more: tuple[Any, ...]) -> Calls:
    """Return calls of a pooling; `more` are its other options and their values."""

    def calls(draw: Draw) -> Call:
        kernel = per_axis(draw, axes, 2, 3)
        options: dict[str, Any] = {"padding": draw.choice((0, 0, 1)), "ceil_mode": draw.choice((False, True))}
        if draw.choice((True, False)):
            options["stride"] = per_axis(draw, axes, 1, 2, 3)
        options |= {name: draw.choice(values) for name, values in more.items()}
        return Call((images(draw, axes, 2), kernel), options=options)

    return calls


def power_pooling(axes: int) -> Calls:
    """Return calls of a power mean's pooling, on positive numbers."""

    def calls(draw: Draw) -> Call:
        x = np.abs(images(draw, axes, 2)) + np.float32(0.1)
        options: dict[str, Any] = {"ceil_mode": draw.choice((False, True))}
        if draw.choice((True, False)):
            options["stride"] = draw.choice((1, 2, 3))
        # PyTorch's lp_pool1d takes a number, not a sequence.
        return Call(
            (x.clip(max=100), draw.choice((1, 2, 3.0, 2.5, np.inf, -np.inf)), draw.choice((2, 3))), options=options
        )

    return calls


def adaptive(axes: int, **more: tuple[Any, ...]) -> Calls:
    """Return calls of an adaptive pooling."""

    def calls(draw: Draw) -> Call:
        sizes: Any = per_axis(draw, axes, 1, 2, 3, 5, 7)
        if axes > 1 and draw.choice((True, False)):
            sizes = (None, *(draw.choice((1, 2, 4)) for _ in range(axes - 1)))
        return Call((images(draw, axes, 2), sizes), options={name: draw.choice(v) for name, v in more.items()})

    return calls


CALLS: dict[str, Calls] = {
    **{f"conv{n}d": convolution(n) for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": transposed(n) for n in (1, 2, 3)},
    **{f"max_pool{n}d": pooling(n, return_indices=(False, True), dilation=(1, 1, 2)) for n in (1, 2, 3)},
    "avg_pool1d": pooling(1, count_include_pad=(True, False)),
    **{f"avg_pool{n}d": pooling(n, count_include_pad=(True, False), divisor_override=(None, None, 3)) for n in (2, 3)},
    **{f"lp_pool{n}d": power_pooling(n) for n in (1, 2, 3)},
    **{f"adaptive_avg_pool{n}d": adaptive(n) for n in (1, 2, 3)},
    **{f"adaptive_max_pool{n}d": adaptive(n, return_indices=(False, True)) for n in (1, 2, 3)},
}
