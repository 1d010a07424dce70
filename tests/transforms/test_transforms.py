"""What transforms do beyond torchvision: names, refusals, whitening, layouts, and imports that stay light."""

import os
import subprocess
import sys
from types import ModuleType

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from PIL import Image

import torch_ref.transforms
from jaxtut import torch_random, transforms

both_sides = pytest.mark.parametrize("side", [transforms, torch_ref.transforms], ids=["jaxtut", "torch_ref"])

# Products of n numbers are summed in an order that each library chooses; the error is below n units of rounding.
FLOAT32_ROUNDING = float(np.finfo(np.float32).eps)
# A covariance is inverted: rounding in float64, times the spread of its eigenvalues, is far below this.
WHITE = 1e-9

IMAGE = Image.new("RGB", (8, 6), (10, 20, 30))
GRAY = Image.new("L", (8, 6), 10)


def array_for(side, values):
    array = np.asarray(values)
    return array if side is transforms else torch.from_numpy(array)


def as_numpy(x):
    return x.numpy() if isinstance(x, torch.Tensor) else x


def public_names(package):
    return {name for name, value in vars(package).items() if name[0] != "_" and not isinstance(value, ModuleType)}


def test_both_sides_have_the_same_public_names():
    batches = {"draw_batch", "apply_batch"}  # torchvision's transforms have no such form
    assert public_names(transforms) == public_names(torch_ref.transforms) | batches


@pytest.mark.parametrize(
    ("package", "unwanted"),
    [
        ("jaxtut.transforms", {"torch", "torchvision", "sklearn", "flax"}),
        ("torch_ref.transforms", {"jax", "torchvision"}),
    ],
)
def test_the_import_is_light(package, unwanted):
    program = f"import sys, {package}; print(*({unwanted!r} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.strip() == ""
    )


