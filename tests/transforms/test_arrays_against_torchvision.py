"""What transforms do to arrays, beside what torchvision does to tensors: to rounding, and bytes within one grey level."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import torch_ref.transforms
from jaxtut import torch_random, transforms

pytestmark = pytest.mark.usefixtures("rounds_once")

REPEATS = 4
# Of the pixels that nearest neighbours give, this part may come from points half way between two.
HALF_WAY = 1e-3


def rounding(image, white):
    """How far sums and blends may be apart: the rounding of a point, which is at most as large as both sides, times the range."""
    return np.finfo(image.dtype).eps * sum(image.shape[-2:]) * white


def nearest(transform):
    return getattr(transform, "interpolation", None) is transforms.InterpolationMode.NEAREST


def assert_close(ours, theirs, exact, white=1.0):
    """Equal but for rounding: floats to that of points and sums, integers to one, nearest neighbours but for a few."""
    __tracebackhide__ = True
    theirs = theirs.numpy()
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    assert isinstance(ours, np.ndarray)
    apart = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
    bound = 1 if ours.dtype == np.uint8 else rounding(ours, white)
    if exact:
        assert (apart > 0).mean() <= HALF_WAY
    else:
        assert apart.max(initial=0) <= bound


def compare(make, images, seed, torchvision, seed_all, white=1.0):
    __tracebackhide__ = True
    ours, twin, theirs = make(transforms), make(torch_ref.transforms), make(torchvision)
    assert repr(ours) == repr(twin) == repr(theirs)
    for image in images:
        seed_all(seed)
        mine = [ours(image) for _ in range(REPEATS)]
        state = torch_random.default_generator.get_state()
        seed_all(seed)
        reference = [theirs(torch.from_numpy(image)) for _ in range(REPEATS)]
        np.testing.assert_array_equal(state, torch.default_generator.get_state().numpy())
        seed_all(seed)
        twins = [twin(torch.from_numpy(image)) for _ in range(REPEATS)]
        for a, b, c in zip(mine, twins, reference, strict=True):
            assert_close(a, c, nearest(ours), white)
            assert_close(b.numpy(), c, nearest(ours), white)


CASES = [
    lambda T: T.Resize(20),
    lambda T: T.Resize((77, 33)),
    lambda T: T.Resize(30, max_size=41),
    lambda T: T.Resize((60, 31), antialias=False),
    lambda T: T.Resize((25, 77), T.InterpolationMode.BICUBIC),
    lambda T: T.Resize((25, 77), T.InterpolationMode.BICUBIC, antialias=None),
    lambda T: T.Resize((25, 77), T.InterpolationMode.NEAREST),
    lambda T: T.Resize((25, 77), T.InterpolationMode.NEAREST_EXACT),
    lambda T: T.RandomResizedCrop(24),
    lambda T: T.RandomResizedCrop((80, 30), scale=(0.05, 0.3), ratio=(0.2, 5.0)),
    lambda T: T.RandomResizedCrop(24, (1, 1), (3, 4), T.InterpolationMode.BICUBIC),
    lambda T: T.RandomResizedCrop(24, interpolation=T.InterpolationMode.BICUBIC, antialias=False),
    lambda T: T.RandomResizedCrop(24, antialias=None),
    lambda T: T.RandomResizedCrop(24, interpolation=T.InterpolationMode.NEAREST),
    lambda T: T.RandomResizedCrop(24, interpolation=T.InterpolationMode.NEAREST_EXACT),
    lambda T: T.RandomRotation(40),
    lambda T: T.RandomRotation((-5, 80.5), T.InterpolationMode.BILINEAR, fill=(0.2, 1, 0)),
    lambda T: T.RandomRotation(50, T.InterpolationMode.BILINEAR, expand=True),
    lambda T: T.RandomRotation([10, 20], center=(0, 4.5), fill=1),
    lambda T: T.RandomRotation((90, 90), expand=True),
    lambda T: T.RandomAffine(30, translate=(0.1, 0.2), scale=(0.5, 2), shear=20),
    lambda T: T.RandomAffine(9, None, (0.5, 0.6), (-20, 10, 3, 30), T.InterpolationMode.BILINEAR, 1, (0, 3)),
    lambda T: T.RandomPerspective(p=0.8),
    lambda T: T.RandomPerspective(0.9, p=1.0, interpolation=T.InterpolationMode.NEAREST, fill=1),
    lambda T: T.ColorJitter(brightness=0.5),
    lambda T: T.ColorJitter(contrast=0.5),
    lambda T: T.ColorJitter(saturation=2),
    lambda T: T.ColorJitter(hue=0.5),
    lambda T: T.GaussianBlur(5),
    lambda T: T.GaussianBlur((3, 9), sigma=(0.5, 4.0)),
    lambda T: T.RandomAutocontrast(),
    lambda T: T.RandomAdjustSharpness(2, p=0.8),
    lambda T: T.RandomAdjustSharpness(0, p=1),
]


@pytest.mark.parametrize("make", CASES)
def test_floats_and_bytes(make, torchvision_transforms, tensors, seed_all):
    compare(make, [*tensors, tensors[0].astype(np.float64)], 1, torchvision_transforms, seed_all)


@pytest.mark.parametrize("make", [CASES[0], CASES[8], CASES[17], CASES[22], CASES[25], CASES[29]])
def test_one_channel_and_batches_that_share_their_numbers(make, torchvision_transforms, tensors, seed_all):
    gray, several = tensors[0][:1].copy(), np.stack([tensors[1], tensors[1][:, ::-1]])
    compare(make, [gray, several], 2, torchvision_transforms, seed_all)


def test_four_changes_of_colour_on_floats(torchvision_transforms, tensors, seed_all):
    compare(lambda T: T.ColorJitter(0.4, (0, 2), 0.6, 0.2), tensors[:1], 3, torchvision_transforms, seed_all, white=4)


def test_the_comparison_sees_what_is_wrong(tensors):
    theirs = torch.from_numpy(tensors[1])
    two_off, moved = np.where(tensors[1] > 1, tensors[1] - 2, 2).astype(np.uint8), np.roll(tensors[1], 1, -1)
    assert_close(tensors[1] ^ np.uint8(1), theirs, exact=False)
    for ours, exact in ((two_off, False), (moved, True), (tensors[1].astype(np.int16), False), (tensors[1][1:], False)):
        with pytest.raises(AssertionError):
            assert_close(ours, theirs, exact)
    with pytest.raises(AssertionError):
        assert_close(tensors[0] + np.float32(1e-4), torch.from_numpy(tensors[0]), exact=False)


sizes = st.integers(3, 30)


@st.composite
def pictures(draw):
    shape = draw(st.sampled_from([1, 3])), draw(sizes), draw(sizes)
    numbers = torch_random.Generator(draw(st.integers(0, 1000))).rand(*shape)
    dtype = draw(st.sampled_from(["uint8", "float32", "float64"]))
    return (numbers * 255).astype(dtype) if dtype == "uint8" else numbers.astype(dtype)


@settings(deadline=None, max_examples=60)
@given(
    image=pictures(),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    mode=st.sampled_from(["BILINEAR", "BICUBIC", "NEAREST", "NEAREST_EXACT"]),
    antialias=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_windows_of_any_size(image, size, mode, antialias, seed, torchvision_transforms, seed_all):
    if antialias and mode.startswith("BI") and size[1] == 1:
        size = (size[0], 2)  # where one column is left, PyTorch 2.13 repeats the first row

    def make(T):
        return T.RandomResizedCrop(size, (0.01, 1), (0.1, 10), T.InterpolationMode[mode], antialias)

    compare(make, [image], seed, torchvision_transforms, seed_all)


@settings(deadline=None, max_examples=60)
@given(
    image=pictures(),
    degrees=st.floats(0, 180),
    translate=st.none() | st.tuples(st.floats(0, 1), st.floats(0, 1)),
    scale=st.none() | st.just((0.5, 3.0)),
    shear=st.none() | st.floats(0, 60) | st.just((-30, 30, -45, 10)),
    center=st.none() | st.tuples(st.integers(-5, 40), st.integers(-5, 40)),
    seed=st.integers(0, 10**6),
)
def test_affine_maps_of_any_kind(
    image, degrees, translate, scale, shear, center, seed, torchvision_transforms, seed_all
):
    def make(T):
        return T.RandomAffine(degrees, translate, scale, shear, T.InterpolationMode.BILINEAR, 0, center)

    # Shears stretch the points by up to √5, half a scale doubles them, and the centre may lie as far away as they do.
    compare(make, [image], seed, torchvision_transforms, seed_all, white=16)


@settings(deadline=None, max_examples=60)
@given(
    image=pictures(),
    name=st.sampled_from(["RandomInvert", "RandomAutocontrast", "RandomEqualize", "RandomGrayscale", "GaussianBlur"]),
    option=st.integers(0, 3),
    seed=st.integers(0, 10**6),
)
def test_tones_of_pictures_of_any_size(image, name, option, seed, torchvision_transforms, seed_all):
    if name == "RandomEqualize" and image.dtype != np.uint8:
        return
    largest = 2 * min(image.shape[-2:]) - 1
    argument = min(2 * option + 1, largest) if name == "GaussianBlur" else option / 3
    compare(lambda T: getattr(T, name)(argument), [image], seed, torchvision_transforms, seed_all)


@pytest.mark.parametrize("image", [np.zeros((1, 4, 4), np.uint8), np.full((3, 20, 20), 7, np.uint8)])
def test_constant_pictures_have_no_contrast_to_stretch(image, torchvision_transforms, seed_all):
    for name in ("RandomAutocontrast", "RandomEqualize"):
        compare(lambda T, name=name: getattr(T, name)(1.0), [image], 0, torchvision_transforms, seed_all)
    compare(lambda T: T.ColorJitter(0.5, 0, 0, 0.5), [image], 0, torchvision_transforms, seed_all)


def test_windows_are_pillows_to_its_own_rounding(photographs):
    # A third witness: Pillow resamples bytes in fixed point, and rounds after each axis.
    resize = transforms.Resize((100, 90))
    for image in photographs:
        array = np.asarray(image).transpose(2, 0, 1)
        ours, pillows = resize(array), np.asarray(resize(image)).transpose(2, 0, 1)
        assert np.abs(ours.astype(int) - pillows).max() <= 1


def test_a_quarter_turn_is_exact(tensors):
    turned = transforms.RandomRotation((90, 90), expand=True)(tensors[1])
    np.testing.assert_array_equal(turned, np.rot90(tensors[1], 1, (-2, -1)))
    moved = transforms.RandomAffine((90, 90))(tensors[1][:, :40, :40])
    np.testing.assert_array_equal(moved, np.rot90(tensors[1][:, :40, :40], -1, (-2, -1)))


def test_a_gaussian_blur_of_one_pixel_is_the_kernel():
    image = np.zeros((1, 9, 9))
    image[0, 4, 4] = 1
    weights = np.exp(-(np.arange(-2, 3) ** 2) / (2 * 1.5**2))
    weights /= weights.sum()
    np.testing.assert_allclose(
        transforms.GaussianBlur(5, 1.5)(image)[0, 2:7, 2:7], np.outer(weights, weights), rtol=rounding(image, 1)
    )


def test_pillow_and_arrays_turn_the_hue_alike():
    image = Image.new("RGB", (4, 4), (200, 30, 30))
    third = transforms.ColorJitter(hue=(1 / 3, 1 / 3))
    green = np.asarray(third(image))[0, 0], third(transforms.PILToTensor()(image))[:, 0, 0]
    np.testing.assert_allclose(*np.array(green, int), atol=2)  # Pillow's circle has 255 steps
    assert green[1].tolist() == [30, 200, 30]


def test_one_column_has_rows_of_its_own():
    """Where PyTorch 2.13 repeats the first one."""
    image = np.array([[[33.0, 78.0, 161.0], [124.0, 228.0, 116.0]]], np.float32)
    column = transforms.Resize((3, 1))(image)
    rows = transforms.Resize((3, 3))(transforms.Resize((2, 1))(image).repeat(3, -1))[..., :1]
    np.testing.assert_allclose(column, rows, rtol=1e-6)
    assert len(np.unique(column)) == 3
