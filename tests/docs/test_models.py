"""The two ports of the pages equal their PyTorch modules, and every mistake planted on the page is found at the right name."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import nnx

from docs.models import resnet_flax, resnet_torch, transformer_flax, transformer_torch
from docs.models.mistakes import RESNET, TRANSFORMER, Mistake
from jaxtut import parity

Numbers = dict[str, np.ndarray]


class ResNetExample(NamedTuple):
    """A residual network as after some training: every statistic, scale and shift is a number of its own."""

    model: resnet_torch.ResNet
    params: Numbers
    stats: Numbers
    images: np.ndarray

    def evaluate(self, params: Any, stats: Any, images: Any) -> Any:
        return torch.func.functional_call(self.model.eval(), {**params, **stats}, (images,))

    def train(self, params: Any, stats: Any, images: Any) -> Any:
        return resnet_torch.train_outputs(self.model.train(), params, stats, images)

    def compare(self, jax_fn: Callable, torch_fn: Callable, **options: Any) -> parity.Report:
        return parity.compare(jax_fn, torch_fn, self.params, self.stats, self.images, argnums=(0, 2), **options)


class TransformerExample(NamedTuple):
    """A transformer whose layer norms are not at their initial ones and zeros, and a batch of tokens."""

    model: transformer_torch.Transformer
    params: Numbers
    tokens: np.ndarray

    def compare(self, jax_fn: Callable, **options: Any) -> parity.Report:
        return parity.compare(jax_fn, self.model, self.tokens, params=self.params, **options)


def _numbers(model: torch.nn.Module, generator: np.random.Generator) -> Numbers:
    """Return the parameters, moved a little, so that none is a 0 or a 1 by initialization."""
    named = model.named_parameters()
    moved = {n: p.detach().numpy() + 0.1 * generator.standard_normal(p.shape) for n, p in named}
    return {n: v.astype("float32") for n, v in moved.items()}


@pytest.fixture(autouse=True)
def _as_flax_needs_it() -> Iterator[None]:
    """Flax's normalization layers promote dtypes, which the other tests forbid; and small tensors want one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with jax.numpy_dtype_promotion("standard"):
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def resnet() -> ResNetExample:
    torch.manual_seed(0)
    generator, model = np.random.default_rng(0), resnet_torch.ResNet()
    stats = {n: b.numpy() for n, b in model.named_buffers() if "running" in n}
    for name, value in stats.items():
        mean = name.endswith("mean")
        stats[name] = 0.2 * generator.standard_normal(value.shape) if mean else generator.uniform(0.5, 1.5, value.shape)
    return ResNetExample(model, _numbers(model, generator), stats, generator.standard_normal((4, 3, 16, 16)))


@pytest.fixture(scope="module")
def transformer() -> TransformerExample:
    torch.manual_seed(0)
    generator, model = np.random.default_rng(0), transformer_torch.Transformer()
    return TransformerExample(model, _numbers(model, generator), generator.integers(0, 32, (2, 8)))


def _gradients(report: parity.Report) -> set[str]:
    return {row.name for row in report.rows if row.kind == "gradient"}


def test_transformer_equals_its_module(transformer: TransformerExample) -> None:
    report = transformer.compare(transformer_flax.apply)
    assert report.same, report.summary()
    assert _gradients(report) == set(dict(transformer.model.named_parameters()))


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_resnet_equals_its_module(resnet: ResNetExample, mode: str) -> None:
    if mode == "eval":
        report = resnet.compare(resnet_flax.apply, resnet.evaluate)
    else:
        report = resnet.compare(resnet_flax.apply_train, resnet.train)
        moved = {f"running.{name}" for name in resnet.stats}
        assert moved <= {row.name for row in report.rows if row.kind == "value"}
    assert report.same, report.summary()
    assert _gradients(report) == {"images", *(f"params.{n}" for n, _ in resnet.model.named_parameters())}


def test_a_module_takes_the_conversion_of_the_port(transformer: TransformerExample, resnet: ResNetExample) -> None:
    report = transformer.compare(
        transformer_flax.Transformer(rngs=nnx.Rngs(0)), map_params=transformer_flax.from_torch, cotangents=1
    )
    assert report.same, report.summary()
    assert "float64" in {row.dtype for row in report.rows}  # no precision is lowered inside
    port = resnet_flax.ResNet(rngs=nnx.Rngs(0))
    port.eval()
    state = {**resnet.params, **resnet.stats, "bn.num_batches_tracked": np.array(1)}
    report = parity.compare(
        port, resnet.model.eval(), resnet.images, params=state, map_params=resnet_flax.from_torch, cotangents=1
    )
    assert report.same, report.summary()


