"""Which samples come next: in order, at random, and in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from jaxtut import torch_random

from .checks import boolean, generator_or_default, generator_or_none, positive_int

# Drawing with replacement, PyTorch asks its generator for this many indices at a time.
_DRAWN_AT_ONCE = 32


class SequentialSampler:
    """The indices 0, 1, ..., n - 1.

    Args:
        data_source: anything that has a length n.

    Example:
        >>> list(SequentialSampler("abc"))
        [0, 1, 2]

    PyTorch's counterpart: `torch.utils.data.SequentialSampler`.
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler:
    """The indices in a random order, which is PyTorch's for the same seed.

    Args:
        data_source: anything that has a length n.
        replacement: draw every index anew, so that one may come twice.
        num_samples: how many indices; None: n. Without replacement one permutation after the other is used up.
        generator: where the numbers come from. None: at the start of each pass a new generator is seeded from the
            default one.

    Example:
        >>> list(RandomSampler("abcde", generator=torch_random.Generator(0)))
        [4, 0, 1, 3, 2]

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: an empty data source, or fewer than one sample.

    PyTorch's counterpart: `torch.utils.data.RandomSampler`; the same indices, and the generator is left in the same
    state.
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: torch_random.Generator | None = None,
    ) -> None:
        if not len(data_source):
            raise ValueError("RandomSampler: the data source is empty, so there is nothing to draw")
        self.data_source = data_source
        self.replacement = boolean("RandomSampler", "replacement", replacement)
        self._num_samples = None if num_samples is None else positive_int("RandomSampler", "num_samples", num_samples)
        self.generator = generator_or_none("RandomSampler", generator)

    @property
    def num_samples(self) -> int:
        """How many indices one pass gives."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        generator = torch_random.Generator(draw_seed(None)) if self.generator is None else self.generator
        draws = self._with_replacement if self.replacement else self._permutations
        yield from draws(len(self.data_source), generator)

    def _with_replacement(self, n: int, generator: torch_random.Generator) -> Iterator[int]:
        whole, rest = divmod(self.num_samples, _DRAWN_AT_ONCE)
        for count in [_DRAWN_AT_ONCE] * whole + [rest]:
            yield from generator.randint(0, n, (count,)).tolist()

    def _permutations(self, n: int, generator: torch_random.Generator) -> Iterator[int]:
        whole, rest = divmod(self.num_samples, n)
        for _ in range(whole):
            yield from generator.randperm(n).tolist()
        if rest:
            yield from generator.randperm(n)[:rest].tolist()
        else:
            # PyTorch draws one more permutation here and uses none of it. It costs the generator n - 1 words, and so
            # does this.
            generator.random_raw(n - 1)

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler:
    """Some indices in a random order, a new one in every pass.

    Args:
        indices: which.
        generator: where the numbers come from; None: the default generator of the moment.

    Example:
        >>> list(SubsetRandomSampler([10, 20, 30], torch_random.Generator(0)))
        [30, 10, 20]

    PyTorch's counterpart: `torch.utils.data.SubsetRandomSampler`.
    """

    def __init__(self, indices: Sequence[int], generator: torch_random.Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator_or_none("SubsetRandomSampler", generator)

    def __iter__(self) -> Iterator[int]:
        order = generator_or_default("SubsetRandomSampler", self.generator).randperm(len(self.indices))
        for position in order.tolist():
            yield self.indices[position]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler:
    """Indices at random, each with a probability proportional to its weight.

    Args:
        weights: a number of 0 or more for each index; they need not sum to 1.
        num_samples: how many indices one pass gives.
        replacement: whether an index can come again.
        generator: where the numbers come from; None: the default generator of the moment.

    Example:
        >>> list(WeightedRandomSampler([0.6, 0.0, 0.4], 4, generator=torch_random.Generator(0)))
        [2, 2, 0, 2]

    Raises:
        TypeError: `num_samples` is no int, or `replacement` no bool.
        ValueError: fewer than one sample, weights that are not numbers of 0 or more in one row, or too few of them
            above 0.

    PyTorch's counterpart: `torch.utils.data.WeightedRandomSampler`, which raises `ValueError` for wrong types and
    `RuntimeError`, in the pass, for wrong weights.
    """

    def __init__(
        self,
        weights: ArrayLike,
        num_samples: int,
        replacement: bool = True,
        generator: torch_random.Generator | None = None,
    ) -> None:
        self.weights = np.asarray(weights, np.float64)
        self.num_samples = positive_int("WeightedRandomSampler", "num_samples", num_samples)
        self.replacement = boolean("WeightedRandomSampler", "replacement", replacement)
        self.generator = generator_or_none("WeightedRandomSampler", generator)
        # A draw from another generator refuses what the passes would refuse.
        torch_random.Generator(0).multinomial(self.weights, self.num_samples, self.replacement)

    def __iter__(self) -> Iterator[int]:
        generator = generator_or_default("WeightedRandomSampler", self.generator)
        yield from generator.multinomial(self.weights, self.num_samples, self.replacement).tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler:
    """The indices of another sampler, in lists of `batch_size`.

    Args:
        sampler: anything that gives indices.
        batch_size: how many indices a list holds.
        drop_last: leave out the last list if it is shorter.

    Example:
        >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
        [[0, 1], [2, 3], [4]]

    Raises:
        TypeError: an argument of the wrong type.
        ValueError: a batch size below 1.

    PyTorch's counterpart: `torch.utils.data.BatchSampler`, which raises `ValueError` for wrong types too.
    """

    def __init__(self, sampler: Iterable[Any], batch_size: int, drop_last: bool) -> None:
        self.sampler = sampler
        self.batch_size = positive_int("BatchSampler", "batch_size", batch_size)
        self.drop_last = boolean("BatchSampler", "drop_last", drop_last)

    def __iter__(self) -> Iterator[list[Any]]:
        indices = iter(self.sampler)
        while batch := list(islice(indices, self.batch_size)):
            if self.drop_last and len(batch) < self.batch_size:
                return
            yield batch

    def __len__(self) -> int:
        samples = len(self.sampler)  # pyright: ignore[reportArgumentType]  # asked only of samplers that have a length
        return samples // self.batch_size if self.drop_last else -(-samples // self.batch_size)


def draw_seed(generator: torch_random.Generator | None) -> int:
    """Draw the seed for another generator, as PyTorch does; None: from the default generator of the moment."""
    return int(generator_or_default("draw_seed", generator).random())
