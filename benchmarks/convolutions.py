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

from . import convolution_shapes, report
from .convolution_shapes import Shape
from .harness import Case, GradientsDiffer, Row, Side, measure, quartiles
from .limits import measured
from .machine import compilers, keep_memory, load, pinned_threads, run_inline
from .sides import EAGER, LIBRARY, PLAIN

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
MAPS = ("forward", "input", "kernel")
# Of what is slower, that is much.
SLOW = 0.6


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
    random: Annotated[
        int | None, typer.Option(help="So many shapes drawn at random instead of well-known ones.", min=1)
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of images and kernels, and of random shapes.", min=0)] = 0,
) -> None:
    """Time convolutions of many shapes and their gradients beside plain JAX and PyTorch."""
    kept, inlined = keep_memory(), run_inline()
    busy = load()
    shapes = convolution_shapes.well_known() if random is None else convolution_shapes.at_random(random, seed)
    with compilers(), pinned_threads() as threads:
        best = measured()
        rows, results = [], []
        for shape in track(shapes[:first], "convolutions", console=Console(stderr=True)):
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
        settings: dict[str, Any] = {
            "benchmarks": ["convolutions"],
            "repeats": repeats,
            "seed": seed,
            "random": random,
            "device": "cpu",
        }
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
