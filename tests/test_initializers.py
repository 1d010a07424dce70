"""Initial values against `torch.nn.init` and against layers that PyTorch has just built."""

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from jaxtut import initializers
from jaxtut.torch_random import Generator

DTYPES = ("float32", "float64")
SHAPES = ((3, 5), (16, 16), (1, 40), (100, 7), (4, 3, 5), (8, 2, 3, 3))
SEEDS = (0, 1, 2**40 + 5)

# float64 normals: log, sin and cos of two libraries, in ulps of the number itself (the mean is 0).
NORMAL_ULP = 2

# A QR factorisation of n columns is exact to about n · eps of its unit columns; 8 for two libraries that block otherwise.
QR_EPS_PER_COLUMN = 8

AVX2 = torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")
pytestmark = pytest.mark.skipif(not AVX2, reason="without AVX2 PyTorch rounds twice where this rounds once")
rejection_sampling = pytest.mark.skipif(
    tuple(int(part) for part in torch.__version__.split(".")[:2]) < (2, 13),
    reason="before torch 2.13 trunc_normal_ inverts the distribution function",
)


def assert_same_bits(ours: np.ndarray | None, theirs: torch.Tensor | None) -> None:
    if ours is None or theirs is None:
        assert ours is None
        assert theirs is None
        return
    expected = theirs.detach().numpy()
    assert ours.dtype == expected.dtype
    assert ours.shape == expected.shape
    assert ours.tobytes() == expected.tobytes()


def assert_normals(ours: np.ndarray, theirs: torch.Tensor) -> None:
    if ours.dtype == np.float32:
        assert_same_bits(ours, theirs)
        return
    expected = theirs.detach().numpy()
    assert ours.dtype == expected.dtype
    assert ours.shape == expected.shape
    assert np.max(np.abs(ours - expected) / np.spacing(np.abs(expected)), initial=0.0) <= NORMAL_ULP


def both(name: str, shape: tuple[int, ...], seed: int, dtype: str, **arguments: Any) -> tuple[np.ndarray, torch.Tensor]:
    """The initializer on both sides; the generators must agree afterwards."""
    ours, theirs = Generator(seed), torch.Generator().manual_seed(seed)
    tensor = torch.empty(shape, dtype=getattr(torch, dtype))
    getattr(nn.init, f"{name}_")(tensor, **arguments, generator=theirs)
    result = getattr(initializers, name)(shape, **arguments, generator=ours, dtype=dtype)
    assert np.array_equal(ours.get_state(), theirs.get_state().numpy())
    return result, tensor


UNIFORM: list[tuple[str, dict[str, Any]]] = [
    *(("uniform", {}), ("uniform", {"a": -0.3, "b": 0.7})),
    *(("xavier_uniform", {}), ("xavier_uniform", {"gain": 5 / 3})),
    *(("kaiming_uniform", {}), ("kaiming_uniform", {"a": math.sqrt(5)}), ("kaiming_uniform", {"mode": "fan_out"})),
    *(("kaiming_uniform", {"nonlinearity": "relu"}), ("kaiming_uniform", {"nonlinearity": "tanh", "mode": "fan_out"})),
]
NORMAL: list[tuple[str, dict[str, Any]]] = [
    *(("normal", {}), ("normal", {"std": 0.02})),
    *(("xavier_normal", {}), ("xavier_normal", {"gain": 0.5})),
    *(("kaiming_normal", {}), ("kaiming_normal", {"mode": "fan_out", "nonlinearity": "relu"})),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "arguments"), UNIFORM)
def test_uniform_initializers_bit_for_bit(name: str, arguments: dict[str, Any], dtype: str) -> None:
    for shape in SHAPES:
        for seed in SEEDS:
            assert_same_bits(*both(name, shape, seed, dtype, **arguments))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "arguments"), NORMAL)
def test_normal_initializers(name: str, arguments: dict[str, Any], dtype: str) -> None:
    for shape in SHAPES:
        for seed in SEEDS:
            assert_normals(*both(name, shape, seed, dtype, **arguments))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [*SHAPES, (50, 20), (20, 50), (0, 3)])
