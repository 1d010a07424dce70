"""The batched form: n drawn sets of parameters and one compiled function do what n calls on the host do."""

import random
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxtut import torch_random, transforms
from jaxtut.transforms import InterpolationMode as Mode

N = 5
# Of the pixels that nearest neighbours give, this part may come from points half way between two.
HALF_WAY = 1e-3

augment = jax.jit(transforms.apply_batch, static_argnums=0)


def batch(tensors, dtype):
    """Five different pictures of one shape."""
    image = tensors[0] if dtype == "float32" else (tensors[0] * 255).astype(np.uint8)
    return np.stack([np.roll(image, i, -1) for i in range(N)])


def on_the_host(transform, images, seed_all):
    seed_all(3)
    outs = [transform(image) for image in images]
    return outs, torch_random.default_generator.get_state(), random.random()


def assert_batch_is_calls(transform, images, seed_all, levels=1, white=1.0):
    """Compare bytes to some grey levels, and floats to the rounding of points, which are as large as both sides."""
    __tracebackhide__ = True
    calls, state, choice = on_the_host(transform, images, seed_all)
    seed_all(3)
    params = transforms.draw_batch(transform, len(images), images.shape[1:])
    np.testing.assert_array_equal(torch_random.default_generator.get_state(), state)
    assert random.random() == choice
    shape = transform.output_shape(images.shape[1:])
    out = augment(transform, jnp.asarray(images), params)
    for i, call in enumerate(calls):
        one = jax.tree.map(lambda x, i=i: x[i], params)
        for a, b, c in zip(
            *(jax.tree.leaves(x) for x in (jax.tree.map(lambda x, i=i: np.asarray(x[i]), out), call)),
            jax.tree.leaves(transform.apply(images[i], one)),
            strict=True,
        ):
            np.testing.assert_array_equal(c, b, strict=True)  # the host's arrays are the same code
            assert a.dtype == b.dtype
            assert a.shape == b.shape == (shape if isinstance(shape[0], int) else shape[0])
            apart = np.abs(a.astype(np.float64) - b.astype(np.float64))
            bound = levels if a.dtype == np.uint8 else np.finfo(a.dtype).eps * sum(images.shape[-2:]) * white
            if getattr(transform, "interpolation", None) is Mode.NEAREST:
                assert (apart > 0).mean() <= HALF_WAY
            else:
                assert apart.max() <= bound


ON_BOTH = [
    transforms.CenterCrop((70, 20)),
    transforms.RandomCrop((50, 30), padding=3, pad_if_needed=True, padding_mode="reflect"),
    transforms.Pad((-1, 2, 3, 4), padding_mode="symmetric"),
    transforms.Grayscale(3),
    transforms.RandomGrayscale(0.5),
    transforms.RandomHorizontalFlip(),
    transforms.RandomVerticalFlip(),
    transforms.Resize(20),
    transforms.Resize((50, 31), Mode.BICUBIC, antialias=False),
    transforms.RandomResizedCrop(24),
    transforms.RandomResizedCrop(24, interpolation=Mode.NEAREST),
    transforms.RandomRotation(40, fill=1),
    transforms.RandomRotation((30, 30), Mode.BILINEAR, expand=True),
    transforms.RandomAffine(9, shear=(-9, 9, 0, 5), interpolation=Mode.BILINEAR),
    transforms.RandomPerspective(0.3, p=0.7),
    transforms.ColorJitter(contrast=0.5),
    transforms.ColorJitter(hue=0.3),
    transforms.GaussianBlur((3, 9), (0.5, 4)),
    transforms.RandomInvert(),
    transforms.RandomSolarize(0.5),
    transforms.RandomAutocontrast(),
    transforms.RandomAdjustSharpness(2),
    transforms.RandomErasing(0.7, value="random"),
    transforms.TenCrop((9, 20)),
    transforms.Lambda(lambda x: x[:, ::2]),
    transforms.Compose([transforms.FiveCrop(20), lambda crops: crops[4]]),
    transforms.RandomApply([transforms.GaussianBlur(3), transforms.RandomErasing(1), lambda x: x]),
    transforms.RandomChoice([transforms.RandomCrop(20), transforms.RandomResizedCrop(20), transforms.CenterCrop(20)]),
    transforms.RandomOrder([transforms.RandomInvert(), transforms.RandomGrayscale(0.5), transforms.RandomErasing()]),
]
VARIANTS = [
    transforms.RandomCrop((40, 60)),
    transforms.Pad((1, 2), fill=1),
    transforms.Rescale((90, 50)),
    transforms.RandomResizedCrop((80, 30), (0.05, 0.3), (0.2, 5), Mode.BICUBIC),
    transforms.RandomResizedCrop(24, antialias=False),
    transforms.RandomResizedCrop(24, interpolation=Mode.BICUBIC, antialias=False),
    transforms.RandomResizedCrop(24, interpolation=Mode.NEAREST_EXACT),
    transforms.RandomRotation(40, Mode.BILINEAR, center=(3, 4), fill=(0, 1, 0)),
    transforms.RandomAffine(30, (0.1, 0.2), (0.8, 1.2), 20),
    transforms.ColorJitter(brightness=0.5),
    transforms.ColorJitter(saturation=0.5),
    transforms.RandomErasing(1.0, value=(1, 0, 1)),
    transforms.FiveCrop(20),
    transforms.Compose([]),
    transforms.RandomChoice([transforms.RandomInvert(), transforms.RandomRotation(9)], p=[2, 1]),
]
ON_BYTES = [transforms.RandomPosterize(2), transforms.RandomEqualize(), transforms.RandomSolarize(128)]


