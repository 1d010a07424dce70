"""The three maps of a convolution: their values, their derivatives of every kind, and the program of each platform."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxtut.native import loops, machine
from jaxtut.native.machine import Machine
from jaxtut.ops import cpu_convolution
from jaxtut.ops.convolution_geometry import Geometry
from jaxtut.ops.correlation import convolve, input_gradient, kernel_gradient, xla_convolve

OPTIONS = {
    "plain": ((1, 1), ((0, 0), (0, 0)), (1, 1)),
    "everything": ((2, 1), ((1, 2), (0, 1)), (1, 2)),
}


@pytest.fixture(params=["compiled by LLVM", "taps"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "taps":
        monkeypatch.setattr(machine, "host", lambda: None)


def _always(found: Machine | None) -> Callable[[], Machine | None]:
    return lambda: found


def whole(generator: np.random.Generator, *shape: int) -> np.ndarray:
    """Whole numbers, whose sums have no rounding: every order of summation gives the same bits."""
    return generator.integers(-3, 4, shape).astype("float64")


def same(ours: Any, theirs: Any) -> None:
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_array_equal(a, b, strict=True)


@pytest.mark.parametrize("batch_last", [False, True])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.usefixtures("way")
def test_derivatives_are_those_of_xlas_convolution(
    options: tuple[Any, Any, Any], groups: int, batch_last: bool
) -> None:
    where = Geometry((7, 8), (3, 2), *options, groups, batch_last)
    generator = np.random.default_rng(0)
    x, w = whole(generator, *where.input_shape(3, 4)), whole(generator, 6, 4 // groups, 3, 2)
    y = whole(generator, *where.output_shape(3, 6))

    def every_derivative(convolution: Callable[..., Any]) -> Callable[..., Any]:
        def loss(x: Any, w: Any) -> Any:
            return (convolution(x, w, where) ** 2 * y).sum()

        first = jax.grad(loss, (0, 1))
        second = jax.grad(lambda x, w: sum((t**2).sum() for t in first(x, w)), (0, 1))
        return jax.jit(
            lambda x, w: (
                jax.vjp(lambda x, w: convolution(x, w, where), x, w)[1](y),
                second(x, w),
                jax.jvp(first, (x, w), (x, w)),
            )
        )

    with jax.enable_x64(True):
        same(every_derivative(convolve)(x, w), every_derivative(xla_convolve)(x, w))


@pytest.mark.parametrize("batch_last", [False, True])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("axes", [(0, None), (None, 0), (0, 0), (2, 1)], ids=str)
@pytest.mark.usefixtures("way")
def test_vmap(axes: tuple[int | None, int | None], groups: int, batch_last: bool) -> None:
    where = Geometry((7, 8), (3, 2), *OPTIONS["everything"], groups, batch_last)
    generator = np.random.default_rng(1)
    shapes = where.input_shape(3, 4), (6, 4 // groups, 3, 2)
    args = [
        whole(generator, *shape) if axis is None else np.moveaxis(whole(generator, 5, *shape), 0, axis)
        for shape, axis in zip(shapes, axes, strict=True)
    ]

    def mapped(convolution: Callable[..., Any]) -> Callable[..., Any]:
        def both(x: Any, w: Any) -> Any:
            return convolution(x, w, where), jax.grad(lambda x, w: (convolution(x, w, where) ** 2).sum(), (0, 1))(x, w)

        return jax.jit(jax.vmap(both, axes))

    with jax.enable_x64(True):
        same(mapped(convolve)(*args), mapped(xla_convolve)(*args))


@st.composite
def machines(draw: st.DrawFn) -> Machine | None:
    """Processors: with longer and shorter vectors, of which this one makes its own; smaller caches; one for which nothing can be compiled."""
    host = machine.host()
    if host is None or draw(st.integers(0, 4)) == 0:
        return None
    vectors, accumulators = draw(
        st.sampled_from(((host.vector_bytes, host.accumulators), (16, 24), (32, 12), (64, 24)))
    )
    near, places, block, grain = (
        draw(st.sampled_from((1, n))) for n in (host.near, host.places, host.block, host.grain)
    )
    return Machine(host.cpu, host.features, vectors, accumulators, near, places, block, grain, draw(st.booleans()))


def test_a_map_over_nothing() -> None:
    where = Geometry((5,), (3,), (1,), ((0, 0),), (1,), 1)
    x, w = jnp.ones((0, 2, 4, 5)), jnp.ones((0, 6, 4, 3))
    assert jax.vmap(lambda x, w: convolve(x, w, where))(x, w).shape == (0, 2, 6, 3)
    assert jax.vmap(lambda x: convolve(x, w[0:1].sum(0), where))(x).shape == (0, 2, 6, 3)


def test_several_devices() -> None:
    """Each device of a mesh has its part of the batch, whether XLA cuts the program or `shard_map` does."""
    command = [sys.executable, "-c", DEVICES]
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "JAX_PLATFORMS": "cpu"}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr[-2000:]


DEVICES = """
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
import jaxtut.functional as F
gradients = jax.grad(lambda x, w: (F.conv2d(x, w) ** 2).sum(), (0, 1))
generator = np.random.default_rng(0)
x, w = (generator.integers(-3, 4, s).astype("float32") for s in ((4, 3, 9, 9), (5, 3, 3, 3)))
expected = jax.jit(gradients)(x, w)
mesh = Mesh(jax.devices(), "d")
cut = jax.device_put(x, NamedSharding(mesh, P("d")))
found = jax.jit(gradients)(cut, w)
def part(x, w):
    dx, dw = gradients(x, w)
    return dx, jax.lax.psum(dw, "d")
