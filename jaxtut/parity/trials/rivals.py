"""How ports are checked today: finite differences, norms of gradients, sums of gradients, `allclose`; all in float32."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.test_util import check_grads

from .mutant import Mutant


class Results(NamedTuple):
    """What one side returns for float32 inputs, and the gradients of the sum of all of it."""

    outputs: list[np.ndarray]
    gradients: list[np.ndarray]


def finite_differences(mutant: Mutant) -> bool:
    """Compare JAX's gradients with its own finite differences, by `jax.test_util.check_grads` with its defaults, in reverse mode.

    PyTorch is not asked, so a wrong function with consistent gradients passes.

    Returns:
        Whether the check fails.
    """
    f, floats = _of_floats(mutant)
    if not floats or not jax.eval_shape(f, floats)[0]:
        return False  # nothing to differentiate
    try:
        check_grads(jax.jit(lambda *floats: f(floats)[0]), floats, order=1, modes=("rev",))
    except AssertionError:
        return True
    return False


def gradient_norms(mutant: Mutant) -> bool:
    """Compare the norm of each gradient within 1 %; a gradient that is NaN on one side fails."""
    pairs = _gradients(mutant)
    return any(not np.isclose(np.linalg.norm(a), np.linalg.norm(b), rtol=0.01, equal_nan=True) for a, b in pairs)


def gradient_sums(mutant: Mutant) -> bool:
    """Compare the signed sum of each gradient, within 1e-4 of it or 1e-6."""
    return any(not np.isclose(a.sum(), b.sum(), rtol=1e-4, atol=1e-6, equal_nan=True) for a, b in _gradients(mutant))


def allclose(mutant: Mutant) -> bool:
    """Compare outputs and gradients, element by element, by `np.allclose` with rtol and atol of 1e-4; shapes must be equal."""
    ours, theirs = _both(mutant)
    if len(ours.outputs) != len(theirs.outputs):
        return True
    pairs = [*zip(ours.outputs, theirs.outputs, strict=True), *_gradients(mutant)]
    return any(a.shape != b.shape or not np.allclose(a, b, rtol=1e-4, atol=1e-4, equal_nan=True) for a, b in pairs)


RIVALS: dict[str, Callable[[Mutant], bool]] = {
    "check_grads": finite_differences,
    "norms within 1 %": gradient_norms,
    "sums within 1e-4": gradient_sums,
    "allclose 1e-4": allclose,
}


def _gradients(mutant: Mutant) -> list[tuple[np.ndarray, np.ndarray]]:
    ours, theirs = _both(mutant)
    return [(a.astype(np.float64), b.astype(np.float64)) for a, b in zip(ours.gradients, theirs.gradients, strict=True)]


@lru_cache(maxsize=4)
def _both(mutant: Mutant) -> tuple[Results, Results]:
    return _jax_results(mutant), _torch_results(mutant)


def _leaves(mutant: Mutant) -> tuple[list[np.ndarray], list[bool], Any]:
    """Return the arrays that go in, in float32; which of them are differentiated; and their tree."""
    chosen = range(len(mutant.args)) if mutant.argnums is None else np.atleast_1d(np.asarray(mutant.argnums, int))
    first = () if mutant.params is None else (dict(mutant.params),)
    wanted = jax.tree.leaves(
        [
            jax.tree.map(lambda _, w=w: w, tree)
            for w, tree in [(True, t) for t in first] + [(i in chosen, t) for i, t in enumerate(mutant.args)]
        ]
    )
    leaves, tree = jax.tree.flatten((*first, *mutant.args))
    arrays = [np.asarray(x).astype(np.float32) if _floating(np.asarray(x)) else np.asarray(x) for x in leaves]
    return arrays, [bool(w) and _floating(x) for w, x in zip(wanted, arrays, strict=True)], tree


def _floating(x: Any) -> bool:
    return jnp.issubdtype(x.dtype, jnp.floating)


def _of_floats(mutant: Mutant) -> tuple[Callable, tuple]:
    """Return the JAX function of its differentiated arrays, giving floating and other outputs apart, and these arrays."""
    arrays, differentiated, tree = _leaves(mutant)

    def f(floats):
        given = iter(floats)
        leaves = [next(given) if d else jnp.asarray(x) for x, d in zip(arrays, differentiated, strict=True)]
        outputs = [jnp.asarray(y) for y in jax.tree.leaves(mutant.jax(*jax.tree.unflatten(tree, leaves)))]
        return [y for y in outputs if _floating(y)], [y for y in outputs if not _floating(y)]

    return f, tuple(jnp.asarray(x) for x, d in zip(arrays, differentiated, strict=True) if d)


def _jax_results(mutant: Mutant) -> Results:
    f, floats = _of_floats(mutant)

    def loss(floats):
        floating, others = f(floats)
        return sum((y.astype(jnp.float32).sum() for y in floating), jnp.float32(0)), floating + others

    (_, outputs), gradients = jax.jit(jax.value_and_grad(loss, has_aux=True))(floats)
    return Results(*([np.asarray(x) for x in xs] for xs in (outputs, gradients)))


def _torch_results(mutant: Mutant) -> Results:
    import torch

    arrays, differentiated, tree = _leaves(mutant)
    tensors = [torch.from_numpy(x.copy()).requires_grad_(d) for x, d in zip(arrays, differentiated, strict=True)]
    given = jax.tree.unflatten(tree, tensors)
    result = (
        torch.func.functional_call(mutant.torch, given[0], given[1:])
        if isinstance(mutant.torch, torch.nn.Module)
        else mutant.torch(*given)
    )
    outputs = [torch.as_tensor(y) for y in jax.tree.leaves(result)]
    outputs.sort(key=lambda y: not y.is_floating_point())
    attached = [y.sum() for y in outputs if y.requires_grad]
    wanted = [x for x, d in zip(tensors, differentiated, strict=True) if d]
    # Without an output that depends on an input, no gradient is found.
    found: list = [None] * len(wanted)
    if attached and wanted:
        found = list(torch.autograd.grad(sum(attached[1:], attached[0]), wanted, allow_unused=True))
    gradients = [torch.zeros_like(x) if g is None else g for x, g in zip(wanted, found, strict=True)]
    return Results(*([x.detach().numpy() for x in xs] for xs in (outputs, gradients)))
