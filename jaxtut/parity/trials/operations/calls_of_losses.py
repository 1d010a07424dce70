"""Calls of the losses: of real numbers, likelihoods, classes, margins and embeddings."""

import math
from typing import Any

import numpy as np

from ..drawing import Draw
from .call import Call, Calls

# None of them empty: the mean of nothing is NaN, but PyTorch's Jacobian-vector product of it is 0.
SHAPES = ((7,), (3, 5), (), (1, 2))
ROWS = ((3, 5), (2, 4), (1, 1))
VECTORS = ((4, 3), (3,), (2, 1))
REDUCTIONS = ("none", "mean", "sum")


def reduction(draw: Draw, **options: Any) -> dict[str, Any]:
    """Draw a reduction, and add it to the options."""
    return options | {"reduction": draw.choice(REDUCTIONS)}


def signs(draw: Draw, shape: tuple[int, ...], choices: tuple[int, ...] = (-1, 1)) -> np.ndarray:
    """Draw whole numbers among the choices."""
    return np.asarray(np.asarray(choices)[draw.labels(shape, len(choices))])


def shares(x: np.ndarray) -> np.ndarray:
    """Map numbers into [0, 1]: zeros to 0, the largest to 1, once they are rounded."""
    return np.asarray(np.abs(x) / (1 + np.abs(x)))


def positive(x: np.ndarray) -> np.ndarray:
    """Map numbers to their magnitudes."""
    return np.asarray(np.abs(x))


def negative(x: np.ndarray) -> np.ndarray:
    """Map numbers to logarithms of probabilities."""
    return np.asarray(-np.abs(x))


# Whole numbers among the values put differences on the kinks: 0, and the bounds below.


def regression(draw: Draw) -> Call:
    """Draw an input and a target, and at times a weight."""
    shape = draw.choice(SHAPES)
    pair = draw.array(shape, most=1e4), draw.array(shape, most=1e4)
    weight = {"weight": draw.array(shape, least=1e-3, most=10, domain=positive)} if draw.integer(0, 1) else {}
    return Call(pair, named=weight, options=reduction(draw))


def smooth_l1(draw: Draw) -> Call:
    """Draw both bounds of smooth_l1_loss, and 0."""
    shape = draw.choice(SHAPES)
    pair = draw.array(shape, most=1e4), draw.array(shape, most=1e4)
    return Call(pair, options=reduction(draw, beta=draw.choice((1.0, 0.5, 2, 0.0))))


def huber(draw: Draw) -> Call:
    """Draw a bound of huber_loss beside what the regressions draw."""
    call = regression(draw)
    return Call(call.args, call.named, {**call.options, "delta": draw.choice((1.0, 0.5, 2))})


def kl_div(draw: Draw) -> Call:
    """Draw log-probabilities, and probabilities of which some are 0."""
    shape = draw.choice((*SHAPES, (2, 1, 4)))
    logarithms = bool(draw.integer(0, 1))
    x = draw.array(shape, most=50, domain=negative)
    t = draw.array(shape[1:] if draw.integer(0, 1) else shape, most=50, domain=negative if logarithms else shares)
    return Call((x, t), options={"reduction": draw.choice((*REDUCTIONS, "batchmean")), "log_target": logarithms})


def poisson(draw: Draw) -> Call:
    """Draw rates, or their logarithms, and counts, integers or not."""
    shape, logarithms = draw.choice(SHAPES), bool(draw.integer(0, 1))
    x = draw.array(shape, most=20, domain=None if logarithms else positive)
    t = draw.labels(shape, 6) if draw.integer(0, 1) else draw.array(shape, least=1e-3, most=50, domain=positive)
    return Call(
        (x, t),
        options=reduction(draw, log_input=logarithms, full=bool(draw.integer(0, 1)), eps=draw.choice((1e-8, 0.1))),
    )