def amplified(transform):
    """The points of a projective map are quotients, whose rounding grows where the denominator is small."""
    return 8 if isinstance(transform, transforms.RandomPerspective) else 1


def named(transform) -> str:
    """The transform as it prints, without line ends and addresses."""
    return re.sub(r" at 0x\w+|\s*\n\s*", " ", repr(transform)).strip()


@pytest.mark.parametrize("transform", ON_BOTH[::2], ids=named)
def test_batches_of_floats(transform, tensors, seed_all):
    assert_batch_is_calls(transform, batch(tensors, "float32"), seed_all, white=amplified(transform))


@pytest.mark.parametrize("transform", ON_BOTH[1::2] + ON_BYTES, ids=named)
def test_batches_of_bytes(transform, tensors, seed_all):
    assert_batch_is_calls(transform, batch(tensors, "uint8"), seed_all)


@pytest.mark.long  # a second of compilation each
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize("transform", ON_BOTH + VARIANTS, ids=named)
def test_batches_of_both_dtypes(transform, dtype, tensors, seed_all):
    assert_batch_is_calls(transform, batch(tensors, dtype), seed_all, white=amplified(transform))


def test_a_whole_pipeline(tensors, seed_all):
    jitter = transforms.RandomApply([transforms.ColorJitter(0.4, 0.4, 0.2, 0.1)], p=0.8)
    steps = [transforms.RandomResizedCrop(24), transforms.RandomHorizontalFlip(), jitter]
    to_floats = [transforms.ConvertImageDtype("float32"), transforms.Normalize([0.5, 0.4, 0.3], [0.25] * 3)]
    assert_batch_is_calls(transforms.Compose([*steps, *to_floats]), batch(tensors, "float32"), seed_all, white=4)


def test_four_changes_of_colour_on_bytes(tensors, seed_all):
    # A grey level that rounding moves is multiplied by the factors that follow, up to three of 1.4.
    jitter = transforms.ColorJitter(0.4, 0.4, 0.4, 0.1)
    assert_batch_is_calls(jitter, batch(tensors, "uint8"), seed_all, levels=1 + 1.4 + 1.4**2 + 1.4**3)


@pytest.mark.parametrize(
    "transform",
    [
        transforms.RandomApply([transforms.RandomInvert(1.0)]),
        transforms.RandomOrder([transforms.RandomVerticalFlip(), transforms.RandomErasing()]),
        transforms.RandomChoice([transforms.RandomHorizontalFlip(), transforms.Grayscale(3)]),
    ],
    ids=named,
)
def test_one_image_is_decided_on_the_device_too(transform, tensors, seed_all):
    traced, image = [], tensors[0]
    apply = jax.jit(lambda x, params: traced.append(x.shape) or transform.apply(x, params))
    seed_all(0)
    for _ in range(6):
        params = transform.draw(image.shape)
        np.testing.assert_allclose(
            apply(image, params), transform.apply(image, params), atol=np.finfo(np.float32).eps, rtol=0
        )
    assert len(traced) == 1