@pytest.mark.parametrize("gain", [1.0, 0.5])
def test_orthogonal(shape: tuple[int, ...], gain: float, dtype: str) -> None:
    result, expected = both("orthogonal", shape, 3, dtype, gain=gain)
    assert result.dtype == expected.numpy().dtype
    assert result.shape == expected.shape
    columns = min(shape[0], math.prod(shape[1:]))
    bound = QR_EPS_PER_COLUMN * max(columns, 1) * float(np.finfo(dtype).eps) * gain
    assert np.max(np.abs(result - expected.numpy()), initial=0.0) <= bound
    matrix = result.reshape(shape[0], -1) if shape[0] else result  # a witness beside PyTorch: Q Qᵀ = 1
    product = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    if columns:
        assert np.max(np.abs(product - gain**2 * np.eye(columns))) <= bound


@rejection_sampling
@pytest.mark.parametrize("shape", [(3, 5), (100, 30)])
@pytest.mark.parametrize(
    "arguments",
    [
        {},  # nearly everything accepted: by normal numbers
        {"mean": 0.1, "std": 0.02, "a": -0.3, "b": 0.11},
        {"a": 1.0, "b": 2.0},  # little accepted: by uniform ones, off the peak
        {"a": -0.2, "b": 0.1, "std": 3.0},  # and about it
    ],
)
def test_trunc_normal_bit_for_bit(shape: tuple[int, ...], arguments: dict[str, float]) -> None:
    for seed in SEEDS:
        result, expected = both("trunc_normal", shape, seed, "float32", **arguments)
        assert_same_bits(result, expected)
        low, high = np.float32(arguments.get("a", -2.0)), np.float32(arguments.get("b", 2.0))
        assert np.all((result >= low) & (result <= high))


@rejection_sampling
def test_trunc_normal_in_float64() -> None:
    assert_normals(*both("trunc_normal", (60, 5), 4, "float64"))
    assert_normals(*both("trunc_normal", (60, 5), 4, "float64", a=1.0, b=3.0))


def test_trunc_normal_warns_where_the_mean_is_far_outside() -> None:
    with pytest.warns(UserWarning, match="more than 2 std"):
        initializers.trunc_normal((3,), mean=10.0, a=5.0, b=7.5, generator=Generator(0))


@pytest.mark.parametrize("dtype", DTYPES)
def test_constants(dtype: str) -> None:
    kind = getattr(torch, dtype)
    assert_same_bits(
        initializers.constant((2, 3), 0.1, dtype=dtype), nn.init.constant_(torch.empty(2, 3, dtype=kind), 0.1)
    )
    assert_same_bits(initializers.zeros((4,), dtype=dtype), torch.zeros(4, dtype=kind))
    assert_same_bits(initializers.ones((), dtype=dtype), torch.ones((), dtype=kind))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("sizes", [(1, 1), (3, 1), (1, 3), (13, 7), (784, 500), (500, 10), (400, 120), (97, 33)])
def test_linear_bit_for_bit(sizes: tuple[int, int], bias: bool, dtype: str) -> None:
    for seed in SEEDS:
        torch.manual_seed(seed)
        layer = nn.Linear(*sizes, bias=bias, dtype=getattr(torch, dtype))
        weight, offset = initializers.linear(*sizes, bias=bias, generator=Generator(seed), dtype=dtype)
        assert_same_bits(weight, layer.weight)
        assert_same_bits(offset, layer.bias)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("layer", "channels", "kernel", "groups"),
    [
        *((nn.Conv1d, (3, 4), (5,), 1), (nn.Conv1d, (6, 4), (1,), 2)),
        *((nn.Conv2d, (3, 6), (5, 5), 1), (nn.Conv2d, (6, 16), (5, 5), 1), (nn.Conv2d, (8, 8), (3, 1), 8)),
        (nn.Conv3d, (2, 3), (2, 3, 1), 1),
    ],
)
def test_conv_bit_for_bit(
    layer: Callable[..., Any], channels: tuple[int, int], kernel: tuple[int, ...], groups: int, bias: bool, dtype: str
) -> None:
    for seed in SEEDS:
        torch.manual_seed(seed)
        built = layer(*channels, kernel, groups=groups, bias=bias, dtype=getattr(torch, dtype))
        arguments = {"groups": groups, "bias": bias, "generator": Generator(seed), "dtype": dtype}
        weight, offset = initializers.conv(*channels, kernel, **arguments)
        assert_same_bits(weight, built.weight)
        assert_same_bits(offset, built.bias)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("padding_idx", [None, 0, -1])
