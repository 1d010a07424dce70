"""One equation by itself: its values, its vector-Jacobian product and its local Jacobians."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.extend.core import ClosedJaxpr, DropVar, JaxprEqn, jaxpr_as_fun, jaxprs_in_params

from .node import ImplicitJacobian, LocalGradient, is_differentiable

# More numbers than this at a time, and the rows of a Jacobian are computed one after the other instead of all at once.
_ROWS_AT_ONCE = 2**22

Outputs = tuple[Array, ...]
Product = Callable[[Outputs], Outputs]


@dataclass(frozen=True)
class Local:
    """An evaluated equation, as a function of its distinct inputs.

    `product` takes cotangents of the floating outputs and returns those of the floating inputs; it is `None` where
    there is nothing to differentiate, or where JAX refused, and then `refusal` is JAX's error.
    """

    values: Outputs
    in_values: Outputs
    floating: tuple[int, ...]
    product: Product | None = None
    refusal: Exception | None = None

    def pull_back(self, cotangents: Sequence[Array | None]) -> list[Array | None]:
        """Map one cotangent per output (`None`: zero) to one per input (`None`: not differentiable)."""
        if self.product is None:
            return [None] * len(self.in_values)
        outputs = zip(self.values, cotangents, strict=True)
        full = [zeros_like(y) if c is None else c for y, c in outputs if is_differentiable(y.dtype)]
        results = dict(zip(self.floating, self.product(tuple(full)), strict=True))
        return [results.get(i) for i in range(len(self.in_values))]


def equation_as_function(eqn: JaxprEqn, values: Sequence[Array]) -> Callable[..., list[Array]]:
    """Return a function of one argument per operand that gives the outputs which the program uses."""
    outputs = [v for v in eqn.outvars if not isinstance(v, DropVar)]
    # An empty program lends fresh variables: an operand may be a literal, and the same variable may stand twice.
    empty = jax.make_jaxpr(lambda *_: (0.0,) * len(outputs))(*values).jaxpr
    alone = empty.replace(eqns=[eqn.replace(invars=empty.invars)], outvars=outputs, effects=eqn.effects)
    return jaxpr_as_fun(ClosedJaxpr(alone, ()))


def evaluate(
    eqn: JaxprEqn, operands: Sequence[int], values: Sequence[Array], varying: Sequence[bool], values_only: bool = False
) -> Local:
    """Compute the equation's outputs and its vector-Jacobian product, each once.

    Args:
        eqn: the equation.
        operands: for each operand, the position of its value in `values`.
        values: the distinct values that enter.
        varying: for each of them, whether it depends on an argument. What a function with its own rule captures is
            differentiated only if it does, and then JAX refuses, since the rule says nothing about it.
        values_only: whether nothing is to be differentiated.
    """
    equation = equation_as_function(eqn, [values[i] for i in operands])
    if values_only:
        return Local(tuple(equation(*(values[i] for i in operands))), tuple(values), ())
    count = eqn.params["num_consts"] if eqn.primitive.name in ("custom_jvp_call", "custom_vjp_call") else 0
    captured = {i for i in operands[:count] if not varying[i]}
    floating = tuple(i for i, x in enumerate(values) if is_differentiable(x.dtype) and i not in captured)
    kept: list[Any] = [v for v in eqn.outvars if not isinstance(v, DropVar)]
    smooth = [is_differentiable(v.aval.dtype) for v in kept]

    def split(*xs: Array) -> tuple[Outputs, Outputs]:
        full = list(values)
        for i, x in zip(floating, xs, strict=True):
            full[i] = x
        ys = equation(*(full[i] for i in operands))
        pairs = list(zip(ys, smooth, strict=True))
        return tuple(y for y, s in pairs if s), tuple(y for y, s in pairs if not s)

    xs = tuple(values[i] for i in floating)
    product, refusal = None, None
    if floating and any(smooth):
        try:
            (ys, others), product = _differentiate(eqn, split, xs)
        except Exception as error:  # JAX has many, and they count only if a gradient passes here; see accumulate
            refusal = error
            ys, others = split(*xs)
    else:
        ys, others = split(*xs)
    merged = {True: iter(ys), False: iter(others)}
    return Local(tuple(next(merged[s]) for s in smooth), tuple(values), floating, product, refusal)


def _differentiate(eqn: JaxprEqn, split: Callable[..., Any], xs: Outputs) -> tuple[tuple[Outputs, Outputs], Product]:
    """Return the outputs, and the product by reverse mode; where a `while` loop forbids that, by forward mode."""
    if _contains_while(eqn):
        return split(*xs), partial(_product_by_columns, split, xs)
    # A rule is many operations: one program for all of them compiles faster than a program for each.
    f = jax.jit(split) if eqn.primitive.name.startswith("custom_") else split
    ys, product, others = jax.vjp(f, *xs, has_aux=True)
    return (ys, others), product


def _contains_while(eqn: JaxprEqn) -> bool:
    if eqn.primitive.name.startswith("custom_"):  # its own rule is used, whatever is inside
        return False
    inner = (e for jaxpr in jaxprs_in_params(eqn.params) for e in jaxpr.eqns)
    return eqn.primitive.name == "while" or any(_contains_while(e) for e in inner)


def _product_by_columns(split: Callable[..., Any], xs: Outputs, cotangents: Outputs) -> Outputs:
    """vᵀJ from one Jacobian-vector product per input element: slow, but a loop of unknown length has no other way."""
    if any(jnp.iscomplexobj(a) for a in (*xs, *cotangents)):
        raise ValueError("a while loop over complex numbers has no reverse-mode derivative")

    def entry(position: int, k: Array) -> Array:
        tangents = [jnp.zeros_like(x) for x in xs]
        tangents[position] = tangents[position].ravel().at[k].set(1.0).reshape(xs[position].shape)
        _, column = jax.jvp(lambda *a: split(*a)[0], xs, tuple(tangents))
        total = sum(jnp.sum(c * t.astype(c.dtype)) for c, t in zip(cotangents, column, strict=True))
        return jnp.asarray(total, xs[position].dtype)

    return tuple(
        jax.lax.map(partial(entry, i), jnp.arange(x.size)).reshape(x.shape) if x.size else jnp.zeros_like(x)
        for i, x in enumerate(xs)
    )


def local_gradients(local: Local, output: int, limit: int) -> list[LocalGradient]:
    """Return, for one output, the local gradient towards each input.

    A Jacobian of at most `limit` numbers is computed whole, row by row; a larger one stays a product.
    """
    y = local.values[output]
    gradients: list[LocalGradient] = [None] * len(local.in_values)
    if local.product is None or not is_differentiable(y.dtype):
        return gradients
    dense = []
    for i in local.floating:
        x = local.in_values[i]
        if y.size * x.size <= limit and not jnp.iscomplexobj(x) and not jnp.iscomplexobj(y):
            dense.append(i)
        else:
            product = partial(_one_product, local, output, i)
            gradients[i] = ImplicitJacobian(y.shape, x.shape, product, bool(jax.config.read("jax_enable_x64")), y.dtype)
    for i, jacobian in zip(dense, _whole(local, output, dense), strict=True):
        gradients[i] = jacobian
    return gradients


def _one_product(local: Local, output: int, i: int, v: Array) -> Array:
    cotangents: list[Array | None] = [None] * len(local.values)
    cotangents[output] = v
    result = local.pull_back(cotangents)[i]
    assert result is not None
    return result


def _whole(local: Local, output: int, inputs: Sequence[int]) -> list[Array]:
    """The Jacobians of one output with respect to some of the inputs, of shape `out.shape + in.shape`."""
    y = local.values[output]
    shapes = [y.shape + local.in_values[i].shape for i in inputs]
    if not inputs or y.size == 0:
        return [jnp.zeros(s, local.in_values[i].dtype) for i, s in zip(inputs, shapes, strict=True)]

    def rows(v: Array) -> list[Array]:
        cotangents: list[Array | None] = [None] * len(local.values)
        cotangents[output] = v
        results = local.pull_back(cotangents)
        return [r for i, r in enumerate(results) if i in inputs and r is not None]

    if y.size == 1:
        return [_reshaped(r, s) for r, s in zip(rows(jax.device_put(np.ones(y.shape, y.dtype))), shapes, strict=True)]
    basis = jax.device_put(np.eye(y.size, dtype=y.dtype).reshape(y.size, *y.shape))
    at_once = y.size * sum(math.prod(x.shape) for x in local.in_values) <= _ROWS_AT_ONCE
    stacked = jax.vmap(rows)(basis) if at_once else jax.lax.map(rows, basis)
    return [_reshaped(r, s) for r, s in zip(stacked, shapes, strict=True)]


def zeros_like(x: Array) -> Array:
    """Return zeros of the same shape and dtype; made by NumPy, since JAX compiles a program for every new shape."""
    return jax.device_put(np.zeros(x.shape, x.dtype))


def _reshaped(x: Array, shape: tuple[int, ...]) -> Array:
    return x if x.shape == shape else jax.device_put(np.asarray(x).reshape(shape))
