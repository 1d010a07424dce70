"""Whole Jacobians, Hessian-vector products, forward mode and `vmap` of a JAX function, as the comparison asks for them."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from .probes import VMAP_SAMPLES, sample
from .quantities import HVP, JACOBIAN, JVP, VMAP_GRADIENT, VMAP_VALUE


def put(arrays: Sequence, positions: list[int], floats: Sequence) -> list:
    """Return the arrays with other values at these positions."""
    mixed = list(arrays)
    for position, value in zip(positions, floats, strict=True):
        mixed[position] = value
    return mixed


def _jacobian(call: Callable, positions: list[int], names: list[str], by_kind: Callable) -> Callable:
    def derive(arrays: list, cotangents: list, tangents: list) -> dict:
        def smooth(floats):
            return by_kind(call(put(arrays, positions, floats)))[0]

        whole = jax.jacrev(smooth)([arrays[p] for p in positions])
        return {(JACOBIAN, f"∂ {out}/∂ {n}"): J for out in whole for n, J in zip(names, whole[out], strict=True)}

    return derive


def _hvp(call: Callable, positions: list[int], names: list[str], by_kind: Callable) -> Callable:
    def derive(arrays: list, cotangents: list, tangents: list) -> dict:
        floats = [arrays[p] for p in positions]
        found = []
        for cotangent, tangent in zip(cotangents, tangents, strict=True):

            def scalar(floats, cotangent=cotangent):
                smooth = by_kind(call(put(arrays, positions, floats)))[0]
                return sum(jnp.sum(smooth[n] * cotangent[n]) for n in smooth)

            found.append(jax.jvp(jax.grad(scalar), (floats,), ([tangent[n] for n in names],))[1])
        return {(HVP, n): jnp.stack([each[i] for each in found]) for i, n in enumerate(names)}

    return derive


def _jvp(call: Callable, positions: list[int], names: list[str], by_kind: Callable) -> Callable:
    def derive(arrays: list, cotangents: list, tangents: list) -> dict:
        def smooth(floats):
            return by_kind(call(put(arrays, positions, floats)))[0]

        floats = [arrays[p] for p in positions]
        found = [jax.jvp(smooth, (floats,), ([t[n] for n in names],))[1] for t in tangents]
        return {(JVP, n): jnp.stack([each[n] for each in found]) for n in found[0]}

    return derive


def _vmap(call: Callable, positions: list[int], names: list[str], by_kind: Callable) -> Callable:
    def derive(arrays: list, cotangents: list, tangents: list) -> dict:
        def one(floats):
            smooth, pull_back, other = jax.vjp(lambda f: by_kind(call(put(arrays, positions, f))), floats, has_aux=True)
            return smooth | other, pull_back({n: cotangents[0][n].astype(smooth[n].dtype) for n in smooth})[0]

        floats = [arrays[p] for p in positions]
        batch = [
            jnp.stack([sample(x, i, lambda x, i: jnp.roll(x, i, -1)) for i in range(VMAP_SAMPLES)]) for x in floats
        ]
        if not batch:
            return {}
        values, gradients = jax.vmap(one)(batch)
        return {(VMAP_VALUE, n): x for n, x in values.items()} | {
            (VMAP_GRADIENT, n): g for n, g in zip(names, gradients, strict=True)
        }

    return derive


CHECKS: dict[str, Callable] = {"jacobian": _jacobian, "hvp": _hvp, "jvp": _jvp, "vmap": _vmap}
