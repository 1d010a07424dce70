"""torchvision as the witness, beside a build of PyTorch that its compiled operators may not fit; and two photographs."""

import importlib
import random
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_images

from jaxtut import torch_random

_SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_declared: list[torch.library.Library] = []  # a library takes its operators with it when it goes


def import_torchvision() -> ModuleType:
    """Import torchvision; where its operators are missing, declare the two that its import asks for."""
    try:
        return importlib.import_module("torchvision.transforms")
    except RuntimeError as error:
        if "does not exist" not in str(error):
            raise
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(name + _SIGNATURE)
    _declared.append(library)
    return importlib.import_module("torchvision.transforms")


@pytest.fixture(scope="session")
def torchvision_transforms() -> ModuleType:
    return import_torchvision()


@pytest.fixture(scope="session")
def photographs() -> list[Image.Image]:
    """A Chinese temple and a flower, 640 by 427 pixels."""
    return [Image.fromarray(pixels) for pixels in load_sample_images().images]


@pytest.fixture(scope="session")
def small(photographs) -> list[Image.Image]:
    """The photographs in a size that is quick to work on, one upright."""
    return [photographs[0].resize((60, 40)), photographs[1].resize((40, 60))]


@pytest.fixture(scope="session")
def tensors(small) -> list[np.ndarray]:
    """The small photographs as arrays (3, height, width): float32 between 0 and 1, and bytes."""
    channels_first = [np.asarray(image).transpose(2, 0, 1).copy() for image in small]
    return [channels_first[0].astype(np.float32) / 255, channels_first[1]]


@pytest.fixture(scope="session")
def seed_all():
    """Seed all that transforms draw from: both default generators, and Python's `random`."""

    def seed(number: int) -> None:
        torch_random.manual_seed(number)
        torch.manual_seed(number)
        random.seed(number)

    return seed


@pytest.fixture(scope="session")
def rounds_once():
    """Skip where PyTorch rounds uniform numbers twice, so that an angle or an area moves by an ulp."""
    if torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"):
        pytest.skip("PyTorch rounds uniform numbers twice here")
