"""Where the windows of a convolution lie, and in which order its axes stand."""

from typing import NamedTuple

# One letter for each spatial axis, by their number.
_AXES = {1: "W", 2: "HW", 3: "DHW"}


def layout(axes: int, batch_last: bool = False) -> tuple[str, str, str]:
    """Return the order of the axes of input, kernel and output, in lax's letters: PyTorch's, or with the batch last."""
    letters = _AXES[axes]
    order = f"C{letters}N" if batch_last else f"NC{letters}"
    return order, f"OI{letters}", order


class Geometry(NamedTuple):
    """Where the windows of a convolution lie.

    Attributes:
        size: the spatial shape of the input.
        kernel: that of the kernel.
        strides: positions between neighbouring windows, for each axis.
        pads: zeros before and after the input, for each axis.
        dilations: positions between the taps of the kernel, for each axis.
        groups: blocks of channels that are convolved apart.
        batch_last: whether arrays are (channels, *size, batch) in place of PyTorch's (batch, channels, *size).
        precision: of the products, in the words of `jax.default_matmul_precision`.
    """

    size: tuple[int, ...]
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    dilations: tuple[int, ...]
    groups: int
    batch_last: bool = False
    precision: str | None = None

    @property
    def counts(self) -> tuple[int, ...]:
        """The spatial shape of the output: how many windows there are."""
        each = zip(self.size, self.kernel, self.strides, self.pads, self.dilations, strict=True)
        return tuple((n + low + high - d * (k - 1) - 1) // s + 1 for n, k, s, (low, high), d in each)

    def reached(self) -> list[tuple[int, tuple[int, int]]]:
        """Return, for each axis, where the part of the input ends that windows reach, and the zeros that they reach."""
        axes = []
        for n, k, s, (low, high), d in zip(
            self.size, self.kernel, self.strides, self.pads, self.dilations, strict=True
        ):
            unreached = (n + low + high - d * (k - 1) - 1) % s
            axes.append((n - max(unreached - high, 0), (low, max(high - unreached, 0))))
        return axes

    @property
    def batch_axis(self) -> int:
        return len(self.size) + 1 if self.batch_last else 0

    @property
    def channel_axis(self) -> int:
        return 0 if self.batch_last else 1

    def input_shape(self, batch: int, channels: int) -> tuple[int, ...]:
        """Return the shape of the input."""
        return self._ordered(batch, channels, self.size)

    def output_shape(self, batch: int, channels: int) -> tuple[int, ...]:
        """Return the shape of the output."""
        return self._ordered(batch, channels, self.counts)

    def _ordered(self, batch: int, channels: int, spatial: tuple[int, ...]) -> tuple[int, ...]:
        return (channels, *spatial, batch) if self.batch_last else (batch, channels, *spatial)
