"""One-hot rows against PyTorch, and labels out of range."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as TF
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from jaxtut import functional as F
from jaxtut.errors import LabelError

labels = arrays(np.int64, st.sampled_from([(), (4,), (2, 3), (0, 2)]), elements=st.integers(0, 4))


@given(labels, st.sampled_from([-1, 5, 7]))
@settings(max_examples=8, deadline=None, derandomize=True)
def test_same_as_pytorch(y: np.ndarray, num_classes: int) -> None:
    if y.size == 0 and num_classes == -1:
        num_classes = 5  # what cannot be inferred is tested below
    expected = TF.one_hot(torch.tensor(y), num_classes).numpy()
    with jax.enable_x64(True):
        np.testing.assert_array_equal(F.one_hot(y, num_classes), expected, strict=True)


def test_many_classes_and_narrow_labels() -> None:
    # 8 bits cannot count to 300: a class must not come round again.
    rows = F.one_hot(np.array([0, 43], "uint8"), 300)
    assert rows.sum(1).tolist() == [1, 1]
    assert rows.dtype == jnp.int32


def test_transformations() -> None:
    y = np.array([[0, 2], [1, 1]])
    plain = F.one_hot(y, 3)
    np.testing.assert_array_equal(jax.jit(F.one_hot, static_argnums=1)(y, 3), plain)
    np.testing.assert_array_equal(jax.vmap(lambda y: F.one_hot(y, 3))(y), plain)


@pytest.mark.parametrize("bad", [-1, 3, 100])
def test_a_label_out_of_range_that_nobody_sees_is_marked(bad: int) -> None:
    rows = jax.jit(F.one_hot, static_argnums=1)(np.array([1, bad]), 3)
    assert rows.tolist() == [[0, 1, 0], [-1, -1, -1]]


@pytest.mark.parametrize("bad", [-1, 3, 100])
def test_refuses_labels_out_of_range(bad: int) -> None:
    for kind in (ValueError, IndexError, LabelError):
        with pytest.raises(kind, match=rf"one_hot: labels must lie in \[0, 2\], but {bad} was given"):
            F.one_hot(np.array([1, bad]), 3)


def test_refuses_what_cannot_be_inferred_and_wrong_dtypes() -> None:
    with pytest.raises(ValueError, match="num_classes must be given under jit and vmap"):
        jax.jit(F.one_hot)(np.array([0, 1]))
    with pytest.raises(ValueError, match="num_classes must be given when there are no labels"):
        F.one_hot(np.array([], "int64"))
    with pytest.raises(ValueError, match="num_classes must be positive, but 0 was given"):
        F.one_hot(np.array([0]), 0)
    with pytest.raises(TypeError, match="one_hot: tensor must have an integer dtype, but float32 was given"):
        F.one_hot(np.ones(2, "float32"), 3)
    with pytest.raises(TypeError, match="one_hot: tensor must have an integer dtype, but bool was given"):
        F.one_hot(np.ones(2, bool), 3)
    with pytest.raises(TypeError, match="one_hot: tensor must be an array, but list was given"):
        F.one_hot([0, 1], 3)  # pyright: ignore[reportArgumentType]