def test_map_params_takes_the_state_of_a_module(transformer: TransformerExample) -> None:
    graph, _ = nnx.split(transformer_flax.build(transformer.params))

    def apply(state: Any, tokens: Any) -> Any:
        return nnx.merge(graph, state)(tokens)

    def state(params: Any) -> Any:
        return nnx.state(transformer_flax.build(params))

    report = transformer.compare(apply, map_params=state, cotangents=1, dtypes=["float64"])
    assert report.same, report.summary()


def test_examples_are_alive(resnet: ResNetExample, transformer: TransformerExample) -> None:
    """Zeros are equal whatever a port does: dead units would make the comparisons above empty."""

    def resnet_loss(params: Any) -> jax.Array:
        return jnp.sum(resnet_flax.apply(params, resnet.stats, jnp.asarray(resnet.images, "float32")) ** 2)

    def transformer_loss(params: Any) -> jax.Array:
        return jnp.sum(transformer_flax.apply(params, jnp.asarray(transformer.tokens)) ** 2)

    stats = {n: jnp.asarray(v, "float32") for n, v in resnet.stats.items()}
    resnet = resnet._replace(stats=stats)  # pyright: ignore[reportArgumentType]
    for loss, params in ((resnet_loss, resnet.params), (transformer_loss, transformer.params)):
        for name, gradient in jax.jit(jax.grad(loss))(params).items():
            # Tokens that the batch does not hold have no gradient.
            assert name == "token.weight" or np.mean(np.asarray(gradient) != 0) > 0.7, name


def test_running_statistics_move_as_in_a_module_that_is_trained(resnet: ResNetExample) -> None:
    """PyTorch's own state after one forward pass: the witness beside `train_outputs`."""
    model = resnet_torch.ResNet()
    model.load_state_dict({n: torch.tensor(v) for n, v in {**resnet.params, **resnet.stats}.items()}, strict=False)
    model.train()(torch.tensor(resnet.images, dtype=torch.float32))
    stats = {n: jnp.asarray(v, "float32") for n, v in resnet.stats.items()}
    new = jax.jit(resnet_flax.apply_train)(resnet.params, stats, jnp.asarray(resnet.images, "float32"))["running"]
    state = model.state_dict()
    assert set(new) == set(stats)
    for name, value in new.items():
        np.testing.assert_allclose(value, state[name].numpy(), rtol=1e-5, atol=1e-6)


def _planted(mistakes: dict[str, Mistake]) -> list:
    """Return one mistake; the page itself plants all of them, and is not built if one is not found at its name."""
    return [pytest.param(mistake, id=name) for name, mistake in list(mistakes.items())[-1:]]


@pytest.mark.parametrize("mistake", _planted(RESNET))
def test_mistakes_in_the_resnet_are_found(resnet: ResNetExample, mistake: Mistake) -> None:
    if mistake is RESNET["maximum"]:  # it shows at exact zeros, which blocks that start as the identity have
        zeros = {n: np.zeros_like(v) for n, v in resnet.params.items() if "bn2." in n}
        resnet = resnet._replace(params=resnet.params | zeros)
    port = mistake.port()
    apply, module = (port.apply_train, resnet.train) if mistake.train else (port.apply, resnet.evaluate)
    _is_found(resnet.compare(apply, module, cotangents=1), mistake)


@pytest.mark.parametrize("mistake", _planted(TRANSFORMER))
def test_mistakes_in_the_transformer_are_found(transformer: TransformerExample, mistake: Mistake) -> None:
    _is_found(transformer.compare(mistake.port().apply, cotangents=1), mistake)


def _is_found(report: parity.Report, mistake: Mistake) -> None:
    assert report.verdict == "different", report.summary()
    assert report.first_divergence is not None
    assert report.first_divergence.name == mistake.first


def test_a_mistake_that_is_not_in_the_port_is_refused() -> None:
    with pytest.raises(ValueError, match=r"transformer_flax.py must hold 'no such line' once, not 0 times"):
        Mistake("transformer", "no such line", "", "").source()


def test_diff_shows_the_wrong_line_and_the_right_one() -> None:
    lines = TRANSFORMER["mask"].diff().splitlines()
    assert lines == [
        "- past = jnp.tril(jnp.ones((length, length), bool), 1)",
        "+ past = jnp.tril(jnp.ones((length, length), bool))",
    ]