def gaussian(draw: Draw) -> Call:
    """Draw variances of every shape that is taken, and below eps."""
    shape = draw.choice(((3, 5), (2, 3, 4), (4,)))
    homoscedastic = draw.choice((shape, shape[:-1], (*shape[:-1], 1), (1, *shape[1:])))
    var = draw.array(homoscedastic, least=1e-3, most=1e3, domain=positive) if draw.integer(0, 3) else 0.5
    x, t = draw.array(shape, most=1e3), draw.array(shape, most=1e3)
    return Call((x, t, var), options=reduction(draw, full=bool(draw.integer(0, 1)), eps=draw.choice((1e-6, 0.3))))


def nll(draw: Draw) -> Call:
    """Draw log-probabilities and labels, some ignored, and at times a weight of the classes."""
    shape = draw.choice(((3, 5), (5,), (2, 3, 4), (4, 1)))
    classes = shape[0] if len(shape) == 1 else shape[1]
    labels = draw.labels(shape[:1] + shape[2:] if len(shape) > 1 else (), classes)
    ignored = draw.choice((-100, 0, 1))
    if ignored < 0:
        labels = np.where(draw.mask(labels.shape), labels, ignored)
    weight = {"weight": draw.array((classes,), least=1e-2, most=10, domain=positive)} if draw.integer(0, 1) else {}
    x = draw.array(shape, most=50)
    return Call((x, labels), named=weight, options=reduction(draw, ignore_index=ignored), argnums=(0,))


def cross_entropy(draw: Draw) -> Call:
    """Draw labels, or probabilities, with and without smoothing."""
    smoothing = {"label_smoothing": draw.choice((0.0, 0.1, 1.0))}
    call = nll(draw)
    if draw.integer(0, 1):
        return Call(call.args, call.named, {**call.options, **smoothing}, argnums=(0,))
    target = draw.array(call.args[0].shape, most=1, domain=shares)
    return Call((call.args[0], target), call.named, reduction(draw, **smoothing), argnums=(0, 1))


def binary(draw: Draw) -> Call:
    """Draw probabilities, 0 and 1 among them."""
    shape = draw.choice(SHAPES)
    weight = {"weight": draw.array(shape[-1:], least=1e-2, most=10, domain=positive)} if draw.integer(0, 1) else {}
    pair = tuple(draw.array(shape, least=1e-3, domain=shares) for _ in range(2))
    return Call(pair, named=weight, options=reduction(draw), argnums=(0, 1))


def binary_with_logits(draw: Draw) -> Call:
    """Draw raw scores, and every kind of weight."""
    shape = draw.choice(SHAPES)
    pair = draw.array(shape, most=1e4), draw.array(shape, least=1e-3, domain=shares)
    names = [name for name in ("weight", "pos_weight") if draw.integer(0, 1)]
    weights = {name: draw.array(shape[-1:], least=1e-2, most=10, domain=positive) for name in names}
    return Call(pair, named=weights, options=reduction(draw), argnums=(0, 1))


def soft_margin(draw: Draw) -> Call:
    """Draw scores and targets 1 and −1."""
    shape = draw.choice(SHAPES)
    return Call((draw.array(shape, most=80), signs(draw, shape)), options=reduction(draw))


def multi_margin(draw: Draw) -> Call:
    """Draw scores and labels, both powers, and at times a weight of the classes."""
    shape = draw.choice((*ROWS, (4,)))
    labels = draw.labels(shape[:-1], shape[-1])
    weight = {"weight": draw.array(shape[-1:], least=1e-2, most=10, domain=positive)} if draw.integer(0, 1) else {}
    options = reduction(draw, p=draw.choice((1, 2)), margin=draw.choice((1.0, 0.5, 2)))
    return Call((draw.array(shape, most=1e3), labels), named=weight, options=options, argnums=(0,))


