"""Random correct pairs: the engine calls none of them different, and the sweep sees it when it does."""

import itertools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from jaxtut.errors import MissingDependencyError
from jaxtut.parity.definition import DIFFERENT
from jaxtut.parity.trials import drawing, pairs, sweep
from jaxtut.parity.trials.pair import Pair
from jaxtut.parity.trials.whole import whole


def wrong(draw: drawing.Draw) -> Pair:
    """A pair that is no pair: its sides are a millionth apart."""
    x = draw.array((3,), ("normal",))
    return Pair("wrong", lambda x: jnp.tanh(x) * 1.000001, lambda x: x.tanh(), (x,))


@pytest.fixture
def planted(monkeypatch):
    monkeypatch.setitem(pairs.FAMILIES, "wrong", wrong)


def described(trial: sweep.Trial) -> str:
    return repr((trial.index, trial.family, trial.pair.name, trial.options, trial.pair.args))


@pytest.mark.long  # and `make parity-sweep` draws other pairs
def test_no_false_alarm_in_a_slice():
    found = sweep.sweep(seed=0, examples=40, budget=float("inf"))
    assert not found.alarms, "\n".join(f"{a['pair']} {a['options']} {a['args']}\n{a['report']}" for a in found.alarms)
    assert found.total == 40


def test_the_same_seed_draws_the_same_pairs():
    first, again, other = (
        [described(t) for t in itertools.islice(sweep.draw(tuple(pairs.FAMILIES), seed, start), 60)]
        for seed, start in ((3, 0), (3, 0), (4, 0))
    )
    assert first == again
    assert first != other
    later = [described(t) for t in itertools.islice(sweep.draw(tuple(pairs.FAMILIES), 3, 20), 40)]
    assert later == first[20:]


@pytest.mark.parametrize("name", pairs.FAMILIES)
def test_both_functions_of_a_pair_run_under_strict_promotion(name):
    for trial in itertools.islice(sweep.draw((name,), seed=1), 4):
        args = jax.tree.map(lambda x: x.astype(np.float32) if x.dtype == np.float64 else x, trial.pair.args)
        there = trial.pair.torch(*jax.tree.map(lambda x: torch.from_numpy(np.array(x)), args))
        here = jax.eval_shape(trial.pair.jax, *args)
        assert [x.shape for x in jax.tree.leaves(here)] == [tuple(x.shape) for x in jax.tree.leaves(there)]


def test_a_planted_false_alarm_is_reported(planted, tmp_path):
    target = tmp_path / "sweep.json"
    result = CliRunner().invoke(sweep.app, ["--only", "wrong", "--examples", "3", "--seed", "5", "--json", str(target)])
    assert result.exit_code == 1
    assert "different: trial 0 of seed 5, wrong" in result.output
    written = json.loads(target.read_text())
    assert written["seed"] == 5
    assert written["total"] == 3
    assert written["counts"] == {"wrong": {DIFFERENT: 3}}
    assert set(written["versions"]) == {"jax", "torch", "numpy", "hypothesis", "python"}
    alarm = written["false_alarms"][0]
    assert alarm["command"] == "python -m jaxtut.parity.trials.sweep --seed 5 --only wrong --start 0 --examples 1"
    assert alarm["args"][0]["shape"] == [3]
    assert "first divergence" in alarm["report"]


def test_a_crash_counts_as_a_false_alarm(monkeypatch):
    def crash(*args, **options):
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(sweep, "compare", crash)
    found = sweep.sweep(("linear",), examples=1)
    assert found.counts["linear"] == {"error": 1}
    assert "ZeroDivisionError: planted" in found.alarms[0]["report"]


def test_the_budget_ends_the_sweep():
    assert sweep.sweep(("linear",), budget=0.0).total <= 1


def test_a_clean_run_exits_with_zero_and_an_unknown_family_is_refused():
    assert CliRunner().invoke(sweep.app, ["--only", "linear", "--examples", "1"]).exit_code == 0
    refused = CliRunner().invoke(sweep.app, ["--only", "nothing"])
    assert refused.exit_code == 2
    assert "there is no family nothing" in refused.output


def test_without_hypothesis_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "hypothesis", None)
    with pytest.raises(MissingDependencyError, match="pip install"):
        drawing.require_hypothesis()


@pytest.mark.parametrize("profile", drawing.PROFILES)
def test_magnitudes_stay_between_the_bounds(profile):
    x = np.abs(drawing.fill(profile, np.random.default_rng(0), (3, 40), 1e-3, 1e3))
    assert x.max() <= 1e3
    assert x[x > 0].min() >= 1e-3


def test_profiles_have_what_their_names_say():
    def fill(name):
        return drawing.fill(name, np.random.default_rng(1), (64,), 1e-20, 1e20)

    assert np.signbit(fill("zeros")[fill("zeros") == 0]).any()
    assert len(np.unique(fill("constant"))) == 1
    assert len(np.unique(fill("ties"))) == 3
    x = fill("cancelling").astype(np.float32)
    assert np.array_equal(np.nextafter(x[::2], np.float32(np.inf)), -x[1::2])
    neighbours = np.unique(fill("neighbours").astype(np.float32))
    assert np.nextafter(neighbours[0], np.float32(np.inf)) in neighbours
    with pytest.raises(ValueError, match="profile must be one of"):
        fill("other")


def test_a_whole_sweep_counts_every_family_and_survives_a_crash():
    source = sweep.Source(sweep.FAMILIES, sweep.options, "jaxtut.parity.trials.sweep")
    names = list(sweep.FAMILIES)[:1]
    found = whole(source, names, seed=0, each=3, workers=1, progress=lambda line: None)
    assert {name: sum(counter.values()) for name, counter in found.counts.items()} == dict.fromkeys(names, 3)
    assert not found.alarms
    died = whole(sweep.Source({}, sweep.options, "no.such.module"), ["x"], 0, 3, 1, lambda line: None)
    assert "no.such.module" in died.alarms[0]["command"]
    assert "No module named" in died.alarms[0]["report"]
