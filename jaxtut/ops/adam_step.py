"""A step of Adam for one array: new parameters and running means.

For many numbers on a CPU it is one pass over memory (`native.adam`), which is what such a step waits for; XLA, whose programs write one array at a
time, makes three. For few numbers, in programs for several devices or for export, and elsewhere than on a CPU, the step is XLA's; so are its
derivatives.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching
from jaxtyping import Array, Float

from ..native import library, machine
from ..native.program import AdamStep, Program
from .lowering import has_fixed_shape, lower, on_mesh
from .running_means import running_mean, running_mean_of_squares

# Numbers below which XLA's program takes no time worth saving; it may compute gradients inside it.
MANY = 1 << 15

Arrays = tuple[Array, Array, Array]
Scalars = tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]]


def adam_direction(mean: Array, square: Array, c1: Array, c2: Array, eps: float) -> Array:
    """Compute m / c₁ / (√v / c₂ + eps)."""
    return mean / c1 / (jnp.sqrt(square) / c2 + eps)


def adam_step(
    params: Array,
    mean: Array,
    square: Array,
    gradient: Array,
    scalars: Scalars,
    *,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    decoupled: bool,
    maximize: bool,
) -> Arrays:
    """Return the new parameters, and the new running means of the gradient and of its square.

    Args:
        params: θ.
        mean: m.
        square: v.
        gradient: g.
        scalars: −lr, 1 − β₁ᵗ and √(1 − β₂ᵗ).
        betas: β₁ and β₂.
        eps: added to the root.
        weight_decay: factor of the parameters, added to the gradient.
        decoupled: add it to the step instead.
        maximize: climb.
    """
    options = {
        "b1": float(betas[0]),
        "b2": float(betas[1]),
        "eps": float(eps),
        "weight_decay": float(weight_decay),
        "decoupled": decoupled,
        "maximize": maximize,
    }
    arrays = (params, mean, square, gradient)
    factors = jnp.stack([scalar.astype(params.dtype) for scalar in scalars])
    if _suits(arrays):
        theta, m, v = adam_step_p.bind(*arrays, factors, **options)
        return theta, m, v
    return _on_xla(*arrays, factors, **options)


def _suits(arrays: Sequence[Array]) -> bool:
    first = arrays[0]
    return (
        all(has_fixed_shape(a) and a.shape == first.shape and a.dtype == first.dtype for a in arrays)
        and first.dtype.name in machine.BYTES
        and first.size >= MANY
        and not on_mesh(*arrays)
    )


def _on_xla(
    theta: Array,
    m: Array,
    v: Array,
    g: Array,
    factors: Float[Array, "3"],
    *,
    b1: float,
    b2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
    maximize: bool,
) -> Arrays:
    rate, c1, c2 = factors
    g = -g if maximize else g
    if weight_decay and not decoupled:
        g = g + weight_decay * theta
    m, v = running_mean(m, g, b1), running_mean_of_squares(v, g, b2)
    direction = adam_direction(m, v, c1, c2, eps)
    if weight_decay and decoupled:
        direction = direction + weight_decay * theta
    return theta + direction * rate, m, v


def _on_cpu(*arrays: Array, is_cut: bool, **options: Any) -> Sequence[Array]:
    theta = arrays[0]
    if is_cut or theta.size == 0 or not machine.host():
        return _on_xla(*arrays, **options)
    result = jax.ShapeDtypeStruct(theta.shape, theta.dtype)
    target = library.target(Program(theta.dtype.name, AdamStep(number=theta.size, **options)))
    return jax.ffi.ffi_call(target, [result] * 3, input_output_aliases={0: 0, 1: 1, 2: 2})(*arrays)


adam_step_p = Primitive("adam_step")
adam_step_p.multiple_results = True
adam_step_p.def_abstract_eval(lambda *arrays, **_: [a.update(weak_type=False) for a in arrays[:3]])
lower(adam_step_p, _on_xla, _on_cpu, "b1", "b2", "eps", "weight_decay", "decoupled", "maximize")


def _jvp(primals: Sequence[Array], tangents: Sequence[Any], **options: Any) -> tuple[Any, Any]:
    given = [ad.instantiate_zeros(tangent) for tangent in tangents]
    _, found = jax.jvp(lambda *arrays: _on_xla(*arrays, **options), tuple(primals), tuple(given))
    return adam_step_p.bind(*primals, **options), list(found)


def _mapped(operands: Sequence[Array], axes: Sequence[int | None], **options: Any) -> tuple[Any, Any]:
    """Map over several models: one after the other of their numbers, unless they differ in the step or its rate."""
    size = next(a.shape[axis] for a, axis in zip(operands, axes, strict=True) if axis is not None)
    *arrays, factors = (a if axis is None else jnp.moveaxis(a, axis, 0) for a, axis in zip(operands, axes, strict=True))
    if axes[-1] is not None:
        in_axes = [None if axis is None else 0 for axis in axes]
        return jax.vmap(lambda *arrays: _on_xla(*arrays, **options), in_axes)(*arrays, factors), (0, 0, 0)
    whole = [
        jnp.broadcast_to(a, (size, *a.shape)) if axis is None else a for a, axis in zip(arrays, axes, strict=False)
    ]
    return adam_step_p.bind(*whole, factors, **options), (0, 0, 0)


ad.primitive_jvps[adam_step_p] = _jvp
batching.primitive_batchers[adam_step_p] = _mapped
