"""`python -m benchmarks.compare OLD NEW`: what became slower or faster between two runs.

Machines and their load differ, so what is compared is the speed against one of torch's sides in the same run, turn by turn, not the time. Where
that side is another one in the two runs, as without torch.compile, nothing is compared.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple, NoReturn

import typer
from rich.console import Console
from rich.table import Table

# A change counts where the quartiles of the two runs do not overlap, and the medians part by more than this.
NOTEWORTHY = 0.1

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
# Benchmark, batch, side, and torch's side that it was measured against.
Key = tuple[str, int, str, str]


class Change(NamedTuple):
    """One side of one benchmark in both runs: its speed against torch, and what became of it."""

    key: Key
    before: float
    after: float
    verdict: str


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """Compare two results as `--json` writes them; rows that only one of them has, or against another side of torch, are left out."""
    before, after = _speeds(old), _speeds(new)
    for key in before.keys() & after.keys():
        (low, median, high), (new_low, new_median, new_high) = before[key], after[key]
        verdict = ""
        if new_high < low and new_median < (1 - NOTEWORTHY) * median:
            verdict = "slower"
        elif new_low > high and new_median > (1 + NOTEWORTHY) * median:
            verdict = "faster"
        yield Change(key, median, new_median, verdict)


def _speeds(result: Mapping[str, Any]) -> dict[Key, tuple[float, float, float]]:
    found = {}
    for row in result["rows"]:
        if speed := row.get("speed_against_torch"):
            low, high = speed["quartiles"]
            found[row["benchmark"], row["batch"], row["side"], speed["against"]] = (low, speed["median"], high)
    return found


@app.command()
def run(
    old: Annotated[Path, typer.Argument(help="The JSON of the earlier run.")],
    new: Annotated[Path, typer.Argument(help="The JSON of the later run.")],
    side: Annotated[str, typer.Option(help="Whose rows.")] = "jaxtut",
    every: Annotated[bool, typer.Option("--all", help="Show rows without a change too.")] = False,
) -> None:
    """Compare two runs; exit 1 if something became slower."""
    results = [_read(path) for path in (old, new)]
    for kind, key in (
        ("settings", "device"),
        ("settings", "memory_kept"),
        ("settings", "inline"),
        ("versions", "torch"),
        ("method", "order"),
    ):
        one, other = (result.get(kind, {}).get(key, False) for result in results)  # earlier runs did not know of some
        if one != other:
            _stop(f"the two runs cannot be compared: {key} is {one} in one and {other} in the other")
    found = sorted(change for change in changes(*results) if change.key[2] == side)
    if not found:
        _stop(f"the two runs have no row of {side!r} in common that was measured against the same side of torch")
    shown = [change for change in found if every or change.verdict]
    table = Table(title=f"Speed of {side} against torch: {_name(results[0])} and {_name(results[1])}")
    for column in ("benchmark", "batch", "before", "after", "ratio", ""):
        table.add_column(column, justify="left" if column in ("benchmark", "") else "right")
    for (benchmark, batch, *_), before, after, verdict in shown:
        table.add_row(benchmark, str(batch), f"{before:.2f}×", f"{after:.2f}×", f"{after / before:.2f}", verdict)
    if shown:
        Console().print(table)
    slower = sum(change.verdict == "slower" for change in found)
    faster = sum(change.verdict == "faster" for change in found)
    typer.echo(f"{len(found)} rows: {slower} slower, {faster} faster, {len(found) - slower - faster} as before")
    raise typer.Exit(1 if slower else 0)


def _read(path: Path) -> dict[str, Any]:
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        _stop(f"{path} cannot be read: {error.strerror}")
    except ValueError:
        _stop(f"{path} is no JSON file")
    if not isinstance(result, dict) or not {"date", "machine", "settings", "versions", "rows"} <= result.keys():
        _stop(f"{path} is no result of python -m benchmarks")
    return result


def _name(result: Mapping[str, Any]) -> str:
    return f"{result['date'][:10]} ({result['machine']['processor']})"


def _stop(message: str) -> NoReturn:
    typer.echo(f"benchmarks.compare: {message}", err=True)
    raise typer.Exit(2)


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.compare")
