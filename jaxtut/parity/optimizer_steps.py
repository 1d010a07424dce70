"""Some steps of an optimizer on the feed-forward net, on either side, as the lesson on training compares them."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from jaxtut import functional as F
from jaxtut import optim, training


def jax_steps(name: str, options: dict, count: int) -> Callable:
    """Return a function of (params, X, y) that trains the feed-forward net for `count` steps and returns losses and parameters."""
    from jaxtut import ffn

    optimizer = getattr(optim, name)(**options)
    epoch = training.make_epoch(ffn.apply, F.cross_entropy, optimizer, donate=False)

    def f(params: dict, X: Any, y: Any) -> dict:
        # The whole data set is the batch of every step.
        every_row = jnp.broadcast_to(jnp.arange(len(X)), (count, len(X)))
        params, _, losses = epoch(params, optimizer.init(params), X, y, every_row)
        return {"losses": losses, "parameters": params}

    return f


def torch_steps(name: str, options: dict, count: int) -> Callable:
    """Return the twin of `jax_steps`."""
    import torch

    from torch_ref import ffn

    def f(params: dict, X: Any, y: Any) -> dict:
        params = {n: p.detach().clone().requires_grad_() for n, p in params.items()}
        optimizer, losses = getattr(torch.optim, name)(list(params.values()), **options), []
        for _ in range(count):
            optimizer.zero_grad()
            loss = ffn.loss(params, X, y)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        return {"losses": torch.stack(losses), "parameters": {n: p.detach() for n, p in params.items()}}

    return f
