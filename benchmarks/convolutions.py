"""`python -m benchmarks.convolutions`: one convolution and its two gradients at many shapes, against plain JAX and PyTorch.

Each of the three maps is timed alone, `F.conv1d`, `conv2d` or `conv3d` beside `lax.conv_general_dilated` and PyTorch's operator, in PyTorch's order.
"""

import json as json_format
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import torch
import typer
from jax import lax
from rich.console import Console
from rich.progress import track
from rich.table import Table

import jaxtut.functional as F
from jaxtut.torch_random import Generator

from . import report
from .harness import Case, GradientsDiffer, Row, Side, measure, quartiles
from .limits import measured
from .machine import compilers, keep_memory, load, pinned_threads, run_inline
from .sides import EAGER, LIBRARY, PLAIN

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
MAPS = ("forward", "input", "kernel")
# Of what is slower, that is much.
SLOW = 0.6


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


def shapes() -> list[Shape]:
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
    return [*course, *digits, *vgg, *resnet, *pointwise, *grouped, *dilated, *odd, *lines, *volumes, *doubles]


def cases(shape: Shape, seed: int) -> Iterator[tuple[str, list[Side]]]:
    """Yield the sides of each of the three maps."""
    axes, generator = len(shape.size), Generator(seed)
    x = generator.randn(shape.batch, shape.channels, *shape.size, dtype=shape.dtype)
    w = generator.randn(shape.outputs, shape.channels // shape.groups, *[shape.kernel] * axes, dtype=shape.dtype)
    options = {"stride": shape.stride, "padding": shape.padding, "dilation": shape.dilation, "groups": shape.groups}
    torchs = getattr(torch.nn.functional, f"conv{axes}d")
    x_torch, w_torch = torch.from_numpy(x), torch.from_numpy(w)
    y_torch = torchs(x_torch, w_torch, **options)
    y = y_torch.numpy()
    ours = getattr(F, f"conv{axes}d")

    def plain(x: Any, w: Any) -> Any:
        return lax.conv_general_dilated(
            x,
            w,
            [shape.stride] * axes,
            [(shape.padding, shape.padding)] * axes,
            rhs_dilation=[shape.dilation] * axes,
            feature_group_count=shape.groups,
        )

    def backward(mask: Sequence[bool]) -> Callable[[], torch.Tensor]:
        each = [[shape.stride] * axes, [shape.padding] * axes, [shape.dilation] * axes, False, [0] * axes, shape.groups]
        operator = torch.ops.aten.convolution_backward
        return lambda: operator(y_torch, x_torch, w_torch, None, *each, [*mask, False])[list(mask).index(True)]

    def maps(convolution: Callable[[Any, Any], Any]) -> list[Callable[..., Any]]:
        return [
            jax.jit(convolution),
            jax.jit(lambda w, y: jax.vjp(lambda x: convolution(x, w), jnp.zeros_like(x))[1](y)[0]),
            jax.jit(lambda x, y: jax.vjp(lambda w: convolution(x, w), jnp.zeros_like(w))[1](y)[0]),
        ]

    arguments = [tuple(map(jnp.asarray, each)) for each in ((x, w), (w, y), (x, y))]
    runs = [lambda: torchs(x_torch, w_torch, **options), backward((True, False)), backward((False, True))]
    library, plainly = maps(lambda x, w: ours(x, w, **options)), maps(plain)
    for i, name in enumerate(MAPS):
        yield (
            name,
            [
                _jax_side(LIBRARY, library[i], arguments[i]),
                _jax_side(PLAIN, plainly[i], arguments[i]),
                Side(EAGER, runs[i], lambda run=runs[i]: {"result": run().numpy()}, is_torch=True),
            ],
        )


def _jax_side(name: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Side:
    return Side(
        name, lambda: function(*arguments).block_until_ready(), lambda: {"result": np.asarray(function(*arguments))}
    )


class Result(NamedTuple):
    """A map at a shape: milliseconds of one call, and how many times as fast as the other sides it is."""

    shape: str
    map: str
    milliseconds: float
    against_plain: float
    against_torch: float


@app.command()
def run(
    json: Annotated[Path | None, typer.Option(help="Write the results to this file too.")] = None,
    repeats: Annotated[int, typer.Option(help="Samples of each side.", min=1)] = 7,
    first: Annotated[int | None, typer.Option(help="Only so many shapes.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="Seed of images and kernels.", min=0)] = 0,
) -> None:
    """Time convolutions of many shapes and their gradients beside plain JAX and PyTorch."""
    kept, inlined = keep_memory(), run_inline()
    busy, chosen = load(), shapes()[:first]
    with compilers(), pinned_threads() as threads:
        best = measured()
        rows, results = [], []
        for shape in track(chosen, "convolutions", console=Console(stderr=True)):
            with jax.enable_x64(shape.dtype == "float64"):
                for name, sides in cases(shape, seed):
                    try:
                        found, _ = measure(Case(f"{shape}, {name}", shape.batch, lambda sides=sides: sides), repeats)
                    except GradientsDiffer as error:
                        typer.echo(f"benchmarks.convolutions: {shape}, {name}: {error}", err=True)
                        raise typer.Exit(1) from None
                    rows += found
                    results.append(_result(str(shape), name, found))
    console = Console()
    (console if console.is_terminal else Console(width=160)).print(as_table(results))
    for line in summary(results):
        typer.echo(line)
    if json is not None:
        settings: dict[str, Any] = {"benchmarks": ["convolutions"], "repeats": repeats, "seed": seed, "device": "cpu"}
        settings |= {"xla_flags": "", "memory_kept": kept, "inline": inlined, "compiler_cache": False}
        data = report.as_json(rows, {}, settings, best, threads, busy)
        json.write_text(json_format.dumps(data, indent=2) + "\n", encoding="utf-8")
        typer.echo(f"written: {json}")


def _result(shape: str, name: str, rows: Sequence[Row]) -> Result:
    ours, plain, _ = rows
    ratios = [theirs / own for theirs, own in zip(plain.samples, ours.samples, strict=True)]
    median = lambda values: quartiles(values)[1]  # noqa: E731
    return Result(shape, name, 1e3 * median(ours.samples), median(ratios), median(ours.speed))


def as_table(results: Sequence[Result]) -> Table:
    """Return a line for each shape: of each map the time, and how many times as fast as plain JAX and as PyTorch it is."""
    table = Table(
        title="Convolutions: milliseconds of the outputs and of the gradients in the input and in the kernel",
        caption="× JAX, × torch: how many times as fast as plain JAX and PyTorch",
    )
    table.add_column("shape", no_wrap=True)
    for name in ("outputs", "input", "kernel"):
        for column in (f"{name} ms", "× JAX", "× torch"):
            table.add_column(column, justify="right", no_wrap=True)
    for i in range(0, len(results), len(MAPS)):
        cells = [
            cell
            for result in results[i : i + len(MAPS)]
            for cell in (f"{result.milliseconds:.3g}", f"{result.against_plain:.2f}", f"{result.against_torch:.2f}")
        ]
        table.add_row(results[i].shape, *cells)
    return table


def summary(results: Sequence[Result]) -> list[str]:
    """Return, for each map and all together, the speeds' median, least and most, how many are faster, and how many much slower."""
    lines: list[str] = []
    for name in (*MAPS, "all"):
        chosen = [result for result in results if name in (result.map, "all")]
        parts: list[str] = []
        for rival, speeds in (
            ("plain JAX", [(result.against_plain, result.shape) for result in chosen]),
            ("PyTorch", [(result.against_torch, result.shape) for result in chosen]),
        ):
            (least, where), (most, _) = min(speeds), max(speeds)
            median = quartiles([speed for speed, _ in speeds])[1]
            faster, slow = (sum(test(speed) for speed, _ in speeds) for test in (lambda s: s >= 1, lambda s: s < SLOW))
            parts.append(
                f"{median:.2f}× {rival} on median, {least:.2f}× ({where}) to {most:.3g}×, {faster} of {len(speeds)} faster, "
                f"{slow} below {SLOW}×"
            )
        lines.append(f"{name}: {'; '.join(parts)}")
    return lines


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.convolutions")