@both_sides
@pytest.mark.parametrize(
    ("make", "image", "error", "message"),
    [
        (lambda T: T.RandomCrop(7), IMAGE, ValueError, r"piece \(7, 7\) is larger than the picture \(6, 8\)"),
        (lambda T: T.RandomCrop(7), np.ones((3, 6, 8)), ValueError, "larger than the picture"),
        (lambda T: T.CenterCrop(2), "a string", TypeError, "CenterCrop: img must be a PIL image or a"),
        (lambda T: T.CenterCrop(2), np.ones(3), ValueError, r"\(3,\)"),
        (lambda T: T.Resize(4), "a string", TypeError, "Resize: img must be a PIL image or a"),
        (lambda T: T.Resize(4, T.InterpolationMode.LANCZOS), np.ones((3, 6, 8)), ValueError, "bicubic, but lanczos"),
        (lambda T: T.Rescale(4), np.ones(8), ValueError, r"\(8,\)"),
        (lambda T: T.RandomResizedCrop(4, interpolation=4), np.ones((3, 6, 8)), ValueError, "bicubic, but box"),
        (lambda T: T.RandomRotation(4, 3), np.ones((3, 6, 8)), ValueError, "nearest or bilinear, but bicubic"),
        (lambda T: T.RandomRotation(4, fill=(1, 2)), np.ones((3, 6, 8)), ValueError, "fill must .* 3 values"),
        (
            lambda T: T.RandomRotation(4, fill=300),
            np.ones((3, 6, 8), np.uint8),
            ValueError,
            "range of .*uint8, but 300",
        ),
        (lambda T: T.RandomAffine(4, fill=(1, 2)), IMAGE, ValueError, "RandomAffine: fill must .* 3 values"),
        (lambda T: T.RandomAffine(4, interpolation=3), np.ones((3, 6, 8)), ValueError, "bilinear, but bicubic"),
        (
            lambda T: T.RandomResizedCrop(4, ratio=(3, 4)),
            np.ones((3, 8, 1)),
            ValueError,
            r"\(8, 1\) has no window .* \(3, 4\)",
        ),
        (lambda T: T.RandomPerspective(p=0), np.ones((3, 8, 1)), ValueError, r"two rows and two columns, but \(8, 1\)"),
        (lambda T: T.RandomPerspective(p=1, fill=(1, 2)), IMAGE, ValueError, "RandomPerspective: fill"),
        (lambda T: T.RandomPerspective(p=1, interpolation=3), np.ones((3, 6, 8)), ValueError, "but bicubic"),
        (lambda T: T.FiveCrop(7), IMAGE, ValueError, r"FiveCrop: a piece \(7, 7\) is larger than the picture \(6, 8\)"),
        (lambda T: T.TenCrop((2, 9)), np.ones((3, 6, 8)), ValueError, r"TenCrop: a piece \(2, 9\) is larger"),
        (lambda T: T.ColorJitter(1), np.ones((4, 6, 8)), ValueError, r"1 or 3 channels.*\(4, 6, 8\)"),
        (lambda T: T.ColorJitter(1), np.ones((6, 8)), ValueError, r"1 or 3 channels.*\(6, 8\)"),
        (
            lambda T: T.RandomGrayscale(0),
            np.ones((2, 6, 8)),
            ValueError,
            "RandomGrayscale: img must have 1 or 3 channels",
        ),
        (lambda T: T.RandomGrayscale(0), IMAGE.convert("RGBA"), ValueError, "RandomGrayscale: img must have 1 or 3"),
        (lambda T: T.RandomInvert(0), np.ones((2, 6, 8)), ValueError, "RandomInvert: img must have 1 or 3 channels"),
        (
            lambda T: T.RandomInvert(0),
            IMAGE.convert("RGBA"),
            ValueError,
            "mode of img must be 1 or L or P or RGB, but RGBA",
        ),
        (lambda T: T.RandomPosterize(1, 0), np.ones((3, 6, 8)), TypeError, "dtype uint8, but .*float64"),
        (lambda T: T.RandomPosterize(1, 0), IMAGE.convert("F"), ValueError, "mode of img must be L or P or RGB, but F"),
        (lambda T: T.RandomSolarize(1.5, 0), np.ones((3, 6, 8)), ValueError, "at most 1 for .*float64, but 1.5"),
        (
            lambda T: T.RandomSolarize(300, 0),
            np.ones((3, 6, 8), np.uint8),
            ValueError,
            "at most 255 for .*uint8, but 300",
        ),
        (lambda T: T.RandomSolarize(1), IMAGE.convert("CMYK"), ValueError, "but CMYK"),
        (lambda T: T.RandomAutocontrast(), np.ones((5, 6, 8)), ValueError, "RandomAutocontrast: img must have 1 or 3"),
        (lambda T: T.RandomAutocontrast(), IMAGE.convert("LA"), ValueError, "but LA"),
        (lambda T: T.RandomEqualize(), np.ones((3, 6, 8), np.float32), TypeError, "dtype uint8, but .*float32"),
        (lambda T: T.RandomEqualize(), IMAGE.convert("HSV"), ValueError, "L or P or RGB, but HSV"),
        (lambda T: T.RandomAdjustSharpness(2), np.ones((2, 6, 8)), ValueError, "1 or 3 channels"),
        (lambda T: T.GaussianBlur((3, 13)), np.ones((3, 6, 8)), ValueError, r"half a kernel of \(3, 13\).*\(3, 6, 8\)"),
        (lambda T: T.GaussianBlur(17), IMAGE, ValueError, r"\(17, 17\)"),
        (lambda T: T.GaussianBlur(3), np.ones((6, 8)), ValueError, r"GaussianBlur: .*\(6, 8\)"),
        (lambda T: T.GaussianBlur(3), "a string", TypeError, "GaussianBlur: img must be a PIL image or a"),
        (lambda T: T.RandomRotation(4, fill=(1, 2)), IMAGE, ValueError, "fill must be a number or have 3 values"),
        (lambda T: T.Pad(1, fill=(1, 2)), IMAGE, ValueError, "fill must be a number or have 3 values"),
        (lambda T: T.Pad(1, fill=(1, 2, 3)), np.ones((3, 6, 8)), TypeError, "fill must be a number"),
        (lambda T: T.Pad(6, padding_mode="reflect"), np.ones((3, 6, 8)), ValueError, "can add 5 pixels to a side of 6"),
        (
            lambda T: T.Pad(7, padding_mode="symmetric"),
            np.ones((3, 6, 8)),
            ValueError,
            "can add 6 pixels to a side of 6",
        ),
        (lambda T: T.Grayscale(), np.ones((2, 6, 8)), ValueError, "1 or 3 channels"),
        (lambda T: T.Normalize([0.5], [0.5]), IMAGE, TypeError, "Normalize: img must be a"),
        (lambda T: T.Normalize([0.5], [0.5]), np.ones((3, 6, 8), np.uint8), TypeError, "floating dtype.*uint8"),
        (lambda T: T.Normalize([0.5], [0.0]), np.ones((3, 6, 8)), ValueError, "std must not be 0"),
        (lambda T: T.Normalize([0.5] * 4, [0.5]), np.ones((3, 6, 8)), ValueError, "4 values of mean"),
        (lambda T: T.Normalize([0.5], [0.5, 1]), np.ones((3, 6, 8)), ValueError, "2 values of std"),
        (lambda T: T.RandomErasing(p=1), IMAGE, TypeError, "RandomErasing: img must be a"),
        (lambda T: T.RandomErasing(p=1, value=(1, 2)), np.ones((3, 6, 8)), ValueError, "3 channels"),
        (lambda T: T.ToTensor(), "a string", TypeError, "ToTensor: "),
        (lambda T: T.PILToTensor(), np.ones((3, 6, 8)), TypeError, "PILToTensor: img must be a PIL image"),
        (lambda T: T.ToPILImage(), IMAGE, TypeError, "ToPILImage: "),
        (lambda T: T.ToPILImage(), np.ones((2, 3, 6, 8)), ValueError, "2 or 3 dimensions"),
        (lambda T: T.ToPILImage(), np.ones((5, 6, 8)), ValueError, r"\(5, 6, 8\)|1 to 4 channels"),
        (lambda T: T.ToPILImage(), np.ones((3, 6, 8), np.int64), TypeError, "3 channels of int64"),
        (lambda T: T.ToPILImage("L"), np.ones((3, 6, 8), np.uint8), ValueError, "'L' does not fit"),
        (lambda T: T.ConvertImageDtype(T_DTYPE[T]), np.ones((3, 6, 8), np.float16), TypeError, "float16"),
    ],
)
def test_a_picture_that_does_not_fit_is_refused(side, make, image, error, message):
    given = array_for(side, image) if isinstance(image, np.ndarray) else image
    with pytest.raises(error, match=message):
        make(side)(given)


