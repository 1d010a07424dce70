"""Make the sides of a benchmark: something to call, and the gradients that it computes."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from jaxtyping import Array, Float, Int
from torch import nn

import jaxtut.functional as F
from jaxtut.optim import SGD
from jaxtut.training import make_train_step

from . import plain
from .harness import Named, Side

LIBRARY, PLAIN, EAGER, COMPILED = "jaxtut", "plain JAX", "torch eager", "torch.compile"
LEARNING_RATE = 0.01

Params = dict[str, Array]
Apply = Callable[[Params, Array], Array]


def jax_side(name: str, function: Callable[..., Array], *args: Any) -> Side:
    """Make a side of a jitted function whose result is the gradient."""
    compiled = jax.jit(function)
    return Side(name, lambda: compiled(*args).block_until_ready(), lambda: {"gradient": np.asarray(compiled(*args))})


def torch_sides(make: Callable[[Callable[[Any], Any]], Callable[[], torch.Tensor]]) -> list[Side]:
    """Make torch's two sides: `make(wrap)` builds what returns the gradient, with `wrap` around the part to compile."""
    eager, compiled = make(lambda function: function), make(compile_afresh)
    return [
        Side(EAGER, eager, lambda: {"gradient": eager().numpy()}, is_torch=True),
        Side(COMPILED, compiled, lambda: {"gradient": compiled().numpy()}, is_torch=True, optional=True),
    ]


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


def training_sides(
    apply: Apply,
    port: Apply,
    model: nn.Module,
    layers: Callable[[Any], nn.Module],
    params: Params,
    x: Float[np.ndarray, "batch *sample"],
    y: Int[np.ndarray, " batch"],
) -> list[Side]:
    """Make the four sides of one SGD step, all from the same weights on the same batch.

    Args:
        apply: jaxtut's network.
        port: the plain JAX port of it.
        model: torch_ref's network.
        layers: gives the layers of such a network without the names of its intermediate values: each name breaks the
            graph that torch.compile would make, and nobody would compile that.
        params: the initial weights.
        x: the batch.
        y: its labels.
    """
    model.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in params.items()})
    compiled = deepcopy(model)
    x_torch, y_torch = torch.from_numpy(x), torch.from_numpy(y)
    x_jax, y_jax = jnp.asarray(x), jnp.asarray(y, "int32")
    return [
        _library_step(apply, params, x_jax, y_jax),
        _plain_step(port, params, x_jax, y_jax),
        _torch_step(EAGER, model, _torch_loss(layers(model)), x_torch, y_torch),
        _torch_step(COMPILED, compiled, compile_afresh(_torch_loss(layers(compiled))), x_torch, y_torch),
    ]


def _library_step(apply: Apply, params: Params, x: Array, y: Array) -> Side:
    optimizer = SGD(lr=LEARNING_RATE)

    step = make_train_step(apply, F.cross_entropy, optimizer)
    now = jax.tree.map(jnp.copy, params)  # the step gives its old weights away
    state = (now, optimizer.init(now))

    def run() -> None:
        nonlocal state
        new_params, opt_state, loss = step(*state, x, y)
        state = (new_params, opt_state)
        jax.block_until_ready((new_params, loss))

    gradients = jax.jit(jax.grad(lambda params: F.cross_entropy(apply(params, x), y)))
    return Side(LIBRARY, run, lambda: _named(gradients(params), state[0]))


def _plain_step(port: Apply, params: Params, x: Array, y: Array) -> Side:
    def loss(params: Params, x: Array, y: Array) -> Array:
        return plain.cross_entropy(port(params, x), y)

    @jax.jit
    def step(params: Params, x: Array, y: Array) -> tuple[Params, Array]:
        value, gradients = jax.value_and_grad(loss)(params, x, y)
        return jax.tree.map(lambda p, g: p - LEARNING_RATE * g, params, gradients), value

    now = params

    def run() -> None:
        nonlocal now
        now, value = step(now, x, y)
        jax.block_until_ready((now, value))

    return Side(PLAIN, run, lambda: _named(jax.jit(jax.grad(loss))(params, x, y), now))


def _torch_loss(network: nn.Module) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    return lambda x, y: nn.functional.cross_entropy(network(x), y)


def _torch_step(
    name: str, model: nn.Module, loss: Callable[..., torch.Tensor], x: torch.Tensor, y: torch.Tensor
) -> Side:
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)

    def run() -> None:
        optimizer.zero_grad()
        loss(x, y).backward()
        optimizer.step()

    def results() -> Named:
        weights = dict(model.named_parameters())
        gradients = {name: p.grad.numpy() for name, p in weights.items() if p.grad is not None}
        return _named(gradients, {name: p.detach().numpy() for name, p in weights.items()})

    return Side(name, run, results, is_torch=True, optional=name == COMPILED)


def _named(gradients: dict[str, Any], updated: dict[str, Any]) -> Named:
    """Copy to NumPy: the runs that follow write over what they were given."""
    return {f"gradient of {name}": np.array(value) for name, value in gradients.items()} | {
        f"updated {name}": np.array(value) for name, value in updated.items()
    }
