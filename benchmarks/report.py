"""Show what was measured: a terminal table, JSON, Markdown and a plot."""

import json
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from math import ceil, nan
from pathlib import Path
from typing import Any

import torch
from rich.table import Table

from jaxtut.figures import figure

from .harness import GRADIENT_BOUND, GradientsDiffer, Row, quartiles
from .limits import Limits
from .machine import usable_cores

COLUMNS = (
    "benchmark",
    "batch",
    "side",
    "median ms",
    "quartiles ms",
    "speed against torch",
    "quartiles",
    "of the limit",
    "peak MB",
    "first call ms",
)
NOT_AVAILABLE, WRONG = "not available", "wrong gradients"
# Panels in a row of the plot.
MOST_COLUMNS = 4
PACKAGES = ("jaxtut", "jax", "jaxlib", "optax", "flax", "numpy", "torch")


def as_json(
    rows: Sequence[Row],
    errors: Mapping[str, Mapping[str, float]],
    settings: Mapping[str, Any],
    limits: Limits,
    threads: int,
    load: float | None,
) -> dict[str, Any]:
    """Return everything: the rows, and where, when and how they were measured.

    Args:
        rows: what was measured.
        errors: of each case, the largest relative error of each side's gradients.
        settings: what the command was asked for.
        limits: what the machine can do at best.
        threads: PyTorch's threads.
        load: processes that wanted a core just before the run, on average; None where the system does not tell.
    """
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"system": platform.platform(), "processor": _processor(), "cores": usable_cores(), "load": load}
        | ({"gpu": torch.cuda.get_device_name()} if settings["device"] == "gpu" else {}),
        "versions": versions(),
        "threads": {
            "torch": threads,
            "xla": "its own pool, one thread a core",
            "pinning": "torch.set_num_threads(cores this process may use); XLA goes by the same affinity mask",
        },
        "method": {
            "device": settings["device"],
            "precision": "float32; TF32 off in both frameworks",
            "of_the_limit": "the least time that the work of a call takes at the measured limits, divided by its median time; not told "
            "where the work is copying and fits a cache",
            "peak_bytes": "of one warm call, beyond what was held before: resident memory on a CPU, PyTorch's own count on a GPU",
            "order": "turns of one sample of each side, each turn in another order; a rest of 10 ms and untimed calls for 10 ms before each sample",
            "speed": "seconds of the fastest torch side (by its median) divided by seconds of this side, turn by turn",
            "first_call": "tracing, compiling (perhaps found on disk, from an earlier run) and running once"
            if settings["compiler_cache"]
            else "tracing, compiling (nothing cached on disk) and running once",
            "first_compile": "the first call of the first torch.compile row also loads its compiler",
            "memory": "stays with the process (jaxtut.memory.keep)"
            if settings["memory_kept"]
            else "goes back to the system as the C library has it",
            "dispatch": "JAX computes in the calling thread (jaxtut.dispatch.run_inline)"
            if settings["inline"]
            else "JAX hands programs to a thread of its own",
            "gradient_bound": GRADIENT_BOUND,
        },
        "settings": dict(settings),
        "limits": {"flops_per_second": limits.flops, "bytes_per_second": limits.bytes},
        "gradient_errors": {case: dict(sides) for case, sides in errors.items()},
        "rows": [_row_as_json(row, limits) for row in rows],
    }


def _row_as_json(row: Row, limits: Limits) -> dict[str, Any]:
    keys = {"benchmark": row.benchmark, "batch": row.batch, "side": row.side, "unavailable": row.unavailable}
    if not row.samples:
        return keys
    low, median, high = quartiles(row.samples)
    return keys | {
        "median_seconds": median,
        "quartiles_seconds": [low, high],
        "interquartile_seconds": high - low,
        "speed_against_torch": _three(row.speed, row.against),
        "of_the_limit": limits.share(row.work, median),
        "peak_bytes": row.peak_bytes,
        "first_call_seconds": row.first_call,
        "calls_per_sample": row.calls,
        "samples": len(row.samples),
    }


