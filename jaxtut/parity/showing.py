"""What `jaxtut check` and `jaxtut train` print, draw and write."""

import json as jsonlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from . import definition
from .lessons import Case, cases
from .lockstep import Run, train_in_lockstep
from .report import Report, Row, number
from .terminal import COLOURS
from .training_plot import draw

WHY = """\
Why we may say so: every value, and every gradient for three random cotangents, is compared element by element in float64 and float32, with
JAX compiled and operation by operation. In float64 two elements count as the same only if the rounding measured at that element explains
their difference (float32 noise × 2⁻²⁹ × 16 + 256 ulp); in float32, if JAX is as near to the float64 truth as PyTorch is (within ×16)."""


def run_check(lessons: tuple[str, ...], seed: int, json: Path | None, html: Path | None, console: Console) -> bool:
    """Compare the lessons, print a table for each comparison and a summary; return whether all are the same."""
    done: list[tuple[Case, Report]] = []
    todo = list(cases(lessons, seed))
    # Nearly all of the time goes into compiling, which two threads do side by side.
    with _progress(console) as progress, ThreadPoolExecutor(2) as pool:
        task = progress.add_task("checking", total=len(todo))
        for case, report in zip(todo, pool.map(lambda case: case.compare(seed=seed), todo), strict=True):
            progress.update(task, description=f"{case.lesson}: {case.title}"[:60])
            done.append((case, report))
            progress.console.print(_case_table(case, report))
            if not report.same:
                progress.console.print(report.summary(), style="bold red", markup=False)
            progress.advance(task)
    console.print(_summary(done))
    console.print(WHY, highlight=False)
    if json:
        json.write_text(
            jsonlib.dumps(
                [{"lesson": c.lesson, "title": c.title, **jsonlib.loads(r.to_json())} for c, r in done], indent=2
            )
        )
    if html:
        html.mkdir(parents=True, exist_ok=True)
        for i, (case, report) in enumerate(done):
            (html / f"{i:02d}-{case.lesson}.html").write_text(report.to_html())
    same = all(report.same for _, report in done)
    console.print(
        "Identical." if same else "DIFFERENT: see the lines in red.", style="bold green" if same else "bold red"
    )
    return same


def _case_table(case: Case, report: Report) -> Table:
    table = Table(title=f"[bold]{case.lesson}[/]: {case.title}", title_justify="left", header_style="dim")
    for heading in ("quantity", "shape", "dtype"):
        table.add_column(heading)
    for heading in ("ulp jit", "ulp eager", "relative", "JAX from truth", "PyTorch from truth"):
        table.add_column(heading, justify="right")
    table.add_column("verdict")
    for (kind, name, dtype), modes in _by_quantity(report).items():
        rows = list(modes.values())
        verdict = definition.worst([row.verdict for row in rows])
        ulps = [number(modes[mode].max_ulp) if mode in modes else "–" for mode in ("jit", "eager")]
        # In float64 PyTorch's result is the truth, so nothing is said of its distance.
        errors = [number(max(row.max_rel for row in rows))]
        errors += (
            [number(max(r.err_jax for r in rows)), number(max(r.err_torch for r in rows))]
            if dtype != "float64"
            else ["", ""]
        )
        notes = "".join(f"; {note}" for note in dict.fromkeys(row.note for row in rows if row.note))
        label = f"∂/∂ {name}" if kind == "gradient" else name
        table.add_row(label, str(rows[0].shape), dtype, *ulps, *errors, f"[{COLOURS[verdict]}]{verdict}[/]{notes}")
    return table


def _by_quantity(report: Report) -> dict[tuple[str, str, str], dict[str, Row]]:
    grouped: dict[tuple[str, str, str], dict[str, Row]] = {}
    for row in report.rows:
        grouped.setdefault((row.kind, row.name, row.dtype), {})[row.mode] = row
    return grouped


def _summary(done: list[tuple[Case, Report]]) -> Table:
    table = Table(title="[bold]Summary[/]: arrays compared, by verdict", title_justify="left")
    table.add_column("lesson")
    for heading in ("values", "gradients", *definition.VERDICTS[:4]):
        table.add_column(heading, justify="right")
    for lesson in dict.fromkeys(case.lesson for case, _ in done):
        rows = [row for case, report in done if case.lesson == lesson for row in report.rows]
        kinds, verdicts = Counter(row.kind for row in rows), Counter(row.verdict for row in rows)
        table.add_row(
            lesson,
            str(kinds["value"]),
            str(kinds["gradient"]),
            *(str(verdicts[v] or "") for v in definition.VERDICTS[:4]),
        )
    return table


def run_train(
    models: tuple[str, ...],
    data: str | None,
    dtypes: tuple[str, ...],
    epochs: int | None,
    seed: int,
    out: Path,
    console: Console,
) -> bool:
    """Train the models on both sides, print the epochs side by side, draw the curves; return whether the two sides agree."""
    runs: list[Run] = []
    for model in models:
        for dtype in dtypes:
            with _progress(console) as progress:
                task = progress.add_task(f"{model} {dtype}")

                def advance(done: int, total: int, progress: Progress = progress, task=task) -> None:
                    progress.update(task, completed=done, total=total)

                runs.append(train_in_lockstep(model, data, dtype, epochs, seed, advance))
            console.print(_run_table(runs[-1]))
    out.mkdir(parents=True, exist_ok=True)
    draw(runs, out / "training.png")
    (out / "training.json").write_text(jsonlib.dumps([run.to_dict() for run in runs], indent=2))
    same = True
    for run in runs:
        verdict = run.verdict()
        same &= verdict.same
        console.print(
            f"{run.model} {run.dtype}: {verdict.text}", style="green" if verdict.same else "bold red", highlight=False
        )
    console.print(f"curves: {out / 'training.png'}", highlight=False)
    return same


def _run_table(run: Run) -> Table:
    table = Table(
        title=f"[bold]{run.model}[/] on {run.data}, {run.dtype}, seed {run.seed}, batches of {run.batch_size}",
        title_justify="left",
    )
    headings = ("epoch", "loss JAX", "loss PyTorch", f"{run.score} JAX", f"{run.score} PyTorch", "drift")
    for heading in headings + (("PyTorch, other threads", "PyTorch, one ulp") if run.losses_of_threads else ()):
        table.add_column(heading, justify="right")
    for i, e in enumerate(run.epochs, start=1):
        table.add_row(
            str(i),
            f"{e.loss_jax:.6f}",
            f"{e.loss_torch:.6f}",
            run.shown(e.score_jax),
            run.shown(e.score_torch),
            f"{e.drift:.1e}",
            *(f"{drift:.1e}" for drift in (e.drift_of_threads, e.drift_of_an_ulp) if drift is not None),
        )
    return table


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)
