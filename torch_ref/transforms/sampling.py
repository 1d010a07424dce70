"""Tensors read at the points of an affine or a projective map."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from .base import batched, restored

MODES = ("nearest", "bilinear")


def affine_sampled(
    tensor: torch.Tensor, matrix: Sequence[float], size: Sequence[int], mode: str, fill: Sequence[float]
) -> torch.Tensor:
    """Read the tensor where the six numbers of a matrix (2, 3) put the pixels of a picture of (height, width)."""
    images = batched(tensor)
    rows, columns = size
    points = _points(rows, columns, 0.5 - rows / 2, 0.5 - columns / 2, images.dtype)
    theta = torch.tensor(matrix, dtype=images.dtype).reshape(2, 3)
    halves = torch.tensor([0.5 * tensor.shape[-1], 0.5 * tensor.shape[-2]], dtype=images.dtype)
    grid = torch.bmm(points, (theta.T / halves)[None]).reshape(1, rows, columns, 2)
    return _sampled(tensor, grid, mode, fill)


def perspective_sampled(
    tensor: torch.Tensor, coefficients: Sequence[float], mode: str, fill: Sequence[float]
) -> torch.Tensor:
    """Read the tensor at ((a x + b y + c) / (g x + h y + 1), (d x + e y + f) / (g x + h y + 1))."""
    images = batched(tensor)
    rows, columns = tensor.shape[-2:]
    points = _points(rows, columns, 0.5, 0.5, images.dtype)
    above = torch.tensor(coefficients[:6], dtype=images.dtype).reshape(2, 3)
    below = torch.tensor([[*coefficients[6:], 1.0]] * 2, dtype=images.dtype)
    halves = torch.tensor([0.5 * columns, 0.5 * rows], dtype=images.dtype)
    places = torch.bmm(points, (above.T / halves)[None]) / torch.bmm(points, below.T[None]) - 1
    return _sampled(tensor, places.reshape(1, rows, columns, 2), mode, fill)


def _points(rows: int, columns: int, top: float, left: float, dtype: torch.dtype) -> torch.Tensor:
    """Return (x, y, 1) of all pixels, shape (1, rows · columns, 3)."""
    y, x = torch.arange(rows, dtype=dtype) + top, torch.arange(columns, dtype=dtype) + left
    across, down = torch.meshgrid(x, y, indexing="xy")
    return torch.stack([across, down, torch.ones_like(across)], -1).reshape(1, -1, 3)


def _sampled(tensor: torch.Tensor, grid: torch.Tensor, mode: str, fill: Sequence[float]) -> torch.Tensor:
    images = batched(tensor)
    # A channel of ones tells what comes from inside.
    images = torch.cat([images, torch.ones_like(images[:, :1])], 1)
    read = F.grid_sample(images, grid.expand(len(images), -1, -1, -1), mode, "zeros", align_corners=False)
    values, cover = read[:, :-1], read[:, -1:]
    colour = torch.tensor(fill, dtype=images.dtype).reshape(1, -1, 1, 1)
    if mode == "nearest":
        return restored(torch.where(cover < 0.5, colour, values), tensor)
    return restored(values * cover + (1 - cover) * colour, tensor)
