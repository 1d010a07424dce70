"""One row of a report: a quantity in one precision, with its verdict, its numbers, and what they look like."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import definition
from .definition import BIT_IDENTICAL, TO_ROUNDING, Judgement
from .quantities import PHRASES, STACKED, Key, is_floating

if TYPE_CHECKING:
    from .evidence import Evidence

# Elements by their distance in ulp: 0, up to 1, up to 2, up to 4, ... and all from 2 to this power on.
HISTOGRAM_BINS = 34


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
        """Return one line that says what differs, where, by how much, and why, as far as that is known."""
        where = (
            f" at {list(self.index)}: JAX {self.jax!r}, PyTorch {self.torch!r}"
            if self.jax is not None and self.index is not None
            else ""
        )
        cause = self.cause and f"likely cause: {self.cause}{f' ({self.link})' if self.link else ''}"
        tail = "".join(f"; {text}" for text in (self.note, cause) if text)
        return f"{PHRASES[self.kind]} {self.name} ({self.dtype}, {self.mode}): {self.verdict}{where}{tail}"


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
