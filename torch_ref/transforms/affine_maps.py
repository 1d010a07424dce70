"""The matrices of rotations, shifts, scalings and shears, and the points to which pixels go."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch


def inverse_matrix(
    center: Sequence[float], angle: float, translate: Sequence[float], scale: float, shear: Sequence[float]
) -> list[float]:
    """Return the six numbers of the matrix (2, 3) that takes a point of the new picture to the one of the old picture that it shows, in float64.

    The picture is sheared, scaled and turned clockwise (y points down) around `center` and then moved, so with
    R = scale · rotation · shear_y · shear_x the point q shows R⁻¹ (q - translate - center) + center.

    Args:
        center: (x, y) of the point that all but the shift leave where it is.
        angle: in degrees.
        translate: (x, y) in pixels.
        scale: above 0.
        shear: along x and along y, in degrees.
    """
    turn, along_x, along_y = math.radians(angle), math.radians(shear[0]), math.radians(shear[1])
    # The determinant without the scale is 1, so the inverse is the adjugate. Rounded in torchvision's order.
    a = math.cos(turn - along_y) / math.cos(along_y)
    b = -math.cos(turn - along_y) * math.tan(along_x) / math.cos(along_y) - math.sin(turn)
    c = math.sin(turn - along_y) / math.cos(along_y)
    d = -math.sin(turn - along_y) * math.tan(along_x) / math.cos(along_y) + math.cos(turn)
    (cx, cy), (tx, ty) = center, translate
    rows = []
    for p, q, middle in ((d, -b, cx), (-c, a, cy)):
        p, q = p / scale, q / scale
        rows += [p, q, p * (-cx - tx) + q * (-cy - ty) + middle]
    return rows


def from_middle(center: Sequence[float] | None, height: int, width: int) -> tuple[float, float]:
    """Return a point (x, y) as seen from the middle of the picture; None is the middle."""
    return (0.0, 0.0) if center is None else (center[0] - width * 0.5, center[1] - height * 0.5)


def expanded_size(matrix: Sequence[float], height: int, width: int) -> tuple[int, int]:
    """Return (height, width) of the smallest picture that shows all of the rotated one, to a ten-thousandth of a pixel."""
    x, y = width * 0.5, height * 0.5
    corners = torch.tensor([[-x, -y, 1.0], [-x, y, 1.0], [x, y, 1.0], [x, -y, 1.0]])
    places = corners @ torch.tensor(matrix).reshape(2, 3).T
    low, high = (bound + torch.tensor([x, y]) for bound in (places.amin(0), places.amax(0)))
    tolerance = 1e-4
    size = torch.ceil((high / tolerance).trunc() * tolerance) - torch.floor((low / tolerance).trunc() * tolerance)
    columns, rows = size.int().tolist()
    return rows, columns
