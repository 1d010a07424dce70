"""All families of correct pairs, and the strategy that draws from them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import (
    pairs_elementwise,
    pairs_formulas,
    pairs_indexing,
    pairs_layers,
    pairs_losses,
    pairs_models,
    pairs_norms,
    pairs_programs,
    pairs_reductions,
    pairs_rows,
)
from .drawing import Draw, require_hypothesis
from .pair import Family, Pair

FAMILIES: dict[str, Family] = {
    family.__name__: family
    for family in (
        pairs_elementwise.unary,
        pairs_elementwise.special_values,
        pairs_elementwise.binary,
        pairs_elementwise.subnormal,
        pairs_reductions.reduction,
        pairs_reductions.spread,
        pairs_reductions.cumulative,
        pairs_reductions.product,
        pairs_rows.order_of_summation,
        pairs_formulas.formula,
        pairs_rows.formula_of_a_row,
        pairs_layers.linear,
        pairs_layers.convolution,
        pairs_layers.transposed_convolution,
        pairs_layers.pooling,
        pairs_layers.attention,
        pairs_layers.recurrent,
        pairs_norms.normalization,
        pairs_norms.normalization_in_use,
        pairs_losses.softmax,
        pairs_losses.cross_entropy,
        pairs_losses.binary_loss,
        pairs_losses.regression_loss,
        pairs_indexing.embedding,
        pairs_indexing.scatter,
        pairs_indexing.sorting,
        pairs_indexing.masking,
        pairs_indexing.moving,
        pairs_indexing.integers,
        pairs_programs.smooth_program,
        pairs_programs.program,
        pairs_models.perceptron,
        pairs_models.convolutional,
        pairs_models.transformer_block,
    )
}


Options = Callable[[Draw, Pair], dict[str, Any]]


def trials(names: Sequence[str], families: Mapping[str, Family], options: Options) -> Any:
    """Return a strategy that draws (family, pair, options of `compare`) from the named families."""
    st = require_hypothesis().strategies

    @st.composite
    def trial(draw: Any) -> tuple[str, Pair, dict[str, Any]]:
        drawing = Draw(draw)
        name = drawing.choice(names)
        pair = families[name](drawing)
        return name, pair, options(drawing, pair)

    return trial()


def options(draw: Draw, pair: Pair) -> dict[str, Any]:
    """Draw how the pair is compared: precisions, cotangents, seed, and whether JAX compiles."""
    drawn: dict[str, Any] = {
        "cotangents": draw.choice((1, 2, 3)),
        "seed": draw.integer(0, 999),
        # Eager is commoner, since it compiles less.
        "modes": draw.choice((("eager",), ("eager",), ("jit",), ("jit", "eager"))),
        "dtypes": pair.dtypes or draw.choice((None, None, ("float64",), ("float32",))),
    }
    return drawn | ({} if pair.argnums is None else {"argnums": pair.argnums})
