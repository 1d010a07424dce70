"""Every operation under `jit`, `vmap`, forward mode and twice differentiated, against PyTorch; calls come from the registry of the sweep."""

from collections.abc import Sequence

import numpy as np
import pytest

from jaxtut.parity import compare
from jaxtut.parity.trials.drawing import PROFILES, Draw
from jaxtut.parity.trials.operations.call import pair
from jaxtut.parity.trials.operations.registry import CALLS

CHECKS = ("jvp", "hvp", "vmap")
# What PyTorch itself cannot do, or does otherwise than its own backward pass.
WITHOUT: dict[str, tuple[str, ...]] = {
    "instance_norm": ("jvp", "hvp"),  # fails inside PyTorch where weight or bias is left out
    "hardsigmoid": ("jvp", "hvp"),  # the derivative of hardsigmoid_backward is not implemented
    "cdist": ("jvp", "hvp"),  # the derivative of _cdist_backward is not implemented, and forward mode goes through it
    "pdist": ("jvp", "hvp"),  # the same
    # The second derivative adds 1e-12 to p and to 1 − p, where the first bounds their product from below by 1e-12.
    "binary_cross_entropy": ("jvp", "hvp"),
    # "derivative for aten::multi_margin_loss_backward is not implemented", and a forward derivative is taken by differentiating twice.
    "multi_margin_loss": ("jvp", "hvp"),
    "multilabel_margin_loss": ("jvp", "hvp"),
    # "derivative for aten::_scaled_dot_product_flash_attention_for_cpu_backward is not implemented", which it calls where no weights are
    # needed; tests/ops/test_multi_head_attention.py has both where they are.
    "multi_head_attention_forward": ("jvp", "hvp"),
}


class SmoothDraw(Draw):
    """Draws away from kinks and ties, where forward mode, backward mode and second order mean the same in every framework."""

    def __init__(self, seed: int):
        generator = np.random.default_rng(seed)
        super().__init__(lambda strategy: bool(generator.integers(2)))

    def array(self, shape, profiles: Sequence[str] = PROFILES, least=1e-20, most=1e20, domain=None) -> np.ndarray:
        return super().array(shape, ("normal",), max(least, 1e-3), min(most, 3.0), domain)

    def sprinkled(self, x: np.ndarray, special: np.ndarray) -> np.ndarray:
        return x


@pytest.mark.parametrize("name", CALLS)
def test_transformations(name: str) -> None:
    call = CALLS[name](SmoothDraw(0))
    checks = tuple(check for check in CHECKS if check not in WITHOUT.get(name, ()))
    both = pair(name, call)
    options = {} if call.argnums is None else {"argnums": call.argnums}
    report = compare(
        both.jax, both.torch, *both.args, modes=("jit",), dtypes=("float64",), cotangents=1, checks=checks, **options
    )
    assert report.same, f"{both.name}\n{report.summary()}"
