"""PyTorch's random generator on the CPU, in NumPy: the same seed gives the same numbers, without PyTorch installed.

The stream is MT19937 (Matsumoto and Nishimura 1998): 32-bit words, here from `np.random.RandomState`, whose stream
NumPy has frozen. What PyTorch makes of the words was measured against torch 2.13 and is tested for sequences of mixed
draws. After every draw the state is PyTorch's, byte for byte.

| draw                          | words an element     | agrees with torch on the CPU |
|-------------------------------|----------------------|------------------------------|
| `rand`                        | 1; float64 2         | bit for bit                  |
| `randint`                     | 1; from 2**28 wide 2 | bit for bit                  |
| `random`                      | 2                    | bit for bit                  |
| `randperm(n)`                 | 1, n - 1 in all      | bit for bit                  |
| `bernoulli`                   | 2; for float32 `p` 1 | bit for bit                  |
| `exponential`                 | 2                    | within 1 ulp (4)             |
| `multinomial`                 | 2 an index (5)       | the same indices (4)         |
| `uniform`                     | 1; float64 2         | bit for bit (1)              |
| `normal`, 16 elements or more | 1, and 16 for a tail | bit for bit (1)              |
| the same in float64           | 2, and 32 for a tail | within 2 ulp (3)             |
| `normal`, fewer than 16       | 4 for two elements   | bit for bit (1) (2)          |

(1) On x86 with AVX2 or AVX-512, where PyTorch evaluates `u * (high - low) + low` with one rounding (a fused
multiply-add); this module does so everywhere. Elsewhere uniform numbers part by an ulp or two of the larger bound, and
so do normal ones, but for 16 float32 elements or more, which part by up to 4e-6 * std: the angle is rounded otherwise.
(2) Where Python and PyTorch call one C library; else as (3).
(3) Of the larger of |mean| and |result|, since log, sin and cos are NumPy's here.
(4) Bit for bit where NumPy's log1p is; indices part only where two quotients are an ulp apart.
(5) Without replacement 2 a weight.
"""

from typing import Any

import numpy as np
from jaxtyping import Float, Int64
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .arguments import Real as Real
from .arguments import Shape as Shape
from .generator import Generator as Generator

default_generator = Generator()
"""What stands for PyTorch's global generator on the CPU."""


def manual_seed(seed: int) -> Generator:
    """Seed the default generator and return it; `torch.manual_seed`, which also takes what `int(seed)` takes."""
    return default_generator.manual_seed(int(seed))


def _or_default(generator: Generator | None) -> Generator:
    if generator is not None and not isinstance(generator, Generator):
        raise TypeError(f"generator must be a jaxtut.torch_random.Generator or None, but {generator!r} was given")
    return default_generator if generator is None else generator


def rand(*shape: Shape, generator: Generator | None = None, dtype: DTypeLike = "float32") -> Float[np.ndarray, "..."]:
    """`Generator.rand` of the generator given, or of the default one; `torch.rand`."""
    return _or_default(generator).rand(*shape, dtype=dtype)


def randn(*shape: Shape, generator: Generator | None = None, dtype: DTypeLike = "float32") -> Float[np.ndarray, "..."]:
    """`Generator.randn` of the generator given, or of the default one; `torch.randn`."""
    return _or_default(generator).randn(*shape, dtype=dtype)


def randint(low: int, high: int, shape: Shape, *, generator: Generator | None = None) -> Int64[np.ndarray, "..."]:
    """`Generator.randint` of the generator given, or of the default one; `torch.randint`."""
    return _or_default(generator).randint(low, high, shape)


def randperm(n: int, *, generator: Generator | None = None) -> Int64[np.ndarray, "n"]:
    """`Generator.randperm` of the generator given, or of the default one; `torch.randperm`."""
    return _or_default(generator).randperm(n)


def uniform(
    low: Real, high: Real, shape: Shape, *, generator: Generator | None = None, dtype: DTypeLike = "float32"
) -> Float[np.ndarray, "..."]:
    """`Generator.uniform` of the generator given, or of the default one; `torch.empty(shape).uniform_`."""
    return _or_default(generator).uniform(low, high, shape, dtype=dtype)


def normal(
    mean: Real, std: Real, shape: Shape, *, generator: Generator | None = None, dtype: DTypeLike = "float32"
) -> Float[np.ndarray, "..."]:
    """`Generator.normal` of the generator given, or of the default one; `torch.normal(mean, std, shape)`."""
    return _or_default(generator).normal(mean, std, shape, dtype=dtype)


def bernoulli(
    p: Real | NDArray[Any],
    shape: Shape | None = None,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike = "float32",
) -> Float[np.ndarray, "..."]:
    """`Generator.bernoulli` of the generator given, or of the default one; `torch.bernoulli`, `Tensor.bernoulli_`."""
    return _or_default(generator).bernoulli(p, shape, dtype=dtype)


def exponential(
    rate: Real, shape: Shape, *, generator: Generator | None = None, dtype: DTypeLike = "float32"
) -> Float[np.ndarray, "..."]:
    """`Generator.exponential` of the generator given, or of the default one; `torch.empty(shape).exponential_`."""
    return _or_default(generator).exponential(rate, shape, dtype=dtype)


def multinomial(
    weights: ArrayLike, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Int64[np.ndarray, "n"]:
    """`Generator.multinomial` of the generator given, or of the default one; `torch.multinomial`."""
    return _or_default(generator).multinomial(weights, num_samples, replacement)
