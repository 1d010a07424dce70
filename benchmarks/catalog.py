"""All benchmarks: how their sides are made, at which batch sizes, and what work one call is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from . import (
    bench_activations,
    bench_chain_rule,
    bench_cnn,
    bench_convolution,
    bench_cross_entropy,
    bench_ffn,
    bench_jacobian,
    bench_loader,
    bench_optimizer,
    bench_pooling,
    bench_transforms,
)
from .harness import Side
from .limits import UNKNOWN, Work

SWEEP = (1, 4, 16, 64, 256, 1024)


@dataclass(frozen=True)
class Benchmark:
    """One subject.

    Args:
        sides: makes the sides for a batch size and a seed.
        batches: the batch sizes of a full run; the first two of a quick one.
        work: what one call cannot do without, for a batch size.
    """

    sides: Callable[[int, int], list[Side]]
    batches: Sequence[int]
    work: Callable[[int], Work] = lambda batch: UNKNOWN


BENCHMARKS = {
    "jacobian": Benchmark(bench_jacobian.sides, (1, 16, 256)),
    "jacobian_columns": Benchmark(bench_jacobian.sides_by_columns, (1, 16, 256)),
    "chain_rule": Benchmark(bench_chain_rule.sides, (1, 1000, 1_000_000), bench_chain_rule.work),
    "relu": Benchmark(bench_activations.relu, (16, 1024, 8192), bench_activations.work),
    "gelu": Benchmark(bench_activations.gelu, (16, 1024, 8192), bench_activations.work),
    "softmax": Benchmark(bench_activations.softmax, (16, 1024, 8192), bench_activations.work),
    "cross_entropy": Benchmark(bench_cross_entropy.sides, (4, 64, 256, 1024), bench_cross_entropy.work),
    "ffn": Benchmark(bench_ffn.sides, SWEEP, bench_ffn.work),
    "ffn_epoch": Benchmark(bench_ffn.sides_of_epoch, (4, 64, 256), bench_ffn.work_of_epoch),
    "cnn": Benchmark(bench_cnn.sides, SWEEP, bench_cnn.work),
    "cnn_epoch": Benchmark(bench_cnn.sides_of_epoch, (4, 64, 256), bench_cnn.work_of_epoch),
    "convolution": Benchmark(bench_convolution.sides, (1, 16, 256), bench_convolution.work),
    "convolution_in_scan": Benchmark(bench_convolution.sides_in_scan, (1, 16, 256), bench_convolution.work_in_scan),
    "pooling": Benchmark(bench_pooling.sides, (1, 8, 64), bench_pooling.work),
    "optimizer": Benchmark(bench_optimizer.sides, (1, 10), bench_optimizer.work),
    "loader": Benchmark(bench_loader.sides, (16, 64, 256)),
    "transforms": Benchmark(bench_transforms.sides, (1, 16, 256)),
}
