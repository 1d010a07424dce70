"""An array that is written to memory, and read there wherever it is used.

XLA's compiler for the CPU computes what is cheap, such as a row of a batch, again for every number that it is used for; a loop over it is then no
longer one of vectors. What an operation that it does not know returns, it can only read.
"""

from collections.abc import Sequence

import jax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching
from jaxtyping import Array

from ..native import library, machine
from ..native.program import Copy, Program
from .lowering import lower


def materialize(x: Array) -> Array:
    """Return the same array, which stands in memory where this is a CPU's program."""
    return materialize_p.bind(x)


def _on_xla(x: Array) -> Array:
    return x


def _on_cpu(x: Array, is_cut: bool) -> Array:
    if is_cut or x.dtype.name not in machine.BYTES or not machine.host() or x.size == 0:
        return x
    return jax.ffi.ffi_call(
        library.target(Program(x.dtype.name, Copy(x.size))), jax.ShapeDtypeStruct(x.shape, x.dtype)
    )(x)


def _mapped(operands: Sequence[Array], axes: Sequence[int]) -> tuple[Array, int]:
    return materialize(operands[0]), axes[0]


materialize_p = Primitive("materialize")
materialize_p.def_abstract_eval(lambda x: x)
lower(materialize_p, _on_xla, _on_cpu)
ad.deflinear2(materialize_p, lambda cotangent, _: [cotangent])
batching.primitive_batchers[materialize_p] = _mapped
