"""Accumulated gradients against three witnesses: jax.grad, finite differences and numbers worked out by hand."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from jaxtut import graph

# Sums may be taken in another order than jax.grad takes them; the functions here are well conditioned and of size
# about 1, so that 1e-12 is some thousand roundings of float64.
ROUNDING = 1e-12
# Central differences with step 1e-5 in float64 lose half the digits: truncation and cancellation are about 1e-10 each,
# times the third derivative and the size of the value.
DIFFERENCES = 1e-7
STEP = 1e-5
MOST_NODES_FOR_PATHS = 30


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def test_the_example_of_the_notes() -> None:
    def loss(x: Any, y: Any, w: Any) -> Any:
        return (w * x - y) ** 2

    g = graph.trace(loss, 1.0, 2.0, 1.0)
    prediction, s, squared = g.nodes[3:]
    assert [float(n.value) for n in (prediction, s, squared)] == [1.0, -1.0, 1.0]
    assert [n.op for n in (prediction, s, squared)] == ["mul", "sub", "integer_pow"]
    np.testing.assert_array_equal(dict(squared.inputs)[s.id], -2.0)
    np.testing.assert_array_equal(dict(s.inputs)[prediction.id], 1.0)
    np.testing.assert_array_equal(dict(prediction.inputs)[g.find("w").id], 1.0)
    np.testing.assert_array_equal([n.gradient for n in (squared, s, prediction)], [1.0, -2.0, -2.0])
    assert float(g.gradient_of("w")) == -2.0


def _numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.2, 1.5, shape)


@jax.custom_jvp
def _twice_the_slope(x: Any) -> Any:
    return jnp.sin(x)


@_twice_the_slope.defjvp
def _twice_the_slope_rule(primals: Any, tangents: Any) -> Any:
    return jnp.sin(primals[0]), 2.0 * jnp.cos(primals[0]) * tangents[0]


@jax.custom_vjp
def _three_times_back(x: Any, y: Any) -> Any:
    return x * y, x + y


_three_times_back.defvjp(
    lambda x, y: (_three_times_back(x, y), (x, y)),
    lambda kept, c: (3.0 * (c[0] * kept[1] + c[1]), 3.0 * (c[0] * kept[0] + c[1])),
)


@jax.jit
def _outer(x: Any) -> Any:
    return _inner(x) * jnp.tanh(x)


@jax.jit
def _inner(x: Any) -> Any:
    return jnp.exp(jax.nn.relu(x - 0.7))


def _mlp(params: Any, x: Any, labels: Any) -> Any:
    hidden = jax.nn.relu(x @ params["w1"] + params["b1"][None])
    scores = hidden @ params["w2"]
    picked = jnp.take_along_axis(jax.nn.log_softmax(scores), labels[:, None], axis=1)
    return -jnp.mean(picked)


def _scan(w: Any, xs: Any) -> Any:
    def step(h: Any, x: Any) -> Any:
        h = jnp.tanh(w @ h + x)
        return h, h.sum()

    h, sums = jax.lax.scan(step, jnp.zeros(3), xs)
    return h[0] * sums[1]


def _convolution(kernel: Any, image: Any) -> Any:
    maps = jax.lax.conv_general_dilated(image, kernel, (1, 1), "VALID")
    pooled = jax.lax.reduce_window(maps, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    return jnp.sum(pooled**2)


def _several_outputs(x: Any) -> Any:
    first, second = jnp.split(x, 2)
    values, where = jax.lax.top_k(first, 2)
    return values[0] * values[1] + second[where[0]]


class Case(NamedTuple):
    """A program, its arguments, and whether its written derivative is meant to differ from the true one."""

    f: Callable[..., Any]
    args: tuple[Any, ...]
    own_rule: bool = False


LABELS = np.array([0, 2], np.int32)
PARAMS = {"w1": _numbers(3, 4) - 0.8, "b1": _numbers(4) - 0.8, "w2": _numbers(4, 3)}
CASES: dict[str, Case] = {
    "product": Case(lambda x, y: x * y + x, (1.5, -0.5)),
    "a value used twice": Case(lambda x: x * x * jnp.sin(x), (0.7,)),
    "mlp": Case(_mlp, (PARAMS, _numbers(2, 3), LABELS)),
    "logsumexp": Case(lambda x: jax.scipy.special.logsumexp(x * 3.0), (_numbers(5),)),
    "broadcasting": Case(lambda x, b: jnp.sum(jnp.sin(x * b[:, None]) / b[:, None]), (_numbers(2, 3), _numbers(2))),
    "reshape and transpose": Case(lambda x: jnp.sum(x.reshape(3, 2).T @ x.T), (_numbers(2, 3),)),
    "dynamic slice": Case(
        lambda x, i: jnp.prod(jax.lax.dynamic_slice(x, (i,), (3,))), (_numbers(6), np.asarray(2, np.int32))
    ),
    "gather": Case(lambda x, i: jnp.sum(x[i] ** 3), (_numbers(4), np.array([1, 1, 3], np.int32))),
    "scatter": Case(lambda x, y: jnp.sum(jnp.asarray(x).at[1:3].mul(y) ** 2), (_numbers(4), _numbers(2))),
    "integer branch": Case(
        lambda x, i: jax.lax.switch(i, [jnp.sin, jnp.cos, jnp.exp], x).sum(), (_numbers(2), np.asarray(2, np.int32))
    ),
    "cond on a value": Case(lambda x: jax.lax.cond(x[0] > x[1], jnp.sum, jnp.prod, x), (_numbers(3),)),
    "where": Case(lambda x: jnp.sum(jnp.where(x > 0.8, x**2, 3.0 * x)), (_numbers(5),)),
    "scan": Case(_scan, (_numbers(3, 3), _numbers(4, 3))),
    "counted loop": Case(lambda x: jax.lax.fori_loop(0, 3, lambda _, c: jnp.sin(c) * x, x).sum(), (_numbers(2),)),
    "custom jvp": Case(lambda x: jnp.sum(_twice_the_slope(x) ** 2), (_numbers(3),), own_rule=True),
    "custom vjp": Case(lambda x, y: sum(_three_times_back(x * x, y)), (0.5, 1.5), own_rule=True),
    "nested jit": Case(lambda x: jnp.sum(_outer(x)), (_numbers(4),)),
    "checkpoint": Case(lambda x: jnp.sum(jax.checkpoint(lambda t: jnp.sin(t) * t)(x)), (_numbers(3),)),
    "pytree": Case(lambda p: p["a"][0] * jnp.sum(p["a"][1]) + p["b"], ({"a": (2.0, _numbers(2)), "b": 1.0},)),
    "several outputs": Case(_several_outputs, (_numbers(6),)),
    "sort": Case(lambda x: jnp.sum(jnp.sort(x) * np.arange(4.0)), (_numbers(4),)),
    "convolution": Case(_convolution, (_numbers(2, 1, 2, 2), _numbers(2, 1, 5, 5))),
    "complex numbers": Case(lambda x: jnp.sum(jnp.abs(jnp.fft.fft(x)) ** 2 * np.arange(4.0)), (_numbers(4),)),
    "stopped gradient": Case(lambda x: jnp.sum(x * jax.lax.stop_gradient(x)), (_numbers(2),), own_rule=True),
    "vmap and grad inside": Case(lambda x: jnp.sum(jax.vmap(jax.grad(jnp.tanh))(x)), (_numbers(3),)),
    "output is the argument": Case(lambda x: x, (2.0,)),
}


def _close(actual: Any, expected: Any, tolerance: float = ROUNDING) -> None:
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance, strict=True)


def _floating(args: tuple[Any, ...]) -> tuple[int, ...]:
    leaves = [jax.tree.leaves(a)[0] for a in args]
    return tuple(i for i, leaf in enumerate(leaves) if jnp.issubdtype(jnp.result_type(leaf), jnp.floating))


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_equal_those_of_jax(name: str) -> None:
    case = CASES[name]
    g = graph.trace(case.f, *case.args)
    argnums = _floating(case.args)
    value, expected = jax.value_and_grad(case.f, argnums)(*case.args)
    _close(g.output.value, value)
    for i, tree in zip(argnums, expected, strict=True):
        assert jax.tree.structure(g.gradient_of(i)) == jax.tree.structure(tree)
        jax.tree.map(_close, g.gradient_of(i), tree)


@pytest.mark.parametrize("name", [n for n, case in CASES.items() if not case.own_rule])
def test_gradients_equal_finite_differences(name: str) -> None:
    case = CASES[name]
    g = graph.trace(case.f, *case.args)
    argnums = _floating(case.args)
    rng = np.random.default_rng(1)
    direction = [jax.tree.map(lambda a: rng.uniform(-1.0, 1.0, np.shape(a)), case.args[i]) for i in argnums]

    def moved(step: float) -> float:
        args = list(case.args)
        for i, d in zip(argnums, direction, strict=True):
            args[i] = jax.tree.map(lambda a, b: a + step * b, args[i], d)
        return float(case.f(*args))

    slope = (moved(STEP) - moved(-STEP)) / (2.0 * STEP)
    products = jax.tree.map(lambda a, b: float(np.sum(a * b)), [g.gradient_of(i) for i in argnums], direction)
    _close(sum(jax.tree.leaves(products)), slope, DIFFERENCES)


def _accumulate_again(g: graph.Graph) -> dict[int, Any]:
    """The chain rule from the public edges alone."""
    gradients: dict[int, Any] = {n.id: jnp.zeros_like(n.value) for n in g.nodes if n.gradient is not None}
    gradients[g.output.id] = jnp.ones_like(g.output.value)
    for node in reversed(g.nodes):
        for i, local in node.inputs:
            if isinstance(local, graph.ImplicitJacobian):
                gradients[i] += local.vjp(gradients[node.id])
            elif local is not None:
                gradients[i] += jnp.tensordot(gradients[node.id], local, len(node.shape))
    return gradients


@pytest.mark.parametrize("limit", [0, 4096])
@pytest.mark.parametrize("name", CASES)
def test_every_gradient_is_the_sum_over_its_edges(name: str, limit: int) -> None:
    g = graph.trace(CASES[name].f, *CASES[name].args, jacobian_limit=limit)
    for i, gradient in _accumulate_again(g).items():
        _close(g.nodes[i].gradient, gradient)


def _all_stored(g: graph.Graph) -> bool:
    return not any(isinstance(local, graph.ImplicitJacobian) for n in g.nodes for _, local in n.inputs)


def _sum_over_paths(g: graph.Graph, node: graph.Node) -> Any:
    paths = list(islice(g.paths(node.id), 5000))
    assert len(paths) < 5000
    return sum((g.product_along(p) for p in paths), jnp.zeros_like(node.value))


def test_gradients_equal_the_sum_over_all_paths() -> None:
    seen = []
    for name, (f, args, _) in CASES.items():
        g = graph.trace(f, *args)
        if len(g.nodes) <= MOST_NODES_FOR_PATHS and _all_stored(g):
            seen.append(name)
            for node in g.inputs:
                if node.gradient is not None:
                    _close(_sum_over_paths(g, node), node.gradient)
            _check_against_jax(g, f, args)
    assert len(seen) >= 15


def _check_against_jax(g: graph.Graph, f: Callable[..., Any], args: tuple[Any, ...]) -> None:
    argnums = _floating(args)
    flat = [n for n in g.inputs if n.gradient is not None]
    for node, leaf in zip(flat, jax.tree.leaves(jax.grad(f, argnums)(*args)), strict=True):
        _close(_sum_over_paths(g, node), leaf)


UNARY: list[Callable[[Any], Any]] = [
    jnp.sin,
    jnp.tanh,
    jax.nn.relu,
    jax.nn.log_softmax,
    lambda a: jnp.cumsum(a, axis=0),
    lambda a: a.T.reshape(a.shape),
    lambda a: jnp.sort(a, axis=1),
    lambda a: a / (1.0 + jnp.sum(a * a)),
    lambda a: jnp.where(a > 0.5, a * 2.0, a),
    lambda a: a[np.array([1, 0, 1])][:2],
]
BINARY: list[Callable[[Any, Any], Any]] = [
    jnp.add,
    jnp.multiply,
    jnp.subtract,
    jnp.maximum,
    lambda a, b: a * jnp.mean(b, axis=0, keepdims=True),
    lambda a, b: jnp.tanh(a @ b.T) @ b,
    jax.jit(lambda a, b: jnp.concatenate([a, b])[1:3]),
]
INSTRUCTIONS = st.lists(
    st.tuples(st.integers(0, len(UNARY) + len(BINARY) - 1), st.integers(0, 99), st.integers(0, 99)), max_size=6
)


def _program(instructions: list[tuple[int, int, int]]) -> Callable[[Any, Any], Any]:
    def run(x: Any, y: Any) -> Any:
        values = [x, y]
        for op, i, j in instructions:
            a, b = values[-1 - i % len(values)], values[j % len(values)]
            values.append(UNARY[op](a) if op < len(UNARY) else BINARY[op - len(UNARY)](a, b))
        return jnp.sum(values[-1] * values[len(values) // 2])

    return run


@settings(max_examples=25, deadline=None, derandomize=True)
@given(INSTRUCTIONS, st.integers(0, 2**16))
def test_random_programs(instructions: list[tuple[int, int, int]], seed: int) -> None:
    with jax.enable_x64(True):
        f = _program(instructions)
        x, y = _numbers(2, 3, seed=seed), _numbers(2, 3, seed=seed + 1)
        g = graph.trace(f, x, y)
        dx, dy = jax.grad(f, (0, 1))(x, y)
        _close(g.gradient_of("x"), dx)
        _close(g.gradient_of("y"), dy)
        for i, gradient in _accumulate_again(g).items():
            _close(g.nodes[i].gradient, gradient)
        if len(g.nodes) <= MOST_NODES_FOR_PATHS:
            _close(_sum_over_paths(g, g.find("x")), dx)


def _until_large(x: Any) -> Any:
    return jax.lax.while_loop(lambda v: jnp.sum(v) < 10.0, lambda v: v * v[::-1] + 1.0, x)


@pytest.mark.parametrize("limit", [0, 4096])
def test_while_loop_in_forward_mode(limit: int) -> None:
    def f(x: Any) -> Any:
        return jnp.sum(jnp.sin(_until_large(x)))

    x = _numbers(3)
    with pytest.raises(ValueError, match="Reverse-mode"):
        jax.grad(f)(x)
    g = graph.trace(f, x, jacobian_limit=limit)
    loop = next(n for n in g.nodes if n.op == "while")
    _close(loop.value, _until_large(x))
    _close(g.gradient_of("x"), jax.jacfwd(f)(x))
    [(_, local)] = loop.inputs
    if isinstance(local, graph.ImplicitJacobian):
        assert limit == 0
        _close(local.vjp(np.asarray(loop.gradient)), g.gradient_of("x"))
    else:
        _close(local, jax.jacfwd(_until_large)(x))


def test_a_value_that_does_not_reach_the_output_has_gradient_zero() -> None:
    g = graph.trace(_aside, 1.0, _numbers(2))
    _close(g.find("aside").gradient, jnp.zeros(2))
    _close(g.gradient_of("y"), jnp.zeros(2))
    assert float(g.gradient_of("x")) == 2.0


def _aside(x: Any, y: Any) -> Any:
    graph.tap("aside", jnp.exp(y))
    return x * 2.0


def test_integers_have_no_gradient() -> None:
    g = graph.trace(lambda x, i: x[i] * jnp.argmax(x).astype(x.dtype), _numbers(3), np.asarray(1, np.int32))
    assert g.gradient_of("i") is None
    integers = [n for n in g.nodes if n.dtype in (np.dtype("int32"), np.dtype("int64"), np.dtype("bool"))]
    assert {"input", "argmax"} <= {n.op for n in integers}
    assert all(n.gradient is None and all(local is None for _, local in n.inputs) for n in integers)


def test_cotangents_of_several_outputs() -> None:
    def f(x: Any) -> Any:
        return {"a": x**2, "b": jnp.sum(x), "index": jnp.argmax(x)}

    x = np.array([1.0, 4.0])
    g = graph.trace(f, x, cotangent={"a": np.array([1.0, 10.0]), "b": 5.0, "index": None})
    np.testing.assert_array_equal(g.gradient_of("x"), [2.0 * 1.0 + 5.0, 2.0 * 4.0 * 10.0 + 5.0])
    g = graph.trace(f, x, cotangent={"a": None, "b": 5.0, "index": None})
    np.testing.assert_array_equal(g.gradient_of("x"), [5.0, 5.0])


def test_none_stands_for_a_whole_part_of_the_outputs() -> None:
    def f(x: Any) -> Any:
        return {"state": (x, None, [x**3, ()]), "loss": x**2}

    assert float(graph.trace(f, 3.0, cotangent={"state": None, "loss": 1.0}).gradient_of("x")) == 6.0
    assert (
        float(graph.trace(f, 3.0, cotangent={"state": (None, None, [1.0, ()]), "loss": None}).gradient_of("x")) == 27.0
    )
    for wrong in (
        {"state": None},
        {"state": (1.0, None), "loss": 1.0},
        {"state": [None, None, None], "loss": 1.0},
        1.0,
    ):
        with pytest.raises(ValueError, match="structure of f's output"):
            graph.trace(f, 3.0, cotangent=wrong)


def test_a_rule_of_ones_own_is_used_as_it_is_written() -> None:
    g = graph.trace(lambda x, y: sum(_three_times_back(x, y)), 0.5, 1.5)
    assert float(g.gradient_of("x")) == 3.0 * (1.5 + 1.0)
    assert float(g.gradient_of("y")) == 3.0 * (0.5 + 1.0)


def test_stored_and_unstored_jacobians_at_one_node() -> None:
    w, x = _numbers(3, 2), _numbers(2)
    g = graph.trace(lambda w, x: jnp.sum(w @ x), w, x, jacobian_limit=6)
    product = next(n for n in g.nodes if n.op == "dot_general")
    local = dict(product.inputs)
    assert isinstance(local[g.find("w").id], graph.ImplicitJacobian)
    _close(local[g.find("x").id], jnp.asarray(w))


def test_rows_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    f, args, _ = CASES["scan"]
    at_once = graph.trace(f, *args)
    monkeypatch.setattr("jaxtut.graph.local._ROWS_AT_ONCE", 0)
    one_by_one = graph.trace(f, *args)
    for a, b in zip(at_once.nodes, one_by_one.nodes, strict=True):
        for (_, expected), (_, actual) in zip(a.inputs, b.inputs, strict=True):
            assert (actual is None) == (expected is None)
            if expected is not None:
                _close(actual, expected)


def test_a_rule_of_ones_own_replaces_the_loop_inside() -> None:
    @jax.custom_jvp
    def root(x: Any) -> Any:
        return jax.lax.while_loop(lambda r: jnp.abs(r * r - x) > 1e-14, lambda r: 0.5 * (r + x / r), x)

    root.defjvp(lambda primals, tangents: ((r := root(*primals)), 0.5 * tangents[0] / r))
    g = graph.trace(lambda x: root(x) * x, 2.0)
    assert [n.op for n in g.nodes] == ["input", "root", "mul"]
    _close(g.gradient_of("x"), jnp.asarray(1.5 * np.sqrt(2.0)))
