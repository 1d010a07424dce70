"""The card of the first divergence: which quantity, the two numbers with the digits that differ, where, and why."""

import re
from collections.abc import Sequence
from html import escape
from itertools import takewhile
from typing import TYPE_CHECKING

import numpy as np

from ..wording import place, shown, sizes, subject

if TYPE_CHECKING:
    from ..rows import Row

# How many names are listed.
_NAMES = 12
# A page of the documentation and a section of it; what else may stand in a report that was read from a file is shown as text.
_LINK = re.compile(r"\w[\w./-]*\.html(#[\w-]+)?")


def divergence(row: "Row", others: Sequence[str]) -> str:
    """Return the card of a row, with the names of what else differs."""
    tags = "".join(f"<li>{escape(t)}</li>" for t in (row.dtype, row.mode, row.verdict, f"shape {row.shape}"))
    facts = [
        *_numbers(row),
        ("where", escape(place(row))),
        ("apart", escape(sizes(row))),
        ("likely cause", escape(row.cause) + _link(row.link) if row.cause else ""),
        ("note", escape(row.note)),
        ("also not the same", _names(others)),
    ]
    listed = "".join(f"<dt>{term}</dt><dd>{text}</dd>" for term, text in facts if text)
    return (
        f'<section><h2>First divergence</h2>\n<div class="card"><h3><code>{escape(subject(row))}</code></h3>'
        f'<ul class="tags">{tags}</ul><dl class="pair">{listed}</dl></div></section>'
    )


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return ", ".join(f"<code>{escape(name)}</code>" for name in names[:_NAMES]) + more if names else "nothing"


def _numbers(row: "Row") -> list[tuple[str, str]]:
    if row.jax is None and row.torch is None:
        return []
    here, there = marked(*_alike(row))
    return [("JAX", f'<span class="number">{here}</span>'), ("PyTorch", f'<span class="number">{there}</span>')]


def _alike(row: "Row") -> tuple[str, str]:
    """Write both numbers with an exponent if one has it, or digits of the same value would stand at different places."""
    here, there = shown(row.jax, row.dtype), shown(row.torch, row.dtype)
    both = [x for x in (row.jax, row.torch) if isinstance(x, float) and np.isfinite(x)]
    if len(both) < 2 or 0.0 in both or ("e" in here) == ("e" in there):
        return here, there
    number = np.float64 if row.dtype == "float64" else np.float32
    first, second = (np.format_float_scientific(number(x), trim="-") for x in both)
    return first, second


def marked(here: str, there: str) -> tuple[str, str]:
    """Return two numbers as HTML, with what follows their common beginning marked.

    Example:
        >>> marked("0.25", "0.26")
        ('0.2<mark>5</mark>', '0.2<mark>6</mark>')
    """
    same = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(here, there, strict=False))))
    # A sign on one side alone moves the digits: a space in its place keeps them below each other.
    pad = [
        " " if other.startswith("-") and not one.startswith("-") else ""
        for one, other in ((here, there), (there, here))
    ]
    ends = [f"<mark>{escape(text[same:])}</mark>" if text[same:] else "" for text in (here, there)]
    first, second = (
        f"{space}{escape(text[:same])}{end}" for space, text, end in zip(pad, (here, there), ends, strict=True)
    )
    return first, second


def _link(link: str) -> str:
    if not link:
        return ""
    shown_as = f"<code>{escape(link)}</code>"
    inside = f'<a href="{escape(link)}">{shown_as}</a>' if _LINK.fullmatch(link) else shown_as
    return f" ({inside} in the documentation)"
