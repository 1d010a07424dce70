"""Read the values that `tap` has named out of a traced program, through nested `jit`."""

from collections import Counter
from collections.abc import Callable, Sequence

import jax
from jax.extend.core import ClosedJaxpr, Literal

OnTap = Callable[[str, jax.Array], jax.Array]

# Calls that are opened, by the parameter that holds the inner program. What has a derivative rule or a loop of its own stays closed.
_OPENED = {
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "closed_call": "call_jaxpr",
    "core_closed_call": "call_jaxpr",
    "remat2": "jaxpr",
    "checkpoint": "jaxpr",
}


def evaluate_with_taps(closed: ClosedJaxpr, args: Sequence, on_tap: OnTap) -> list:
    """Evaluate a traced program, handing every named value to `on_tap` and going on with what it returns.

    A name that is met again gets a number: 'relu', then 'relu#2'.
    """
    seen: Counter[str] = Counter()

    def numbered(name: str, x: jax.Array) -> jax.Array:
        seen[name] += 1
        return on_tap(name if seen[name] == 1 else f"{name}#{seen[name]}", x)

    return _evaluate(closed.jaxpr, closed.consts, args, numbered)


def _evaluate(jaxpr, consts: Sequence, args: Sequence, on_tap: OnTap) -> list:
    values = dict(zip(jaxpr.constvars, consts, strict=True)) | dict(zip(jaxpr.invars, args, strict=True))

    def read(variable):
        return variable.val if isinstance(variable, Literal) else values[variable]

    for equation in jaxpr.eqns:
        inputs = [read(v) for v in equation.invars]
        primitive = equation.primitive
        if primitive.name == "name":
            outputs = [on_tap(equation.params["name"], inputs[0])]
        elif primitive.name in _OPENED:
            inner = equation.params[_OPENED[primitive.name]]
            inner, inner_consts = (inner.jaxpr, inner.consts) if isinstance(inner, ClosedJaxpr) else (inner, ())
            outputs = _evaluate(inner, inner_consts, inputs, on_tap)
        else:
            outputs = _bind(primitive, inputs, equation.params)
            outputs = outputs if primitive.multiple_results else [outputs]
        values.update(zip(equation.outvars, outputs, strict=True))
    return [read(v) for v in jaxpr.outvars]


def _bind(primitive, inputs: list, params: dict):
    """Apply one operation; JAX versions differ in how they hand over the functions inside it."""
    bound = primitive.get_bind_params(params)
    functions, params = bound if isinstance(bound, tuple) else ((), bound)
    return primitive.bind(*functions, *inputs, **params)