T_DTYPE = {transforms: "uint8", torch_ref.transforms: torch.uint8}


@both_sides
@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda T: T.Compose([3]), TypeError),
        (lambda T: T.RandomApply(["x"]), TypeError),
        (lambda T: T.Lambda(3), TypeError),
        (lambda T: T.RandomApply([], p=1.5), ValueError),
        (lambda T: T.RandomHorizontalFlip(p=-0.1), ValueError),
        (lambda T: T.RandomVerticalFlip(p="0.5"), TypeError),
        (lambda T: T.CenterCrop(0), ValueError),
        (lambda T: T.CenterCrop((1, 2, 3)), ValueError),
        (lambda T: T.CenterCrop(2.5), TypeError),
        (lambda T: T.RandomCrop(True), TypeError),
        (lambda T: T.RandomCrop(3, padding=(1, 2, 3)), ValueError),
        (lambda T: T.Pad(1.5), TypeError),
        (lambda T: T.Pad(1, fill="black"), TypeError),
        (lambda T: T.Pad(1, padding_mode="wrap"), ValueError),
        (lambda T: T.Resize("256"), TypeError),
        (lambda T: T.Resize(-3), ValueError),
        (lambda T: T.Resize((3, 4), max_size=9), ValueError),
        (lambda T: T.Resize(9, max_size=9), ValueError),
        (lambda T: T.Resize(9, interpolation="bilinear"), TypeError),
        (lambda T: T.Resize(9, interpolation=17), TypeError),
        (lambda T: T.Rescale([3]), ValueError),
        (lambda T: T.Rescale(2.5), TypeError),
        (lambda T: T.RandomRotation(-3), ValueError),
        (lambda T: T.RandomRotation((3, 2)), ValueError),
        (lambda T: T.RandomRotation((3, 2, 1)), ValueError),
        (lambda T: T.RandomRotation("3"), TypeError),
        (lambda T: T.RandomRotation(3, center=(1,)), ValueError),
        (lambda T: T.RandomRotation(3, fill="black"), TypeError),
        (lambda T: T.Grayscale(2), ValueError),
        (lambda T: T.RandomGrayscale(2), ValueError),
        (lambda T: T.RandomResizedCrop(0), ValueError),
        (lambda T: T.RandomResizedCrop((1, 2, 3)), ValueError),
        (lambda T: T.RandomResizedCrop(3, scale=(0.5, 0.1)), ValueError),
        (lambda T: T.RandomResizedCrop(3, scale=(0.5, 1.1)), ValueError),
        (lambda T: T.RandomResizedCrop(3, scale=0.5), TypeError),
        (lambda T: T.RandomResizedCrop(3, ratio=(0, 1)), ValueError),
        (lambda T: T.RandomResizedCrop(3, ratio=(1, 2, 3)), ValueError),
        (lambda T: T.RandomResizedCrop(3, interpolation="box"), TypeError),
        (lambda T: T.FiveCrop(-1), ValueError),
        (lambda T: T.TenCrop("3"), TypeError),
        (lambda T: T.RandomAffine(-3), ValueError),
        (lambda T: T.RandomAffine(3, translate=0.1), TypeError),
        (lambda T: T.RandomAffine(3, translate=(0.1, 1.2)), ValueError),
        (lambda T: T.RandomAffine(3, translate=(0.1, 0.2, 0.3)), ValueError),
        (lambda T: T.RandomAffine(3, scale=(0, 1)), ValueError),
        (lambda T: T.RandomAffine(3, scale=(2, 1)), ValueError),
        (lambda T: T.RandomAffine(3, scale=2), TypeError),
        (lambda T: T.RandomAffine(3, shear=(1, 2, 3)), ValueError),
        (lambda T: T.RandomAffine(3, shear=(1, 2, 4, 3)), ValueError),
        (lambda T: T.RandomAffine(3, shear="x"), TypeError),
        (lambda T: T.RandomAffine(3, interpolation="nearest"), TypeError),
        (lambda T: T.RandomAffine(3, center=3), TypeError),
        (lambda T: T.RandomAffine(3, fill="black"), TypeError),
        (lambda T: T.RandomPerspective(1.5), ValueError),
        (lambda T: T.RandomPerspective("far"), TypeError),
        (lambda T: T.RandomPerspective(p=-1), ValueError),
        (lambda T: T.RandomPerspective(fill="black"), TypeError),
        (lambda T: T.ColorJitter(-0.1), ValueError),
        (lambda T: T.ColorJitter(contrast=(-0.1, 1)), ValueError),
        (lambda T: T.ColorJitter(saturation=(2, 1)), ValueError),
        (lambda T: T.ColorJitter(saturation="2"), TypeError),
        (lambda T: T.ColorJitter(hue=0.6), ValueError),
        (lambda T: T.ColorJitter(hue=(-0.6, 0)), ValueError),
        (lambda T: T.GaussianBlur(4), ValueError),
        (lambda T: T.GaussianBlur((3, 2)), ValueError),
        (lambda T: T.GaussianBlur(0), ValueError),
        (lambda T: T.GaussianBlur(2.5), TypeError),
        (lambda T: T.GaussianBlur(3, sigma=0), ValueError),
        (lambda T: T.GaussianBlur(3, sigma=(2, 1)), ValueError),
        (lambda T: T.GaussianBlur(3, sigma="wide"), TypeError),
        (lambda T: T.RandomAdjustSharpness(-1), ValueError),
        (lambda T: T.RandomAdjustSharpness("much"), TypeError),
        (lambda T: T.RandomInvert(p=2), ValueError),
        (lambda T: T.RandomPosterize(9), ValueError),
        (lambda T: T.RandomPosterize(-1), ValueError),
        (lambda T: T.RandomPosterize(2.5), TypeError),
        (lambda T: T.RandomPosterize(2, p=2), ValueError),
        (lambda T: T.RandomSolarize(-1), ValueError),
        (lambda T: T.RandomSolarize(float("nan")), ValueError),
        (lambda T: T.RandomSolarize("128"), TypeError),
        (lambda T: T.RandomAutocontrast("p"), TypeError),
        (lambda T: T.RandomEqualize(1.1), ValueError),
        (lambda T: T.RandomChoice([3]), TypeError),
        (lambda T: T.RandomChoice(abs), TypeError),
        (lambda T: T.RandomChoice([]), ValueError),
        (lambda T: T.RandomChoice([abs], p=1), TypeError),
        (lambda T: T.RandomChoice([abs], p=[1, 2]), ValueError),
        (lambda T: T.RandomChoice([abs, abs], p=[-1, 2]), ValueError),
        (lambda T: T.RandomChoice([abs], p=[0]), ValueError),
        (lambda T: T.RandomOrder(["x"]), TypeError),
        (lambda T: T.RandomOrder([]), ValueError),
        (lambda T: T.RandomErasing(p=2), ValueError),
        (lambda T: T.RandomErasing(scale=(0.5, 0.1)), ValueError),
        (lambda T: T.RandomErasing(scale=(0.5, 1.1)), ValueError),
        (lambda T: T.RandomErasing(scale=0.5), TypeError),
        (lambda T: T.RandomErasing(ratio=(0.0, 1.1)), ValueError),
        (lambda T: T.RandomErasing(value="noise"), ValueError),
        (lambda T: T.RandomErasing(value=None), TypeError),
        (lambda T: T.LinearTransformation(array_for(T, np.ones((2, 3))), array_for(T, np.ones(2))), ValueError),
        (lambda T: T.LinearTransformation(array_for(T, np.eye(2)), array_for(T, np.ones(3))), ValueError),
        (lambda T: T.LinearTransformation(array_for(T, np.eye(2)), array_for(T, np.ones(2, np.float32))), TypeError),
        (lambda T: T.whitening_matrix(array_for(T, np.ones((4, 2), np.int32))), TypeError),
        (lambda T: T.whitening_matrix(array_for(T, np.ones((1, 2)))), ValueError),
        (lambda T: T.whitening_matrix(array_for(T, np.ones((4, 2))), eps=-1), ValueError),
        (lambda T: T.whitening_matrix(array_for(T, np.ones((4, 2))), eps=0), ValueError),
    ],
)
def test_bad_arguments_are_refused_when_the_transform_is_made(side, make, error):
    with pytest.raises(error, match=r"^\w+: "):
        make(side)


