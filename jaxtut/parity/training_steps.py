"""Compare training: the same steps in both frameworks, each with its own optimizer, and the first step whose numbers part."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .comparison import compare
from .definition import worst
from .report import Report
from .torch_side import require_torch


def compare_training(
    jax_loss: Callable,
    torch_loss: Callable,
    params: Mapping[str, Any],
    batches: Sequence[tuple],
    optimizer: Any,
    torch_optimizer: Callable,
    seed: int = 0,
    dtypes: Sequence[str] | None = None,
) -> Report:
    """Say whether training takes the same steps on both sides, and if not, what parts first: forward, then backward, then step by step.

    First the loss and its gradients are compared on the first batch. Then every step's loss and the parameters after it are: they are values
    of a longer program, and judged like any other, with the rounding that training amplifies measured element by element.

    Args:
        jax_loss: (params, *batch) to a scalar.
        torch_loss: the same for tensors; of a module, `lambda p, x, y: criterion(functional_call(model, p, (x,)), y)`.
        params: the initial parameters, NumPy arrays by name.
        batches: one tuple of arrays a step.
        optimizer: an Optax gradient transformation.
        torch_optimizer: makes a `torch.optim.Optimizer` from a list of tensors: `lambda p: torch.optim.SGD(p, lr=0.1)`.
        seed: of the moved inputs.
        dtypes: as for `compare`.

    Returns:
        A report; the names of its rows begin with the step, as in 'step 2.params.fc1.weight'.

    Example:
        >>> import numpy as np, optax, torch
        >>> jax_loss = lambda params, x: ((params["w"] * x) ** 2).mean()
        >>> torch_loss = lambda params, x: ((params["w"] * x) ** 2).mean()
        >>> start, batches = {"w": np.ones(3)}, [(np.array([1.0, 2.0, 3.0]),)] * 4
        >>> compare_training(jax_loss, torch_loss, start, batches, optax.sgd(0.1), lambda p: torch.optim.SGD(p, lr=0.1)).same
        True
        >>> report = compare_training(
        ...     jax_loss, torch_loss, start, batches, optax.sgd(0.1, momentum=0.9), lambda p: torch.optim.SGD(p, lr=0.1)
        ... )
        >>> report.first_divergence.name
        'step 2.params.w'

    Raises:
        ValueError: no batches.
    """
    if not batches:
        raise ValueError("compare_training: batches must hold at least one batch, but none was given")
    torch = require_torch()
    start = dict(params)
    first = compare(jax_loss, torch_loss, start, *batches[0], argnums=0, seed=seed, dtypes=dtypes)
    if not first.same:
        return first
    names = [f"step {i:0{len(str(len(batches)))}d}" for i in range(1, len(batches) + 1)]
    steps = compare(
        _jax_steps(jax_loss, optimizer, names),
        _torch_steps(torch, torch_loss, torch_optimizer, names),
        start, list(batches), argnums=(), cotangents=1, seed=seed, dtypes=dtypes, modes=("eager",),
    )  # fmt: skip
    rows = (*first.rows, *steps.rows)
    # The first row that parts is the earliest: steps stand in their order. Names inside a step would say less.
    parted = next((row for row in steps.rows if not row.same), None)
    drawn = steps.heat_map or first.heat_map
    return Report(worst([row.verdict for row in rows]), rows, parted, (*first.notes, *steps.notes), drawn)


def _jax_steps(loss: Callable, optimizer: Any, names: list[str]) -> Callable:
    import jax

    from jaxtut import optim

    @jax.jit
    def step(params: Any, state: Any, batch: tuple):
        value, gradients = jax.value_and_grad(loss)(params, *batch)
        return *optim.step(optimizer, params, gradients, state), value

    def run(params: Any, batches: Sequence[tuple]) -> dict:
        state, found = optimizer.init(params), {}
        for name, batch in zip(names, batches, strict=True):
            params, state, value = step(params, state, tuple(batch))
            found[name] = {"loss": value, "params": params}
        return found

    return run


def _torch_steps(torch: Any, loss: Callable, make_optimizer: Callable, names: list[str]) -> Callable:
    def run(params: Mapping[str, Any], batches: Sequence[tuple]) -> dict:
        leaves = {n: t.detach().clone().requires_grad_(t.is_floating_point()) for n, t in params.items()}
        optimizer, found = make_optimizer([t for t in leaves.values() if t.requires_grad]), {}
        for name, batch in zip(names, batches, strict=True):
            optimizer.zero_grad()
            value = loss(leaves, *batch)
            value.backward()
            optimizer.step()
            found[name] = {"loss": value.detach(), "params": {n: t.detach().clone() for n, t in leaves.items()}}
        return found

    return run
