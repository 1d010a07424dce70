"""What becomes a node, what it is called, where it comes from, and what is refused."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxtut import graph, naming

ONES = np.ones(2, np.float32)


def _ops(g: graph.Graph) -> list[str]:
    return [n.op for n in g.nodes]


def test_inputs_are_named_by_their_paths() -> None:
    def f(params: Any, x: Any, *rest: Any, power: int = 2) -> Any:
        return jnp.sum(params["w"] * x) ** power + params["b"][0] + rest[0] * rest[1]

    g = graph.trace(f, {"w": np.ones(2, np.float32), "b": (1.0,)}, np.ones(2, np.float32), 2.0, 3.0)
    assert [n.name for n in g.inputs] == ["params['b'][0]", "params['w']", "x", "rest[0]", "rest[1]"]
    assert g.arguments == ("params", "x", "rest[0]", "rest[1]")
    assert [n.op for n in g.inputs] == ["input"] * 5


def test_arguments_bound_by_partial_are_no_inputs() -> None:
    def f(scale: float, x: Any) -> Any:
        return scale * x

    g = graph.trace(functools.partial(f, 3.0), 2.0)
    assert [n.name for n in g.inputs] == ["x"]
    assert float(g.gradient_of("x")) == 3.0


def test_a_function_without_a_signature() -> None:
    class Unknown:
        @property
        def __signature__(self) -> Any:
            raise ValueError("no signature")

        def __call__(self, a: Any, b: Any) -> Any:
            return a * b

    assert [n.name for n in graph.trace(Unknown(), 2.0, 3.0).inputs] == ["args[0]", "args[1]"]


def test_tap_names_the_node_and_makes_none() -> None:
    def f(x: Any) -> Any:
        y = graph.tap("exponential", jnp.exp(x))
        return graph.tap("total", jnp.sum(y))

    g = graph.trace(f, np.ones(3, np.float32))
    assert _ops(g) == ["input", "exp", "reduce_sum"]
    assert [n.name for n in g.nodes] == ["x", "exponential", "total"]
    assert graph.tap is naming.tap


def test_tap_inside_opened_calls_and_on_named_values() -> None:
    @jax.jit
    def inside(x: Any) -> Any:
        return naming.tap("inner", jnp.sin(x))

    def f(x: Any) -> Any:
        return naming.tap("outer", inside(naming.tap("x", naming.tap("angle", x))))

    g = graph.trace(f, 0.5)
    assert _ops(g) == ["input", "sin"]
    assert (g.nodes[0].name, g.nodes[0].aliases) == ("x", ("angle",))
    assert (g.nodes[1].name, g.nodes[1].aliases) == ("inner", ("outer",))
    assert g.find("angle").id == 0
    assert g.find("outer").id == g.find("inner").id == 1


def test_a_tap_on_a_tree_names_every_leaf() -> None:
    g = graph.trace(lambda x: sum(naming.tap("pair", (jnp.sin(x), jnp.cos(x)))), 0.5)
    assert [n.op for n in g.nodes if n.name == "pair"] == ["sin", "cos"]


def test_calls_that_only_group_are_opened() -> None:
    @jax.jit
    def jitted(x: Any) -> Any:
        return jnp.sin(x)

    g = graph.trace(lambda x: jax.checkpoint(lambda t: jitted(jitted(t)))(x), 0.5)
    assert _ops(g) == ["input", "sin", "sin"]


@jax.custom_vjp
def doubled_slope(x: Any) -> Any:
    return jnp.sin(jnp.cos(x))


doubled_slope.defvjp(lambda x: (jnp.sin(jnp.cos(x)), x), lambda x, c: (2.0 * c,))


def test_functions_with_their_own_rule_are_one_node_under_their_name() -> None:
    g = graph.trace(lambda x: doubled_slope(jax.nn.relu(x)), 0.5)
    assert _ops(g) == ["input", "relu", "doubled_slope"]
    np.testing.assert_array_equal(dict(g.nodes[2].inputs)[1], 2.0)
    assert float(graph.trace(jax.nn.relu, 0.0).gradient_of(0)) == 0.0


def _with_captured(captured: Any) -> Callable[[Any], Any]:
    rule = jax.custom_jvp(lambda x: x * captured)
    rule.defjvp(lambda primals, tangents: (primals[0] * captured, tangents[0] * captured))
    return rule


def test_what_a_rule_captures_is_not_differentiated() -> None:
    captured = jnp.array([1.0, 2.0])
    g = graph.trace(lambda x: jnp.sum(_with_captured(captured)(x)), ONES)
    np.testing.assert_array_equal(g.gradient_of("x"), captured)
    edges = [(g.nodes[i].op, local is None) for n in g.nodes if n.op != "input" for i, local in n.inputs]
    assert ("constant", True) in edges
    assert ("input", False) in edges
    with pytest.raises(ValueError, match="JAX cannot differentiate the operation custom_jvp_call"):
        graph.trace(lambda x: jnp.sum(_with_captured(jnp.sin(x))(x)), ONES)


def test_what_a_scan_captures_is_differentiated() -> None:
    captured = jnp.array([1.0, 2.0])
    g = graph.trace(lambda x: jax.lax.scan(lambda c, _: (c * captured, None), x, None, length=2)[0].sum(), ONES)
    [constant] = [n for n in g.nodes if n.op == "constant" and n.shape == (2,)]
    np.testing.assert_array_equal(constant.gradient, 2.0 * captured)


def test_loops_and_branches_are_one_node() -> None:
    def f(x: Any) -> Any:
        y, _ = jax.lax.scan(lambda c, _: (jnp.sin(c), None), x, None, length=3)
        return jax.lax.cond(y > 0.0, jnp.cos, jnp.tan, y)

    ops = _ops(graph.trace(f, 0.5))
    assert ops.count("scan") == ops.count("cond") == 1
    assert not {"sin", "cos", "tan"} & set(ops)


def test_literals_and_captured_arrays_are_constants() -> None:
    captured = jnp.array([1.0, 2.0])
    g = graph.trace(lambda x: jnp.sum(x * captured * 3.0), np.ones(2, np.float32))
    constants = [n for n in g.nodes if n.op == "constant"]
    assert sorted(float(jnp.sum(n.value)) for n in constants) == [3.0, 3.0]
    by_shape = {n.shape: n for n in constants}
    np.testing.assert_array_equal(by_shape[(2,)].gradient, [3.0, 3.0])
    np.testing.assert_array_equal(by_shape[()].gradient, 3.0)


def test_an_operand_used_twice_is_one_edge() -> None:
    g = graph.trace(lambda x: x * naming.tap("same", x), 3.0)
    [(i, local)] = g.output.inputs
    assert i == 0
    np.testing.assert_array_equal(local, 6.0)


def test_source_lines() -> None:
    def f(x: Any) -> Any:
        y = jnp.where(x > 0.0, x, 2.0 * x)
        z = jnp.where(y > 1.0, y, 3.0 * y)
        return jnp.sum(z)

    first = f.__code__.co_firstlineno
    g = graph.trace(f, np.ones(2, np.float32))
    # jnp.where is jitted, and JAX keeps its trace from the first caller: each node must still show its own line.
    selects = [n.source for n in g.nodes if n.op == "select_n"]
    assert selects == [f"test_tracing.py:{first + 1}", f"test_tracing.py:{first + 2}"]
    assert g.output.source == f"test_tracing.py:{first + 3}"
    assert g.inputs[0].source == ""


def test_source_lines_inside_a_jitted_function_of_the_user() -> None:
    def sine(x: Any) -> Any:
        return jnp.sin(x)

    layer = jax.jit(sine)
    g = graph.trace(lambda x: layer(layer(x)), 0.5)
    line = sine.__code__.co_firstlineno + 1
    assert [n.source for n in g.nodes[1:]] == [f"test_tracing.py:{line}"] * 2


def test_effects_run_and_unused_outputs_make_no_node(capfd: pytest.CaptureFixture[str]) -> None:
    def f(x: Any) -> Any:
        jax.debug.print("seen {}", x)
        largest, _ = jax.lax.top_k(x, 1)
        return largest[0]

    g = graph.trace(f, np.array([1.0, 3.0], np.float32))
    jax.effects_barrier()
    assert capfd.readouterr().out.startswith("seen [1. 3.]")
    assert _ops(g).count("top_k") == 1


def test_random_keys_are_values_without_gradient() -> None:
    g = graph.trace(lambda key, x: jax.random.normal(key, ()) * x, jax.random.key(0), 2.0)
    assert g.gradient_of("key") is None
    assert float(g.gradient_of("x")) == float(jax.random.normal(jax.random.key(0), ()))
    assert "random_bits" in str(g)
    assert '"gradient": null' in g.to_json()


def test_large_jacobians_are_products() -> None:
    x = np.linspace(0.0, 1.0, 65, dtype=np.float32)
    [(_, whole)] = graph.trace(jnp.sin, x[:64], cotangent=np.ones(64, np.float32)).output.inputs
    np.testing.assert_array_equal(whole, np.diag(np.asarray(jnp.cos(x[:64]))))
    [(_, large)] = graph.trace(jnp.sin, x, cotangent=np.ones(65, np.float32)).output.inputs
    assert isinstance(large, graph.ImplicitJacobian)
    assert large.shape == (65, 65)
    np.testing.assert_array_equal(large.vjp(x), x * np.asarray(jnp.cos(x)))
    with pytest.raises(ValueError, match=r"shape \(65,\), but \(3,\)"):
        large.vjp(x[:3])


def test_products_keep_float64_after_the_context_is_left() -> None:
    with jax.enable_x64(True):
        g = graph.trace(jnp.exp, np.array([1.0, 2.0]), cotangent=np.ones(2), jacobian_limit=0)
    [(_, local)] = g.output.inputs
    assert isinstance(local, graph.ImplicitJacobian)
    v = np.array([1.0 + 2.0**-40, 1.0])
    product = local.vjp(v)
    assert product.dtype == np.float64
    np.testing.assert_array_equal(product, v * np.asarray(g.output.value))


def _branch(x: Any) -> Any:
    return x if x > 0.0 else -x


def _called_back(x: Any) -> Any:
    return jax.pure_callback(np.sin, jax.ShapeDtypeStruct((), np.float32), x)


REFUSED: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], type[Exception], str]] = [
    (lambda n: n * 2, (3,), {}, TypeError, r"floating-point argument \(write 3.0, not 3\); given: n: int32"),
    (lambda: 1.0, (), {}, TypeError, "given: none"),
    (_branch, (1.0,), {}, TypeError, "Python control flow"),
    (lambda x: jnp.sum(x[x > 0.0]), (ONES,), {}, TypeError, "Python control flow"),
    (lambda x: x * float(x), (1.0,), {}, TypeError, "Python control flow"),
    (lambda x: jnp.sum(np.asarray(x)), (ONES,), {}, TypeError, "Python control flow"),
    (lambda x, n: x * sum(range(n)), (1.0, 3), {}, TypeError, "Python control flow"),
    (lambda x, mode: x, (1.0, "sum"), {}, TypeError, "argument mode is of type str"),
    (lambda x, y: x, (1.0,), {}, TypeError, "cannot be called with 1 positional arguments: missing .* 'y'"),
    (jnp.sin, (ONES,), {}, ValueError, r"float32 of shape \(2,\), not one real number; .* cotangent="),
    (jnp.argmax, (ONES,), {}, ValueError, "returns int32, which has no gradient"),
    (lambda x: x * 1j, (1.0,), {}, ValueError, "complex64"),
    (lambda x: (x, x), (1.0,), {}, ValueError, "returns 2 arrays .* cotangent="),
    (lambda x: (x, x), (1.0,), {"cotangent": [1.0, 1.0]}, ValueError, "structure"),
    (jnp.sin, (ONES,), {"cotangent": np.ones(3, np.float32)}, ValueError, r"shape \(2,\), but it is \(3,\)"),
    (jnp.sin, (ONES,), {"cotangent": np.ones(2, np.int32)}, TypeError, "dtype float32, but it is int32"),
    (lambda x: (x, 1), (1.0,), {"cotangent": (1.0, 1.0)}, ValueError, "int32 must be None"),
    (
        _called_back,
        (1.0,),
        {},
        ValueError,
        r"cannot differentiate the operation pure_callback at test_tracing.py:\d+: ",
    ),
]


@pytest.mark.parametrize(("f", "args", "options", "error", "message"), REFUSED)
def test_refusals(
    f: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        graph.trace(f, *args, **options)


def test_tracing_inside_jit_is_refused() -> None:
    with pytest.raises(TypeError, match="argument x has no value yet"):
        jax.jit(lambda x: graph.trace(lambda x: x * 2.0, x).output.value)(1.0)


def test_an_operation_without_derivative_is_allowed_off_the_path() -> None:
    g = graph.trace(lambda x, i: x * _called_back(i.astype(jnp.float32)), 2.0, np.asarray(1, np.int32))
    assert float(g.gradient_of("x")) == float(np.sin(np.float32(1.0)))
