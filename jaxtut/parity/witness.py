"""The third witness: where two gradients disagree, finite differences of each side's own values say which one is the derivative."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .arguments import Arguments
from .definition import DIFFERENT
from .evidence import LiveEvidence
from .noise import REFUSALS
from .quantities import GRADIENT, VALUE
from .report import Report
from .rows import Row

# Steps of the difference quotients, relative to the element; each a quarter of the one before.
_STEPS = 2.0 ** -np.arange(4, 20, 2)
# A central quotient's error falls with the square of the step: sixteenfold for a quarter. Rounding and higher terms blur that.
_ORDER = (1.5, 4.5)
# How near to the quotient a gradient must be, as a share of how far the two gradients are apart.
_NEAR = 0.05


@dataclass(frozen=True)
class Testimony:
    """What difference quotients along one element say of one side.

    Attributes:
        slope: the extrapolated slope.
        order: the power of the step with which the quotient approaches the side's own gradient, NaN where rounding hides it.
        left, right: the one-sided slopes; where they part, there is a kink.
    """

    slope: float
    order: float
    left: float
    right: float

    @property
    def at_kink(self) -> bool:
        """Whether the one-sided slopes part."""
        return abs(self.right - self.left) > 1e-3 * max(abs(self.right), abs(self.left), 1e-300)


def testify(report: Report, jax: Sequence[LiveEvidence], torch: LiveEvidence) -> Report:
    """Return the report, with the third witness heard if the values agree and a float64 gradient does not."""
    rows = [row for row in report.rows if row.kind == GRADIENT and row.verdict == DIFFERENT and row.dtype == "float64"]
    values_part = any(row.kind == VALUE and not row.same for row in report.rows)
    if values_part or not rows or not rows[0].index or rows[0].jax is None or rows[0].torch is None:
        return report
    row, gradients = rows[0], (float(rows[0].jax), float(rows[0].torch))
    side = next(e for e in jax if e.mode == row.mode)
    try:
        words = [(e.name, g, _ask(e, row, g)) for e, g in zip((side, torch), gradients, strict=True)]
    except REFUSALS:
        return report
    return report.noting(_sentence(row, words)) if all(np.isfinite(t.slope) for _, _, t in words) else report


def _ask(evidence: LiveEvidence, row: Row, gradient: float) -> Testimony:
    cotangent, *index = row.index or (0,)
    args, probes = evidence.plan.args.astype("float64"), evidence.plan.probes
    leaf = next(leaf for leaf in args.differentiable if leaf.name == row.name)
    size = max(1.0, abs(float(leaf.value[tuple(index)])))

    def along(step: float) -> float:
        moved = leaf.value.copy()
        moved[tuple(index)] += step * size
        outputs = evidence.side.outputs(_replaced(args, row.name, moved), "float64")
        v = probes.cotangents[cotangent]
        return float(sum(np.sum(outputs[n] * v[n].astype(np.float64)) for n in v))

    middle = along(0.0)
    ahead, behind = np.array([along(h) for h in _STEPS]), np.array([along(-h) for h in _STEPS])
    central = (ahead - behind) / (2 * _STEPS * size)
    refined = (16 * central[1:] - central[:-1]) / 15
    best = int(np.argmin(np.abs(np.diff(refined)))) + 1
    errors = np.abs(central - gradient)
    with np.errstate(all="ignore"):
        orders = np.log(errors[:-1] / errors[1:]) / np.log(4)
    usable = orders[np.isfinite(orders)]
    one_sided = [float((middle - behind[-1]) / (_STEPS[-1] * size)), float((ahead[-1] - middle) / (_STEPS[-1] * size))]
    return Testimony(float(refined[best]), float(np.median(usable[:3])) if usable.size else float("nan"), *one_sided)


def _replaced(args: Arguments, name: str, value: np.ndarray) -> Arguments:
    return args.with_values([value if leaf.name == name else leaf.value for leaf in args.differentiable])


def _sentence(row: Row, words: list[tuple[str, float, Testimony]]) -> str:
    apart = abs(words[0][1] - words[1][1])
    where = f"third witness, finite differences for {row.name} at {list(row.index or ())[1:]}"
    kinks = [t for _, _, t in words if t.at_kink]
    if kinks:
        t = kinks[0]
        said = f"JAX says {words[0][1]:.9g}, PyTorch {words[1][1]:.9g}"
        return f"{where}: a kink, with slope {t.left:.9g} on the left and {t.right:.9g} on the right; {said}"
    right = [name for name, gradient, t in words if abs(t.slope - gradient) <= _NEAR * apart]
    found = ", ".join(f"{t.slope:.12g} by {name}'s values" + _order(t) for name, _, t in words)
    verdict = {
        0: "neither gradient is the derivative of its values",
        1: f"{right[0] if right else ''} is right" if right else "",
        2: "each gradient is the derivative of its own values, which part beside this point",
    }[len(right)]
    return f"{where}: {found}; {verdict}"


def _order(t: Testimony) -> str:
    return f" (Taylor order {t.order:.1f})" if _ORDER[0] <= t.order <= _ORDER[1] else ""
