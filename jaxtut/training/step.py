"""One training step: forward, backward, update, compiled together."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from jaxtut import optim

Params = Any
OptState = Any
Apply = Callable[[Params, Any], Any]
Loss = Callable[[Any, Any], Float[Array, ""]]
Step = Callable[[Params, OptState, Any, Any], tuple[Params, OptState, Float[Array, ""]]]


def make_train_step(apply: Apply, loss: Loss, optimizer: optax.GradientTransformation, donate: bool = True) -> Step:
    """Compile one step: the loss of a batch, its gradients, and the optimizer's update.

    Args:
        apply: the model, apply(params, x) -> scores.
        loss: loss(scores, y) -> a single number.
        optimizer: an Optax gradient transformation, as `jaxtut.optim` makes them.
        donate: let the new parameters and state take the memory of the old ones, which cannot be used any more
            afterwards.

    Returns:
        step(params, opt_state, x, y) -> (params, opt_state, loss), where the loss is that before the update.
        It is compiled once for each shape of batch.

    Example:
        >>> from jaxtut import optim
        >>> import jaxtut.functional as F
        >>> optimizer = optim.SGD(lr=0.1)
        >>> step = make_train_step(lambda params, x: x * params["w"], F.mse_loss, optimizer)
        >>> params = {"w": jnp.array(0.0)}
        >>> x = jnp.array([1.0, 2.0])
        >>> params, state, loss = step(params, optimizer.init(params), x, 2 * x)
        >>> float(params["w"]), float(loss)
        (1.0, 10.0)

    Raises:
        TypeError: apply or loss cannot be called, or the optimizer is none.
        ValueError: a loss that is no single number.

    PyTorch's counterpart: `optimizer.zero_grad()`, `loss.backward()`, `optimizer.step()`. Parameters and the
    optimizer's state are values that go in and come out, and nothing has to be set to zero.
    """
    step = training_step("make_train_step", apply, loss, optimizer)
    return jax.jit(step, donate_argnums=(0, 1) if donate else ())


def training_step(function: str, apply: Apply, loss: Loss, optimizer: optax.GradientTransformation) -> Step:
    """Return the step, not compiled."""
    for name, given in (("apply", apply), ("loss", loss)):
        if not callable(given):
            raise TypeError(f"{function}: {name} must be a function, but {type(given).__name__} was given")
    if not isinstance(optimizer, optax.GradientTransformation):
        raise TypeError(
            f"{function}: optimizer must be an Optax gradient transformation, such as optim.SGD(lr=0.1), "
            f"but {optimizer!r} was given"
        )

    def loss_of(params: Params, x: Any, y: Any) -> Float[Array, ""]:
        value = loss(apply(params, x), y)
        if jnp.shape(value):
            raise ValueError(
                f"{function}: loss must give a single number, but an array of shape {jnp.shape(value)} came"
            )
        return value

    def step(params: Params, opt_state: OptState, x: Any, y: Any) -> tuple[Params, OptState, Float[Array, ""]]:
        value, gradients = jax.value_and_grad(loss_of)(params, x, y)
        return *optim.step(optimizer, params, gradients, opt_state), value

    return step
