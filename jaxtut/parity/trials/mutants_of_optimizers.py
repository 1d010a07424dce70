"""Mistakes in optimizers: two steps from given gradients, and the clipping of gradients."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxtut import optim

from .mutant import Mutant

FAMILY = "optimizers"


def mutants() -> Iterator[Mutant]:
    """Yield the mutants of optimizers."""
    yield from _steps()
    yield from _adam()
    yield from _clipping()


def steps(optimizer: optax.GradientTransformation) -> Callable:
    """Return a function that takes one step for each of the given gradients."""

    def take(w, gradients):
        state = optimizer.init(w)
        for g in gradients:
            updates, state = optimizer.update(g, state, w)
            w = w + updates
        return w

    return take


def torch_steps(name: str, **options: Any) -> Callable:
    """Return the same with an optimizer of torch.optim."""
    import torch

    def take(w, gradients):
        parameter = torch.nn.Parameter(w.detach().clone())
        optimizer = getattr(torch.optim, name)([parameter], **options)
        for g in gradients:
            parameter.grad = g.clone()
            optimizer.step()
        return parameter.detach()

    return take


def _arguments() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(31)
    return rng.standard_normal(5), rng.standard_normal((3, 5))


def moving_average(w, gradients):
    """Descend along an exponential moving average of the gradient, which weighs the new one by 0.1."""
    average = jnp.zeros_like(w)
    for g in gradients:
        average = 0.9 * average + 0.1 * g
        w = w - 0.1 * average
    return w


def _steps() -> Iterator[Mutant]:
    momentum: dict[str, Any] = {"lr": 0.1, "momentum": 0.9}
    for name, mistake, wrong, kind, options in (
        ("momentum as an average", "The new gradient is weighed by 1 − momentum.", moving_average, "SGD", momentum),
        (
            "Nesterov left out",
            "The step does not look ahead.",
            steps(optim.SGD(**momentum)),
            "SGD",
            momentum | {"nesterov": True},
        ),
        (
            "weight decay after the step",
            "The weights shrink by themselves, where PyTorch adds the decay to the gradient, and so to the momentum.",
            lambda w, gradients: steps(optax.chain(optim.SGD(**momentum), optax.add_decayed_weights(-1e-3)))(
                w, gradients
            ),
            "SGD",
            momentum | {"weight_decay": 1e-2},
        ),
        (
            "decay of optax.rmsprop",
            "Optax has 0.9 by default, PyTorch 0.99.",
            steps(optim.RMSprop(0.01, 0.9)),
            "RMSprop",
            {"lr": 0.01},
        ),
    ):
        honest = steps(getattr(optim, kind)(**options))
        yield Mutant(f"{kind}: {name}", FAMILY, mistake, wrong, torch_steps(kind, **options), honest, _arguments(), ())


def adam(correct=True, eps=1e-8, inside=False) -> Callable:
    """Return Adam written by hand, with its bias correction and the place of ε to choose."""

    def take(w, gradients):
        m, v = jnp.zeros_like(w), jnp.zeros_like(w)
        for t, g in enumerate(gradients, start=1):
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            c1, c2 = (1 - 0.9**t, 1 - 0.999**t) if correct else (1, 1)
            root = jnp.sqrt(v / c2 + eps) if inside else jnp.sqrt(v / c2) + eps
            w = w - 0.01 * m / c1 / root
        return w

    return take


def _adam() -> Iterator[Mutant]:
    lr: dict[str, Any] = {"lr": 0.01}
    decay = lr | {"weight_decay": 0.1}
    for name, mistake, wrong, kind, options in (
        (
            "no bias correction",
            "The running means start from 0 and are not corrected.",
            adam(correct=False),
            "Adam",
            lr,
        ),
        ("eps inside of the root", "√(v + ε) stands for √v + ε.", adam(inside=True), "Adam", lr),
        ("eps of TensorFlow", "ε is 1e-7, PyTorch's is 1e-8.", adam(eps=1e-7), "Adam", lr),
        (
            "decoupled decay",
            "Adam's weight decay is in the gradient; AdamW's is not.",
            steps(optim.AdamW(**decay)),
            "Adam",
            decay,
        ),
        (
            "decay of optax.adamw",
            "Optax has 1e-4 by default, PyTorch 1e-2.",
            steps(optim.AdamW(0.01, weight_decay=1e-4)),
            "AdamW",
            lr,
        ),
    ):
        honest = steps(getattr(optim, kind)(**options))
        yield Mutant(f"{kind}: {name}", FAMILY, mistake, wrong, torch_steps(kind, **options), honest, _arguments(), ())


def clipped(epsilon: float = 1e-6, together: bool = True) -> Callable:
    """Return a function that clips two gradients to a norm of 1, together or each by itself."""

    def clip(gradients):
        norms = jax.tree.map(lambda g: jnp.sqrt(jnp.sum(g**2)), gradients)
        total = jnp.sqrt(sum(n**2 for n in norms))
        return [
            g * jnp.minimum(1, 1 / ((total if together else n) + epsilon))
            for g, n in zip(gradients, norms, strict=True)
        ]

    return clip


def _clipping() -> Iterator[Mutant]:
    import torch

    def torch_clip(gradients):
        parameters = [torch.nn.Parameter(torch.zeros_like(g)) for g in gradients]
        for p, g in zip(parameters, gradients, strict=True):
            p.grad = g.detach().clone()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        return [p.grad for p in parameters]

    rng = np.random.default_rng(32)
    gradients = [rng.standard_normal((3, 4)), rng.standard_normal(4)]
    for name, mistake, wrong, cause in (
        ("each by itself", "Every gradient is clipped by its own norm.", clipped(together=False), ""),
        ("without its 1e-6", "PyTorch adds 1e-6 to the norm.", clipped(epsilon=0), "times|eps"),
    ):
        yield Mutant(f"clipping: {name}", FAMILY, mistake, wrong, torch_clip, clipped(), (gradients,), (), cause=cause)
