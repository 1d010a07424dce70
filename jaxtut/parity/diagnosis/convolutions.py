"""A convolution of two arrays among the inputs and values, evaluated again: with another padding, kernel or layout of the image."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from .difference import Difference, by_far, within
from .traps import Cause, Trap
from .vectors import vectors

# Images and output channels looked at, the strides tried, and the largest kernel and image.
IMAGES, CHANNELS = 2, 3
STRIDES = (1, 2, 3)
LARGEST_KERNEL, LARGEST = 11, 1 << 20
MODES = ("reflect", "edge", "wrap")


@dataclass(frozen=True, eq=False)
class _Convolution:
    """PyTorch's convolution: images (N, C, H, W), kernels (O, C, h, w), of which some channels are looked at, and where it starts."""

    x: np.ndarray
    w: np.ndarray
    whole: np.ndarray
    stride: int
    padding: int
    sizes: tuple[int, int]

    def evaluate(
        self, start: int | None = None, mode: str = "constant", x: np.ndarray | None = None, w: np.ndarray | None = None
    ):
        """Evaluate it at the same number of places, from another start, with another border, image or kernel."""
        x, w = self.x if x is None else x, self.w if w is None else w
        start = self.padding if start is None else start
        padded = x
        for axis, (size, kernel) in enumerate(zip(self.sizes, w.shape[2:], strict=True), start=2):
            needed = (size - 1) * self.stride + kernel - x.shape[axis] - start
            widths = [(0, 0)] * axis + [(start, max(needed, 0))] + [(0, 0)] * (3 - axis)
            padded = np.pad(padded, widths, mode=mode)  # pyright: ignore[reportCallIssue, reportArgumentType]
        out = np.zeros((len(x), len(w), *self.sizes))
        for i, j in product(*(range(n) for n in w.shape[2:])):
            rows, columns = (
                slice(k, k + (n - 1) * self.stride + 1, self.stride) for k, n in zip((i, j), self.sizes, strict=True)
            )
            out += np.einsum("nchw,oc->nohw", padded[:, :, rows, columns], w[:, :, i, j])
        return out


def another_convolution(difference: Difference) -> Cause | None:
    """PyTorch is a convolution of two arrays, JAX is one with something else."""
    if difference.of_gradient or len(difference.own_shape) != 4 or difference.torch.dtype.kind != "f":
        return None
    here, there, reach = (v[:IMAGES, :CHANNELS] for v in (difference.a, difference.b, difference.tolerance))
    for name, kernel, found, bias in _candidates(difference):
        allowed = reach + 4 * difference.eps * found.w[0].size * _largest_product(found)
        if not within(there, found.evaluate() + bias, allowed):
            continue
        for trap, text, y in _variants(found):
            residual = here - y - bias
            if within(residual, 0, allowed) and by_far(residual, here - there):
                return trap.cause(f"a convolution of {name} with {kernel}: {text}")
    return None


def _largest_product(found: _Convolution) -> float:
    return float(np.abs(found.x).max() * np.abs(found.w).max())


def _candidates(difference: Difference) -> Iterator[tuple[str, str, _Convolution, np.ndarray]]:
    """Yield images and kernels of fitting shapes, with each stride and padding that gives the quantity's shape, and a bias."""
    there = {n: x for n, x in {**difference.values, **difference.inputs}.items() if n != difference.name}
    usable = {
        n: x.astype(np.float64)
        for n, x in there.items()
        if x.ndim == 4 and x.dtype.kind == "f" and np.isfinite(x).all()
    }
    images, channels, *sizes = difference.own_shape
    biases = [np.zeros(channels), *vectors(difference, channels).values()][: IMAGES * CHANNELS]
    for (name, x), (kernel, w) in product(usable.items(), repeat=2):
        fits = len(x) == images and w.shape[:2] == (channels, x.shape[1]) and max(w.shape[2:]) <= LARGEST_KERNEL
        if not fits or x[:IMAGES].size > LARGEST:
            continue
        for stride, padding in product(STRIDES, range(w.shape[2])):
            counts = [(n + 2 * padding - k) // stride + 1 for n, k in zip(x.shape[2:], w.shape[2:], strict=True)]
            if counts == sizes:
                found = _Convolution(x[:IMAGES], w[:CHANNELS], w, stride, padding, (sizes[0], sizes[1]))
                yield from ((name, kernel, found, bias[:CHANNELS, None, None]) for bias in biases)


def _variants(found: _Convolution) -> Iterator[tuple[Trap, str, np.ndarray]]:
    """Yield what a port makes of it."""
    w, padding = found.w, found.padding
    for start in range(max(w.shape[2:])):
        if start != padding:
            text = f"the padding starts with {start} in JAX, with {padding} in PyTorch, so that all windows are moved"
            yield Trap.BORDER, text, found.evaluate(start)
    yield Trap.FLIPPED, "the kernel is flipped in JAX", found.evaluate(w=w[:, :, ::-1, ::-1])
    if w.shape[2] == w.shape[3]:
        text = "height and width of the kernel are swapped in JAX"
        yield Trap.TRANSPOSED, text, found.evaluate(w=w.transpose(0, 1, 3, 2))
    if found.whole.shape[0] == found.whole.shape[1]:
        text = "output and input channels of the kernel are swapped in JAX"
        yield Trap.TRANSPOSED, text, found.evaluate(w=found.whole.swapaxes(0, 1)[: len(w)])
    for mode in MODES if 0 < padding < min(found.x.shape[2:]) else ():
        yield Trap.BORDER, f"the border is {mode} in JAX and zeros in PyTorch", found.evaluate(mode=mode)
    n, c, height, width = found.x.shape
    text = "JAX reshapes the images (N, C, H, W) to (N, H, W, C), where their axes must be moved"
    yield Trap.FLATTEN, text, found.evaluate(x=found.x.reshape(n, height, width, c).transpose(0, 3, 1, 2))
