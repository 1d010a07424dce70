"""Shapes of convolutions to be timed: well-known ones, and others drawn at random."""

import math
from typing import Any, NamedTuple

import numpy as np

# Multiplications of a random shape: less is timed in microseconds, more takes the time of many others.
FEW, MANY = 1e5, 3e8


class Shape(NamedTuple):
    """A convolution: images of `channels` × `size`, and a kernel of `outputs` × `kernel`."""

    batch: int
    channels: int
    size: tuple[int, ...]
    outputs: int
    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1
    dtype: str = "float32"

    def __str__(self) -> str:
        size, kernel = ("×".join(map(str, each)) for each in (self.size, (self.kernel,) * len(self.size)))
        options = [
            f"{name} {value}"
            for name, value, usual in (
                ("stride", self.stride, 1),
                ("padding", self.padding, 0),
                ("dilation", self.dilation, 1),
                ("groups", self.groups, 1),
            )
            if value != usual
        ]
        text = f"{self.batch}×{self.channels}×{size} → {self.outputs}@{kernel}"
        return ", ".join([text, *options, *([self.dtype] if self.dtype != "float32" else [])])


def _square(*each: int, **options: Any) -> Shape:
    batch, channels, size, outputs, kernel = each
    return Shape(batch, channels, (size, size), outputs, kernel, **options)


def well_known() -> list[Shape]:
    """Return the shapes: of the course, of well-known networks, small, narrow and wide ones, of one, two and three axes."""
    course = [_square(n, 3, 32, 6, 5) for n in (1, 4, 16, 64, 256)] + [
        _square(n, 6, 14, 16, 5) for n in (1, 4, 16, 64, 256)
    ]
    digits = [_square(n, 1, 28, 6, 5) for n in (1, 16, 256)] + [_square(n, 6, 12, 16, 5) for n in (1, 16, 256)]
    vgg = [
        _square(1, 3, 64, 64, 3, padding=1),
        _square(64, 64, 16, 64, 3, padding=1),
        _square(1, 64, 56, 64, 3, padding=1),
        _square(8, 64, 56, 64, 3, padding=1),
        _square(4, 128, 28, 128, 3, padding=1),
        _square(16, 128, 14, 128, 3, padding=1),
        _square(8, 256, 14, 256, 3, padding=1),
        _square(32, 256, 7, 256, 3, padding=1),
    ]
    resnet = [
        _square(1, 3, 112, 64, 7, stride=2, padding=3),
        _square(8, 3, 112, 32, 7, stride=2, padding=3),
        _square(32, 32, 28, 64, 3, stride=2, padding=1),
        _square(8, 64, 28, 128, 3, stride=2, padding=1),
        _square(16, 16, 32, 16, 3, padding=1),
        _square(64, 16, 32, 16, 3, padding=1),
        _square(64, 32, 16, 32, 3, padding=1),
        _square(64, 64, 8, 64, 3, padding=1),
    ]
    pointwise = [
        _square(32, 64, 28, 128, 1),
        _square(1, 256, 14, 64, 1),
        _square(16, 256, 7, 512, 1),
        _square(8, 32, 32, 64, 1, stride=2),
    ]
    grouped = [
        _square(16, 32, 28, 32, 3, padding=1, groups=32),
        _square(4, 96, 14, 96, 5, padding=2, groups=96),
        _square(64, 16, 8, 32, 3, padding=1, groups=4),
        _square(8, 64, 28, 64, 3, stride=2, padding=1, groups=64),
        _square(8, 32, 20, 64, 3, padding=1, groups=2),
    ]
    dilated = [
        _square(8, 16, 32, 16, 3, padding=2, dilation=2),
        _square(16, 32, 24, 32, 3, padding=4, dilation=4),
        _square(4, 8, 40, 8, 5, padding=4, dilation=2),
    ]
    odd = [
        _square(2, 5, 17, 7, 4),
        _square(3, 7, 11, 13, 2),
        _square(128, 8, 10, 8, 3),
        _square(5, 12, 19, 20, 3, stride=3),
        _square(10, 24, 9, 24, 3, padding=1),
        _square(1, 1, 256, 1, 11, padding=5),
        _square(20, 40, 13, 10, 3, stride=2),
        _square(7, 3, 50, 12, 9, stride=4, padding=4),
    ]
    # Patches, as vision transformers and ConvNeXt cut them, its other kernel, and a discriminator's halvings.
    patches = [
        _square(4, 3, 224, 192, 16, stride=16),
        _square(8, 3, 64, 96, 4, stride=4),
        _square(8, 96, 28, 192, 2, stride=2),
        _square(8, 96, 28, 96, 7, padding=3, groups=96),
        _square(16, 64, 16, 128, 4, stride=2, padding=1),
        _square(16, 128, 8, 256, 4, stride=2, padding=1),
    ]
    # Windows over sounds: of a network for spoken commands, of wav2vec, and of spectra.
    sounds = [
        Shape(16, 1, (8000,), 32, 80, stride=16),
        Shape(1, 64, (2000,), 64, 10, stride=5),
        Shape(4, 1, (16000,), 64, 400, stride=160),
    ]
    lines = [
        Shape(16, 32, (256,), 32, 3, padding=1),
        Shape(8, 1, (4000,), 16, 41, stride=4),
        Shape(64, 16, (64,), 32, 5, padding=2),
        Shape(4, 64, (500,), 64, 3, padding=4, dilation=4),
        Shape(32, 8, (100,), 8, 7, stride=2, padding=3, groups=8),
    ]
    volumes = [
        Shape(2, 3, (16, 32, 32), 8, 3, padding=1),
        Shape(4, 16, (8, 16, 16), 16, 3, padding=1),
        Shape(2, 8, (10, 20, 20), 16, 3, stride=2, padding=1),
    ]
    doubles = [shape._replace(dtype="float64") for shape in (course[3], course[8], vgg[1], resnet[2], grouped[0])]
    return [
        *course,
        *digits,
        *vgg,
        *resnet,
        *pointwise,
        *grouped,
        *dilated,
        *odd,
        *patches,
        *sounds,
        *lines,
        *volumes,
        *doubles,
    ]


