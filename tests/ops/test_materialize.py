"""An array that is written to memory is the same array, to every transformation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxtut.ops.materialize import materialize

ON_CPU = pytest.mark.skipif(jax.default_backend() != "cpu", reason="a program for a CPU")


@pytest.mark.parametrize("shape", [(), (0, 3), (1,), (3, 17)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "int32"])
def test_every_bit_is_the_same(shape: tuple[int, ...], dtype: str) -> None:
    with jax.enable_x64(True):
        x = jnp.asarray(np.random.default_rng(0).normal(size=shape) * 10, dtype)
        for result in (materialize(x), jax.jit(materialize)(x), jax.vmap(materialize)(jnp.stack([x, x]))[1]):
            assert result.dtype == x.dtype
            np.testing.assert_array_equal(result.astype("float64"), x.astype("float64"))


def test_what_is_not_a_number_keeps_its_bits() -> None:
    bits = np.array([0x7FC00001, 0xFFC00000, 0x80000000, 0x7F800000], "uint32")
    np.testing.assert_array_equal(np.asarray(materialize(jnp.asarray(bits.view("float32")))).view("uint32"), bits)


def test_derivatives_are_those_of_the_identity() -> None:
    with jax.enable_x64(True):
        x = jnp.asarray([0.5, -2.0, 3.0])
        check_grads(lambda x: jnp.sin(materialize(x)), (x,), order=3)
        np.testing.assert_array_equal(jax.linear_transpose(materialize, x)(x)[0], x)


@ON_CPU
def test_what_it_was_made_of_is_not_computed_again() -> None:
    def outer(x: jax.Array, i: jax.Array) -> jax.Array:
        row = materialize(jax.lax.dynamic_index_in_dim(x, i, keepdims=False))
        return row[:, None] * row[None]

    program = jax.jit(outer).lower(jnp.ones((3, 100)), 1).compile().as_text()
    assert program is not None
    entry = program[program.index("ENTRY") :]
    assert "custom-call" in entry
    (last,) = [line for line in entry.splitlines() if "ROOT" in line]
    assert "f32[3,100]" not in last


@ON_CPU
def test_a_program_for_export_has_what_every_machine_knows() -> None:
    exported = jax.export.export(jax.jit(materialize))(jax.ShapeDtypeStruct((3,), "float32"))
    assert "custom_call" not in exported.mlir_module()
    np.testing.assert_array_equal(exported.call(jnp.arange(3.0)), np.arange(3.0))
