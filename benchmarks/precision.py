"""`python -m benchmarks.precision`: how far gradients on a GPU are from float64 with TF32 off and on, and how long they take.

All other benchmarks compare frameworks with TF32 off in both. Its error is no difference of rules, and belongs beside them, not among them.
"""

import json as json_format
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import torch
import typer
from jaxtyping import Array
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import nn

import jaxtut.functional as F
from jaxtut import cnn, ffn
from jaxtut.torch_random import Generator
from torch_ref import cnn as torch_cnn
from torch_ref import ffn as torch_ffn

from . import bench_cnn, bench_ffn, report
from .device import array, computing_on, module, on_gpu, tensor, until_done
from .harness import Row, Side, quartiles, time_in_turns
from .machine import compilers
from .sides import EAGER, LIBRARY

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
BATCHES = (16, 256, 4096)
PRECISIONS = {"float32": False, "TF32": True}

Gradients = dict[str, np.ndarray]


class Network(NamedTuple):
    """A network in both frameworks: jaxtut's function, its weights, torch_ref's module and its layers, and one sample's shape."""

    apply: Callable[[Any, Array], Array]
    init: Callable[[Generator], dict[str, Array]]
    model: Callable[[], nn.Module]
    layers: Callable[[Any], nn.Module]
    sample: tuple[int, ...]


NETWORKS = {
    "ffn": Network(ffn.apply, ffn.init, torch_ffn.Model, bench_ffn.layers, (784,)),
    "cnn": Network(
        cnn.apply,
        lambda generator: cnn.init(generator, image_shape=bench_cnn.IMAGE),
        lambda: torch_cnn.Model(bench_cnn.IMAGE),
        bench_cnn.layers,
        bench_cnn.IMAGE,
    ),
}


class Result(NamedTuple):
    """A side at a batch size and a precision.

    Attributes:
        largest: error of a gradient from float64, of the largest element of its array; the largest of all.
        norm: ‖g − truth‖ / ‖truth‖ over all weights.
        milliseconds: of one gradient.
    """

    network: str
    batch: int
    side: str
    precision: str
    largest: float
    norm: float
    milliseconds: float


def results(name: str, batch: int, device: str, repeats: int, seed: int) -> Iterator[Result]:
    """Yield what both sides reach with TF32 off, and then on."""
    network, generator = NETWORKS[name], Generator(seed)
    params = {key: np.asarray(value) for key, value in network.init(generator).items()}
    x, y = generator.randn(batch, *network.sample), generator.randint(0, 10, (batch,))
    truth = _truth(network, params, x, y)
    for precision, tf32 in PRECISIONS.items():
        with computing_on(device, tf32):
            sides = [_library(network, params, x, y), _eager(network, params, x, y)]
            rows = {side.name: Row(name, batch, side.name, side.is_torch) for side in sides}
            found = {side.name: _errors(side.results(), truth) for side in sides}
            time_in_turns(sides, rows, repeats)
            for side in sides:
                median = quartiles(rows[side.name].samples)[1]
                yield Result(name, batch, side.name, precision, *found[side.name], 1e3 * median)


def _errors(found: Mapping[str, np.ndarray], truth: Gradients) -> tuple[float, float]:
    apart = {key: found[key] - exact for key, exact in truth.items()}
    largest = max(np.abs(apart[key]).max() / np.abs(exact).max() for key, exact in truth.items())
    return float(largest), _norm(apart) / _norm(truth)


def _norm(arrays: Gradients) -> float:
    return float(np.sqrt(sum(np.square(each).sum() for each in arrays.values())))


def _library(network: Network, params: Gradients, x: np.ndarray, y: np.ndarray) -> Side:
    gradients = jax.jit(jax.grad(lambda params, x, y: F.cross_entropy(network.apply(params, x), y)))
    arrays = jax.tree.map(jnp.asarray, (params, x, y.astype("int32")))
    return Side(
        LIBRARY,
        lambda: jax.block_until_ready(gradients(*arrays)),
        lambda: {key: np.asarray(value) for key, value in gradients(*arrays).items()},
    )