def _three(values: Sequence[float], against: str) -> dict[str, Any] | None:
    if not values:
        return None
    low, median, high = quartiles(values)
    return {"against": against, "median": median, "quartiles": [low, high]}


def _limits(data: Mapping[str, Any]) -> Limits:
    return Limits(data["limits"]["flops_per_second"], data["limits"]["bytes_per_second"])


def _cells(row: Row, limits: Limits) -> tuple[str, ...]:
    where = (row.benchmark, str(row.batch), row.side)
    if not row.samples or row.first_call is None:
        wrong = (row.unavailable or "").startswith(GradientsDiffer.__name__)
        return (*where, WRONG if wrong else NOT_AVAILABLE, *[""] * (len(COLUMNS) - 4))
    share = limits.share(row.work, quartiles(row.samples)[1])
    low, median, high = (f"{1e3 * seconds:.3g}" for seconds in quartiles(row.samples))
    slow, speed, fast = (f"{ratio:.2f}" for ratio in quartiles(row.speed)) if row.speed else ("", "", "")
    return (
        *where,
        median,
        f"{low} to {high}",
        f"{speed}×" if speed else "",
        f"{slow} to {fast}",
        "" if share is None else f"{100 * share:.2g} %",
        "" if row.peak_bytes is None else f"{row.peak_bytes / 1e6:.3g}",
        f"{1e3 * row.first_call:.3g}",
    )


def as_table(rows: Sequence[Row], data: Mapping[str, Any]) -> Table:
    """Return the table for the terminal, a section for each benchmark and batch size."""
    limits = _limits(data)
    table = Table(
        title="Time of one call",
        caption="speed: how many times as fast as the fastest of torch's sides; of the limit: "
        f"{limits.flops / 1e9:.0f} GFLOP/s in a matrix product, {limits.bytes / 1e9:.1f} GB/s read and written; "
        f"freed memory: {data['method']['memory']}; {data['method']['dispatch']}",
    )
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in ("benchmark", "side") else "right")
    for index, row in enumerate(rows):
        ends = index + 1 == len(rows) or (rows[index + 1].benchmark, rows[index + 1].batch) != (
            row.benchmark,
            row.batch,
        )
        table.add_row(*_cells(row, limits), end_section=ends)
    return table


def as_markdown(data: Mapping[str, Any], rows: Sequence[Row]) -> str:
    """Return the table in Markdown, under a line that says where it was measured."""
    versions = ", ".join(f"{name} {data['versions'][name]}" for name in ("jax", "torch"))
    machine = f"{data['machine']['processor']}, {data['machine']['cores']} cores"
    if gpu := data["machine"].get("gpu"):
        machine = f"{gpu}, TF32 off; {machine}"
    if (load := data["machine"].get("load")) is not None:
        machine += f", load {load:.1f} before the run"
    limits = _limits(data)
    head = (
        f"Measured on {data['date'][:10]}: {machine}; {versions}; float32. Limits: {limits.flops / 1e9:.0f} GFLOP/s in a matrix "
        f"product, {limits.bytes / 1e9:.1f} GB/s read and written. Freed memory: {data['method']['memory']}. "
        f"{data['method']['dispatch']}."
    )
    alignment = tuple("---" if name in ("benchmark", "side") else "---:" for name in COLUMNS)
    lines = [COLUMNS, alignment, *(_cells(row, limits) for row in rows)]
    notes = "".join(f"\n{reason}\n" for reason in reasons(rows))
    return f"{head}\n\n{_as_pipes(_summary(rows))}\nEvery side:\n\n{_as_pipes(lines)}{notes}"


