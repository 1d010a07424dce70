"""Functions of each number of an array by loops that are compiled for the processor at hand (`native.maps`), where there are many numbers.

XLA computes with vectors of 32 bytes at most, unless told otherwise, and expands each function into one that serves all. For few numbers, which a
call would take as long as, for other dtypes than float32, in programs for several devices or for export, and elsewhere than on a CPU, the functions
are XLA's, and so are derivatives beyond the first.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax.extend.core import Primitive
from jax.interpreters import ad
from jaxtyping import Array

from ..native import library, machine
from ..native.program import Map, Program
from .lowering import has_fixed_shape, linear_in_last, lower, map_leading_axes, on_mesh, strong
from .shapes import Floats

# Numbers below which XLA's program takes no time worth saving.
MANY = 1 << 14

Parameters = tuple[float, ...]


def _suits(x: Array) -> bool:
    return has_fixed_shape(x) and x.dtype.name == "float32" and x.size >= MANY and not on_mesh(x)


def compiled(
    name: str,
    on_xla: Callable[..., Floats],
    constants: Parameters = (),
    allows: Callable[..., bool] = lambda *parameters: True,
) -> Callable[..., Floats]:
    """Return a function of an array and parameters that is computed by a loop of our own where that is worth it.

    Args:
        name: of the function, a key of `native.functions.FUNCTIONS`.
        on_xla: the same function, which can be differentiated.
        constants: what the loop has as parameters before those that are given.
        allows: whether the loop is one for these parameters.
    """
    value_p, product_p = Primitive(name), Primitive(f"{name}_slope_product")

    def function(x: Floats, *parameters: float) -> Floats:
        if _suits(x) and allows(*parameters):
            return value_p.bind(x, parameters=tuple(map(float, parameters)))
        return on_xla(strong(x), *parameters)

    def xla_value(x: Array, *, parameters: Parameters) -> Array:
        return on_xla(x, *parameters)

    def xla_product(x: Array, v: Array, *, parameters: Parameters) -> Array:
        return jax.jvp(lambda x: on_xla(x, *parameters), (x,), (v,))[1]

    def on_cpu(*arrays: Array, parameters: Parameters, is_cut: bool) -> Array:
        x, *others = arrays
        if is_cut or x.size == 0 or not machine.host():
            return (xla_product if others else xla_value)(*arrays, parameters=parameters)
        program = Program(x.dtype.name, Map(x.size, name, (*constants, *parameters), is_product=bool(others)))
        return jax.ffi.ffi_call(library.target(program), jax.ShapeDtypeStruct(x.shape, x.dtype))(*arrays)

    def value_jvp(primals: Sequence[Array], tangents: Sequence[Any], **options: Any) -> tuple[Array, Any]:
        return value_p.bind(*primals, **options), product_p.bind(*primals, *tangents, **options)

    for primitive, everywhere in ((value_p, xla_value), (product_p, xla_product)):
        primitive.def_abstract_eval(lambda *arrays, parameters: arrays[0].update(weak_type=False))
        lower(primitive, everywhere, on_cpu, "parameters")
        map_leading_axes(primitive, everywhere)
    ad.primitive_jvps[value_p] = value_jvp
    linear_in_last(product_p, product_p, xla_product)
    return function