mapped = jax.jit(jax.shard_map(part, mesh=mesh, in_specs=(P("d"), P()), out_specs=(P("d"), P()), check_vma=False))(x, w)
for a in (found, mapped):
    for ours, theirs in zip(a, expected):
        np.testing.assert_array_equal(ours, theirs)

# What else has programs of ours: max-pooling of windows that overlap, and a step of Adam.
from jaxtut import optim
from jaxtut.ops.adam_step import MANY
def pooled(x):
    return jax.grad(lambda x: (F.max_pool2d(x, 3, 2, 1) ** 2).sum())(x)
optimizer, many = optim.Adam(lr=0.1), jnp.arange(float(2 * MANY), dtype="float32")
def stepped(params):
    return optim.step(optimizer, params, params - 7, optimizer.init(params))[0]
for function, given in ((pooled, jnp.asarray(x)), (stepped, many)):
    expected = jax.jit(function)(given)
    cut = jax.jit(function)(jax.device_put(given, NamedSharding(mesh, P("d"))))
    mapped = jax.jit(jax.shard_map(function, mesh=mesh, in_specs=P("d"), out_specs=P("d"), check_vma=False))(given)
    for found in (cut, mapped):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
"""


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_random_geometries(data: st.DataObject) -> None:
    axes = data.draw(st.integers(1, 3))
    each = lambda low, high: tuple(data.draw(st.integers(low, high)) for _ in range(axes))  # noqa: E731
    kernel, strides, dilations, groups = each(1, 3), each(1, 5), each(1, 2), data.draw(st.integers(1, 2))
    pads = tuple((data.draw(st.integers(0, 2)), data.draw(st.integers(0, 2))) for _ in range(axes))
    least = (max(d * (k - 1) + 1 - low - high, 1) for k, d, (low, high) in zip(kernel, dilations, pads, strict=True))
    size = tuple(n + data.draw(st.integers(0, 6)) for n in least)
    where = Geometry(size, kernel, strides, pads, dilations, groups, data.draw(st.booleans()))
    batch, inputs, outputs = (
        data.draw(st.sampled_from((1, 2, 3, 9, 70))),
        data.draw(st.integers(1, 4)),
        data.draw(st.integers(1, 9)),
    )
    generator = np.random.default_rng(data.draw(st.integers(0, 99)))
    x, w = (
        whole(generator, *where.input_shape(batch, groups * inputs)),
        whole(generator, groups * outputs, inputs, *kernel),
    )
    y = whole(generator, *where.output_shape(batch, groups * outputs))
    with jax.enable_x64(True), pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "host", _always(data.draw(machines())))
        patch.setattr(loops, "LEAST", data.draw(st.sampled_from((1, 200_000))))
        patch.setattr(cpu_convolution, "fastest", _any_of(data.draw(st.booleans()), data.draw(st.integers(0, 2))))
        ours = jax.jit(
            lambda x, w, y: (convolve(x, w, where), input_gradient(y, w, where), kernel_gradient(x, y, where))
        )
        same(ours(x, w, y), pytorchs(x, w, y, where))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_kernels_and_strides_with_a_common_divisor(data: st.DataObject) -> None:
    """As they are, and as convolutions of patches."""
    axes = data.draw(st.integers(1, 3))
    patch = tuple(data.draw(st.integers(1, (24, 9, 3)[axes - 1])) for _ in range(axes))
    kernel, strides = (tuple(n * data.draw(st.sampled_from((1, 1, 2, 3)[: 5 - axes])) for n in patch) for _ in range(2))
    # Zeros around the image, but for few, are for other ways.
    size = tuple(k * data.draw(st.integers(1, 5)) + data.draw(st.integers(0, k - 1)) for k in kernel)
    pads = tuple((data.draw(st.integers(0, n // 9)), data.draw(st.integers(0, n // 9))) for n in size)
    groups = data.draw(st.integers(1, 2))
    where = Geometry(size, kernel, strides, pads, (1,) * axes, groups, data.draw(st.booleans()))
    batch, inputs, outputs = (
        data.draw(st.sampled_from((1, 2, 9))),
        data.draw(st.integers(1, 70)),
        data.draw(st.integers(1, 9)),
    )
    generator = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = whole(generator, *where.input_shape(batch, groups * inputs))
    w = whole(generator, groups * outputs, inputs, *kernel)
    y = whole(generator, *where.output_shape(batch, groups * outputs))
    is_faster = data.draw(st.booleans())
    with jax.enable_x64(True), pytest.MonkeyPatch.context() as fixed:
        fixed.setattr(machine, "host", _always(data.draw(machines())))
        fixed.setattr(cpu_convolution, "is_faster_in_patches", lambda *_: is_faster)
        ours = jax.jit(
            lambda x, w, y: (convolve(x, w, where), input_gradient(y, w, where), kernel_gradient(x, y, where))
        )
        same(ours(x, w, y), pytorchs(x, w, y, where))


@pytest.mark.parametrize("batch_last", [False, True])
@pytest.mark.parametrize(
    ("size", "strides"), [((7,), (3,)), ((8, 5), (3, 2)), ((6, 5), (1, 6)), ((4, 5, 7), (2, 1, 5))]
)
def test_windows_of_one_position_step_over_the_others(
    size: tuple[int, ...], strides: tuple[int, ...], batch_last: bool
) -> None:
    ones = (1,) * len(size)
    where = Geometry(size, ones, strides, ((0, 0),) * len(size), ones, 2, batch_last)
    generator = np.random.default_rng(0)
    x, w = whole(generator, *where.input_shape(3, 4)), whole(generator, 6, 2, *ones)
    y = whole(generator, *where.output_shape(3, 6))
    with jax.enable_x64(True):
        ours = jax.jit(
            lambda x, w, y: (convolve(x, w, where), input_gradient(y, w, where), kernel_gradient(x, y, where))
        )
        same(ours(x, w, y), pytorchs(x, w, y, where))


def _any_of(in_other_order: bool, way: int) -> Callable[..., Any]:
    """Return a choice among the ways to compute a map that does not ask how fast they are."""

    def chosen(ways: Any, where: Geometry, batch: int, w: tuple[int, ...], *_: Any) -> Any:
        other = where._replace(batch_last=not where.batch_last)
        orders = (other, where) if in_other_order else (where, other)
        # In one of them, the loops may be too many.
        found = next(found for found in (ways(order, batch, w) for order in orders) if found)
        return found[way % len(found)]

    return chosen


def pytorchs(x: np.ndarray, w: np.ndarray, y: np.ndarray, where: Geometry) -> list[np.ndarray]:
    """Output and gradients as PyTorch computes them (XLA's own gradients end the process for some geometries)."""
    first = lambda a: np.moveaxis(a, -1, 0) if where.batch_last else a  # noqa: E731
    last = lambda a: np.moveaxis(a, 0, -1) if where.batch_last else a  # noqa: E731
    image, kernel = (torch.tensor(np.ascontiguousarray(a), requires_grad=True) for a in (first(x), w))
    padded = torch.nn.functional.pad(image, [n for pads in reversed(where.pads) for n in pads])
    convolution = getattr(torch.nn.functional, f"conv{len(where.size)}d")
    output = convolution(padded, kernel, None, where.strides, 0, where.dilations, where.groups)
    gradients = torch.autograd.grad(output, (image, kernel), torch.tensor(np.ascontiguousarray(first(y))))
    return [last(output.detach().numpy()), last(gradients[0].numpy()), gradients[1].numpy()]


def test_each_platform_has_its_program() -> None:
    where = Geometry((28, 28), (5, 5), (1, 1), ((0, 0), (0, 0)), (1, 1), 1)
    x, w = jnp.ones((4, 8, 28, 28)), jnp.ones((16, 8, 5, 5))
    traced = jax.jit(jax.grad(lambda x, w: convolve(x, w, where).sum(), (0, 1))).trace(x, w)
    # Inside a scan, XLA's convolution is many times slower on a CPU, so it must not be there.
    assert "stablehlo.convolution" not in traced.lower(lowering_platforms=("cpu",)).as_text()
    assert "stablehlo.convolution" in traced.lower(lowering_platforms=("cuda",)).as_text()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_sixteen_bits_are_xlas(dtype: str) -> None:
    where = Geometry((9,), (3,), (1,), ((1, 1),), (1,), 1)
    x, w = jnp.ones((2, 8, 9), dtype), jnp.ones((4, 8, 3), dtype)
    np.testing.assert_array_equal(convolve(x, w, where), xla_convolve(x, w, where), strict=True)
