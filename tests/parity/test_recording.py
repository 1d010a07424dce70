"""Two recordings give the verdict, row by row, that a comparison in one process gives."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import nnx

from jaxtut import functional as F
from jaxtut import parity
from jaxtut.naming import tap
from jaxtut.parity import RecordingError, judge_files, record
from torch_ref.naming import tap as torch_tap

RNG = np.random.default_rng(0)
X, W = RNG.standard_normal((4, 3)), RNG.standard_normal((3, 2))


@dataclass
class Pair:
    """A JAX function, a PyTorch function, what they are called with, and what is to be found."""

    jax: Any
    torch: Any
    args: tuple
    verdict: str
    options: dict = field(default_factory=dict)
    says: str = ""


def judged(pair, folder, **options):
    for function, framework in ((pair.jax, "jax"), (pair.torch, "torch")):
        record(function, *pair.args, path=folder / framework, framework=framework, **pair.options, **options)
    return judge_files(folder / "jax", folder / "torch")


def torch_params(module):
    return {name: t.detach().numpy() for name, t in module.state_dict().items()}


def jax_layer(x, w):
    return {"hidden": tap("hidden", jnp.tanh(x @ w)), "count": jnp.sum(x > 0), "total": jnp.sum(x)}


def torch_layer(images, weights):
    hidden = torch_tap("hidden", torch.tanh(images @ weights))
    return {"hidden": hidden, "count": (images > 0).sum(), "total": images.sum()}


def jax_deep(x, w, factor=1.0):
    first = tap("first", jnp.tanh(x @ w))
    return jnp.sum(tap("second", first * factor) ** 2)


def torch_deep(x, w):
    return (torch_tap("second", torch_tap("first", torch.tanh(x @ w)) * 1.0) ** 2).sum()


def jax_loops(x):
    def step(carry, row):
        return tap("carry", carry * 0.9 + row), jnp.sum(row)

    return jax.lax.scan(step, jnp.zeros(3, x.dtype), x)[0]


def torch_loops(x):
    carry = torch.zeros(3, dtype=x.dtype)
    for row in x:
        carry = carry * 0.9 + row
    return carry


def jax_single(x):
    return (x.astype(jnp.float32) * np.float32(1.1)).astype(x.dtype)


def torch_single(x):
    return (x.float() * 1.1).to(x.dtype)


def refuses_float64(x):
    if x.dtype == torch.float64:
        raise ValueError
    return torch.sin(x)


def names_by_dtype(x):
    return torch_tap("double" if x.dtype == torch.float64 else "single", torch.tanh(x))


class Port(nnx.Module):
    """A linear layer behind a batch norm in evaluation, in Flax."""

    def __init__(self, factor=1.0):
        rngs = nnx.Rngs(0)
        self.norm = nnx.BatchNorm(3, epsilon=1e-5, use_running_average=True, rngs=rngs)
        self.fc = nnx.Linear(3, 2, rngs=rngs)
        self.factor = factor

    def __call__(self, x):
        return self.fc(self.norm(x)) * self.factor


class Model(torch.nn.Module):
    """The same in PyTorch."""

    def __init__(self):
        super().__init__()
        self.norm = torch.nn.BatchNorm1d(3)
        self.fc = torch.nn.Linear(3, 2)

    def forward(self, x):
        return self.fc(self.norm(x))


def pure_port(params, x):
    scale = params["norm.weight"] / jnp.sqrt(params["norm.running_var"] + 1e-5)
    normed = (x - params["norm.running_mean"][None]) * scale[None] + params["norm.bias"][None]
    return normed @ params["fc.weight"].T + params["fc.bias"][None]


MODEL = Model().eval()
STATE = {"params": torch_params(MODEL)}
SAME, DIFFERENT, BITS = "identical to rounding", "different", "bit-identical"

PAIRS = {
    "several outputs, arguments of other names": Pair(jax_layer, torch_layer, (X, W), SAME, {"cotangents": 2}),
    "integer inputs": Pair(lambda x, n: x[n] * 2, lambda t, index: t[index] * 2, (X, np.array([2, 0])), BITS),
    "arguments that are no arrays": Pair(
        lambda x, k: jnp.sum(x) * k, lambda t, times: t.sum() * times, (X, 2), SAME, {"cotangents": 1}
    ),
    "lists and dictionaries": Pair(
        lambda p: p["b"][1] * p["a"], lambda q: q["b"][1] * q["a"], ({"b": [X, X + 1], "a": X},), BITS
    ),
    "a transposed and an empty array": Pair(
        lambda x, e: {"x": jnp.tanh(x.T), "e": e * 2}, lambda x, e: {"x": torch.tanh(x.T), "e": e * 2},
        (np.asfortranarray(X)[:, ::2].T, np.zeros((0, 3))), SAME,
    ),
    "one number": Pair(jnp.sin, torch.sin, (np.float64(0.3),), BITS),
    "complex numbers": Pair(lambda x: jax.lax.complex(x, x * x), lambda x: torch.complex(x, x * x), (X,), BITS),
    "complex inputs": Pair(lambda z, x: z.real * x, lambda z, x: z.real * x, (X + 1j, X), DIFFERENT),
    "results in bfloat16": Pair(
        lambda x: (x * 1.5).astype(jnp.bfloat16), lambda x: (x * 1.5).bfloat16(), (X,), BITS, says="cast to bfloat16"
    ),
    "NaN and infinities": Pair(lambda x: jnp.log(x) / 0.0, lambda x: torch.log(x) / 0.0, (X,), SAME),
    "an argument that is not used": Pair(lambda x, w: x * 2, lambda t, v: t * 2, (X, W), BITS, says="never used w"),
    "nothing to differentiate": Pair(jnp.tanh, torch.tanh, (X,), SAME, {"argnums": ()}),
    "one argument of two": Pair(jnp.multiply, torch.mul, (X, X), BITS, {"argnums": 1, "seed": 3}),
    "a wrong value behind a right one": Pair(partial(jax_deep, factor=1.001), torch_deep, (X, W), DIFFERENT),
    "named values in a loop": Pair(jax_loops, torch_loops, (X,), SAME),
    "a wrong slope at a kink": Pair(lambda x: jnp.maximum(x, 0), torch.relu, (np.array([-1.0, 0, 2]),), DIFFERENT),
    "a kink that rounding decides": Pair(
        lambda x: jnp.sum(F.relu(tap("z", x + 1e-17))), lambda x: torch.relu(torch_tap("z", x)).sum(),
        (np.array([0.0, 1.0, -1.0]),), "undecided at a kink",
    ),
    "lower precision inside": Pair(lambda x: x * 1.1, torch_single, (X,), BITS, says="judged in float32 alone"),
    "lower precision inside, and wrong": Pair(
        lambda x: jax_single(x) * 1.01, torch_single, (X,), DIFFERENT, says="judged in float32 alone"
    ),
    "float64 is refused": Pair(jnp.sin, refuses_float64, (X,), SAME, says="cannot run in float64"),
    "float64 is refused, and wrong": Pair(jnp.cos, refuses_float64, (X,), DIFFERENT, says="cannot run in float64"),
    "impure in PyTorch": Pair(jnp.tanh, lambda x: x + torch.rand(()), (X,), "impure", says="PyTorch function is impure"),
    "impure in JAX": Pair(
        lambda x: x * np.random.default_rng().uniform(), torch.tanh, (X,), "impure", says="JAX function is impure"
    ),
    "looks at values": Pair(
        lambda x, n: x[jnp.arange(int(n[0]))] * 1.5, lambda x, n: x[: int(n[0])] * 1.5, (X, np.array([2])), BITS,
        says="it was run eagerly",
    ),
    "other named values in other precisions": Pair(jnp.tanh, names_by_dtype, (X,), SAME),
    "another shape": Pair(lambda x: x.sum(0), lambda x: x.sum(1), (X,), DIFFERENT),
    "other names of outputs": Pair(lambda x: {"a": x}, lambda x: {"b": x}, (X,), DIFFERENT),
    "another dtype": Pair(lambda x: jnp.sum(x > 0), lambda x: (x > 0).sum().float(), (X,), DIFFERENT),
    "parameters of a module": Pair(pure_port, MODEL, (X,), SAME, STATE),
    "a Flax module": Pair(Port(), MODEL, (X,), SAME, STATE),
    "a wrong Flax module": Pair(Port(1.01), MODEL, (X,), DIFFERENT, STATE),
}  # fmt: skip


def row_by_row(report):
    return [(row.kind, row.name, row.dtype, row.mode, row.shape, row.verdict) for row in report.rows]


@pytest.mark.parametrize("name", PAIRS)
def test_files_give_the_verdict_of_one_process(name, tmp_path):
    pair = PAIRS[name]
    live, stored = parity.compare(pair.jax, pair.torch, *pair.args, **pair.options), judged(pair, tmp_path)
    assert stored.verdict == live.verdict == pair.verdict, stored.summary()
    assert row_by_row(stored) == row_by_row(live)
    assert pair.says in " ".join(stored.notes)
    first, of_live = stored.first_divergence, live.first_divergence
    assert (first is None) == stored.same or stored.verdict == "impure"
    if first is not None and of_live is not None:
        assert (first.kind, first.name, first.note, first.cause) == (
            of_live.kind,
            of_live.name,
            of_live.note,
            of_live.cause,
        )


def test_the_first_divergence_is_the_first_name_that_parts(tmp_path):
    report = judged(PAIRS["a wrong value behind a right one"], tmp_path)
    assert report.first_divergence is not None
    assert (report.first_divergence.kind, report.first_divergence.name) == ("tap", "second")
    assert "first is the same" in report.first_divergence.note
    without = judged(PAIRS["a wrong value behind a right one"], tmp_path, taps=False)
    assert without.first_divergence is not None
    assert (without.verdict, without.first_divergence.kind) == ("different", "value")


def test_functions_that_differ_and_cannot_be_traced_are_judged_without_names(tmp_path):
    pair = PAIRS["looks at values"]
    wrong = Pair(pair.jax, lambda x, n: x[: int(n[0])] * 1.6, pair.args, DIFFERENT)
    report = judged(wrong, tmp_path)
    assert report.verdict == "different"
    assert "JAX side's named values were not recorded" in report.notes[-1]


def test_the_order_of_the_files_plays_no_part_and_two_of_one_framework_are_judged(tmp_path):
    judged(PAIRS["one number"], tmp_path)
    assert row_by_row(judge_files(tmp_path / "torch", tmp_path / "jax")) == row_by_row(
        judge_files(tmp_path / "jax", tmp_path / "torch")
    )
    itself = judge_files(tmp_path / "jax", tmp_path / "jax")
    assert itself.verdict == "bit-identical"
    assert "both files are JAX's" in itself.notes[0]


def test_a_mode_is_kept(tmp_path):
    record(jnp.tanh, X, path=tmp_path / "jax", framework="jax", mode="eager")
    record(torch.tanh, X, path=tmp_path / "torch", framework="torch")
    assert {row.mode for row in judge_files(tmp_path / "jax", tmp_path / "torch").rows} == {"eager"}


def test_one_precision_is_judged_on_request(tmp_path):
    judged(PAIRS["one number"], tmp_path)
    report = judge_files(tmp_path / "jax", tmp_path / "torch", dtypes=["float32"])
    assert {row.dtype for row in report.rows} == {"float32"}
    for dtypes in ((), "float64", ("bfloat16",), ("float8",)):
        with pytest.raises(ValueError, match="dtypes must be some of"):
            judge_files(tmp_path / "jax", tmp_path / "torch", dtypes=dtypes)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"framework": "numpy"}, "framework must be"),
        ({"mode": "fast"}, "mode must be"),
        ({"cotangents": 0}, "cotangents must be at least 1"),
        ({"cotangents": True}, "cotangents must be at least 1"),
        ({"seed": -1}, "seed must be"),
        ({"seed": np.int64(1)}, "seed must be"),
        ({"argnums": 5}, "does not fit"),
    ],
)
def test_bad_calls_are_refused_and_write_nothing(options, words, tmp_path):
    with pytest.raises(ValueError, match=words):
        record(**{"function": jnp.tanh, "path": tmp_path / "a", "framework": "jax"} | options)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_stored_or_judged_is_refused(tmp_path):
    with pytest.raises(ValueError, match="returns no arrays"):
        record(lambda x: {}, X, path=tmp_path / "a", framework="jax", argnums=())
    with pytest.raises(ValueError, match="dtype int4, which cannot be stored"):
        record(lambda x: x.astype(jnp.int4), X, path=tmp_path / "a", framework="jax", argnums=())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("args", "options", "words"),
    [
        ((X + 1, W), {}, "other numbers in the input x"),
        ((X.reshape(2, 6), np.ones((6, 2))), {}, "other numbers in the input x"),
        ((X, W.astype(np.float16)), {}, "other numbers in the input w"),
        ((X, W), {"seed": 1}, "other seed: 1 and 0"),
        ((X, W), {"cotangents": 2}, "other cotangents: 2 and 3"),
        ((X, W), {"argnums": 0}, "the input w was differentiated in one"),
    ],
)
def test_recordings_of_other_calls_are_refused(args, options, words, tmp_path):
    record(lambda a, b: a @ b, X, W, path=tmp_path / "torch", framework="torch")
    record(lambda x, w: x @ w, *args, path=tmp_path / "jax", framework="jax", **options)
    for files in (("jax", "torch"), ("torch", "jax")):
        with pytest.raises(RecordingError, match=words):
            judge_files(*(tmp_path / name for name in files))


def test_recordings_of_more_or_other_arguments_are_refused(tmp_path):
    record(torch.neg, X, path=tmp_path / "torch", framework="torch")
    record(lambda x, w: -x, X, W, path=tmp_path / "jax", framework="jax")
    with pytest.raises(RecordingError, match="has the inputs"):
        judge_files(tmp_path / "jax", tmp_path / "torch")
    for times in (2, 3):
        record(lambda x, n: x * n, X, times, path=tmp_path / str(times), framework="jax")
    with pytest.raises(RecordingError, match="other arguments that are no arrays"):
        judge_files(tmp_path / "2", tmp_path / "3")


def test_only_a_modules_buffers_are_excused_from_differentiation(tmp_path):
    record(MODEL, X, path=tmp_path / "torch", framework="torch", **STATE)
    record(pure_port, X, path=tmp_path / "jax", framework="jax", **STATE)
    rows = {row.name for row in judge_files(tmp_path / "jax", tmp_path / "torch").rows if row.kind == "gradient"}
    assert rows == {"fc.bias", "fc.weight", "norm.bias", "norm.weight", "x"}
