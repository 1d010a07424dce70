"""Which checks find which mistakes: the engine and its rivals over all mutants, as a table; `python -m jaxtut.parity.trials.table`."""

import json as jsonlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from .catalog import mutants
from .mutant import Mutant
from .rivals import RIVALS

CAUGHT, MISSED, FALSE_ALARM = "caught", "missed", "false alarm"
COLOURS = {CAUGHT: "green", MISSED: "red", FALSE_ALARM: "yellow"}
ENGINE = "jaxtut"


@dataclass(frozen=True)
class Trial:
    """What came of one mutant.

    Attributes:
        mutant, family, mistake: the mutant's.
        checks: for the engine and each rival, 'caught' or 'missed'; 'false alarm' where the right function fails as well, so that the alarm
            says nothing of the mistake.
        verdict, honest_verdict: what the engine says of the wrong function and of the right one; or the exception that it raised.
        divergence: the first quantity that the engine finds to differ.
        cause: its likely cause.
        explained: whether that speaks of the mistake; None where numbers alone cannot tell.
    """

    mutant: str
    family: str
    mistake: str
    checks: dict[str, str]
    verdict: str
    honest_verdict: str
    divergence: str = ""
    cause: str = ""
    explained: bool | None = None


def try_mutant(mutant: Mutant) -> Trial:
    """Run the engine and every rival on a mutant, with its mistake and without."""
    wrong, right = _ask_engine(mutant), _ask_engine(mutant.corrected())
    checks = {ENGINE: _outcome(wrong.found, right.found)}
    checks |= {name: _outcome(rival(mutant), rival(mutant.corrected())) for name, rival in RIVALS.items()}
    explained = mutant.explained_by(wrong.cause) if mutant.cause else None
    return Trial(
        mutant.name,
        mutant.family,
        mutant.mistake,
        checks,
        wrong.verdict,
        right.verdict,
        wrong.divergence,
        wrong.cause,
        explained,
    )


@dataclass(frozen=True)
class _Answer:
    verdict: str
    found: bool
    divergence: str = ""
    cause: str = ""


def _ask_engine(mutant: Mutant) -> _Answer:
    try:
        report = mutant.compare(modes=("jit",))
    except Exception as error:  # an engine that breaks has neither caught the mistake nor passed the right function
        return _Answer(f"{type(error).__name__}: {error}", found=mutant.jax is mutant.honest)
    first = report.first_divergence
    divergence = f"{first.kind} {first.name} ({first.dtype})" if first else ""
    return _Answer(report.verdict, not report.same, divergence, first.cause if first else "")


def _outcome(wrong_fails: bool, right_fails: bool) -> str:
    return FALSE_ALARM if right_fails else CAUGHT if wrong_fails else MISSED


def table(trials: Sequence[Trial]) -> Table:
    """Return a row for each mutant."""
    shown = Table(title="[bold]Planted mistakes[/]: which check finds which", title_justify="left", header_style="dim")
    for heading in ("mistake", ENGINE, "parts first at", "likely cause", *RIVALS):
        shown.add_column(heading)
    family = ""
    for t in trials:
        if t.family != family:
            shown.add_section()
            family = t.family
        checks = {name: f"[{COLOURS[outcome]}]{outcome}[/]" for name, outcome in t.checks.items()}
        what = f"[bold]{t.mutant}[/]\n[dim]{t.mistake}[/]"
        shown.add_row(what, checks.pop(ENGINE), t.divergence, t.cause.partition(":")[0] or "–", *checks.values())
    return shown


def summary(trials: Sequence[Trial]) -> Table:
    """Return the counts: a row for each check."""
    shown = Table(title=f"[bold]{len(trials)} mistakes[/]", title_justify="left", header_style="dim")
    shown.add_column("check")
    for outcome in COLOURS:
        shown.add_column(outcome, justify="right")
    for name in (ENGINE, *RIVALS):
        counts = Counter(t.checks[name] for t in trials)
        shown.add_row(name, *(str(counts[outcome]) for outcome in COLOURS))
    return shown


def to_json(trials: Sequence[Trial]) -> str:
    """Return the trials as JSON."""
    return jsonlib.dumps([asdict(t) for t in trials], indent=2, ensure_ascii=False)


def main(
    json: Annotated[Path | None, typer.Option(help="Write the trials to this JSON file.")] = None,
    only: Annotated[str, typer.Option(help="Only mutants whose name or family contains this.")] = "",
) -> None:
    """Try the engine and its rivals on every planted mistake; exit 1 unless the engine catches all and passes every right form."""
    wide = Console()
    console = wide if wide.is_terminal else Console(width=190)
    todo = list(mutants(only))
    if not todo:
        console.print(f"there is no mutant with {only!r} in its name or family", markup=False)
        raise typer.Exit(2)
    trials = [try_mutant(m) for m in track(todo, "trying", console=console, transient=True)]
    console.print(table(trials))
    console.print(summary(trials))
    named = [t for t in trials if t.explained is not None]
    console.print(
        f"likely cause right in {sum(bool(t.explained) for t in named)} of the {len(named)} where numbers tell it"
    )
    for t in trials:
        if t.checks[ENGINE] != CAUGHT:
            line = f"{t.checks[ENGINE]}: {t.mutant}; with the mistake {t.verdict}, without it {t.honest_verdict}"
            console.print(line, style="bold red", markup=False)
    if json:
        json.write_text(to_json(trials) + "\n")
    raise typer.Exit(0 if all(t.checks[ENGINE] == CAUGHT for t in trials) else 1)


if __name__ == "__main__":
    typer.run(main)
