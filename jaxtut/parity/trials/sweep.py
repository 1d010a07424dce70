"""Run random correct pairs through `compare`, and count the verdicts: each verdict "different" is a false alarm."""

import itertools
import json
import platform
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from jaxtut.parity import compare

from ..definition import DIFFERENT, IMPURE, VERDICTS
from .drawing import require_hypothesis
from .pair import Family, Pair, require_torch
from .pairs import FAMILIES, Options, options, trials

ERROR = "error"
FALSE_ALARMS = (DIFFERENT, IMPURE, ERROR)
DRAWN = 200


@dataclass(frozen=True)
class Trial:
    """One pair, and how it is compared. `index` counts the trials of a seed."""

    index: int
    family: str
    pair: Pair
    options: dict[str, Any]


@dataclass
class Sweep:
    """What a sweep has found so far."""

    seed: int
    names: tuple[str, ...]
    counts: dict[str, Counter] = field(default_factory=dict)
    alarms: list[dict] = field(default_factory=list)
    undecided: list[dict] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def total(self) -> int:
        """How many pairs were compared."""
        return sum(sum(counter.values()) for counter in self.counts.values())

    def to_json(self) -> str:
        """Return counts, versions and every false alarm with what reproduces it, as JSON."""
        import jax
        import torch

        versions = {m.__name__: m.__version__ for m in (jax, torch, np, require_hypothesis())}
        found = {
            "versions": versions | {"python": platform.python_version()},
            "seed": self.seed,
            "families": self.names,
            "seconds": self.seconds,
            "total": self.total,
            "counts": {family: dict(counter) for family, counter in self.counts.items()},
            "false_alarms": self.alarms,
            "undecided": self.undecided,
        }
        return json.dumps(found, indent=2)


@dataclass(frozen=True)
class Source:
    """What a sweep draws from: families of pairs, and how each is compared.

    Attributes:
        command: the module that runs the sweep, for the commands that reproduce an alarm.
        kept: after how many pairs the compiled programs are dropped; whole programs fill 20 MB a pair, single operations much less.
    """

    families: Mapping[str, Family]
    options: Options
    command: str
    kept: int = 50


PAIRS = Source(FAMILIES, options, "jaxtut.parity.trials.sweep")


def draw(names: Sequence[str], seed: int, start: int = 0, source: Source = PAIRS) -> Iterator[Trial]:
    """Yield the trials of a seed, without end; the same seed and the same families give the same trials."""
    batches = (_batch(names, seed * 1_000_003 + i, source) for i in itertools.count())
    drawn = itertools.chain.from_iterable(batches)
    for index, (family, pair, chosen) in itertools.islice(enumerate(drawn), start, None):
        yield Trial(index, family, pair, chosen)


def _batch(names: Sequence[str], seed: int, source: Source) -> list[tuple[str, Pair, dict]]:
    """Draw pairs from hypothesis, and keep those that differ in more than the seed: hypothesis repeats itself."""
    hypothesis = require_hypothesis()
    drawn: dict[tuple, tuple[str, Pair, dict]] = {}

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=DRAWN, deadline=None, database=None, phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    @hypothesis.given(trials(names, source.families, source.options))
    def collect(trial: tuple[str, Pair, dict]) -> None:
        drawn.setdefault((trial[1].name, *map(_content, trial[1].args)), trial)

    collect()
    return list(drawn.values())


def _content(value: Any) -> Any:
    return (str(value.dtype), value.shape, value.tobytes()) if isinstance(value, np.ndarray) else repr(_plain(value))


def sweep(
    names: Sequence[str] | None = None,
    seed: int = 0,
    budget: float = 60.0,
    examples: int | None = None,
    start: int = 0,
    progress: Callable[[str], None] = lambda line: None,
    source: Source = PAIRS,
) -> Sweep:
    """Compare random correct pairs until the budget, in seconds, or the number of examples is used up."""
    require_torch()
    import jax

    found = Sweep(seed, tuple(names or source.families))
    began = time.perf_counter()
    for trial in draw(found.names, seed, start, source):
        if found.total == examples or time.perf_counter() - began > budget:
            break
        if found.total % source.kept == source.kept - 1:
            jax.clear_caches()
        verdict, text = judge(trial)
        found.counts.setdefault(trial.family, Counter())[verdict] += 1
        if verdict in FALSE_ALARMS:
            found.alarms.append(reproduction(trial, found, verdict, text, source))
            progress(f"{verdict}: trial {trial.index} of seed {seed}, {trial.pair.name}\n{text}")
        elif verdict not in VERDICTS[:2]:
            found.undecided.append(reproduction(trial, found, verdict, text, source))
        found.seconds = time.perf_counter() - began
    return found


