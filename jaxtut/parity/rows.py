"""One row of a report: a quantity in one precision, with its verdict, its numbers, and what they look like."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import definition
from .definition import BIT_IDENTICAL, DIFFERENT, TO_ROUNDING, Judgement
from .quantities import STACKED, Key, is_floating
from .wording import place, shown, sizes, subject

if TYPE_CHECKING:
    from .evidence import Evidence

# Elements by their distance in ulp: 0, up to 1, up to 2, up to 4, ..., up to 2⁵⁴: two float64 numbers are no further apart.
HISTOGRAM_BINS = 56


@dataclass(frozen=True)
class Row:
    """One quantity in one precision.

    Attributes:
        name: the output, the argument whose gradient it is, or the named intermediate value.
        kind: 'value', 'gradient', 'tap', 'tap gradient', 'jacobian', 'hvp', 'jvp', 'vmap value' or 'vmap gradient'.
        mode: how the JAX side ran, 'jit' or 'eager'.
        max_ulp, max_rel: the largest difference between the sides.
        err_jax, err_torch: the largest distance of each side from the float64 truth.
        index: where the difference matters most; where cotangents are stacked, the first index is the number of the cotangent.
        jax, torch: the two numbers there.
        note: what the judge has to say.
        cause: the mistake that the difference looks like, or an empty string: unknown.
        link: where the documentation speaks of that mistake.
        histogram: how many elements are 0, up to 1, up to 2, up to 4, ... ulp apart; empty for what has no rounding.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    dtype: str
    verdict: str
    max_ulp: float
    max_rel: float
    err_jax: float
    err_torch: float
    mode: str = "jit"
    index: tuple[int, ...] | None = None
    jax: float | None = None
    torch: float | None = None
    note: str = ""
    cause: str = ""
    link: str = ""
    histogram: tuple[int, ...] = ()

    @property
    def same(self) -> bool:
        """Whether the two sides are identical here."""
        return self.verdict in (BIT_IDENTICAL, TO_ROUNDING)

    def describe(self) -> str:
        """Return one line that says what this is, where it differs, in which numbers, and by how much."""
        name, verdict = (
            f"{subject(self)} ({self.dtype}, {self.mode})",
            "" if self.verdict == DIFFERENT else self.verdict,
        )
        if self.jax is None or self.torch is None:
            head = ", ".join(filter(None, [name, verdict]))
            return f"{head}: {self.note}" if self.note else head
        head = ", ".join(filter(None, [f"{name} {place(self)}".rstrip(), verdict]))
        numbers = f"JAX {shown(self.jax, self.dtype)}, PyTorch {shown(self.torch, self.dtype)}"
        return "; ".join(filter(None, [f"{head}: {numbers}", sizes(self)]))


def make_row(
    key: Key,
    a: np.ndarray | None,
    b: np.ndarray,
    judged: Judgement,
    side: "Evidence",
    dtype: str,
    err_jax=0.0,
    err_torch=0.0,
) -> Row:
    """Return the row of a judgement; `a` is None where the JAX side does not have the quantity."""
    kind, name = key
    index = judged.index
    inside = index is not None and a is not None and a.shape == b.shape
    numbers = (a[index].item(), b[index].item()) if inside and a is not None else (None, None)  # pyright: ignore[reportArgumentType]
    own = tuple(b.shape[1:]) if kind in STACKED else tuple(b.shape)
    counts = ulp_histogram(a, b) if judged.verdict != BIT_IDENTICAL and a is not None else ()
    shown = str(b.dtype) if not is_floating(b) else dtype
    return Row(
        name, kind, own, shown, judged.verdict, judged.max_ulp, judged.max_rel, err_jax, err_torch, side.mode, index, *numbers,
        judged.note, histogram=counts,
    )  # fmt: skip


def ulp_histogram(a: np.ndarray, b: np.ndarray) -> tuple[int, ...]:
    """Count the elements by their distance: 0, up to 1 ulp, up to 2, up to 4, ..."""
    if a.shape != b.shape or a.dtype != b.dtype or a.dtype not in (np.float64, np.float32):
        return ()
    _, ulp, _ = definition.differences(a, b)
    with np.errstate(all="ignore"):
        bins = np.where(ulp == 0, 0, np.clip(np.ceil(np.log2(np.maximum(ulp, 1))), 0, HISTOGRAM_BINS - 2) + 1)
    return tuple(int(n) for n in np.bincount(bins.astype(int).ravel(), minlength=1))
