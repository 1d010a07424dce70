"""Calls that are opened and folded: the numbers stay, and what is inside is shown."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxtut import graph

# Sums may be taken in another order; the functions here are well conditioned and of size about 1.
ROUNDING = 1e-12
X = np.array([0.3, 0.9, -0.4])


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


@jax.custom_vjp
def doubled(x: Any) -> Any:
    return jnp.sin(graph.tap("inside", jnp.cos(x)))


doubled.defvjp(lambda x: (jnp.sin(jnp.cos(x)), x), lambda x, c: (2.0 * c,))


def _scan(x: Any) -> Any:
    def step(carry: Any, row: Any) -> Any:
        carry = jnp.tanh(carry * row)
        return carry, carry**2

    last, squares = jax.lax.scan(step, x, jnp.outer(x, x), reverse=True)
    return jnp.sum(last) + jnp.sum(squares[1])


def _while(x: Any) -> Any:
    _, y = jax.lax.while_loop(lambda c: jnp.sum(c[1]) < 10.0, lambda c: (c[0] + 1, c[1] * c[1] + 1.0), (0, x))
    return jnp.sum(jnp.sin(y))


def _cond(x: Any) -> Any:
    return jnp.sum(jax.lax.cond(x[0] < x[1], lambda v: jnp.sin(v) * v, jnp.cos, x))


def _nested(x: Any) -> Any:
    def step(carry: Any, _: Any) -> Any:
        return jax.lax.cond(carry[0] > 0.0, jax.jit(lambda c: jax.nn.relu(c - 0.1)), jnp.sin, carry), None

    return jnp.sum(jax.checkpoint(lambda v: jax.lax.scan(step, v, None, length=3)[0])(x))


PROGRAMS: dict[str, Callable[[Any], Any]] = {
    "jit": lambda x: jnp.sum(jax.jit(lambda v: jnp.sin(v) * v)(x)),
    "checkpoint": lambda x: jnp.sum(jax.checkpoint(lambda v: jnp.sin(v) * v)(x)),
    "custom_jvp": lambda x: jnp.sum(jax.nn.relu(x) ** 2),
    "custom_vjp": lambda x: jnp.sum(doubled(x * x)),
    "scan": _scan,
    "cond": _cond,
    "while": _while,
    "nested": _nested,
    "empty loop": lambda x: jnp.sum(jax.lax.scan(lambda c, _: (jnp.sin(c), c), x, None, length=0)[0]),
}


@pytest.mark.parametrize("opened", [(), graph.OPENABLE], ids=["folded", "open"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_gradients_do_not_depend_on_what_is_open(name: str, opened: tuple[str, ...]) -> None:
    f = PROGRAMS[name]
    g = graph.trace(f, X, opened=opened)
    expected = jax.jacfwd(f)(X) if name == "while" else jax.grad(f)(X)
    np.testing.assert_allclose(g.gradient_of("x"), expected, rtol=ROUNDING, atol=ROUNDING)
    np.testing.assert_allclose(g.output.value, f(X), rtol=ROUNDING)


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_open_gradient_is_the_sum_over_its_edges(name: str) -> None:
    g = graph.trace(PROGRAMS[name], X, opened=graph.OPENABLE)
    sums = {n.id: jnp.zeros_like(n.value) for n in g.nodes if n.gradient is not None}
    sums[g.output.id] = jnp.ones_like(g.output.value)
    for node in reversed(g.nodes):
        for i, local in node.inputs:
            if local is not None:
                assert not isinstance(local, graph.ImplicitJacobian)
                sums[i] += jnp.tensordot(sums[node.id], local, len(node.shape))
    for i, expected in sums.items():
        np.testing.assert_allclose(g.nodes[i].gradient, expected, rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("name", ["jit", "checkpoint", "custom_jvp", "custom_vjp", "scan", "cond", "while"])
def test_one_kind_is_opened_alone(name: str) -> None:
    folded = graph.trace(PROGRAMS[name], X, opened=())
    opened = graph.trace(PROGRAMS[name], X, opened=(name,))
    assert len(opened.nodes) > len(folded.nodes)
    assert not any(g.kind == name for g in folded.groups)
    assert any(g.kind == name for g in opened.groups)


def test_a_folded_function_has_its_name() -> None:
    @jax.jit
    def layer(x: Any) -> Any:
        return jnp.sin(x) * x

    g = graph.trace(lambda x: layer(layer(x)), 0.5, opened=())
    assert [n.op for n in g.nodes] == ["input", "layer", "layer"]


def test_rounds_of_loops_are_groups() -> None:
    g = graph.trace(_scan, X, opened=graph.OPENABLE)
    [loop] = [group for group in g.groups if group.kind == "scan"]
    rounds = [group for group in g.groups if group.parent == loop.id]
    assert [r.name for r in rounds] == ["round 2", "round 1", "round 0"]
    assert ["tanh" in {g.nodes[i].op for i in g.members(r.id)} for r in rounds] == [True] * 3
    assert [n.op for n in g.nodes if n.op == "stack"] == ["stack"]
    g = graph.trace(_while, X, opened=("while",))
    tests = [n for n in g.nodes if n.op == "lt"]
    assert [bool(n.value) for n in tests] == [True] * (len(tests) - 1) + [False]
    assert all(n.gradient is None for n in tests)


def test_inside_a_rule_there_are_values_and_no_gradients() -> None:
    g = graph.trace(PROGRAMS["custom_vjp"], X, opened=graph.OPENABLE)
    inside = g.find("inside")
    np.testing.assert_array_equal(inside.value, jnp.cos(X * X))
    assert inside.gradient is None
    [result] = [n for n in g.nodes if n.op == "doubled"]
    assert [(g.nodes[i].op, local is None) for i, local in result.inputs] == [("mul", False), ("sin", True)]
    assert g.groups[inside.group].name == "doubled"
    assert inside.group == result.group


def test_calls_of_python_functions_are_groups() -> None:
    def square(x: Any) -> Any:
        return x * x

    def distance(x: Any, y: Any) -> Any:
        a = square(x - y)
        return jnp.sqrt(jnp.sum(a) + jnp.sum(square(y)))

    g = graph.trace(lambda x: distance(x, 2.0 * x) + 1.0, X)
    assert [(q.name, q.kind, q.parent) for q in g.groups] == [
        ("distance", "function", None),
        ("square", "function", 0),
        ("square", "function", 0),
    ]
    line = distance.__code__.co_firstlineno
    assert [q.source for q in g.groups[1:]] == [f"test_opening.py:{line + 1}", f"test_opening.py:{line + 2}"]
    assert [g.nodes[i].op for i in g.members(1)] == ["mul"]
    assert set(g.members(1)) < set(g.members(0))
    assert g.output.group is None
    assert all(n.group is None for n in g.inputs)


def test_functions_inside_a_compiled_function_are_groups_of_its_call() -> None:
    def square(x: Any) -> Any:
        return x * x

    @jax.jit
    def layer(x: Any) -> Any:
        return square(x) + 1.0

    g = graph.trace(lambda x: jnp.sum(layer(layer(x))), X)
    names = [(q.name, q.kind, q.parent) for q in g.groups]
    assert names == [
        ("layer", "jit", None),
        ("square", "function", 0),
        ("layer", "jit", None),
        ("square", "function", 2),
    ]


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r"opened must be among jit, .*, but loop was given"):
        graph.trace(jnp.sum, X, opened=("scan", "loop"))


def test_norms_of_a_jacobian_that_is_not_stored() -> None:
    matrix = np.random.default_rng(0).normal(size=(30, 20))
    g = graph.trace(lambda x: matrix @ x, np.ones(20), cotangent=np.ones(30), jacobian_limit=0)
    local = dict(g.output.inputs)[0]
    assert isinstance(local, graph.ImplicitJacobian)
    u = np.arange(20.0)
    np.testing.assert_allclose(local.jvp(u), matrix @ u, rtol=ROUNDING)
    # Power iteration converges as the square of the ratio of the two largest singular values.
    singular = np.linalg.svd(matrix, compute_uv=False)
    error = (singular[1] / singular[0]) ** (4 * 200)
    np.testing.assert_allclose(local.spectral_norm(steps=200), singular[0], rtol=max(ROUNDING, 20 * error))
    # The mean of n squares has a relative spread of about √(2/n).
    assert abs(local.frobenius_norm(probes=200) / np.linalg.norm(matrix) - 1.0) < 3 * np.sqrt(2 / 200)
    with pytest.raises(ValueError, match=r"input's shape \(20,\), but \(3,\)"):
        local.jvp(u[:3])
    zero = graph.trace(lambda x: 0.0 * x, np.ones(9), cotangent=np.ones(9), jacobian_limit=0)
    [nothing] = [e for _, e in zero.output.inputs if isinstance(e, graph.ImplicitJacobian) and e.in_shape == (9,)]
    assert nothing.spectral_norm() == 0.0
