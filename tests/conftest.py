"""Settings that every test runs under: no implicit promotion of rank or dtype, so that each operation says what it means."""

import os

# Two workers share the machine: small tensors want one thread each. Read by PyTorch when it is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import jax

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")


def pytest_collection_modifyitems(items: list) -> None:
    """Refuse names with an address in them: they differ between the workers, which then run nothing at all."""
    if named := [item.nodeid for item in items if " at 0x" in item.nodeid]:
        raise ValueError(f"a test must have the same name in every process, but there is {named[0]!r}")