def test_embedding(padding_idx: int | None, dtype: str) -> None:
    for sizes in ((3, 4), (10, 16), (101, 7)):
        torch.manual_seed(5)
        layer = nn.Embedding(*sizes, padding_idx=padding_idx, dtype=getattr(torch, dtype))
        assert_normals(initializers.embedding(*sizes, padding_idx, Generator(5), dtype), layer.weight)


def test_layers_one_after_another_share_the_default_generator() -> None:
    from jaxtut import torch_random

    state = torch_random.default_generator.get_state()
    torch.manual_seed(21)
    torch_random.manual_seed(21)
    model = nn.Sequential(nn.Conv2d(3, 6, 5), nn.Linear(20, 9), nn.Linear(9, 2))
    layers = initializers.conv(3, 6, (5, 5)), initializers.linear(20, 9), initializers.linear(9, 2)
    torch_random.default_generator.set_state(state)
    for ours, theirs in zip([array for layer in layers for array in layer], model.parameters(), strict=True):
        assert_same_bits(ours, theirs)


def test_layers_without_inputs() -> None:
    torch.manual_seed(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer = nn.Linear(0, 3)
    with pytest.warns(UserWarning, match="no elements"):
        weight, bias = initializers.linear(0, 3, generator=Generator(2))
    assert_same_bits(weight, layer.weight)
    assert_same_bits(bias, layer.bias)


@pytest.mark.parametrize(
    ("nonlinearity", "param"),
    [(name, None) for name in ("linear", "conv1d", "conv_transpose3d", "sigmoid", "tanh", "relu", "leaky_relu", "selu")]
    + [("leaky_relu", 0.2), ("leaky_relu", 1), ("relu", 0.2)],
)
def test_calculate_gain(nonlinearity: Any, param: float | None) -> None:
    assert initializers.calculate_gain(nonlinearity, param) == nn.init.calculate_gain(nonlinearity, param)


# `Any`: some types are wrong on purpose.
OURS: Any = initializers
T: Any = nn.init
REFUSALS: list[tuple[Callable[[], Any], type[Exception], str, Callable[[], Any] | None]] = [
    (lambda: OURS.calculate_gain("gelu"), ValueError, "gelu", lambda: T.calculate_gain("gelu")),
    (
        lambda: OURS.calculate_gain("leaky_relu", True),
        ValueError,
        "param",
        lambda: T.calculate_gain("leaky_relu", True),
    ),
    (lambda: OURS.kaiming_uniform((3, 3), mode="fan"), ValueError, "mode", None),
    (lambda: OURS.kaiming_normal((3,)), ValueError, "shape", lambda: T.kaiming_normal_(torch.empty(3))),
    (lambda: OURS.xavier_uniform((3,)), ValueError, "shape", lambda: T.xavier_uniform_(torch.empty(3))),
    (lambda: OURS.orthogonal((3,)), ValueError, "shape", lambda: T.orthogonal_(torch.empty(3))),
    (lambda: OURS.uniform((3,), 2.0, 1.0), ValueError, "low", lambda: T.uniform_(torch.empty(3), 2.0, 1.0)),
    (lambda: OURS.conv(3, 4, (2, 2), groups=2), ValueError, "groups", lambda: nn.Conv2d(3, 4, 2, groups=2)),
    (lambda: OURS.trunc_normal((3,), std=0.0), ValueError, "std", None),
    (lambda: OURS.trunc_normal((3,), a=2.0, b=1.0), ValueError, "above b", None),
    (lambda: OURS.conv(3, 4, 2), TypeError, "kernel_size", None),
    (lambda: OURS.embedding(3, 4, 3), ValueError, "padding_idx", lambda: nn.Embedding(3, 4, 3)),
    (lambda: OURS.linear(3, 4, dtype="float16"), TypeError, "dtype", None),
]


@pytest.mark.parametrize(("call", "error", "message", "in_torch"), REFUSALS)
def test_refusals(
    call: Callable[[], Any], error: type[Exception], message: str, in_torch: Callable[[], Any] | None
) -> None:
    with pytest.raises(error, match=message):
        call()
    if in_torch is not None:
        with pytest.raises((ValueError, RuntimeError, AssertionError)):
            in_torch()
