"""Functions of each number of an array by loops that are compiled for the processor at hand (`native.maps`), where there are many numbers.

XLA computes with vectors of 32 bytes at most, and expands each function into one that serves all. For few numbers, which a call would take as long
as, for other dtypes than float32, in programs for several devices or for export, and elsewhere than on a CPU, the functions are XLA's, and so are
derivatives beyond the first.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax.extend.core import Primitive
from jax.interpreters import ad
from jaxtyping import Array

from ..native import library, machine
from ..native.program import Map, Program
from .lowering import lower, on_mesh
from .row_programs import let_map
from .shapes import Floats

# Numbers below which XLA's program takes no time worth saving.
MANY = 1 << 14

Parameters = tuple[float, ...]


def _suits(x: Array) -> bool:
    # A size may be a symbol, in a program that is exported.
    if x.dtype.name != "float32" or not all(isinstance(size, int) for size in x.shape):
        return False
    return x.size >= MANY and not on_mesh(x)


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
            return value_p.bind(x, parameters=parameters)
        return on_xla(x, *parameters)

    def xla_value(x: Array, *, parameters: Parameters) -> Array:
        return on_xla(x, *parameters)

    def xla_product(x: Array, v: Array, *, parameters: Parameters) -> Array:
        return jax.jvp(lambda x: on_xla(x, *parameters), (x,), (v,))[1]

    def on_cpu(*arrays: Array, parameters: Parameters, is_cut: bool) -> Array:
        if is_cut or not machine.host():
            return (xla_value if len(arrays) == 1 else xla_product)(*arrays, parameters=parameters)
        x = arrays[0]
        program = Program(x.dtype.name, Map(x.size, name, (*constants, *parameters), is_product=len(arrays) == 2))
        return jax.ffi.ffi_call(library.target(program), jax.ShapeDtypeStruct(x.shape, x.dtype))(*arrays)

    def value_jvp(primals: Sequence[Array], tangents: Sequence[Any], **how: Any) -> tuple[Array, Any]:
        (x,), (t,) = primals, tangents
        return value_p.bind(x, **how), product_p.bind(x, t, **how)

    def product_jvp(primals: Sequence[Array], tangents: Sequence[Any], **how: Any) -> tuple[Array, Any]:
        (x, v), (of_x, of_v) = primals, tangents
        moves = [] if type(of_v) is ad.Zero else [product_p.bind(x, of_v, **how)]
        if type(of_x) is not ad.Zero:
            moves.append(jax.jvp(lambda x: xla_product(x, v, **how), (x,), (of_x,))[1])
        return product_p.bind(x, v, **how), sum(moves[1:], moves[0])

    def product_transpose(cotangent: Any, x: Any, v: Any, **how: Any) -> list[Any]:
        return [None, None if type(cotangent) is ad.Zero else product_p.bind(x, cotangent, **how)]

    for primitive, everywhere in ((value_p, xla_value), (product_p, xla_product)):
        primitive.def_abstract_eval(lambda *arrays, parameters: arrays[0].update(weak_type=False))
        lower(primitive, everywhere, on_cpu, "parameters")
        let_map(primitive)
    ad.primitive_jvps[value_p] = value_jvp
    ad.primitive_jvps[product_p] = product_jvp
    ad.primitive_transposes[product_p] = product_transpose
    return function
