"""`python -m benchmarks`: check that all sides compute the same gradients, time them, and write the results."""

import json as json_format
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from . import limits, report
from .catalog import BENCHMARKS
from .device import computing_on
from .harness import Case, GradientsDiffer, Row, Side, measure
from .machine import compilers, keep_memory, load, pinned_threads, run_inline, usable_cores
from .sides import COMPILED

REPEATS, QUICK_REPEATS = 20, 5
QUICK_BATCHES = 2
# Where a number is within rounding of a kink or a tie, both frameworks are right with different gradients. That is so for
# one seed and not for the next one; a wrong rule is wrong for all.
SEEDS = 4
# The side of a row that says why a case was not timed at all.
ALL = "all"
# The exit code of a program that was interrupted, as shells have it.
INTERRUPTED = 130

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def run(
    quick: Annotated[
        bool, typer.Option("--quick", help="A short run: the two smallest batches, few repeats, no torch.compile.")
    ] = False,
    compile: Annotated[
        bool,
        typer.Option("--compile/--no-compile", help="Whether torch.compile is a side: it compiles for most of a run."),
    ] = True,
    only: Annotated[list[str] | None, typer.Option(help="Only this benchmark; may be given several times.")] = None,
    batch: Annotated[
        list[int] | None,
        typer.Option(help="Only this batch size, where a benchmark has it; may be given several times."),
    ] = None,
    device: Annotated[str, typer.Option(help="Where both frameworks compute: cpu or gpu.")] = "cpu",
    xla_flags: Annotated[
        str, typer.Option(help="Switches for XLA, such as --xla_cpu_experimental_ynn_fusion_type=dot.")
    ] = "",
    keep: Annotated[
        bool,
        typer.Option(
            "--keep-memory/--return-memory", help="Whether freed memory stays with the process, for all sides alike."
        ),
    ] = True,
    inline: Annotated[
        bool,
        typer.Option(
            "--inline/--hand-over", help="Whether JAX's sides compute in the calling thread, as PyTorch does."
        ),
    ] = True,
    compiler_cache: Annotated[
        Path | None,
        typer.Option(
            help="A folder where both compilers keep what they compile, for the next run; first calls are then not cold."
        ),
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the JSON to this file too.")] = None,
    out: Annotated[Path, typer.Option(help="The folder for JSON, Markdown and plot.")] = Path("results/benchmarks"),
    repeats: Annotated[int | None, typer.Option(help=f"Samples of each side; {REPEATS} by default.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="Seed of weights and batches.", min=0)] = 0,
) -> None:
    """Time jaxtut beside plain JAX, Flax NNX, PyTorch and torch.compile. `python -m benchmarks.compare` compares two runs."""
    if xla_flags:  # read when JAX first needs a device, which is later
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {xla_flags}".strip()
    kept, inlined = keep and keep_memory(), inline and device == "cpu" and run_inline()
    try:
        names = _known(only)
        batches = _known_batches(names, batch)
        with computing_on(device):
            pass
        out.mkdir(parents=True, exist_ok=True)
        for path in filter(None, (out / "benchmarks.json", json)):
            _require_writable(path)
    except ValueError as error:
        _stop(str(error), 2)
    except OSError as error:
        _stop(f"{error.filename} cannot be written: {error.strerror}", 2)
    settings = {
        "benchmarks": names,
        "batches": batches,
        "quick": quick,
        "compile": compile and not quick,
        "repeats": repeats or (QUICK_REPEATS if quick else REPEATS),
        "seed": seed,
        "device": device,
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        "memory_kept": kept,
        "inline": inlined,
        "compiler_cache": compiler_cache is not None,
    }
    console = Console()
    rows, data = _measure_all(settings, _load_before(), compiler_cache)
    if not rows:
        _stop("interrupted before anything was measured", INTERRUPTED)
    refused = [row for row in rows if row.side == ALL]
    (console if console.is_terminal else Console(width=150)).print(report.as_table(rows, data))
    for reason in report.reasons(rows):
        typer.echo(reason)
    for case, reasons in data["settings"]["other_seeds"].items():
        typer.echo(f"{case}: timed with seed {data['settings']['seed'] + len(reasons)}, since before {reasons[-1]}")
    paths = report.write(out, data, rows)
    if json is not None:
        json.write_text(json_format.dumps(data, indent=2) + "\n", encoding="utf-8")
        paths.append(json)
    typer.echo("written: " + ", ".join(map(str, paths)))
    if data["settings"]["interrupted"]:
        _stop("interrupted: what was measured before is above", INTERRUPTED)
    if refused:
        _stop("\nbenchmarks: ".join(f"{row.benchmark}, batch {row.batch}: {row.unavailable}" for row in refused), 1)


def _measure_all(
    settings: dict[str, Any], busy: float | None, compiler_cache: Path | None
) -> tuple[list[Row], dict[str, Any]]:
    cases = list(_cases(settings))
    rows: list[Row] = []
    errors: dict[str, dict[str, float]] = {}
    other_seeds: dict[str, list[str]] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        computing_on(settings["device"]),
        compilers(compiler_cache),
        pinned_threads() as threads,
        Progress(*columns, console=Console(stderr=True)) as progress,
    ):
        task = progress.add_task("the machine's limits", total=len(cases) * settings["repeats"])
        best = limits.measured()
        interrupted = False
        try:
            for attempts in cases:
                name = f"{attempts[0].benchmark}, batch {attempts[0].batch}"
                progress.update(task, description=name)
                new_rows, reasons = _first_that_agrees(
                    attempts, settings["repeats"], partial(progress.advance, task), errors
                )
                rows += new_rows
                if reasons and len(reasons) < len(attempts):
                    other_seeds[name] = reasons
        except KeyboardInterrupt:  # a full run takes long, and what was measured is worth having
            interrupted = True
        found = {"other_seeds": other_seeds, "interrupted": interrupted}
        return rows, report.as_json(rows, errors, settings | found, best, threads, busy)


def _first_that_agrees(
    attempts: list[Case], repeats: int, advance: Callable[[], Any], errors: dict[str, dict[str, float]]
) -> tuple[list[Row], list[str]]:
    """Measure a case with the first seed for which all sides have the same gradients; return why others were passed over, too."""
    benchmark, batch = attempts[0].benchmark, attempts[0].batch
    reasons: list[str] = []
    for case in attempts:
        try:
            rows, errors[f"{benchmark}, batch {batch}"] = measure(case, repeats, advance)
        except GradientsDiffer as error:
            reasons.append(f"{GradientsDiffer.__name__}: {error}")
        else:
            return rows, reasons
    return [Row(benchmark, batch, ALL, is_torch=False, unavailable=reasons[0])], reasons


def _cases(settings: dict[str, Any]) -> Iterator[list[Case]]:
    """Yield each case, with one seed after another."""
    for name in settings["benchmarks"]:
        benchmark = BENCHMARKS[name]
        for batch in _chosen(benchmark.batches, settings["batches"], settings["quick"]):
            seeds = range(settings["seed"], settings["seed"] + SEEDS)
            builds = (partial(_sides, name, batch, seed, settings["compile"]) for seed in seeds)
            yield [Case(name, batch, build, benchmark.work(batch)) for build in builds]


def _chosen(batches: Sequence[int], asked: list[int] | None, quick: bool) -> Sequence[int]:
    if asked:
        return [batch for batch in batches if batch in asked]
    return batches[: QUICK_BATCHES if quick else None]


def _load_before() -> float | None:
    """Return the load, and warn of what disturbs: a thread that waits for its core stops torch's whole team of threads."""
    now = load()
    if now is not None and now > usable_cores() / 2:
        typer.echo(
            f"benchmarks: other programs are busy (load {now:.1f} on {usable_cores()} cores), which slows torch down "
            "more than XLA; do not rely on the ratios",
            err=True,
        )
    return now


def _sides(name: str, batch: int, seed: int, compile: bool) -> list[Side]:
    sides = BENCHMARKS[name].sides(batch, seed)
    return [side if compile or side.name != COMPILED else _left_out(side) for side in sides]


def _left_out(side: Side) -> Side:
    def refuse() -> None:
        raise RuntimeError("left out by --quick or --no-compile: compiling takes longer than the rest of the run")

    return Side(side.name, refuse, side.results, side.is_torch, optional=True)


def _known(only: list[str] | None) -> list[str]:
    unknown = [name for name in only or () if name not in BENCHMARKS]
    if unknown:
        raise ValueError(f"there is no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    return [name for name in BENCHMARKS if not only or name in only]


def _known_batches(names: list[str], batches: list[int] | None) -> list[int] | None:
    there_are = sorted({size for name in names for size in BENCHMARKS[name].batches})
    if unknown := [size for size in batches or () if size not in there_are]:
        raise ValueError(f"there is no batch size {unknown[0]} here; there are {', '.join(map(str, there_are))}")
    return batches


def _require_writable(path: Path) -> None:
    """Refuse now what would fail only after minutes of measuring."""
    existed = path.exists()
    with path.open("a"):
        pass
    if not existed:
        path.unlink()


def _stop(message: str, code: int) -> NoReturn:
    typer.echo(f"benchmarks: {message}", err=True)
    raise typer.Exit(code)


if __name__ == "__main__":
    app(prog_name="python -m benchmarks")
