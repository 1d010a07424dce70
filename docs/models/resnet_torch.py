"""A small residual network in PyTorch: two blocks with batch norm, for images of 3×16×16."""

import torch
from torch import Tensor, nn
from torch.func import functional_call

from torch_ref.naming import tap


class Block(nn.Module):
    """Two 3×3 convolutions around which the input is added again; with a stride, it goes through a 1×1 convolution first."""

    def __init__(self, name: str, inputs: int, outputs: int, stride: int = 1):
        super().__init__()
        self.name = name
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        if stride != 1:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
            self.shortcut_bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return the image after the block."""
        y = tap(f"{self.name}.conv1", self.conv1(x))
        y = tap(f"{self.name}.bn1", self.bn1(y))
        y = tap(f"{self.name}.conv2", self.conv2(torch.relu(y)))
        y = tap(f"{self.name}.bn2", self.bn2(y))
        if hasattr(self, "shortcut"):
            x = tap(f"{self.name}.shortcut", self.shortcut_bn(self.shortcut(x)))
        return tap(f"{self.name}.out", torch.relu(y + x))


class ResNet(nn.Module):
    """Convolution, two residual blocks, the mean over the image, and a linear layer; raw scores of ten classes."""

    def __init__(self, width: int = 8, num_classes: int = 10):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.block1 = Block("block1", width, width)
        self.block2 = Block("block2", width, 2 * width, stride=2)
        self.fc = nn.Linear(2 * width, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return the raw scores of images of shape (batch, 3, 16, 16)."""
        x = tap("conv", self.conv(images))
        x = torch.relu(tap("bn", self.bn(x)))
        x = self.block2(self.block1(x))
        x = tap("pool", x.mean(dim=(2, 3)))
        return tap("fc", self.fc(x))


def train_outputs(model: ResNet, params: dict[str, Tensor], stats: dict[str, Tensor], images: Tensor) -> dict:
    """Return the scores in training, and the running statistics after them, which the module itself would overwrite.

    Args:
        model: the module, in training mode.
        params: its parameters.
        stats: its running means and variances before the step.
        images: a batch of shape (batch, 3, 16, 16).
    """
    new = {name: value.detach().clone() for name, value in stats.items()}
    return {"scores": functional_call(model, {**params, **new}, (images,)), "running": new}
