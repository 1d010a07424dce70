"""The contact sheet shows every transform, and `jaxtut transforms` writes it."""

import inspect

import numpy as np
import pytest
from typer.testing import CliRunner

from jaxtut import transforms
from jaxtut.cli import app
from jaxtut.transforms.contact_sheet import UNSEEN, sheet


@pytest.fixture(scope="module")
def rows():
    return sheet(seed=0)


def test_every_transform_is_on_it(rows):
    shown = {name for cells in rows.values() for name, _, _ in cells}
    all_of_them = {
        name
        for name, value in vars(transforms).items()
        if inspect.isclass(value) and issubclass(value, transforms.Transform) and value is not transforms.Transform
    }
    assert all_of_them - shown == set(UNSEEN)


def test_every_cell_is_another_picture(rows):
    pictures = [picture for cells in rows.values() for _, _, picture in cells]
    assert all(picture.dtype == np.uint8 and picture.std() > 1 for picture in pictures)
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)
    assert {len(cells) for cells in rows.values()} == {6}


def test_the_command_writes_a_picture(tmp_path):
    done = CliRunner().invoke(app, ["transforms", "--out", str(tmp_path / "new" / "sheet.png"), "--seed", "3"])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "new" / "sheet.png").read_bytes().startswith(b"\x89PNG")
    refused = CliRunner().invoke(app, ["transforms", "--out", "/proc/nowhere/sheet.png"])
    assert refused.exit_code == 2
    assert "cannot be written" in refused.output
