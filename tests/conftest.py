"""Settings that every test runs under: no implicit promotion of rank or dtype, so that each operation says what it means."""

import jax

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")