def test_bytes_are_cut_off_before_they_are_summed(tensors):
    # XLA's compiler for CPUs may leave out the conversion to bytes and back, and then the mean brightness is half a level higher.
    images, jitter = batch(tensors, "uint8"), transforms.ColorJitter(contrast=(0.3, 0.3))
    params = transforms.draw_batch(jitter, N, images.shape[1:])
    calls = np.stack([jitter(image) for image in images])
    assert (np.asarray(augment(jitter, images, params)) != calls).mean() <= HALF_WAY


def test_whitening(tensors, seed_all):
    images = batch(tensors, "float32")[:, :, :4, :5]
    matrix, mean = transforms.whitening_matrix(images)
    # The matrix has numbers up to 1/√eps, and sums 60 products.
    assert_batch_is_calls(transforms.LinearTransformation(matrix, mean), images, seed_all, white=60 / np.sqrt(1e-5))


def test_the_comparison_sees_other_parameters(tensors, seed_all, monkeypatch):
    draw = transforms.RandomErasing.draw
    calls = iter(range(100))

    def off_by_one(self, shape):
        drawn = draw(self, shape)
        return drawn._replace(window=drawn.window + (next(calls) == 7))

    monkeypatch.setattr(transforms.RandomErasing, "draw", off_by_one)
    with pytest.raises(AssertionError):
        assert_batch_is_calls(transforms.RandomErasing(1.0), batch(tensors, "float32"), seed_all)


def test_one_compilation_a_shape(tensors):
    traced = []
    pipeline = transforms.Compose([
        transforms.RandomResizedCrop(16),
        transforms.RandomApply([transforms.RandomInvert()], p=0.5),
        transforms.RandomChoice([transforms.RandomVerticalFlip(), transforms.RandomErasing(0.5)]),
    ])  # fmt: skip
    step = jax.jit(
        lambda images, params: traced.append(images.shape) or transforms.apply_batch(pipeline, images, params)
    )
    images = batch(tensors, "float32")
    for _ in range(6):
        step(images, transforms.draw_batch(pipeline, N, images.shape[1:]))
    assert len(traced) == 1
    step(images[:, :, :20], transforms.draw_batch(pipeline, N, images[:, :, :20].shape[1:]))
    assert len(traced) == 2


def test_parameters_have_one_structure(tensors):
    image = tensors[0]
    for transform in (*ON_BOTH, *VARIANTS, *ON_BYTES):
        kinds = {str(jax.tree.map(lambda x: (x.shape, x.dtype), transform.draw(image.shape))) for _ in range(12)}
        assert len(kinds) == 1, transform
        assert all(isinstance(x, np.ndarray | np.generic) for x in jax.tree.leaves(transform.draw(image.shape)))


def test_nothing_is_drawn_for_what_is_not_applied():
    never, once = transforms.RandomApply([transforms.RandomErasing(1.0)], p=0.0), torch_random.Generator(5)
    torch_random.manual_seed(5)
    never.draw((3, 8, 8))
    once.rand(1)
    np.testing.assert_array_equal(torch_random.default_generator.get_state(), once.get_state())


def test_arrays_stay_where_they_are(tensors):
    for transform in (transforms.RandomCrop(9), transforms.RandomVerticalFlip(), transforms.Normalize([0.5], [0.5])):
        torch_random.manual_seed(1)
        numpys = transform(tensors[0])
        torch_random.manual_seed(1)
        jaxs = transform(jnp.asarray(tensors[0]))
        assert isinstance(numpys, np.ndarray)
        assert isinstance(jaxs, jax.Array)
        np.testing.assert_allclose(jaxs, numpys, rtol=0, atol=np.finfo(np.float32).eps)


