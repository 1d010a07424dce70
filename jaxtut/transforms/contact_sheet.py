"""A contact sheet: what every transform makes of one photograph."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from PIL import Image

from jaxtut import torch_random, transforms
from jaxtut.figures import figure

_WIDTH, _HEIGHT = 180, 120
_BLOCK = 10  # the side of the blocks that are whitened
_COLUMNS = 6
_SMOOTH = transforms.InterpolationMode.BILINEAR
UNSEEN = ("ToTensor", "PILToTensor", "ToPILImage", "ConvertImageDtype")
"""Transforms whose work is not to be seen: they change the type or the dtype."""

# The name, what was chosen, and the picture.
Cell = tuple[str, str, np.ndarray]


def draw_contact_sheet(path: Path, seed: int = 0) -> None:
    """Draw a row for each kind of transform, and one for a batch that is transformed in one compiled call.

    Args:
        path: the picture to write.
        seed: of the random numbers; every cell starts from it anew.
    """
    rows = sheet(seed)
    with figure(path, len(rows), _COLUMNS, (15, 2.2 * len(rows)), dpi=110) as (whole, axes):
        whole.suptitle(f"jaxtut.transforms on a photograph of {_WIDTH} × {_HEIGHT} pixels, seed {seed}", fontsize=14)
        for (heading, cells), line in zip(rows.items(), axes, strict=True):
            line[0].set_ylabel(heading, fontsize=10, fontweight="bold", labelpad=8)
            for (name, chosen, picture), axis in zip(cells, line, strict=True):
                height, width = picture.shape[:2]
                extent = (-width / 2, width / 2, height / 2, -height / 2)
                axis.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest", extent=extent)
                axis.set_title(name, fontsize=9.5, fontweight="bold", pad=3)
                axis.set_xlabel(chosen, fontsize=8, labelpad=3)
                # All to one scale, with room for a border.
                axis.set(
                    xticks=[], yticks=[], xlim=(-_WIDTH * 0.58, _WIDTH * 0.58), ylim=(_HEIGHT * 0.6, -_HEIGHT * 0.6)
                )
                axis.spines[:].set_color("0.85")


def sheet(seed: int) -> dict[str, list[Cell]]:
    """Transform the photograph in all ways; return the cells of each row under its heading."""
    photograph = _photograph()
    made = partial(_made, photograph, seed)
    return {
        "cut": [
            made("CenterCrop", (80, 120)),
            made("RandomCrop", (80, 120)),
            made("RandomResizedCrop", (80, 120), scale=(0.1, 0.4)),
            made("FiveCrop", 55),
            made("TenCrop", (55, 34)),
            made("Pad", 11, padding_mode="reflect"),
        ],
        "move": [
            made("Resize", 60),
            made("Rescale", (100, 100)),
            made("RandomHorizontalFlip", p=1.0),
            made("RandomVerticalFlip", p=1.0),
            made("RandomRotation", (15, 40), _SMOOTH),
            made("RandomAffine", 15, scale=(0.7, 0.9), shear=20),
        ],
        "colour": [
            made("Grayscale"),
            made("RandomGrayscale", p=1.0),
            made("ColorJitter", brightness=(1.5, 1.6), contrast=0.8),
            made("ColorJitter", saturation=(2, 3)),
            made("ColorJitter", hue=(0.3, 0.4)),
            made("RandomAutocontrast", p=1.0),
        ],
        "tone": [
            made("RandomInvert", p=1.0),
            made("RandomPosterize", 2, p=1.0),
            made("RandomSolarize", 128, p=1.0),
            made("RandomEqualize", p=1.0),
            made("RandomAdjustSharpness", 5, p=1.0),
            made("GaussianBlur", 9, sigma=3.0),
        ],
        "array, view": [
            made("RandomErasing", p=1.0, value=(1, 0.8, 0)),
            made("RandomErasing", p=1.0, scale=(0.2, 0.3), value="random"),
            made("Normalize", (0.5, 0.5, 0.5), (0.2, 0.2, 0.2)),
            _whitened(photograph),
            made("RandomPerspective", 0.6, p=1.0),
            made("Lambda", lambda image: Image.merge("RGB", image.split()[::-1])),
        ],
        "compose": [("the photograph", "", np.asarray(photograph)), *_compositions(photograph, seed)],
        "a batch": _batch(photograph, seed),
    }


def _photograph() -> Image.Image:
    from sklearn.datasets import load_sample_image

    whole = Image.fromarray(load_sample_image("china.jpg"))
    return transforms.Compose([transforms.CenterCrop((424, 636)), transforms.Resize((_HEIGHT, _WIDTH))])(whole)


def _made(photograph: Image.Image, seed: int, name: str, *args: Any, **options: Any) -> Cell:
    transform = getattr(transforms, name)(*args, **options)
    chosen = [*map(_shown, args), *(f"{key}={_shown(value)}" for key, value in options.items())]
    return name, ", ".join(chosen), _seen(_called(transform, photograph, seed), signed=name == "Normalize")


def _called(transform: Any, photograph: Image.Image, seed: int) -> Any:
    torch_random.manual_seed(seed)
    random.seed(seed)
    of_arrays = isinstance(transform, transforms.RandomErasing | transforms.Normalize)
    return transform(transforms.ToTensor()(photograph) if of_arrays else photograph)


def _compositions(photograph: Image.Image, seed: int) -> Iterator[Cell]:
    invert, flip, turn = (
        transforms.RandomInvert(1.0),
        transforms.RandomVerticalFlip(1.0),
        transforms.RandomRotation((20, 20)),
    )
    several = {
        "Compose": transforms.Compose([invert, flip, turn]),
        "RandomApply": transforms.RandomApply([invert, flip], p=0.9),
        "RandomChoice": transforms.RandomChoice([invert, flip, turn]),
        "RandomOrder": transforms.RandomOrder([turn, flip, transforms.Pad(10)]),
    }
    texts = ("invert, flip, turn", "[invert, flip], p=0.9", "invert, flip, or turn", "turn, flip, pad in any order")
    for (name, transform), text in zip(several.items(), texts, strict=True):
        yield name, text, _seen(_called(transform, photograph, seed))
    yield "Compose", "your own function", _seen(_called(transforms.Compose([_mosaic]), photograph, seed))


def _mosaic(image: Image.Image) -> Image.Image:
    return image.resize((18, 12)).resize(image.size, Image.Resampling.NEAREST)


def _whitened(photograph: Image.Image) -> Cell:
    """Remove the correlations between the pixels of a block, in all blocks of the photograph."""
    image = transforms.ToTensor()(photograph)
    across, down = _WIDTH // _BLOCK, _HEIGHT // _BLOCK
    blocks = image.reshape(3, down, _BLOCK, across, _BLOCK).transpose(1, 3, 0, 2, 4).reshape(-1, 3, _BLOCK, _BLOCK)
    white = transforms.LinearTransformation(*transforms.whitening_matrix(blocks, eps=1e-3))(blocks)
    whole = white.reshape(down, across, 3, _BLOCK, _BLOCK).transpose(2, 0, 3, 1, 4).reshape(image.shape)
    return "LinearTransformation", "whitening_matrix(blocks, eps=0.001)", _seen(whole, signed=True)


def _batch(photograph: Image.Image, seed: int) -> list[Cell]:
    """Six copies, each with numbers of its own, in one compiled call."""
    pipeline = transforms.Compose([
        transforms.RandomResizedCrop((_HEIGHT, _WIDTH), scale=(0.3, 1.0)),
        transforms.RandomHorizontalFlip(),
        transforms.RandomApply([transforms.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8),
        transforms.RandomErasing(0.5),
    ])  # fmt: skip
    images = np.stack([transforms.PILToTensor()(photograph)] * _COLUMNS)
    torch_random.manual_seed(seed)
    params = transforms.draw_batch(pipeline, _COLUMNS, images.shape[1:])
    out = jax.jit(transforms.apply_batch, static_argnums=0)(pipeline, images, params)
    texts = [
        "one compiled call:",
        "RandomResizedCrop",
        "RandomHorizontalFlip",
        "ColorJitter with p=0.8",
        "RandomErasing with p=0.5",
        "numbers of each image's own",
    ]
    return [
        (f"image {i}", text, _seen(np.asarray(image))) for i, (image, text) in enumerate(zip(out, texts, strict=True))
    ]


def _seen(picture: Any, signed: bool = False) -> np.ndarray:
    """Return a picture, or several side by side, as bytes (height, width[, 3]), and with `signed` 0 as gray."""
    if isinstance(picture, tuple):
        return _side_by_side([np.asarray(piece) for piece in picture])
    if isinstance(picture, Image.Image):
        return np.asarray(picture)
    if picture.dtype != np.uint8:
        picture = (255 * np.clip(0.5 + picture / 6 if signed else picture, 0, 1)).astype(np.uint8)
    return np.moveaxis(picture, 0, -1)


def _side_by_side(pieces: Sequence[np.ndarray]) -> np.ndarray:
    """Lay pieces out in two rows, with white lines between."""
    framed = [np.pad(piece, ((2, 2), (2, 2), (0, 0)), constant_values=255) for piece in pieces]
    in_a_row = (len(framed) + 1) // 2
    framed += [np.full_like(framed[0], 255)] * (2 * in_a_row - len(framed))
    return np.concatenate([np.concatenate(framed[i : i + in_a_row], 1) for i in (0, in_a_row)], 0)


def _shown(value: Any) -> str:
    if callable(value):
        return "red and blue exchanged"
    return str(value.value) if isinstance(value, Enum) else repr(value)