def at_random(count: int, seed: int) -> list[Shape]:
    """Draw `count` shapes as networks have them: one, two and three axes, sometimes strided, dilated, grouped, or in float64."""
    generator = np.random.default_rng(seed)
    found: list[Shape] = []
    while len(found) < count:
        shape = _draw(generator)
        if FEW <= multiplications(shape) <= MANY:
            found.append(shape)
    return found


def _draw(generator: np.random.Generator) -> Shape:
    def chosen(values: list[int], *weights: float) -> int:
        return int(generator.choice(values, p=np.array(weights) / sum(weights)))

    def spread(least: int, most: int) -> int:
        """Return a number that is as likely to lie between 1 and 2 as between 64 and 128."""
        return round(math.exp(generator.uniform(math.log(least), math.log(most))))

    axes = chosen([1, 2, 3], 1, 8, 1)
    kernel = chosen([1, 2, 3, 4, 5, 7, 9, 16], 4, 2, 16, 2, 6, 4, 2, 1)
    dilation = 1 if kernel == 1 else chosen([1, 2, 3], 8, 1, 1)
    reach = dilation * (kernel - 1) + 1
    size = spread(*((16, 2000), (5, 112), (4, 24))[axes - 1])
    padding = int(generator.choice([0, reach // 2]))
    groups = chosen([1, 2, 4, 0], 12, 1, 1, 2)
    channels, outputs = (
        (spread(1, 256), spread(1, 256))
        if groups != 1 or generator.random() < 0.3
        else (8 * spread(1, 32), 8 * spread(1, 32))
    )
    if groups != 1:
        groups = groups or channels
        channels = -(-channels // groups) * groups
        outputs = channels if groups == channels else -(-outputs // groups) * groups
    sizes = (max(size, reach),) * axes
    dtype = "float64" if generator.random() < 0.1 else "float32"
    stride = chosen([1, 2, 3, kernel], 14, 4, 2, 1)
    return Shape(spread(1, 128), channels, sizes, outputs, kernel, stride, padding, dilation, groups, dtype)


def multiplications(shape: Shape) -> float:
    """Return how many multiplications the outputs take."""
    reach = shape.dilation * (shape.kernel - 1) + 1
    places = math.prod((size + 2 * shape.padding - reach) // shape.stride + 1 for size in shape.size)
    return shape.batch * shape.outputs * places * (shape.channels // shape.groups) * shape.kernel ** len(shape.size)
