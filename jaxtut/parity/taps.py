"""Read the values that `tap` has named out of a traced JAX program, and the gradient at each: through calls, loops, branches and rules."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal

from jaxtut.graph.source import parts_of_scan

from .jax_programs import bind, inner_programs

OnTap = Callable[[str, jax.Array], jax.Array]

# Calls that are opened, by the parameter that holds the inner program.
_OPENED = {
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "closed_call": "call_jaxpr",
    "core_closed_call": "call_jaxpr",
    "remat2": "jaxpr",
    "checkpoint": "jaxpr",
}
# A derivative rule of its own: names inside show their values, and no gradients, which the rule does not pass through.
_RULES = {"custom_jvp_call": "call_jaxpr", "custom_vjp_call": "call_jaxpr", "custom_vjp_call_jaxpr": "fun_jaxpr"}


def tapped(call: Callable, by_kind: Callable) -> Callable:
    """Return a function of (arrays, cotangent) that returns the named values and the gradients at them.

    Args:
        call: the function, from a list of arrays to named outputs.
        by_kind: parts named outputs into those with a floating dtype and the others.
    """

    programs: dict = {}

    def names_only(*xs):
        return by_kind(call(list(xs)))[0]

    def program(arrays: list) -> Callable:
        closed, shape = jax.make_jaxpr(names_only, return_shape=True)(*arrays)
        order = jax.tree.structure(shape)

        def pulled(xs: list, cotangent: dict):
            return _pulled_back(closed, order, xs, cotangent)

        return pulled if _looks_at_values(closed.jaxpr) else jax.jit(pulled)

    def run(arrays: list, cotangent: dict):
        shapes = tuple((jnp.shape(x), str(jnp.asarray(x).dtype)) for x in arrays)
        if shapes not in programs:
            programs[shapes] = program(arrays)
        return programs[shapes](arrays, cotangent)

    return run


def _pulled_back(closed: ClosedJaxpr, order, arrays: list, cotangent: dict):
    shapes: dict[str, jax.ShapeDtypeStruct] = {}

    def remember(name: str, x: jax.Array) -> jax.Array:
        shapes[name] = jax.ShapeDtypeStruct(x.shape, x.dtype)
        return x

    if _looks_at_values(closed.jaxpr):
        evaluate_with_taps(closed, arrays, remember)
    else:
        jax.eval_shape(lambda *xs: evaluate_with_taps(closed, xs, remember), *arrays)

    def probed(probes: dict):
        values: dict[str, jax.Array] = {}

        def on_tap(name: str, x: jax.Array) -> jax.Array:
            values[name] = jax.lax.stop_gradient(x)
            return _probe(x, probes[name]) if name in probes else x

        return jax.tree.unflatten(order, evaluate_with_taps(closed, arrays, on_tap)), values

    probes = {n: jnp.zeros(s.shape, s.dtype) for n, s in shapes.items() if jnp.issubdtype(s.dtype, jnp.floating)}
    outputs, pull_back, values = jax.vjp(probed, probes, has_aux=True)
    gradients = pull_back({n: cotangent[n].astype(outputs[n].dtype) for n in outputs})[0]
    hidden = {n for n in values if n.startswith(_INSIDE_RULE)}
    return (
        {n.removeprefix(_INSIDE_RULE): x for n, x in values.items()},
        {n: g for n, g in gradients.items() if n not in hidden},
    )


@jax.custom_vjp
def _probe(x: jax.Array, probe: jax.Array) -> jax.Array:
    """Return x, to the bit (x + 0 would turn −0 into +0), with a gradient for the probe as well."""
    return x


_probe.defvjp(lambda x, probe: (x, None), lambda _, g: (g, g))

_INSIDE_RULE = "inside a rule: "


def evaluate_with_taps(closed: ClosedJaxpr, args: Sequence, on_tap: OnTap) -> list:
    """Evaluate a traced program, handing every named value to `on_tap` and going on with what it returns.

    A name that is met again gets a number: 'relu', then 'relu#2'; so do the rounds of a loop, as in a Python loop.
    """
    seen: Counter[str] = Counter()

    def numbered(name: str, x: jax.Array) -> jax.Array:
        bare = name.removeprefix(_INSIDE_RULE)
        seen[bare] += 1
        return on_tap(name if seen[bare] == 1 else f"{name}#{seen[bare]}", x)

    return _evaluate(closed.jaxpr, closed.consts, args, numbered)


def _evaluate(jaxpr: Jaxpr, consts: Sequence, args: Sequence, on_tap: OnTap) -> list:
    values = dict(zip(jaxpr.constvars, consts, strict=True)) | dict(zip(jaxpr.invars, args, strict=True))

    def read(variable):
        return variable.val if isinstance(variable, Literal) else values[variable]

    for equation in jaxpr.eqns:
        inputs = [read(v) for v in equation.invars]
        values.update(zip(equation.outvars, _apply(equation, inputs, on_tap), strict=True))
    return [read(v) for v in jaxpr.outvars]


def _apply(equation, inputs: list, on_tap: OnTap) -> list:
    name, params = equation.primitive.name, equation.params
    if name == "name":
        return [on_tap(params["name"], inputs[0])]
    if not any(_has_taps(inner) for inner in inner_programs(params)):
        return bind(equation.primitive, inputs, params)
    if name in _OPENED:
        return _open(params[_OPENED[name]], inputs, on_tap)
    if name in _RULES:
        _open(
            params[_RULES[name]], [jax.lax.stop_gradient(x) for x in inputs], lambda n, x: on_tap(_INSIDE_RULE + n, x)
        )
        return bind(equation.primitive, inputs, params)
    if name == "scan":
        return _scan(equation, params, inputs, on_tap)
    if name == "cond":
        return _open(params["branches"][int(inputs[0])], inputs[1:], on_tap)
    if name == "while":
        return _while(params, inputs, on_tap)
    return bind(equation.primitive, inputs, params)


def _open(program, inputs: Sequence, on_tap: OnTap) -> list:
    jaxpr, consts = (program.jaxpr, program.consts) if isinstance(program, ClosedJaxpr) else (program, ())
    return _evaluate(jaxpr, consts, inputs, on_tap)


def _scan(equation: JaxprEqn, params: dict, inputs: list, on_tap: OnTap) -> list:
    first, carried = parts_of_scan(equation)
    consts, carry, xs = inputs[:first], inputs[first : first + carried], inputs[first + carried :]
    rows: list[list] = []
    rounds = range(params["length"])
    for i in reversed(rounds) if params["reverse"] else rounds:
        out = _open(params["jaxpr"], [*consts, *carry, *(x[i] for x in xs)], on_tap)
        carry, ys = out[: len(carry)], out[len(carry) :]
        rows.append(ys)
    if params["reverse"]:
        rows.reverse()
    return [*carry, *(jnp.stack(column) for column in zip(*rows, strict=True))]


def _while(params: dict, inputs: list, on_tap: OnTap) -> list:
    first, middle = params["cond_nconsts"], params["cond_nconsts"] + params["body_nconsts"]
    test, consts, carry = inputs[:first], inputs[first:middle], inputs[middle:]
    while bool(_open(params["cond_jaxpr"], [*test, *carry], on_tap)[0]):
        carry = _open(params["body_jaxpr"], [*consts, *carry], on_tap)
    return carry


def _has_taps(jaxpr: Jaxpr) -> bool:
    return any(e.primitive.name == "name" or any(map(_has_taps, inner_programs(e.params))) for e in jaxpr.eqns)


def _looks_at_values(jaxpr: Jaxpr) -> bool:
    """Say whether a name stands inside a branch or a loop of unknown length, which is opened only where values are known."""
    return any(
        _has_taps(inner) if e.primitive.name in ("cond", "while") else _looks_at_values(inner)
        for e in jaxpr.eqns
        for inner in _inner(e)
    )


def _inner(equation) -> Iterator[Jaxpr]:
    yield from inner_programs(equation.params)
