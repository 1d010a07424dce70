"""Whole Jacobians, Hessian-vector products, forward mode and single samples of a PyTorch function, as the comparison asks for them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from .arguments import Arguments
from .probes import VMAP_SAMPLES, Probes, sample
from .quantities import HVP, JACOBIAN, JVP, VMAP_GRADIENT, VMAP_VALUE, Quantities
from .torch_side import TorchSide, as_numpy


def _start(side: TorchSide, args: Arguments, dtype: str) -> tuple[dict, list]:
    leaves = [side.tensor(leaf.value, dtype, leaf.differentiable) for leaf in args.leaves]
    outputs = side.call(args, leaves, dtype)
    return outputs, [t for t, leaf in zip(leaves, args.leaves, strict=True) if leaf.differentiable]


def _jacobian(side: TorchSide, args: Arguments, probes: Probes, dtype: str) -> Quantities:
    outputs, leaves = _start(side, args, dtype)
    found: Quantities = {}
    for out, y in outputs.items():
        if not y.is_floating_point():
            continue
        rows: list[list] = []
        for i in range(y.numel()):
            one = torch.zeros(y.numel())
            one[i] = 1
            rows.append(side.pull_back({out: y}, leaves, {out: one.reshape(y.shape).numpy()}))
        for i, (leaf, t) in enumerate(zip(args.differentiable, leaves, strict=True)):
            stacked = [_dense(row[i], t) for row in rows]
            whole = np.stack(stacked) if stacked else np.zeros((0, *t.shape), as_numpy(t).dtype)
            found[JACOBIAN, f"∂ {out}/∂ {leaf.name}"] = whole.reshape(*y.shape, *t.shape)
    return found


def _hvp(side: TorchSide, args: Arguments, probes: Probes, dtype: str) -> Quantities:
    outputs, leaves = _start(side, args, dtype)
    found = []
    for cotangent, tangent in zip(probes.cotangents, probes.tangents, strict=True):
        gradients = side.pull_back(outputs, leaves, cotangent, keep=True)
        attached = [
            (g, leaf.name)
            for g, leaf in zip(gradients, args.differentiable, strict=True)
            if g is not None and g.requires_grad
        ]
        if attached:
            along = torch.stack([(g * torch.as_tensor(tangent[n]).to(g.dtype)).sum() for g, n in attached]).sum()
            second = torch.autograd.grad([along], leaves, retain_graph=True, allow_unused=True)
        else:
            second = [None] * len(leaves)
        found.append([_dense(g, t) for g, t in zip(second, leaves, strict=True)])
    return {(HVP, leaf.name): np.stack([each[i] for each in found]) for i, leaf in enumerate(args.differentiable)}


def _jvp(side: TorchSide, args: Arguments, probes: Probes, dtype: str) -> Quantities:
    # Reverse mode twice: vᵀJ is linear in v, and its derivative along v, pulled back with the tangent, is Jt. It needs no forward rules,
    # which some operations of PyTorch lack.
    outputs, leaves = _start(side, args, dtype)
    smooth = {n: y for n, y in outputs.items() if y.is_floating_point()}
    vectors = {n: torch.zeros_like(y, requires_grad=True) for n, y in smooth.items()}
    attached = [n for n, y in smooth.items() if y.requires_grad]
    pulled: list[Any] = [None] * len(leaves)
    if attached and leaves:
        pulled = list(
            torch.autograd.grad(
                [smooth[n] for n in attached],
                leaves,
                [vectors[n] for n in attached],
                create_graph=True,
                allow_unused=True,
            )
        )
    columns = []
    for tangent in probes.tangents:
        terms = [
            (g * torch.as_tensor(tangent[leaf.name]).to(g.dtype)).sum()
            for g, leaf in zip(pulled, args.differentiable, strict=True)
            if g is not None and g.requires_grad
        ]
        names = list(vectors)
        forward = (
            torch.autograd.grad(
                [torch.stack(terms).sum()], [vectors[n] for n in names], retain_graph=True, allow_unused=True
            )
            if terms
            else [None] * len(names)
        )
        columns.append({n: _dense(f, smooth[n]) for n, f in zip(names, forward, strict=True)})
    return {(JVP, n): np.stack([c[n] for c in columns]) for n in smooth}


def _vmap(side: TorchSide, args: Arguments, probes: Probes, dtype: str) -> Quantities:
    # A sample after the other: what `vmap` has to equal.
    runs: list[Quantities] = []
    if not args.differentiable:
        return {}
    for i in range(VMAP_SAMPLES):
        moved = args.with_values(
            [sample(np.asarray(leaf.value), i, lambda x, i: np.roll(x, i, -1)) for leaf in args.differentiable]
        )
        runs.append(side.run(moved, probes.first(), dtype))
    found: Quantities = {}
    for kind, name in runs[0]:
        stacked = np.stack([run[kind, name] for run in runs])
        if kind == "value":
            found[VMAP_VALUE, name] = stacked
        else:
            found[VMAP_GRADIENT, name] = stacked[:, 0]
    return found


def _dense(gradient: torch.Tensor | None, like: torch.Tensor) -> np.ndarray:
    return as_numpy(torch.zeros_like(like) if gradient is None else gradient)


CHECKS: dict[str, Callable] = {"jacobian": _jacobian, "hvp": _hvp, "jvp": _jvp, "vmap": _vmap}
