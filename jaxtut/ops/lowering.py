"""How a primitive becomes a program: on a CPU one of our own, elsewhere XLA's."""

from collections.abc import Callable
from typing import Any

import jax
from jax.extend.core import Primitive
from jax.interpreters import mlir
from jaxtyping import Array


def lower(primitive: Primitive, on_xla: Callable[..., Array], on_cpu: Callable[..., Array], *options: str) -> None:
    """Say what a primitive becomes, also where it stands outside `jit`.

    Args:
        primitive: of arrays and options.
        on_xla: computes it on every platform, from the same arrays and options.
        on_cpu: computes it on a CPU; `is_cut` tells it whether XLA is to change the program, for several devices or for export, as it cannot
            do with what it does not know.
        options: their names.
    """
    primitive.def_impl(jax.jit(lambda *arrays, **given: primitive.bind(*arrays, **given), static_argnames=options))

    def here(context: Any, *operands: Any, **given: Any) -> Any:
        module = context.module_context
        # Inside `pmap` and `shard_map` it is not said for how many devices the program is.
        is_cut = module.lowering_parameters.for_export or getattr(module.axis_context, "num_devices", 2) > 1
        program = lambda *arrays: on_cpu(*arrays, **given, is_cut=is_cut)  # noqa: E731
        return mlir.lower_fun(program, multiple_results=False)(context, *operands)

    mlir.register_lowering(primitive, mlir.lower_fun(on_xla, multiple_results=False))
    mlir.register_lowering(primitive, here, platform="cpu")


def on_mesh(*arrays: Array) -> bool:
    """Return whether this is inside `shard_map`, or an array lies on a mesh of explicit axes: XLA's operations know what to do there."""
    return not jax.sharding.get_abstract_mesh().empty or not all(jax.typeof(a).sharding.mesh.empty for a in arrays)