@both_sides
def test_resizing_without_antialiasing_is_answered_by_a_warning(side):
    with pytest.warns(UserWarning, match="antialias=False is ignored"):
        assert side.Resize(3, antialias=False)(IMAGE).size == (4, 3)


@both_sides
def test_what_is_given_is_not_changed_unless_asked(side):
    for inplace in (False, True):
        given = array_for(side, np.ones((1, 8, 8), np.float32))
        out = side.Normalize([0.5], [0.25], inplace=inplace)(given)
        assert bool((given == 2).all()) is inplace
        assert bool((out == 2).all())
        given = array_for(side, np.ones((1, 8, 8), np.float32))
        out = side.RandomErasing(p=1, inplace=inplace)(given)
        assert bool((given == 0).any()) is inplace
        assert bool((out == 0).any())


@both_sides
def test_gray_pictures_get_three_channels(side):
    array = array_for(side, np.arange(6, dtype=np.float32).reshape(1, 2, 3))
    out = as_numpy(side.Grayscale(3)(array))
    np.testing.assert_array_equal(out, np.repeat(as_numpy(array), 3, axis=0), strict=True)
    assert side.Grayscale(3)(GRAY).getbands() == ("R", "G", "B")


@both_sides
def test_padding_keeps_the_mode_of_the_image(side):
    for mode in ("YCbCr", "CMYK", "HSV", "LA"):
        image = IMAGE.convert(mode)
        padded = side.Pad(2, padding_mode="edge")(image)
        assert padded.mode == mode
        assert padded.getpixel((0, 0)) == image.getpixel((0, 0))