def judge(trial: Trial) -> tuple[str, str]:
    """Return the verdict on one trial, or 'error', with what the engine says."""
    pair = trial.pair
    try:
        report = compare(pair.jax, pair.torch, *pair.args, **trial.options)
    except Exception:
        return ERROR, traceback.format_exc()
    return report.verdict, report.summary()


def reproduction(trial: Trial, found: Sweep, verdict: str, text: str, source: Source = PAIRS) -> dict:
    """Return all that is needed to make a trial again: the command that draws it, and its pair, options and arrays."""
    only = "" if found.names == tuple(source.families) else "".join(f" --only {name}" for name in found.names)
    return {
        "command": f"python -m {source.command} --seed {found.seed}{only} --start {trial.index} --examples 1",
        "family": trial.family,
        "pair": trial.pair.name,
        "options": trial.options,
        "args": [_plain(a) for a in trial.pair.args],
        "verdict": verdict,
        "report": text,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if not isinstance(value, np.ndarray):
        return repr(value)
    # repr gives every digit, the sign of zero, and a word for NaN and infinities, which JSON has not.
    return {"dtype": str(value.dtype), "shape": value.shape, "values": [repr(v) for v in value.ravel().tolist()]}


def table(found: Sweep) -> Table:
    """Return the counts as a table: one row a family, one column a verdict."""
    columns = (*VERDICTS, ERROR)
    shown = Table(title=f"{found.total} correct pairs, seed {found.seed}, {found.seconds:.0f} s")
    shown.add_column("family")
    for column in columns:
        shown.add_column(column, justify="right")
    for family, counter in sorted(found.counts.items()):
        shown.add_row(family, *(str(counter[c]) if counter[c] else "" for c in columns))
    total = sum(found.counts.values(), Counter())
    shown.add_section()
    shown.add_row("all", *(str(total[c]) if total[c] else "" for c in columns))
    return shown


def command(source: Source, text: str) -> typer.Typer:
    """Return the command line of a sweep: it prints alarms and a table, writes JSON, and exits 1 on an alarm."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=text)

    @app.command()
    def main(
        budget: Annotated[float, typer.Option(help="Seconds after which no new pair is compared.", min=0)] = 60.0,
        seed: Annotated[int, typer.Option(help="Seed of the pairs.", min=0)] = 0,
        examples: Annotated[int | None, typer.Option(help="How many pairs at most.", min=0)] = None,
        start: Annotated[int, typer.Option(help="The first trial of the seed.", min=0)] = 0,
        only: Annotated[list[str] | None, typer.Option(help="A family; can be given more than once.")] = None,
        each: Annotated[
            int | None,
            typer.Option(help="A whole sweep: this many pairs of every family, each in its own process.", min=1),
        ] = None,
        workers: Annotated[int, typer.Option(help="Families at a time, in a whole sweep.", min=1)] = 2,
        json: Annotated[Path | None, typer.Option(help="Write counts and reproductions to this JSON file.")] = None,
    ) -> None:
        """Compare random correct pairs; exit 1 if one of them is called different, or fails."""
        if unknown := sorted(set(only or ()) - set(source.families)):
            raise typer.BadParameter(f"there is no family {', '.join(unknown)}; there are {', '.join(source.families)}")
        console = Console(soft_wrap=True)

        def progress(line: str) -> None:
            console.print(line, markup=False)

        if each is None:
            found = sweep(only, seed, budget, examples, start, progress, source)
        else:
            from .whole import whole

            found = whole(source, only or tuple(source.families), seed, each, workers, progress)
        if json is not None:
            json.write_text(found.to_json() + "\n")
        console.print(table(found))
        raise typer.Exit(1 if found.alarms else 0)

    return app


app = command(PAIRS, __doc__ or "")

if __name__ == "__main__":
    app()
