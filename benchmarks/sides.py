"""Make the sides of a benchmark: something to call, and the gradients that it computes."""

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from flax import nnx
from jaxtyping import Array, Float, Int
from torch import nn

import jaxtut.functional as F
from jaxtut.flax_models import from_params, to_params
from jaxtut.optim import SGD
from jaxtut.training import make_epoch, make_train_step

from . import plain
from .device import array, as_cuda_graph, module, on_gpu, tensor, until_done
from .harness import Named, Side

LIBRARY, PLAIN, FLAX, EAGER, COMPILED = "jaxtut", "plain JAX", "Flax NNX", "torch eager", "torch.compile"
CUDA_GRAPH = "torch CUDA graph"
LEARNING_RATE = 0.01

Params = dict[str, Array]
Apply = Callable[[Params, Array], Array]
TorchLoss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def jax_side(name: str, function: Callable[..., Array | tuple[Array, ...]], *args: Any) -> Side:
    """Make a side of a jitted function whose result is the gradient, or the value and the gradient."""
    compiled = jax.jit(function)
    return Side(name, lambda: jax.block_until_ready(compiled(*args)), lambda: _results(compiled(*args), np.asarray))


def torch_sides(make: Callable[[Callable[[Any], Any]], Callable[[], Any]]) -> list[Side]:
    """Make torch's sides: `make(wrap)` builds what returns the same, with `wrap` around the part to compile."""
    runs = [(EAGER, make(lambda function: function)), (COMPILED, make(compile_afresh))]
    if on_gpu():
        runs.append((CUDA_GRAPH, as_cuda_graph(make(lambda function: function))))
    return [_torch_side(name, until_done(run)) for name, run in runs]