@both_sides
def test_whitened_pixels_are_uncorrelated_with_variance_one(side):
    mixed = torch_random.Generator(0).rand(500, 12, dtype="float64") @ torch_random.Generator(1).rand(
        12, 12, dtype="float64"
    )
    X = array_for(side, mixed.reshape(500, 3, 2, 2))
    matrix, mean = side.whitening_matrix(X, eps=0.0)
    white = as_numpy(side.LinearTransformation(matrix, mean)(X))
    assert white.shape == (500, 3, 2, 2)
    np.testing.assert_allclose(np.cov(white.reshape(500, 12).T), np.eye(12), rtol=0, atol=WHITE)
    np.testing.assert_allclose(as_numpy(matrix), as_numpy(matrix).T, rtol=0, atol=WHITE)


@both_sides
def test_pixels_that_never_vary_do_no_harm(side):
    X = np.zeros((6, 4), np.float32)
    X[:, 1] = np.arange(6)
    matrix, mean = side.whitening_matrix(array_for(side, X))
    assert as_numpy(matrix).dtype == as_numpy(mean).dtype == np.float32
    assert np.isfinite(as_numpy(matrix)).all()


def test_both_sides_whiten_alike(torchvision_transforms):
    X = torch_random.Generator(3).rand(50, 3, 4, 5)
    ours, theirs = transforms.whitening_matrix(X), torch_ref.transforms.whitening_matrix(torch.from_numpy(X))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b.numpy(), rtol=FLOAT32_ROUNDING, atol=FLOAT32_ROUNDING)
    matrix, mean = ours
    expected = torchvision_transforms.LinearTransformation(torch.from_numpy(matrix), torch.from_numpy(mean))(
        torch.from_numpy(X)
    )
    twin = torch_ref.transforms.LinearTransformation(torch.from_numpy(matrix), torch.from_numpy(mean))(
        torch.from_numpy(X)
    )
    np.testing.assert_array_equal(twin.numpy(), expected.numpy())
    mine = transforms.LinearTransformation(matrix, mean)(X)
    flat = X.reshape(50, -1) - mean
    bound = flat.shape[1] * FLOAT32_ROUNDING * (np.abs(flat) @ np.abs(matrix))
    assert (np.abs(mine - expected.numpy()).reshape(50, -1) <= bound).all()
    assert (np.abs(mine + 1e-3 - expected.numpy()).reshape(50, -1) > bound).any()