def multilabel_margin(draw: Draw) -> Call:
    """Draw scores, and lists of labels that end at −1 or do not."""
    shape = draw.choice((*ROWS, (4,)))
    return Call((draw.array(shape, most=1e3), draw.labels(shape, shape[-1] + 1) - 1), options=reduction(draw))


def multilabel_soft_margin(draw: Draw) -> Call:
    """Draw scores and shares, and at times a weight of the classes."""
    shape = draw.choice((*ROWS, (4,), (2, 3, 4)))
    target = draw.labels(shape, 2) if draw.integer(0, 1) else draw.array(shape, least=1e-3, domain=shares)
    weight = {"weight": draw.array(shape[-1:], least=1e-2, most=10, domain=positive)} if draw.integer(0, 1) else {}
    return Call((draw.array(shape, most=1e3), target), named=weight, options=reduction(draw))


def hinge_embedding(draw: Draw) -> Call:
    """Draw distances and targets, of which some are neither 1 nor −1."""
    shape = draw.choice(SHAPES)
    options = reduction(draw, margin=draw.choice((1.0, 0.5, 2)))
    return Call((draw.array(shape, most=1e3), signs(draw, shape, (-1, 1, 0))), options=options)


def margin_ranking(draw: Draw) -> Call:
    """Draw two lists of scores, and which should be the larger."""
    shape = draw.choice(SHAPES)
    options = reduction(draw, margin=draw.choice((0, 0.5, 1.0, 2)))
    return Call((draw.array(shape, most=1e3), draw.array(shape, most=1e3), signs(draw, shape)), options=options)


def cosine_embedding(draw: Draw) -> Call:
    """Draw pairs of vectors, zeros among them."""
    shape = draw.choice(VECTORS)
    options = reduction(draw, margin=draw.choice((0, 0.5, -0.5)))
    vectors = tuple(draw.array(shape, least=1e-3, most=1e3) for _ in range(2))
    return Call((*vectors, signs(draw, shape[:-1], (-1, 1, 0))), options=options)


def triplet(draw: Draw) -> Call:
    """Draw three lists of vectors, and every kind of norm."""
    shape = draw.choice(VECTORS)
    options = {"margin": draw.choice((1.0, 0.5, 2)), "p": draw.choice((2, 1, 3, math.inf, 0.5, 1.5, 0))}
    options |= {"eps": draw.choice((1e-6, 0.0)), "swap": bool(draw.integer(0, 1))}
    return Call(tuple(draw.array(shape, least=1e-3, most=1e3) for _ in range(3)), options=reduction(draw, **options))


def triplet_with_distance(draw: Draw) -> Call:
    """Draw three lists of vectors, and a distance."""
    shape = draw.choice(VECTORS)
    options = {"margin": draw.choice((1.0, 0.5)), "swap": bool(draw.integer(0, 1))}
    options |= {"distance_function": draw.choice((None, lambda x, y: ((x - y) ** 2).sum(-1)))}
    return Call(tuple(draw.array(shape, least=1e-3, most=1e3) for _ in range(3)), options=reduction(draw, **options))


CALLS: dict[str, Calls] = {
    "mse_loss": regression,
    "l1_loss": regression,
    "smooth_l1_loss": smooth_l1,
    "huber_loss": huber,
    "kl_div": kl_div,
    "poisson_nll_loss": poisson,
    "gaussian_nll_loss": gaussian,
    "nll_loss": nll,
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": binary,
    "binary_cross_entropy_with_logits": binary_with_logits,
    "soft_margin_loss": soft_margin,
    "multi_margin_loss": multi_margin,
    "multilabel_margin_loss": multilabel_margin,
    "multilabel_soft_margin_loss": multilabel_soft_margin,
    "hinge_embedding_loss": hinge_embedding,
    "margin_ranking_loss": margin_ranking,
    "cosine_embedding_loss": cosine_embedding,
    "triplet_margin_loss": triplet,
    "triplet_margin_with_distance_loss": triplet_with_distance,
}
