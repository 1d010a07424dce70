"""The batches of jaxtut's loader, samplers and splits against those of torch.utils.data, pass after pass."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import torch_ref.data
from jaxtut import data, torch_random

EPOCHS = 3

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 70)


def arrays(n):
    return np.arange(2 * n, dtype=np.float32).reshape(n, 2), np.arange(n)


def assert_same_batches(ours, theirs):
    __tracebackhide__ = True
    ours, theirs = list(ours), list(theirs)
    assert len(ours) == len(theirs)
    for mine, reference in zip(ours, theirs, strict=True):
        assert type(mine) is type(reference) is list
        for a, b in zip(mine, reference, strict=True):
            assert isinstance(a, np.ndarray)
            assert a.dtype == b.numpy().dtype
            np.testing.assert_array_equal(a, b.numpy(), strict=True)


def assert_same_state(ours, theirs):
    __tracebackhide__ = True
    np.testing.assert_array_equal(ours.get_state(), theirs.get_state().numpy())


@settings(deadline=None, max_examples=150)
@given(n=sizes, batch_size=st.integers(1, 80), shuffle=st.booleans(), drop_last=st.booleans(), seed=seeds)
def test_loader_gives_the_batches_of_pytorch(n, batch_size, shuffle, drop_last, seed):
    ours, theirs = torch_random.Generator(seed), torch.Generator().manual_seed(seed)
    options = {"batch_size": batch_size, "shuffle": shuffle, "drop_last": drop_last}
    mine = data.DataLoader(data.ArrayDataset(*arrays(n)), generator=ours, **options)
    reference = torch.utils.data.DataLoader(torch_ref.data.ArrayDataset(*arrays(n)), generator=theirs, **options)
    assert len(mine) == len(reference)
    for _ in range(EPOCHS):
        assert_same_batches(mine, reference)
        assert_same_state(ours, theirs)


@settings(deadline=None, max_examples=50)
@given(n=sizes, batch_size=st.integers(1, 80), drop_last=st.booleans(), seed=seeds)
def test_loader_without_generator_follows_the_global_one(n, batch_size, drop_last, seed):
    options = {"batch_size": batch_size, "shuffle": True, "drop_last": drop_last}
    mine = data.DataLoader(data.ArrayDataset(*arrays(n)), **options)
    reference = torch.utils.data.DataLoader(torch_ref.data.ArrayDataset(*arrays(n)), **options)
    torch_random.manual_seed(seed)
    torch.manual_seed(seed)
    for _ in range(EPOCHS):
        assert_same_batches(mine, reference)
        assert_same_state(torch_random.default_generator, torch.default_generator)


def test_the_default_generator_is_looked_up_when_it_is_used(monkeypatch):
    loader = data.DataLoader(data.ArrayDataset(np.arange(50)), batch_size=50, shuffle=True)
    monkeypatch.setattr(torch_random, "default_generator", torch_random.Generator(1))
    (first,) = next(iter(loader))
    monkeypatch.setattr(torch_random, "default_generator", torch_random.Generator(1))
    (again,) = next(iter(loader))
    monkeypatch.setattr(torch_random, "default_generator", torch_random.Generator(2))
    (other,) = next(iter(loader))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("taken", [0, 1, 2])
def test_a_pass_that_is_broken_off_leaves_the_generator_as_pytorch_does(taken):
    ours, theirs = torch_random.Generator(3), torch.Generator().manual_seed(3)
    mine = data.DataLoader(data.ArrayDataset(*arrays(6)), batch_size=3, shuffle=True, generator=ours)
    reference = torch.utils.data.DataLoader(
        torch_ref.data.ArrayDataset(*arrays(6)), batch_size=3, shuffle=True, generator=theirs
    )
    for loader in (mine, reference):
        batches = iter(loader)
        for _ in range(taken):
            next(batches)
    assert_same_state(ours, theirs)


def test_draws_inside_the_data_set_fall_between_the_same_draws_of_the_loader():
    class Noisy(data.Dataset):
        def __len__(self):
            return 7

        def __getitem__(self, index):
            return index, torch_random.default_generator.rand(1)

    class NoisyTensors(torch.utils.data.Dataset):
        def __len__(self):
            return 7

        def __getitem__(self, index):
            return index, torch.rand(1)

    torch_random.manual_seed(5)
    torch.manual_seed(5)
    for _ in range(EPOCHS):
        options = {"batch_size": 3, "shuffle": True}
        assert_same_batches(data.DataLoader(Noisy(), **options), torch.utils.data.DataLoader(NoisyTensors(), **options))


@settings(deadline=None)
@given(n=sizes, num_samples=st.none() | st.integers(1, 150), replacement=st.booleans(), seed=seeds)
def test_random_sampler(n, num_samples, replacement, seed):
    ours, theirs = torch_random.Generator(seed), torch.Generator().manual_seed(seed)
    mine = data.RandomSampler(range(n), replacement, num_samples, generator=ours)
    reference = torch_ref.data.RandomSampler(range(n), replacement, num_samples, generator=theirs)
    assert len(mine) == len(reference)
    for _ in range(EPOCHS):
        assert list(mine) == list(reference)
        assert_same_state(ours, theirs)


@settings(deadline=None)
@given(n=st.integers(0, 20), batch_size=st.integers(1, 9), drop_last=st.booleans())
def test_batch_sampler(n, batch_size, drop_last):
    mine = data.BatchSampler(data.SequentialSampler(range(n)), batch_size, drop_last)
    reference = torch_ref.data.BatchSampler(torch_ref.data.SequentialSampler(range(n)), batch_size, drop_last)
    assert list(mine) == list(reference)
    assert len(mine) == len(reference)


# PyTorch warns of a part without samples.
@pytest.mark.filterwarnings("ignore:Length of split")
@settings(deadline=None)
@given(parts=st.lists(st.integers(1, 20), min_size=1, max_size=5), as_fractions=st.booleans(), seed=seeds)
def test_random_split(parts, as_fractions, seed):
    n = sum(parts)
    lengths = [part / n for part in parts] if as_fractions else parts
    if as_fractions and sum(lengths) > 1:
        lengths = [length * (1 - 1e-12) for length in lengths]
    mine = data.random_split(range(n), lengths, generator=torch_random.Generator(seed))
    reference = torch_ref.data.random_split(
        torch_ref.data.ArrayDataset(range(n)), lengths, generator=torch.Generator().manual_seed(seed)
    )
    assert [part.indices for part in mine] == [part.indices for part in reference]
    assert sorted(part[i] for part in mine for i in range(len(part))) == list(range(n))


@settings(deadline=None)
@given(n=st.integers(11, 60), fraction=st.floats(0.05, 0.9), seed=seeds)
def test_train_test_split_is_the_same_on_both_sides_and_loses_nothing(n, fraction, seed):
    X, y = arrays(n)
    mine = data.train_test_split(X, y, fraction, torch_random.Generator(seed))
    reference = torch_ref.data.train_test_split(X, y, fraction, torch.Generator().manual_seed(seed))
    for a, b in zip(mine, reference, strict=True):
        np.testing.assert_array_equal(a, b, strict=True)
    assert sorted(np.concatenate([mine[2], mine[3]])) == list(range(n))
    np.testing.assert_array_equal(mine[0][:, 0], 2 * mine[2])


@settings(deadline=None)
@given(indices=st.lists(st.integers(0, 50), max_size=40), seed=seeds)
def test_subset_random_sampler(indices, seed):
    ours, theirs = torch_random.Generator(seed), torch.Generator().manual_seed(seed)
    mine = data.SubsetRandomSampler(indices, ours)
    reference = torch_ref.data.SubsetRandomSampler(indices, theirs)
    assert len(mine) == len(reference)
    for _ in range(EPOCHS):
        assert list(mine) == list(reference)
        assert_same_state(ours, theirs)


@settings(deadline=None)
@given(
    weights=st.lists(st.floats(0, 10), min_size=1, max_size=40).filter(any),
    n=st.integers(1, 80),
    replacement=st.booleans(),
    seed=seeds,
)
def test_weighted_random_sampler(weights, n, replacement, seed):
    n = n if replacement else min(n, int(np.count_nonzero(weights)))
    ours, theirs = torch_random.Generator(seed), torch.Generator().manual_seed(seed)
    mine = data.WeightedRandomSampler(weights, n, replacement, generator=ours)
    reference = torch_ref.data.WeightedRandomSampler(weights, n, replacement, generator=theirs)
    for _ in range(EPOCHS):
        assert list(mine) == list(reference)
        assert_same_state(ours, theirs)


def test_an_empty_data_set_has_no_batch():
    empty = np.ones((0, 3))
    assert list(data.DataLoader(data.ArrayDataset(empty))) == []
    assert list(torch_ref.data.DataLoader(torch_ref.data.ArrayDataset(empty))) == []