def _model(network: Network, params: Gradients) -> nn.Module:
    model = network.model()
    model.load_state_dict({key: torch.from_numpy(value.copy()) for key, value in params.items()})
    return model


def _eager(network: Network, params: Gradients, x: np.ndarray, y: np.ndarray) -> Side:
    model = module(_model(network, params))
    layers, samples, labels = network.layers(model), tensor(x), tensor(y)

    def run() -> dict[str, torch.Tensor]:
        return _torch_gradients(model, layers, samples, labels)

    return Side(EAGER, until_done(run), lambda: {key: array(value) for key, value in run().items()}, is_torch=True)


def _truth(network: Network, params: Gradients, x: np.ndarray, y: np.ndarray) -> Gradients:
    """Return the gradients that PyTorch computes in float64 on the CPU."""
    model = _model(network, params).double()
    found = _torch_gradients(model, network.layers(model), torch.from_numpy(x).double(), torch.from_numpy(y))
    return {key: value.numpy() for key, value in found.items()}


def _torch_gradients(model: nn.Module, layers: nn.Module, x: torch.Tensor, y: torch.Tensor) -> dict[str, torch.Tensor]:
    weights = dict(model.named_parameters())
    loss = nn.functional.cross_entropy(layers(x), y)
    return dict(zip(weights, torch.autograd.grad(loss, list(weights.values())), strict=True))


@app.command()
def run(
    device: Annotated[str, typer.Option(help="Where both frameworks compute: gpu, or cpu, which has no TF32.")] = "gpu",
    json: Annotated[Path | None, typer.Option(help="Write the results to this file too.")] = None,
    repeats: Annotated[int, typer.Option(help="Samples of each side.", min=1)] = 7,
    batch: Annotated[list[int] | None, typer.Option(help=f"Batch sizes; by default {BATCHES}.", min=1)] = None,
    compiler_cache: Annotated[
        Path | None, typer.Option(help="A folder where XLA keeps what it compiles, for the next run.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of weights and batches.", min=0)] = 0,
) -> None:
    """Report the error and the time of TF32 apart from those of float32."""
    try:
        with computing_on(device):
            gpu = torch.cuda.get_device_name() if on_gpu() else None
    except ValueError as error:
        typer.echo(f"benchmarks.precision: {error}", err=True)
        raise typer.Exit(2) from None
    cases = [(name, size) for name in NETWORKS for size in batch or BATCHES]
    with compilers(compiler_cache):
        found = [
            result
            for name, size in track(cases, "gradients", console=Console(stderr=True))
            for result in results(name, size, device, repeats, seed)
        ]
    Console().print(as_table(found))
    if json is not None:
        settings = {"device": device, "gpu": gpu, "repeats": repeats, "seed": seed}
        data = {"versions": report.versions(), "settings": settings, "rows": [result._asdict() for result in found]}
        json.write_text(json_format.dumps(data, indent=2) + "\n", encoding="utf-8")
        typer.echo(f"written: {json}")


def as_table(found: list[Result]) -> Table:
    """Return a line for each network, batch size, precision and side."""
    table = Table(
        title="Gradients of the loss in all weights, from those in float64",
        caption="largest error: of the largest element of its array; norm: ‖g − truth‖ / ‖truth‖",
    )
    for column in ("network", "batch", "precision", "side", "largest error", "norm", "ms"):
        table.add_column(column, justify="left" if column in ("network", "precision", "side") else "right")
    for result in found:
        errors = (f"{result.largest:.1e}", f"{result.norm:.1e}")
        table.add_row(
            result.network,
            str(result.batch),
            result.precision,
            result.side,
            *errors,
            f"{result.milliseconds:.3g}",
            end_section=result.precision == list(PRECISIONS)[-1] and result.side == EAGER,
        )
    return table


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.precision")
