"""The two packages mirror each other: every public name of a lesson stands in both, with the same parameters."""

import inspect
from importlib import import_module
from types import ModuleType

import pytest

LESSONS = (
    "jacobian",
    "chain_rule",
    "backprop",
    "activations",
    "losses",
    "regression",
    "ffn",
    "cnn",
    "parameters",
    "naming",
)
# What torch_ref has of these, jaxtut has too; jaxtut has more, since PyTorch brings its own.
MACHINERY = ("data", "transforms", "training", "optim", "initializers")
# The module that PyTorch's pure functions stand on; and the recorder behind torch_ref's `tap`, which JAX needs no twin of.
EXEMPT = {"Model", "Recording", "record"}


def public(module: ModuleType) -> dict[str, object]:
    """The names that a reader of the file would use: defined there, or re-exported by the `import x as x` form."""
    source = inspect.getsource(module)
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not inspect.ismodule(value)
        and (getattr(value, "__module__", None) == module.__name__ or f" as {name}\n" in source)
        and name not in ("T", "F", "J")
    }


def twins(name: str) -> tuple[dict[str, object], dict[str, object]]:
    return public(import_module(f"jaxtut.{name}")), public(import_module(f"torch_ref.{name}"))


@pytest.mark.parametrize("name", LESSONS)
def test_lessons_have_the_same_names(name):
    ours, theirs = twins(name)
    assert ours.keys() - EXEMPT == theirs.keys() - EXEMPT
    assert ours


@pytest.mark.parametrize("name", MACHINERY)
def test_machinery_of_torch_ref_stands_in_jaxtut(name):
    ours, theirs = twins(name)
    assert theirs
    assert not theirs.keys() - EXEMPT - ours.keys()


@pytest.mark.parametrize("name", LESSONS)
def test_functions_take_the_same_arguments(name):
    ours, theirs = twins(name)
    compared = 0
    for function in ours.keys() & theirs.keys():
        a, b = ours[function], theirs[function]
        if inspect.isfunction(a) and inspect.isfunction(b) and b.__module__ == f"torch_ref.{name}":
            ours_, theirs_ = inspect.signature(a).parameters, inspect.signature(b).parameters
            assert list(ours_) == list(theirs_), function
            assert [p.default for p in ours_.values()] == [p.default for p in theirs_.values()], function
            compared += 1
    assert compared


def test_the_test_sees_a_missing_name(monkeypatch):
    monkeypatch.delattr("jaxtut.jacobian.cheaper_mode")
    ours, theirs = twins("jacobian")
    assert theirs.keys() - ours.keys() == {"cheaper_mode"}