def _as_pipes(lines: Sequence[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _summary(rows: Sequence[Row]) -> list[list[str]]:
    """Return a line for each benchmark and batch: the fastest of torch's sides, and how many times as fast the others are."""
    others = list(dict.fromkeys(row.side for row in rows if not row.is_torch))
    lines = [["benchmark", "batch", "torch ms", "", *others], ["---", "---:", "---:", "---", *["---:"] * len(others)]]
    for benchmark, batch in dict.fromkeys((row.benchmark, row.batch) for row in rows):
        case = {row.side: row for row in rows if (row.benchmark, row.batch) == (benchmark, batch) and row.samples}
        rivals = [row for row in case.values() if row.is_torch]
        if rivals:
            best = min(rivals, key=lambda row: quartiles(row.samples)[1])
            speeds = [f"{quartiles(case[name].speed)[1]:.2f}×" if name in case else "" for name in others]
            lines.append([benchmark, str(batch), f"{1e3 * quartiles(best.samples)[1]:.3g}", best.side, *speeds])
    return lines


def reasons(rows: Sequence[Row]) -> list[str]:
    """Say of each side without a time why it has none; equal reasons once."""
    places: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.unavailable is not None:
            places.setdefault((row.side, row.unavailable), []).append(f"{row.benchmark} {row.batch}")
    return [f"{side}, {', '.join(where)}: {reason}" for (side, reason), where in places.items()]


def plot(rows: Sequence[Row], path: Path) -> None:
    """Draw time against batch size, one panel a benchmark, one line a side; the band is the interquartile range."""
    benchmarks = list(dict.fromkeys(row.benchmark for row in rows))
    sides = list(dict.fromkeys(row.side for row in rows if row.samples))
    columns = min(len(benchmarks), MOST_COLUMNS)
    lines = ceil(len(benchmarks) / columns)
    with figure(path, lines, columns, (3.8 * columns, 3.4 * lines + 0.6), dpi=130) as (whole, axes):
        panels = list(axes.flat)
        for panel in panels[len(benchmarks) :]:
            panel.set_axis_off()
        for panel, benchmark in zip(panels, benchmarks, strict=False):
            for number, side in enumerate(sides):
                found = [row for row in rows if (row.benchmark, row.side) == (benchmark, side)]
                if found:
                    _draw_line(panel, found, side, number)
            _label(panel, benchmark, sorted({row.batch for row in rows if row.benchmark == benchmark}))
        entries = {
            label: line for panel in panels for line, label in zip(*panel.get_legend_handles_labels(), strict=True)
        }
        # Two names are as wide as a panel.
        many = min(len(sides), 2 * columns)
        whole.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=many, frameon=False)


def _draw_line(panel: Any, rows: Sequence[Row], side: str, number: int) -> None:
    # NaN leaves a gap where there is no time: no line is drawn over it.
    times = (quartiles([1e3 * seconds for seconds in row.samples or [nan]]) for row in rows)
    low, median, high = zip(*times, strict=True)
    batches = [row.batch for row in rows]
    panel.plot(batches, median, marker="os^DvP"[number % 6], color=f"C{number}", label=side)
    panel.fill_between(batches, low, high, color=f"C{number}", alpha=0.2, linewidth=0)


def _label(panel: Any, benchmark: str, batches: Sequence[int]) -> None:
    panel.set(
        title=benchmark.replace("_", " "),
        xlabel="batch size",
        ylabel="time of one call (ms)",
        xscale="log",
        yscale="log",
    )
    panel.set_xticks(batches, [str(batch) for batch in batches])
    panel.minorticks_off()
    panel.grid(alpha=0.3)


def write(folder: Path, data: Mapping[str, Any], rows: Sequence[Row]) -> list[Path]:
    """Write the three files, and return their paths."""
    paths = [folder / f"benchmarks.{kind}" for kind in ("json", "md", "png")]
    paths[0].write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    paths[1].write_text(as_markdown(data, rows), encoding="utf-8")
    plot(rows, paths[2])
    return paths


def versions() -> dict[str, str]:
    """Return those of Python and the packages that matter here."""
    return {"python": platform.python_version()} | {package: _version(package) for package in PACKAGES}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
