"""Rows of a table against PyTorch: the padding row, slopes by frequency, lengths held, rows out of range."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as TF
from jax.experimental import checkify

from jaxtut import functional as F
from jaxtut import parity
from jaxtut.errors import LabelError

TABLE = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], "float32")
OPTIONS = [
    {},
    {"padding_idx": 0},
    {"padding_idx": -1},
    {"scale_grad_by_freq": True},
    {"padding_idx": 0, "scale_grad_by_freq": True},
]


@pytest.mark.parametrize("rows", [[0, 2, 0, 1], [[0, 1], [2, 2]], 1, [[]]])
@pytest.mark.parametrize("options", OPTIONS)
def test_same_as_pytorch(rows: list, options: dict) -> None:
    numbers = np.asarray(rows, "int64")
    report = parity.compare(
        lambda w: F.embedding(numbers, w, **options), lambda w: TF.embedding(torch.tensor(numbers), w, **options), TABLE
    )
    assert report.same, report.summary()


@pytest.mark.parametrize("norm_type", [2.0, 1.0, float("inf")])
def test_lengths_are_held_without_changing_the_table(norm_type: float) -> None:
    rows = np.array([0, 2, 0])
    weight = torch.tensor(TABLE, requires_grad=True)
    theirs = TF.embedding(torch.tensor(rows), weight, None, 3.0, norm_type)
    (slope,) = torch.autograd.grad(theirs.sum(), weight)
    found, pull_back = jax.vjp(lambda w: F.embedding(rows, w, None, 3.0, norm_type), jnp.asarray(TABLE))
    np.testing.assert_allclose(found, theirs.detach().numpy(), rtol=float(np.finfo("float32").eps), strict=True)
    np.testing.assert_array_equal(pull_back(jnp.ones_like(found))[0], slope.numpy(), strict=True)
    # PyTorch has written the shorter rows into its own table.
    assert not np.array_equal(weight.detach().numpy(), TABLE)
    assert TABLE[2].tolist() == [5.0, 6.0]


def test_values_and_slopes_by_hand() -> None:
    rows = np.array([2, 0, 2])
    assert F.embedding(rows, TABLE).tolist() == [[5, 6], [1, 2], [5, 6]]
    assert jax.grad(lambda w: F.embedding(rows, w).sum())(TABLE).tolist() == [[1, 1], [0, 0], [2, 2]]
    assert jax.grad(lambda w: F.embedding(rows, w, 2).sum())(TABLE).tolist() == [[1, 1], [0, 0], [0, 0]]
    assert F.embedding(rows, TABLE.astype("int32")).dtype == "int32"


def test_transformations() -> None:
    rows = np.array([[0, 2], [1, 1]])
    np.testing.assert_array_equal(jax.vmap(F.embedding, in_axes=(0, None))(rows, TABLE), F.embedding(rows, TABLE))
    np.testing.assert_array_equal(jax.jit(F.embedding)(rows, TABLE), F.embedding(rows, TABLE))
    np.testing.assert_array_equal(
        jax.jacfwd(lambda w: F.embedding(rows, w, 1))(TABLE), jax.jacrev(lambda w: F.embedding(rows, w, 1))(TABLE)
    )


@pytest.mark.parametrize(("bad", "row"), [(3, 2), (-1, 0), (100, 2)])
def test_a_row_out_of_range_that_nobody_sees_is_nan(bad: int, row: int) -> None:
    rows = np.array([1, bad])
    found, gradient = jax.jit(jax.value_and_grad(lambda w, rows: F.embedding(rows, w).sum()))(TABLE, rows)
    assert np.isnan(found)
    assert np.isnan(gradient[row]).all()
    assert np.isnan(jax.jit(F.embedding)(rows, TABLE)).tolist() == [[False, False], [True, True]]
    assert jax.jit(F.embedding)(rows, TABLE.astype("int32")).tolist() == [[3, 4], [-1, -1]]


@pytest.mark.parametrize("bad", [3, -1])
def test_refuses_rows_out_of_range(bad: int) -> None:
    with pytest.raises(LabelError, match=rf"embedding: row numbers must lie in \[0, 2\], but {bad} was given"):
        F.embedding(np.array([0, bad]), TABLE)


def test_refuses_what_pytorch_refuses() -> None:
    rows = np.array([0, 1])
    for dtype in ("int8", "float32", "bool"):
        with pytest.raises(TypeError, match=f"embedding: input must have dtype int32 or int64, but {dtype} was given"):
            F.embedding(rows.astype(dtype), TABLE)
    with pytest.raises(ValueError, match=r"embedding: weight must have shape \(any, any\), but \(2,\) was given"):
        F.embedding(rows, TABLE[0])
    for padding in (3, -4):
        with pytest.raises(ValueError, match=rf"embedding: padding_idx must lie in \[-3, 2\], but {padding} was given"):
            F.embedding(rows, TABLE, padding)
    with pytest.raises(TypeError, match=r"embedding: padding_idx must be an integer, but 1.0 was given"):
        F.embedding(rows, TABLE, 1.0)
    with pytest.raises(ValueError, match="embedding: sparse=True is not taken"):
        F.embedding(rows, TABLE, sparse=True)


def test_a_row_out_of_range_beside_the_padding_row_has_no_clean_gradient() -> None:
    table = np.ones((3, 2), "float32")
    slope = jax.jit(jax.grad(lambda w, i: F.embedding(i, w, padding_idx=0).sum()))(table, np.array([-1, 1]))
    assert np.isnan(np.asarray(slope)[0]).all()


def test_a_number_that_32_bits_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="input holds 4294967296, which does not fit into int32"):
        F.embedding(np.array([2**32]), np.ones((3, 2), "float32"))


@pytest.mark.parametrize("dtype", ["bool", "uint8"])
def test_a_table_that_cannot_mark_a_bad_row_is_refused_under_jit(dtype: str) -> None:
    table, rows = np.ones((3, 2), dtype), np.array([0, 2])
    assert (F.embedding(rows, table) == table[rows]).all()
    with pytest.raises(TypeError, match=f"a table of {dtype} has no number that marks a row out of range"):
        jax.jit(F.embedding)(rows, table)


def test_every_row_of_an_empty_table_is_out_of_range() -> None:
    assert np.isnan(jax.jit(F.embedding)(np.array([0, 1]), np.ones((0, 2), "float32"))).all()


def test_checkify_names_a_bad_row_and_a_bad_label() -> None:
    calls = ((F.embedding, np.ones((3, 2), "int32"), "row number"), (lambda y, _: F.one_hot(y, 3), None, "label"))
    for f, table, word in calls:
        error, _ = checkify.checkify(jax.jit(lambda y, f=f, table=table: f(y, table)))(np.array([0, 3]))
        assert word in (error.get() or "")