def value_and_gradient(
    ours: Callable[..., Any],
    plainly: Callable[..., Any],
    torchs: Callable[..., Any],
    x: np.ndarray,
    cotangent: np.ndarray,
) -> list[Side]:
    """Make the sides of a function of one array: its value, and its gradient for a cotangent."""
    args = (jnp.asarray(x), jnp.asarray(cotangent))
    leaf, v = tensor(x).requires_grad_(), tensor(cotangent)

    def make(wrap: Callable[[Any], Any]) -> Callable[[], tuple[torch.Tensor, ...]]:
        function = wrap(torchs)

        def run() -> tuple[torch.Tensor, ...]:
            value = function(leaf)
            return value.detach(), torch.autograd.grad(value, leaf, v)[0]

        return run

    def both(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(x: Array, v: Array) -> tuple[Array, Array]:
            value, pull_back = jax.vjp(function, x)
            return value, pull_back(v)[0]

        return run

    return [jax_side(LIBRARY, both(ours), *args), jax_side(PLAIN, both(plainly), *args), *torch_sides(make)]


def _torch_side(name: str, run: Callable[[], Any]) -> Side:
    return Side(name, run, lambda: _results(run(), array), is_torch=True, optional=name != EAGER)


def _results(found: Any, to_numpy: Callable[[Any], np.ndarray]) -> Named:
    leaves = found if isinstance(found, tuple) else (found,)
    names = ("value", "gradient")[-len(leaves) :]
    return {name: to_numpy(leaf) for name, leaf in zip(names, leaves, strict=True)}


def compile_afresh(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile at the first call, for one shape, without what earlier runs left behind: it shows the whole price."""
    compiled = None

    def call(*args: Any) -> Any:
        nonlocal compiled
        if compiled is None:
            torch.compiler.reset()
            compiled = torch.compile(function, dynamic=False)
        return compiled(*args)

    return call


class Training:
    """One network in all frameworks, from the same weights on the same samples.

    Args:
        apply: jaxtut's network.
        port: the plain JAX port of it.
        model: torch_ref's network.
        layers: gives the layers of such a network without the names of its intermediate values: each name breaks the
            graph that torch.compile would make, and nobody would compile that.
        params: the initial weights.
        x: the samples.
        y: their labels.
    """

    def __init__(
        self,
        apply: Apply,
        port: Apply,
        model: nn.Module,
        layers: Callable[[Any], nn.Module],
        params: Params,
        x: Float[np.ndarray, "samples *sample"],
        y: Int[np.ndarray, " samples"],
    ) -> None:
        self.apply, self.port, self.layers, self.params = apply, port, layers, params
        self.x, self.y = jnp.asarray(x), jnp.asarray(y, "int32")
        model.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in params.items()})
        self.model = module(model)
        self.x_torch, self.y_torch = tensor(x), tensor(y)

    def step_sides(self) -> list[Side]:
        """Make the sides of one SGD step on all samples."""
        return [self._library_step(), self._plain_step(), self._flax_step(), *map(self._torch_step, _torch_names())]

    def epoch_sides(self, rows: Int[np.ndarray, "steps batch"]) -> list[Side]:
        """Make the sides of an epoch of SGD steps: jaxtut's in one call, the others step by step, all data on the device."""
        return [
            self._library_epoch(rows),
            self._plain_epoch(rows),
            *(self._torch_epoch(name, rows) for name in _torch_names()),
        ]

    def _library_step(self) -> Side:
        optimizer = SGD(lr=LEARNING_RATE)
        step = make_train_step(self.apply, F.cross_entropy, optimizer)
        now = jax.tree.map(jnp.copy, self.params)  # the step gives its old weights away
        state = (now, optimizer.init(now))

        def run() -> None:
            nonlocal state
            new_params, opt_state, loss = step(*state, self.x, self.y)
            state = (new_params, opt_state)
            jax.block_until_ready((new_params, loss))

        gradients = jax.jit(jax.grad(lambda params: F.cross_entropy(self.apply(params, self.x), self.y)))
        return Side(LIBRARY, run, lambda: _named(gradients(self.params), state[0]))

    def _library_epoch(self, rows: np.ndarray) -> Side:
        optimizer = SGD(lr=LEARNING_RATE)
        epoch = make_epoch(self.apply, F.cross_entropy, optimizer)
        now = jax.tree.map(jnp.copy, self.params)
        state = (now, optimizer.init(now))

        losses = jnp.zeros(0)

        def run() -> None:
            nonlocal state, losses
            *state, losses = epoch(*state, self.x, self.y, rows)
            jax.block_until_ready((state, losses))

        return Side(LIBRARY, run, lambda: self._changes(state[0], losses))

    def _plain_step(self) -> Side:
        step, gradients = self._plain()
        now = jax.tree.map(jnp.copy, self.params)

        def run() -> None:
            nonlocal now
            now, value = step(now, self.x, self.y)
            jax.block_until_ready((now, value))

        return Side(PLAIN, run, lambda: _named(gradients(self.params, self.x, self.y), now))

    def _plain_epoch(self, rows: np.ndarray) -> Side:
        step, _ = self._plain()
        now, batches, losses = jax.tree.map(jnp.copy, self.params), [jnp.asarray(batch) for batch in rows], []

        def run() -> None:
            nonlocal now, losses
            losses = []
            for batch in batches:
                now, value = step(now, self.x[batch], self.y[batch])
                losses.append(value)
            jax.block_until_ready((now, losses))

        return Side(PLAIN, run, lambda: self._changes(now, losses))

    def _plain(self) -> tuple[Callable[..., Any], Callable[..., Any]]:
        def loss(params: Params, x: Array, y: Array) -> Array:
            return plain.cross_entropy(self.port(params, x), y)

        @partial(jax.jit, donate_argnums=0)
        def step(params: Params, x: Array, y: Array) -> tuple[Params, Array]:
            value, gradients = jax.value_and_grad(loss)(params, x, y)
            return jax.tree.map(lambda p, g: p - LEARNING_RATE * g, params, gradients), value

        return step, jax.jit(jax.grad(loss))

    def _flax_step(self) -> Side:
        model = from_params(self.params)
        optimizer = nnx.Optimizer(model, optax.sgd(LEARNING_RATE), wrt=nnx.Param)
        weights = [v for _, v in nnx.iter_graph(model) if isinstance(v, nnx.Param)]

        def loss_fn(model: Any, x: Array, y: Array) -> Array:
            return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()

        @nnx.jit
        def train_step(model: Any, optimizer: Any, x: Array, y: Array) -> Array:
            loss, gradients = nnx.value_and_grad(loss_fn)(model, x, y)
            optimizer.update(model, gradients)
            return loss

        def run() -> None:
            jax.block_until_ready((train_step(model, optimizer, self.x, self.y), [w.get_value() for w in weights]))

        def results() -> Named:
            start = from_params(self.params)
            gradients = nnx.jit(nnx.grad(loss_fn))(start, self.x, self.y)
            nnx.update(start, gradients)
            return _named(to_params(start), to_params(model))

        return Side(FLAX, run, results)

    def _torch_step(self, name: str) -> Side:
        model, loss, optimizer = self._torch(name)

        def step() -> None:
            optimizer.zero_grad()
            loss(self.x_torch, self.y_torch).backward()
            optimizer.step()

        run = as_cuda_graph(step, lambda: self._restore(model)) if name == CUDA_GRAPH else step
        return Side(name, until_done(run), lambda: _torch_results(model), is_torch=True, optional=name != EAGER)

    def _torch_epoch(self, name: str, rows: np.ndarray) -> Side:
        model, loss, optimizer = self._torch(name)
        batches = [tensor(batch) for batch in rows]
        losses = []

        def epoch() -> list[torch.Tensor]:
            nonlocal losses
            losses = []
            for batch in batches:
                optimizer.zero_grad()
                value = loss(self.x_torch[batch], self.y_torch[batch])
                value.backward()
                optimizer.step()
                losses.append(value.detach())
            return losses

        def results() -> Named:
            return self._changes({key: array(p) for key, p in model.named_parameters()}, [array(v) for v in losses])

        run = as_cuda_graph(epoch, lambda: self._restore(model)) if name == CUDA_GRAPH else epoch
        return Side(name, until_done(run), results, is_torch=True, optional=name != EAGER)

    def _changes(self, updated: Any, losses: Any) -> Named:
        """Return by how much each weight changed, which a wrong gradient shows in, and the losses."""
        changes = {f"change of {name}": np.array(updated[name] - np.asarray(p)) for name, p in self.params.items()}
        return changes | {"losses": np.array([float(value) for value in losses], "float32")}

    def _restore(self, model: nn.Module) -> None:
        model.load_state_dict(self.model.state_dict())

    def _torch(self, name: str) -> tuple[nn.Module, TorchLoss, torch.optim.Optimizer]:
        model = deepcopy(self.model)
        network = self.layers(model)

        def loss(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return nn.functional.cross_entropy(network(x), y)

        compiled = compile_afresh(loss) if name == COMPILED else loss
        return model, compiled, torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)


def _torch_names() -> list[str]:
    return [EAGER, COMPILED, *([CUDA_GRAPH] if on_gpu() else [])]


def _torch_results(model: nn.Module) -> Named:
    weights = dict(model.named_parameters())
    gradients = {name: array(p.grad) for name, p in weights.items() if p.grad is not None}
    return _named(gradients, {name: array(p) for name, p in weights.items()})


def _named(gradients: dict[str, Any], updated: dict[str, Any]) -> Named:
    """Copy to NumPy: the runs that follow write over what they were given."""
    return {f"gradient of {name}": np.array(value) for name, value in gradients.items()} | {
        f"updated {name}": np.array(value) for name, value in updated.items()
    }
