"""One equation by itself: its values, its vector-Jacobian product and its local Jacobians."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.extend.core import ClosedJaxpr, DropVar, JaxprEqn, Primitive, jaxpr_as_fun, jaxprs_in_params

from .node import ImplicitJacobian, LocalGradient, is_differentiable

# Programs here run once or twice: what the compiler would spend on their speed is not won back.
_OPTIONS = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
# More numbers than this at a time, and the rows of a Jacobian are computed one after the other instead of all at once.
_ROWS_AT_ONCE = 2**22

Outputs = tuple[Array, ...]
Product = Callable[[Outputs], Outputs]
Function = Callable[..., list[Array]]


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

    @property
    def smooth(self) -> list[int]:
        """The outputs that have a derivative."""
        return [i for i, y in enumerate(self.values) if is_differentiable(y.dtype)]

    @property
    def is_by_columns(self) -> bool:
        """Whether the product runs in forward mode, one column after the other: slow, and not compiled whole."""
        return isinstance(self.product, partial)

    def pull_back(self, cotangents: Sequence[Array | None], compiled: bool = True) -> list[Array | None]:
        """Map one cotangent per output (`None`: zero) to one per input (`None`: not differentiable).

        A compiled product is for numbers; where the cotangents are being traced, it must not be.
        """
        if self.product is None:
            return [None] * len(self.in_values)
        given = [(self.values[i], cotangents[i]) for i in self.smooth]
        full = tuple(zeros_like(y) if c is None else c for y, c in given)
        products = _products(self.product, full) if compiled and not self.is_by_columns else self.product(full)
        results = dict(zip(self.floating, products, strict=True))
        return [results.get(i) for i in range(len(self.in_values))]


@partial(jax.jit, compiler_options=_OPTIONS)
def _products(product: Product, cotangents: Outputs) -> Outputs:
    return product(cotangents)


def equation_as_function(eqn: JaxprEqn, values: Sequence[Array]) -> Function:
    """Return a function of one argument per operand that gives the outputs which the program uses."""
    outputs = [v for v in eqn.outvars if not isinstance(v, DropVar)]
    # An empty program lends fresh variables: an operand may be a literal, and the same variable may stand twice.
    empty = jax.make_jaxpr(lambda *_: (0.0,) * len(outputs))(*values).jaxpr
    alone = empty.replace(eqns=[eqn.replace(invars=empty.invars)], outvars=outputs, effects=eqn.effects)
    return jaxpr_as_fun(ClosedJaxpr(alone, ()))


class Form(NamedTuple):
    """Which value is each operand of an equation, which values are differentiated, and which outputs have a derivative."""

    operands: tuple[int, ...]
    floating: tuple[int, ...]
    smooth: tuple[bool, ...]

    def split(self, equation: Function, values: Sequence[Array], *xs: Array) -> tuple[Outputs, Outputs]:
        """Return the outputs with a derivative and those without, at other floating values."""
        full = list(values)
        for i, x in zip(self.floating, xs, strict=True):
            full[i] = x
        pairs = list(zip(equation(*(full[i] for i in self.operands)), self.smooth, strict=True))
        return tuple(y for y, s in pairs if s), tuple(y for y, s in pairs if not s)


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
    count = eqn.params["num_consts"] if eqn.primitive.name in ("custom_jvp_call", "custom_vjp_call") else 0
    captured = {i for i in operands[:count] if not varying[i]}
    floating = tuple(i for i, x in enumerate(values) if is_differentiable(x.dtype) and i not in captured)
    kept: list[Any] = [v for v in eqn.outvars if not isinstance(v, DropVar)]
    form = Form(tuple(operands), floating, tuple(is_differentiable(v.aval.dtype) for v in kept))
    if values_only or not floating or not any(form.smooth):
        outputs = _compiled(eqn, form._replace(floating=()), values)(*values)
        return Local(tuple(outputs), tuple(values), () if values_only else floating)
    product, refusal = None, None
    try:
        (ys, others), product = _differentiate(eqn, form, values)
    except Exception as error:  # JAX has many, and they count only if a gradient passes here; see accumulate
        refusal = error
        ys, others = form.split(_function(eqn, form, values), values, *(values[i] for i in floating))
    merged = {True: iter(ys), False: iter(others)}
    return Local(tuple(next(merged[s]) for s in form.smooth), tuple(values), floating, product, refusal)


def _function(eqn: JaxprEqn, form: Form, values: Sequence[Array]) -> Function:
    return equation_as_function(eqn, [values[i] for i in form.operands])


def _differentiate(eqn: JaxprEqn, form: Form, values: Sequence[Array]) -> tuple[tuple[Outputs, Outputs], Product]:
    """Return the outputs, and the product by reverse mode; where a `while` loop forbids that, by forward mode."""
    if _contains_while(eqn):
        xs = tuple(values[i] for i in form.floating)
        split = partial(form.split, _function(eqn, form, values), values)
        return split(*xs), partial(_product_by_columns, split, xs)
    ys, product, others = _compiled(eqn, form, values)(*values)
    return (ys, others), product


def _compiled(eqn: JaxprEqn, form: Form, values: Sequence[Array]) -> Callable[..., Any]:
    """Return the equation as a program of its values, for the next time too where it is a plain operation."""
    if not any(jaxprs_in_params(eqn.params)) and not any(isinstance(v, DropVar) for v in eqn.outvars):
        try:
            return _operation(eqn.primitive, tuple(eqn.params.items()), form)
        except TypeError:  # a parameter that is not hashable
            pass
    return _program(_function(eqn, form, values), form)


@lru_cache(maxsize=4096)
def _operation(primitive: Primitive, params: tuple[tuple[str, Any], ...], form: Form) -> Callable[..., Any]:
    def equation(*xs: Array) -> list[Array]:
        outputs = primitive.bind(*xs, **dict(params))
        return outputs if primitive.multiple_results else [outputs]

    return _program(equation, form)


def _program(equation: Function, form: Form) -> Callable[..., Any]:
    """Compile an equation: its outputs, or where it is differentiated outputs, product and outputs without a derivative."""

    def outputs(*values: Array) -> list[Array]:
        return equation(*(values[i] for i in form.operands))

    def differentiated(*values: Array) -> tuple[Outputs, Product, Outputs]:
        xs = tuple(values[i] for i in form.floating)
        return jax.vjp(partial(form.split, equation, values), *xs, has_aux=True)

    return jax.jit(differentiated if form.floating else outputs, compiler_options=_OPTIONS)


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
    result = local.pull_back(cotangents, compiled=False)[i]
    assert result is not None
    return result


def _whole(local: Local, output: int, inputs: Sequence[int]) -> list[Array]:
    """The Jacobians of one output with respect to some of the inputs, of shape `out.shape + in.shape`."""
    y = local.values[output]
    shapes = [y.shape + local.in_values[i].shape for i in inputs]
    if local.product is None or not inputs or y.size == 0:
        return [jnp.zeros(s, local.in_values[i].dtype) for i, s in zip(inputs, shapes, strict=True)]
    basis = jax.device_put(np.eye(y.size, dtype=y.dtype).reshape(y.size, *y.shape))
    at_once = y.size * sum(math.prod(x.shape) for x in local.in_values) <= _ROWS_AT_ONCE
    places = tuple(local.floating.index(i) for i in inputs)
    others = tuple((local.values[i].shape, local.values[i].dtype) for i in local.smooth)
    stack = _rows if local.is_by_columns else _compiled_rows
    stacked = stack(local.product, basis, local.smooth.index(output), others, places, at_once)
    return [_reshaped(r, s) for r, s in zip(stacked, shapes, strict=True)]


def _rows(
    product: Product,
    basis: Array,
    output: int,
    shapes: tuple[tuple[tuple[int, ...], Any], ...],
    inputs: tuple[int, ...],
    at_once: bool,
) -> list[Array]:
    """Return the products of some of the inputs with each of the basis, in the place of one output; the others are zero."""

    def row(v: Array) -> list[Array]:
        results = product(tuple(v if i == output else jnp.zeros(*shape) for i, shape in enumerate(shapes)))
        return [results[i] for i in inputs]

    return jax.vmap(row)(basis) if at_once else jax.lax.map(row, basis)


_compiled_rows = jax.jit(_rows, static_argnums=(2, 3, 4, 5), compiler_options=_OPTIONS)


def zeros_like(x: Array) -> Array:
    """Return zeros of the same shape and dtype; made by NumPy, since JAX compiles a program for every new shape."""
    return jax.device_put(np.zeros(x.shape, x.dtype))


def _reshaped(x: Array, shape: tuple[int, ...]) -> Array:
    return x if x.shape == shape else jax.device_put(np.asarray(x).reshape(shape))
