"""The engine can fail: every planted mistake is caught, and every right form passes."""

import json
from functools import cache

import pytest
from rich.console import Console

from jaxtut.parity.trials import RIVALS, Mutant, mutants, table

MUTANTS = {mutant.name: mutant for mutant in mutants()}
EXPLAINABLE = [name for name, mutant in MUTANTS.items() if mutant.cause]


@cache
def report_of(name: str):
    return MUTANTS[name].compare(modes=("jit",))


def test_there_are_many_and_their_names_differ():
    names = [mutant.name for mutant in mutants()]
    assert len(names) >= 60
    assert len(set(names)) == len(names)
    families = {mutant.family for mutant in MUTANTS.values()}
    assert families >= {"jacobian", "chain_rule", "backprop", "activations", "losses", "regression", "ffn", "cnn"}
    assert all(mutant.mistake.endswith(".") for mutant in MUTANTS.values())


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mistake_is_caught(name):
    report = report_of(name)
    assert not report.same, report.summary()
    assert report.first_divergence is not None


@pytest.mark.parametrize("name", MUTANTS)
def test_the_right_form_passes(name):
    report = MUTANTS[name].corrected().compare(modes=("jit",))
    assert report.same, report.summary()


# A likely cause is a guess from the numbers alone; these are the mutants whose numbers tell it.
@pytest.mark.parametrize("name", EXPLAINABLE)
def test_the_likely_cause_speaks_of_the_mistake(name):
    first = report_of(name).first_divergence
    assert first is not None
    assert MUTANTS[name].explained_by(first.cause), f"expected {MUTANTS[name].cause!r} in {first.cause!r}"


# (a mutant that the rival catches, one that it misses)
RECORD = {
    "check_grads": ("silu with half of the product rule", "factor: survey foot"),
    "norms within 1 %": ("factor: mean for a sum", "factor: sign"),
    "sums within 1e-4": ("factor: sign", "axes: channels permuted"),
    "allclose 1e-4": ("factor: sign", "factor: survey foot"),
}


@pytest.mark.parametrize("name", RIVALS)
def test_rivals_catch_something_and_miss_something(name):
    caught, missed = (MUTANTS[m] for m in RECORD[name])
    assert RIVALS[name](caught)
    assert not RIVALS[name](caught.corrected())
    assert not RIVALS[name](missed)


def test_the_table_shows_what_came_of_a_mutant():
    trial = table.try_mutant(MUTANTS["factor: sign"])
    assert trial.checks == {
        "jaxtut": "caught",
        "check_grads": trial.checks["check_grads"],
        "norms within 1 %": "missed",
        "sums within 1e-4": "caught",
        "allclose 1e-4": "caught",
    }
    assert json.loads(table.to_json([trial]))[0]["divergence"] == "value output (float64)"
    console = Console(width=200, record=True, quiet=False)
    with console.capture() as captured:
        console.print(table.table([trial]))
        console.print(table.summary([trial]))
    assert "An energy is maximised." in captured.get()


def test_an_engine_that_breaks_has_caught_nothing(monkeypatch):
    def broken(self, **options):
        raise RuntimeError("no")

    monkeypatch.setattr(Mutant, "compare", broken)
    trial = table.try_mutant(MUTANTS["factor: sign"])
    assert trial.checks["jaxtut"] == table.FALSE_ALARM
    assert trial.verdict == "RuntimeError: no"