def test_gradients_flow_through_the_pixels(tensors):
    images = batch(tensors, "float32")
    pipeline = transforms.Compose([
        transforms.RandomResizedCrop(16),
        transforms.ColorJitter(brightness=(0.5, 0.9)),
        transforms.RandomHorizontalFlip(),
    ])  # fmt: skip
    params = transforms.draw_batch(pipeline, N, images.shape[1:])

    def total(x):
        return jnp.sum(transforms.apply_batch(pipeline, x, params))

    # The weights of each pixel of the result sum to one, so the gradients sum to the factor a pixel.
    gradient = jax.jit(jax.grad(total))(jnp.asarray(images))
    np.testing.assert_allclose(
        jnp.sum(gradient, (1, 2, 3)), 3 * 16 * 16 * params[1].factors[:, 0], rtol=sum(images.shape[-2:]) * 1e-7
    )


class Doubled(transforms.Transform):
    """A transform of someone else's, random, for arrays and PIL images alike."""

    def draw(self, shape):
        return torch_random.default_generator.rand(1)[0]

    def apply(self, image, params):
        return image * (1 + params)

    def pillow(self, image, params):
        return image.point(lambda x: x * (1 + float(params)))


def test_transforms_of_ones_own_compose(tensors, small, seed_all):
    pipeline = transforms.Compose(
        [transforms.RandomCrop(20), Doubled(), transforms.RandomOrder([Doubled(), Doubled()])]
    )
    assert_batch_is_calls(pipeline, batch(tensors, "float32"), seed_all, white=8)
    assert pipeline(small[0]).size == (20, 20)


class Nothing(transforms.Transform):
    """A transform that forgets to say what it does."""


@pytest.mark.parametrize(
    ("transform", "error", "message"),
    [
        (transforms.RandomRotation(9, expand=True), ValueError, r"expand=True.*\[-9.0, 9.0\]"),
        (transforms.RandomChoice([transforms.CenterCrop(2), transforms.CenterCrop(3)]), ValueError, r"\(3, 2, 2\) or \(3, 3, 3\)"),
        (transforms.RandomOrder([transforms.CenterCrop(2), transforms.Pad(2)]), ValueError, "RandomOrder: in a batch"),
        (transforms.RandomApply([transforms.CenterCrop(2)]), ValueError, "RandomApply: in a batch all images have one shape"),
        (transforms.RandomApply([transforms.ConvertImageDtype("uint8")]), ValueError, "different shapes or dtypes.*uint8"),
        (transforms.RandomCrop(9), ValueError, r"\(9, 9\) is larger than the picture \(8, 8\)"),
        (transforms.FiveCrop(9), ValueError, r"FiveCrop: a piece \(9, 9\) is larger"),
        (transforms.ToTensor(), TypeError, "ToTensor: the images of a batch are arrays .* already"),
        (Nothing(), NotImplementedError, "Nothing does not say"),
        (transforms.Normalize([0.5] * 2, [1]), ValueError, "2 values of mean"),
        (transforms.RandomPosterize(3), TypeError, "uint8, but float32"),
        (transforms.RandomRotation(3, Mode.BICUBIC), ValueError, "nearest or bilinear, but bicubic"),
        (transforms.GaussianBlur(17), ValueError, r"\(17, 17\)"),
    ],
)  # fmt: skip
def test_what_no_batch_can_be_is_refused(transform, error, message):
    images = np.ones((2, 3, 8, 8), np.float32)
    with pytest.raises(error, match=message):
        augment(transform, images, transforms.draw_batch(transform, 2, (3, 8, 8)))


def test_wrong_batches_are_refused():
    flip = transforms.RandomHorizontalFlip()
    for n, shape in ((0, (3, 8, 8)), (2, (8, 8)), (2, (3, 0, 8))):
        with pytest.raises(ValueError, match="draw_batch: n and"):
            transforms.draw_batch(flip, n, shape)
    with pytest.raises(TypeError, match="must be a Transform"):
        transforms.draw_batch(abs, 2, (3, 8, 8))
    with pytest.raises(ValueError, match=r"batch, channels, height, width.*\(3, 8, 8\)"):
        transforms.apply_batch(flip, np.ones((3, 8, 8)), transforms.draw_batch(flip, 3, (3, 8, 8)))
    with pytest.raises(TypeError, match="cannot be written into"):
        transforms.Normalize([0.5], [0.5], inplace=True)(jnp.ones((3, 8, 8)))
