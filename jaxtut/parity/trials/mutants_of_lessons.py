"""Mistakes in the lessons: Jacobian, chain rule, backpropagation, regression."""

from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxtut import backprop, chain_rule, jacobian, regression
from jaxtut import functional as F
from jaxtut.torch_random import Generator

from .mutant import Mutant


def mutants() -> Iterator[Mutant]:
    """Yield the mutants of the first lessons and of regression."""
    yield from _jacobian()
    yield from _chain_rule()
    yield from _backprop()
    yield from _regression()


def ring(x):
    """Map three numbers to three, with a Jacobian that is not symmetric."""
    return jnp.stack([x[0] * x[1], x[1] * jnp.sin(x[2]), x[2] * x[0]])


def rows_from_columns(x):
    """Stack the columns of the Jacobian as if they were its rows: `vmap` without `out_axes`."""
    _, push_forward = jax.linearize(ring, x)
    return jax.vmap(push_forward)(jnp.eye(3, dtype=x.dtype))


def _jacobian() -> Iterator[Mutant]:
    import torch

    def torch_ring(x):
        return torch.stack([x[0] * x[1], x[1] * torch.sin(x[2]), x[2] * x[0]])

    x, v = np.array([1.0, -0.5, 2.0]), np.array([1.0, 10.0, -3.0])
    yield Mutant(
        "jacobian: columns as rows",
        "jacobian",
        "The columns that forward mode finds are stacked as rows.",
        jax=rows_from_columns,
        torch=lambda x: torch.func.jacrev(torch_ring)(x),
        honest=lambda x: jacobian.jacobian(ring, x),
        args=(x,),
        cause="transpose|swap",
    )
    yield Mutant(
        "jacobian: Jv for vJ",
        "jacobian",
        "The Jacobian is multiplied from the wrong side.",
        jax=lambda x, v: jacobian.jacobian_vector_product(ring, x, v)[1],
        torch=lambda x, v: torch.func.vjp(torch_ring, x)[1](v)[0],
        honest=lambda x, v: jacobian.vector_jacobian_product(ring, x, v)[1],
        args=(x, v),
    )


def _chain_rule() -> Iterator[Mutant]:
    from torch_ref import chain_rule as twin

    def forgotten_square(x):
        steps = chain_rule.backward(x)
        dL_dy = steps.dL_dz @ jnp.diag(2 * (x + 2))  # the slope of y², where z is 2y²
        return dL_dy @ steps.dy_dx

    x = np.array([1.0, 2.0])
    yield Mutant(
        "chain_rule: mean over the features",
        "chain_rule",
        "L is divided by the two features, where the notes divide by 3.",
        jax=lambda x: chain_rule.forward(x, divisor=2),
        torch=twin.forward,
        honest=chain_rule.forward,
        args=(x,),
        cause="times|mean",
    )
    yield Mutant(
        "chain_rule: slope of one step",
        "chain_rule",
        "The backward pass by hand takes 2y for the slope of 2y².",
        jax=forgotten_square,
        torch=lambda x: twin.backward(x).dL_dx,
        honest=lambda x: chain_rule.backward(x).dL_dx,
        args=(x,),
        cause="times|1/2",
    )


def _backprop() -> Iterator[Mutant]:
    from torch_ref import backprop as twin

    def error_reversed(x, y, w):
        s = y - w * x
        return backprop.Backward(2 * s, 2 * s, 2 * s * x)

    def forgotten_two(x, y, w):
        s = w * x - y
        return backprop.Backward(s, s, s * x)

    def input_forgotten(x, y, w):
        steps = backprop.backward(x, y, w)
        return steps._replace(dloss_dw=steps.dloss_dy_hat)

    point = tuple(np.array(v) for v in (3.0, 2.0, 1.5))
    for name, mistake, wrong, cause in (
        ("error reversed", "The error is y − ŷ, so the gradients point uphill.", error_reversed, "sign"),
        ("slope of the square", "The slope of s² is taken to be s.", forgotten_two, "times|1/2"),
        ("local gradient left out", "The last step back to w leaves out its factor x.", input_forgotten, ""),
    ):
        honest = backprop.backward
        yield Mutant(f"backprop: {name}", "backprop", mistake, wrong, twin.backward, honest, point, cause=cause)


def _regression() -> Iterator[Mutant]:
    from torch_ref import regression as twin

    def half(params, x, y):
        return jnp.mean(optax.l2_loss(regression.apply(params, x), y))

    def broadcast(params, x, y):
        return jnp.mean((regression.apply(params, x) - y.reshape(1, -1)) ** 2)

    def sigmoid_twice(params, x, y):
        return F.binary_cross_entropy_with_logits(regression.apply_logistic(params, x), y)

    rng = np.random.default_rng(1)
    params = _numpy(regression.init(Generator(0), 4))
    x, y = rng.standard_normal((6, 4)), rng.standard_normal((6, 1))
    labels = (y > 0).astype(float)
    yield Mutant(
        "regression: half the squared error",
        "regression",
        "optax.l2_loss has a factor ½ that mse_loss has not.",
        jax=half,
        torch=twin.loss,
        honest=regression.loss,
        args=(params, x, y),
        cause="1/2|0.5 times",
    )
    yield Mutant(
        "regression: targets broadcast",
        "regression",
        "Predictions of shape (n, 1) minus targets of shape (1, n) make n² errors.",
        jax=broadcast,
        torch=twin.loss,
        honest=regression.loss,
        args=(params, x, y),
    )
    yield Mutant(
        "regression: sigmoid twice",
        "regression",
        "Probabilities go into a loss that expects raw scores.",
        jax=sigmoid_twice,
        torch=twin.logistic_loss_with_logits,
        honest=regression.logistic_loss_with_logits,
        args=(params, x, labels),
    )


def _numpy(params: dict) -> dict[str, np.ndarray]:
    return {name: np.asarray(value) for name, value in params.items()}
