"""What `jaxtut record` is to run and with what: targets are found by name, arguments read from files and put in their order."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import nnx
from safetensors.torch import save_file

from jaxtut.errors import MissingDependencyError
from jaxtut.parity import RecordingError, targets

MODULE = """
import functools
def f(x): return x
class Holder:
    @staticmethod
    def g(x): return x
class Callable:
    def __call__(self, x): return x
class Needy:
    def __init__(self, size): pass
class Failing:
    def __init__(self): raise KeyError("no key")
class Plain: pass
number = 3
bound = functools.partial(f)
"""
BROKEN = {
    "wrong_syntax": "def f(:\n",
    "raises_on_import": "raise KeyError('what')\n",
    "quits_on_import": "import sys\nsys.exit(3)\n",
    "needs_something": "import no_such_package_of_mine\n",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with modules in it, which is left as it was."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    known = set(sys.modules)
    (tmp_path / "a_target.py").write_text(MODULE)
    for name, text in BROKEN.items():
        (tmp_path / f"{name}.py").write_text(text)
    yield tmp_path
    for name in set(sys.modules) - known:
        del sys.modules[name]


def test_functions_objects_and_classes_are_found(folder):
    assert targets.resolve("a_target:f")(3) == 3
    assert targets.resolve("a_target:Holder.g")(3) == 3
    assert targets.resolve("a_target:bound")(3) == 3
    assert targets.resolve("a_target:Callable")(3) == 3
    assert targets.resolve("jaxtut.functional:relu") is not None


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("", "module:name"),
        ("a_target", "module:name"),
        ("a_target:", "module:name"),
        (":f", "module:name"),
        ("a_target:nothing", "has no 'nothing'"),
        ("a_target:f:g", "has no 'f:g'"),
        ("a_target:Holder.h", "has no 'Holder.h'"),
        ("a_target:number", "is a int, which cannot be called"),
        ("a_target:Plain", "is a Plain, which cannot be called"),
        ("a_target:Needy", "called without arguments, and fails: TypeError"),
        ("a_target:Failing", "KeyError: 'no key'"),
        ("no_such_module_of_mine:f", "cannot be imported: ModuleNotFoundError"),
        (".a_target:f", "cannot be imported: TypeError"),
        ("wrong_syntax:f", "cannot be imported: SyntaxError"),
        ("raises_on_import:f", "cannot be imported: KeyError: 'what'"),
        ("quits_on_import:f", "cannot be imported: SystemExit: 3"),
        ("needs_something:f", "No module named 'no_such_package_of_mine'"),
    ],
)
def test_targets_that_cannot_be_had_are_named(target, words, folder):
    with pytest.raises(ValueError, match="record: ") as found:
        targets.resolve(target)
    assert words in str(found.value)


def test_arrays_of_a_file_keep_their_order(tmp_path):
    x, w = np.ones((2, 3)), np.arange(3)
    np.savez(tmp_path / "a.npz", x=x, w=w)
    loaded = targets.load(tmp_path / "a.npz")
    assert list(loaded) == ["x", "w"]
    assert (loaded["x"] == x).all()
    np.savez(tmp_path / "many.npz", *[np.array(i) for i in range(12)])
    assert [int(x) for x in targets.load(tmp_path / "many.npz").values()] == list(range(12))
    save_file({f"arg{i}": torch.tensor(i) for i in range(12)}, tmp_path / "many.safetensors")
    assert [int(x) for x in targets.load(tmp_path / "many.safetensors").values()] == list(range(12))


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16", "int64", "uint8", "bool", "complex64"])
def test_every_dtype_of_a_safetensors_file_is_read(dtype, tmp_path):
    tensor = torch.tensor([[1.5, -2.0, 0.0]]).to(getattr(torch, dtype))
    save_file({"x": tensor, "empty": tensor[:, :0], "scalar": tensor[0, 1].clone()}, tmp_path / "a.safetensors")
    loaded = targets.load(tmp_path / "a.safetensors")
    expected = tensor.float().numpy() if dtype == "bfloat16" else tensor.numpy()
    np.testing.assert_array_equal(loaded["x"], expected, strict=True)
    assert (loaded["empty"].shape, loaded["scalar"].shape) == ((1, 0), ())


def test_files_that_hold_no_arguments_are_refused(tmp_path):
    def write(name, data):
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    np.savez(tmp_path / "objects.npz", x=np.array([{}], dtype=object))
    np.savez(tmp_path / "texts.npz", x=np.array(["a"]))
    np.savez(tmp_path / "dates.npz", x=np.array(["2020-01-01"], "datetime64[D]"))
    np.savez(tmp_path / "whole.npz", x=np.ones(100))
    cut = (tmp_path / "whole.npz").read_bytes()[:-30]
    save_file({"x": torch.ones(2).to(torch.float8_e4m3fn)}, tmp_path / "eight.safetensors")
    for path, words in (
        (tmp_path / "nothing.npz", "there is no such file"),
        (tmp_path, "is a folder"),
        (write("a.npy", b""), "must be in a .npz or a .safetensors file"),
        (write("a", b""), "must be in a .npz or a .safetensors file"),
        (write("empty.npz", b""), "cannot be read"),
        (write("text.npz", b"hello"), "cannot be read"),
        (write("cut.npz", cut), "cannot be read"),
        (write("empty.safetensors", b""), "cannot be read"),
        (write("text.safetensors", b"hello, this is text"), "cannot be read"),
        (tmp_path / "objects.npz", "allow_pickle=False"),
        (tmp_path / "texts.npz", "x has dtype <U1"),
        (tmp_path / "dates.npz", "x has dtype datetime64"),
        (tmp_path / "eight.safetensors", "cannot be read"),
    ):
        with pytest.raises(RecordingError) as found:
            targets.load(path)
        assert words in str(found.value)
        assert str(path) in str(found.value)


class TorchModule(torch.nn.Module):
    def forward(self, x, scale):
        return x * scale


class FlaxModule(nnx.Module):
    def __call__(self, x, scale):
        return x * scale


def function(params, x, scale):
    return x * scale


def placed(called, names, skip):
    return [int(x) for x in targets.arguments(called, {n: np.array(i) for i, n in enumerate(names)}, skip)]


@pytest.mark.parametrize("called", [TorchModule(), FlaxModule(), function, jax.jit(function)])
def test_arguments_go_by_the_names_of_parameters_and_params_go_first(called):
    assert placed(called, ["scale", "x"], skip=True) == [1, 0]
    assert placed(called, ["x", "scale"], skip=True) == [0, 1]


def test_arguments_of_other_names_keep_their_order():
    assert placed(lambda images, weights: 0, ["z", "a"], skip=False) == [0, 1]
    assert placed(jnp.add, ["b", "a"], skip=False) == [0, 1]
    assert placed(max, ["b", "a"], skip=False) == [0, 1]  # has no signature that Python can read
    assert placed(lambda *xs: 0, ["b", "a", "c"], skip=False) == [0, 1, 2]
    assert placed(lambda x, w=None, b=None: 0, ["w", "x"], skip=False) == [1, 0]


@pytest.mark.parametrize(
    ("called", "names"),
    [
        (lambda x, w: 0, ["x"]),
        (lambda x, w: 0, ["x", "w", "b"]),
        (lambda x, w: 0, ["a", "b", "c"]),
        (lambda x, w: 0, ["x", "v"]),
        (lambda x, mask=None, w=None: 0, ["x", "w"]),
        (lambda x: 0, []),
    ],
)
def test_arguments_that_fit_in_part_are_refused(called, names):
    with pytest.raises(ValueError, match=r"the target takes .*, but the file holds"):
        placed(called, names, skip=False)


def test_failures_of_the_target_are_named_and_those_of_the_call_are_left_alone():
    for error in (
        TypeError("a\n  b"),
        RuntimeError(),
        ValueError("shapes differ"),
        KeyError("k"),
        ZeroDivisionError("0"),
    ):
        with (
            pytest.raises(ValueError, match=f"record: m:f failed: {type(error).__name__}"),
            targets.naming_failures("m:f"),
        ):
            raise error
    for error in (OSError("disk"), RecordingError("file"), MissingDependencyError("torch"), ValueError("record: mode")):
        with pytest.raises(type(error)) as found, targets.naming_failures("m:f"):
            raise error
        assert found.value is error
