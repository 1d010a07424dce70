"""The mistakes that can be told from a difference, each by its section in docs/traps.md."""

from dataclasses import dataclass
from enum import StrEnum

PAGE = "traps.html"


@dataclass(frozen=True)
class Cause:
    """What a difference looks like, in one sentence without a period, and where the documentation treats it."""

    text: str
    link: str


class Trap(StrEnum):
    """A section of docs/traps.md, by its anchor."""

    # structure
    SHAPE = "another-shape"
    AXES = "another-order-of-the-axes"
    SIZE_ONE = "an-axis-of-size-1"
    BROADCAST = "a-pair-broadcast-to-a-square"
    REDUCTION = "a-reduction-on-one-side"
    REDUCED_AXIS = "a-reduction-along-another-axis"
    DTYPE = "another-dtype"
    WRAPPED_INTEGERS = "integers-of-32-bits"
    EIGHT_BITS = "wrapped-or-saturated-bytes"
    NAN = "nan-on-one-side"
    NAN_AT_ZERO = "nan-at-exactly-zero"
    OVERFLOW = "overflow"
    LABEL_UNDER_JIT = "a-label-out-of-range"
    # factors
    SIGN = "the-wrong-sign"
    ONE_HALF = "a-factor-of-one-half"
    MEAN_FOR_SUM = "a-mean-for-a-sum"
    VARIANCE = "biased-and-unbiased-variance"
    SQRT_D = "the-scale-of-attention"
    DROPOUT = "the-scale-of-dropout"
    LOG_BASE = "the-base-of-a-logarithm"
    WEIGHTED_MEAN = "the-mean-over-weights-or-labels"
    FACTOR = "a-constant-factor"
    AXIS_FACTOR = "a-factor-along-one-axis"
    # arrangements
    TRANSPOSED = "a-transposed-weight"
    FLIPPED = "a-flipped-kernel"
    SHIFTED = "a-shift"
    FLATTEN = "the-order-of-a-flatten"
    PERMUTED = "channels-or-gates-in-another-order"
    SWAPPED = "two-leaves-swapped"
    OTHER_PLACES = "the-same-numbers-in-other-places"
    CONJUGATE = "the-conjugate-of-a-gradient"
    # places
    KINK = "the-slope-at-a-kink"
    TIE = "the-gradient-of-a-tie"
    BORDER = "the-border-of-an-image"
    SATURATED = "a-formula-that-saturates"
    BRANCH = "another-branch-or-threshold"
    ONE_INDEX = "one-index"
    LABELS = "an-index-that-is-clamped-or-wrapped"
    REPEATED = "a-repeated-index"
    DIAGONAL = "a-mask-that-is-off-by-one"
    MASK = "another-mask"
    CUT = "a-gradient-that-is-cut-off"
    # precision
    STORED = "a-cast-to-fewer-bits"
    CONSTANT = "a-float32-constant"
    TF32 = "tf32-in-a-product"
    BFLOAT16 = "bfloat16-in-a-product"
    ONE_PASS = "a-variance-in-one-pass"
    SUBNORMAL = "subnormal-numbers"
    # formulas
    GELU = "gelu-by-tanh"
    ACTIVATION = "another-activation"
    ELEMENTWISE = "a-function-of-the-other-side"
    EPSILON = "another-epsilon"
    NORMALIZATION = "another-normalization"
    SMOOTHING = "label-smoothing"
    SOFTMAX_AXIS = "a-softmax-along-another-axis"
    SOFTMAX_TWICE = "a-softmax-twice"
    OFFSET = "a-constant-offset"
    BIAS = "a-bias-left-out"
    RESIDUAL = "a-term-left-out"
    DECAY = "weight-decay"
    STEP = "another-step-size"

    def cause(self, text: str) -> Cause:
        """Return the cause that says `text` and points at this section."""
        return Cause(text, f"{PAGE}#{self.value}")
