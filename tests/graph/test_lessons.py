"""The graph of every lesson: its gradients against jax.vjp, through its own edges and over all paths; and what tracing costs."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxtut import cnn, ffn, graph, optim, torch_random, training
from jaxtut import functional as F
from jaxtut.parity.lessons import LESSONS, Case, cases

# Sums of up to some thousand terms of size about 1 in float64, taken in another order.
ROUNDING = 1e-11
MOST_NODES_FOR_PATHS = 30
MOST_NUMBERS = 200
# The largest number of programs that XLA may compile for the CNN at batch 4, where compilation is nearly all of the time.
MOST_COMPILATIONS = 200


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def _traceable(case: Case) -> bool:
    return bool(case.args) and case.lesson not in ("data", "transforms", "training") and "rows" not in case.title


def _size(case: Case) -> int:
    return sum(np.size(leaf) for leaf in jax.tree.leaves(case.args))


CASES = [
    pytest.param(case, id=f"{case.lesson}: {case.title}", marks=[pytest.mark.long] * (_size(case) > 20_000))
    for case in cases(LESSONS)
    if _traceable(case)
]


def _in_float64(args: tuple[Any, ...]) -> tuple[Any, ...]:
    return jax.tree.map(lambda x: np.asarray(x, float) if np.asarray(x).dtype.kind == "f" else x, args)


def _cotangent(case: Case, args: tuple[Any, ...]) -> Any:
    rng = np.random.default_rng(0)

    def draw(y: Any) -> Any:
        return rng.normal(size=y.shape).astype(y.dtype) if jnp.issubdtype(y.dtype, jnp.floating) else None

    return jax.tree.map(draw, jax.eval_shape(case.jax, *args))


def _close(actual: Any, expected: Any) -> None:
    scale = float(np.max(np.abs(expected), initial=1.0, where=np.isfinite(expected)))
    np.testing.assert_allclose(actual, expected, rtol=ROUNDING, atol=ROUNDING * scale)


@pytest.mark.parametrize("case", CASES)
def test_gradients_of_lessons(case: Case) -> None:
    args, size = _in_float64(case.args), _size(case)
    cotangent = _cotangent(case, args)
    g = graph.trace(case.jax, *args, cotangent=cotangent, jacobian_limit=MOST_NUMBERS**2 if size <= MOST_NUMBERS else 0)
    _, product = jax.vjp(case.jax, *args)
    expected = product(jax.tree.map(jnp.asarray, cotangent))
    for i, tree in enumerate(expected):
        if case.argnums and i not in case.argnums:
            continue
        for leaf, found in zip(jax.tree.leaves(tree), jax.tree.leaves(g.gradient_of(i)), strict=False):
            if leaf.dtype != jax.dtypes.float0:
                _close(found, leaf)
    # 0 · ∞ is no number: a whole Jacobian has it beside an infinite slope, and the backward pass does not meet it.
    if size > MOST_NUMBERS or not all(_is_finite(n) for n in g.nodes):
        return
    _check_edges(g, cotangent)
    if len(g.nodes) <= MOST_NODES_FOR_PATHS:
        _check_paths(g, cotangent)


def _seeds(g: graph.Graph, cotangent: Any) -> list[tuple[graph.Node, Any]]:
    leaves = jax.tree.leaves(cotangent, is_leaf=lambda x: x is None)
    return [(node, leaf) for node, leaf in zip(g.outputs, leaves, strict=True) if leaf is not None]


def _check_edges(g: graph.Graph, cotangent: Any) -> None:
    sums = {n.id: jnp.zeros_like(n.value) for n in g.nodes if n.gradient is not None}
    for node, seed in _seeds(g, cotangent):
        sums[node.id] += seed
    for node in reversed(g.nodes):
        for i, local in node.inputs:
            if local is not None and not isinstance(local, graph.ImplicitJacobian):
                sums[i] += jnp.tensordot(sums[node.id], local, len(node.shape))
    for i, total in sums.items():
        _close(g.nodes[i].gradient, total)


def _is_finite(node: graph.Node) -> bool:
    return all(
        isinstance(e, graph.ImplicitJacobian) or bool(np.isfinite(e).all()) for _, e in node.inputs if e is not None
    )


def _check_paths(g: graph.Graph, cotangent: Any) -> None:
    for start in (n for n in g.inputs if n.gradient is not None):
        total = jnp.zeros_like(start.value)
        for end, seed in _seeds(g, cotangent):
            paths = list(islice(g.paths(start.id, end.id), 3000))
            assert len(paths) < 3000
            for path in paths:
                total += jnp.tensordot(seed, g.product_along(path), end.value.ndim)
        _close(total, start.gradient)


@pytest.mark.long
def test_what_the_cnn_costs() -> None:
    compiled: list[str] = []

    def listen(event: str, duration: float, **_: Any) -> None:
        if event.endswith("backend_compile_duration"):
            compiled.append(event)

    images, labels = np.random.default_rng(0).normal(size=(4, 1, 28, 28)).astype(np.float32), np.array([1, 2, 3, 4])
    params = cnn.init(torch_random.Generator(0), (1, 28, 28))
    jax.clear_caches()
    jax.monitoring.register_event_duration_secs_listener(listen)
    with jax.enable_x64(False):
        g = graph.trace(cnn.loss, params, images, labels)
        first = len(compiled)
        graph.trace(cnn.loss, params, images, labels)
    jax.monitoring.unregister_event_duration_listener(listen)
    assert 0 < first <= MOST_COMPILATIONS
    # What has a rule of its own is compiled again, every plain operation is not.
    assert len(compiled) - first <= MOST_COMPILATIONS / 10
    names = {q.name for q in g.groups}
    assert {"convolution_layer", "relu", "max_pooling_layer", "linear", "cross_entropy", "log_softmax"} <= names


def test_a_whole_training_step() -> None:
    params = ffn.init(torch_random.Generator(0), 4, 5, 3, dtype="float64")
    optimizer = optim.SGD(lr=0.1, momentum=0.9)
    step = training.make_train_step(ffn.apply, F.cross_entropy, optimizer, donate=False)
    x, y = np.random.default_rng(0).normal(size=(6, 4)), np.array([0, 1, 2, 0, 1, 2])
    arguments = (params, optimizer.init(params), x, y)
    new_params, new_state, _ = jax.eval_shape(step, *arguments)
    nothing = jax.tree.map(lambda _: None, (new_params, new_state))
    cotangent = (
        jax.tree.map(lambda p: np.ones(p.shape), new_params),
        nothing[1],
        1.0,
    )
    g = graph.trace(step, *arguments, cotangent=cotangent, jacobian_limit=0)

    def total(params: Any, x: Any) -> Any:
        moved, _, loss = step(params, optimizer.init(params), x, y)
        return loss + sum(jnp.sum(p) for p in jax.tree.leaves(moved))

    by_params, by_x = jax.grad(total, (0, 1))(params, x)
    jax.tree.map(_close, g.gradient_of(0), by_params)
    _close(g.gradient_of(2), by_x)
