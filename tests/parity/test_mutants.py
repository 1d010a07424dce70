"""The engine can fail: every planted mistake is caught, and every right form passes."""

import json

import pytest
from rich.console import Console

from jaxtut.parity.trials import RIVALS, Mutant, mutants, table

MUTANTS = {mutant.name: mutant for mutant in mutants()}
# All of them take minutes; the default suite takes every twelfth.
NAMES = [pytest.param(name, marks=() if i % 12 == 0 else pytest.mark.long) for i, name in enumerate(MUTANTS)]


def test_there_are_many_and_their_names_differ():
    names = [mutant.name for mutant in mutants()]
    assert len(names) >= 60
    assert len(set(names)) == len(names)
    families = {mutant.family for mutant in MUTANTS.values()}
    assert families >= {"jacobian", "chain_rule", "backprop", "activations", "losses", "regression", "ffn", "cnn"}
    assert all(mutant.mistake.endswith(".") for mutant in MUTANTS.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_mistake_is_caught_and_not_explained_wrongly(name):
    mutant = MUTANTS[name]
    report = mutant.compare(modes=("jit",))
    assert not report.same, report.summary()
    assert report.first_divergence is not None
    cause = report.first_divergence.cause
    # A guess from numbers alone may be missing; it may not be a wrong one.
    assert not cause or not mutant.cause or mutant.explained_by(cause), f"expected {mutant.cause!r} in {cause!r}"


def test_most_mistakes_with_telling_numbers_are_explained():
    some = [mutant for mutant in MUTANTS.values() if mutant.cause][::9]
    firsts = [(mutant, mutant.compare().first_divergence) for mutant in some]
    explained = sum(first is not None and mutant.explained_by(first.cause) for mutant, first in firsts)
    assert explained >= 0.8 * len(some)


@pytest.mark.parametrize("name", NAMES)
def test_the_right_form_passes(name):
    report = MUTANTS[name].corrected().compare(modes=("jit",))
    assert report.same, report.summary()


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