def test_linear_transformation_of_small_integers_is_exact(torchvision_transforms):
    matrix, mean = np.arange(144, dtype=np.float32).reshape(12, 12), np.arange(12, dtype=np.float32)
    for dtype in (np.float32, np.uint8):
        X = np.arange(24).reshape(2, 3, 2, 2).astype(dtype)
        ours = transforms.LinearTransformation(matrix, mean)
        twin = torch_ref.transforms.LinearTransformation(torch.from_numpy(matrix), torch.from_numpy(mean))
        theirs = torchvision_transforms.LinearTransformation(torch.from_numpy(matrix), torch.from_numpy(mean))
        assert repr(ours) == repr(twin) == repr(theirs)
        expected = theirs(torch.from_numpy(X)).numpy()
        np.testing.assert_array_equal(ours(X), expected, strict=True)
        np.testing.assert_array_equal(twin(torch.from_numpy(X)).numpy(), expected, strict=True)


def test_the_layout_of_an_array_is_told_or_asked_for():
    square = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)
    with pytest.raises(ValueError, match="either CHW or HWC"):
        transforms.ToPILImage()(square)
    rows = np.asarray(transforms.ToPILImage(layout="HWC")(square))
    planes = np.asarray(transforms.ToPILImage(layout="CHW")(square))
    np.testing.assert_array_equal(rows, square)
    np.testing.assert_array_equal(planes, square.transpose(1, 2, 0))
    np.testing.assert_array_equal(np.asarray(transforms.ToPILImage()(jnp.asarray(square))), planes)
    assert repr(transforms.ToPILImage("RGB", "HWC")) == "ToPILImage(mode=RGB, layout=HWC)"
    with pytest.raises(ValueError, match="layout must be"):
        transforms.ToPILImage(layout="NCHW")  # pyright: ignore[reportArgumentType]


def test_other_arrays_become_numpys():
    class Held:
        def __array__(self, dtype=None, copy=None):
            return np.arange(12, dtype=np.float32).reshape(1, 3, 4)

    out = transforms.CenterCrop(2)(Held())
    np.testing.assert_array_equal(out, [[[1, 2], [5, 6]]])
    assert isinstance(out, np.ndarray)
    assert repr(transforms.ConvertImageDtype(jnp.float32)) == "ConvertImageDtype(dtype=float32)"


@both_sides
def test_zero_bits_leave_black(side):
    assert side.RandomPosterize(0, p=1)(IMAGE).getextrema() == ((0, 0),) * 3
    assert not as_numpy(side.RandomPosterize(0, p=1)(array_for(side, np.full((1, 2, 2), 255, np.uint8)))).any()


@both_sides
def test_a_window_without_antialiasing_is_answered_by_a_warning(side):
    with pytest.warns(UserWarning, match="RandomResizedCrop: .*antialias=False is ignored") as caught:
        side.RandomResizedCrop(30, antialias=False)(IMAGE)
    assert caught[0].filename == __file__


def test_numpys_arrays_need_no_device_of_jax():
    program = """
import numpy as np
from jaxtut import transforms as T
x = np.arange(300, dtype=np.uint8).reshape(3, 10, 10)
for t in (T.RandomResizedCrop(4), T.ColorJitter(1, 1, 1, 0.5), T.RandomAffine(9), T.GaussianBlur(3), T.RandomEqualize(1)):
    assert type(t(x)) is np.ndarray
    T.draw_batch(t, 2, x.shape)
"""
    # On a platform that there is not, JAX's first computation fails.
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, "JAX_PLATFORMS": "nowhere"})
