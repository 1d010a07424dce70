"""What an operation computes and what its slopes are, as formulas for a reader."""

from collections.abc import Sequence
from typing import NamedTuple

from .node import Node


class Formula(NamedTuple):
    """The value of a node, and its slope in each input, in symbols.

    The placeholders are {0}, {1} for the operands, {z} for the result, and {y} and the like for the parameters.
    """

    value: str
    slopes: tuple[str, ...] = ()


_CONVOLUTION = Formula("{0} ∗ {1}, a convolution", ("the kernel", "windows of {0}"))
_FORMULAS = {
    "add": Formula("{0} + {1}", ("1", "1")),
    "add_any": Formula("{0} + {1}", ("1", "1")),
    "sub": Formula("{0} − {1}", ("1", "−1")),
    "mul": Formula("{0} · {1}", ("{1}", "{0}")),
    "div": Formula("{0} / {1}", ("1 / {1}", "−{0} / {1}²")),
    "neg": Formula("−{0}", ("−1",)),
    "integer_pow": Formula("{0}^{y}", ("{y} · {0}^({y} − 1)",)),
    "pow": Formula("{0}^{1}", ("{1} · {0}^({1} − 1)", "{z} · log {0}")),
    "square": Formula("{0}²", ("2 · {0}",)),
    "sqrt": Formula("√{0}", ("1 / (2 · {z})",)),
    "rsqrt": Formula("1 / √{0}", ("−{z} / (2 · {0})",)),
    "exp": Formula("exp {0}", ("{z}",)),
    "log": Formula("log {0}", ("1 / {0}",)),
    "log1p": Formula("log(1 + {0})", ("1 / (1 + {0})",)),
    "expm1": Formula("exp {0} − 1", ("{z} + 1",)),
    "sin": Formula("sin {0}", ("cos {0}",)),
    "cos": Formula("cos {0}", ("−sin {0}",)),
    "tanh": Formula("tanh {0}", ("1 − {z}²",)),
    "logistic": Formula("1 / (1 + exp(−{0}))", ("{z} · (1 − {z})",)),
    "abs": Formula("|{0}|", ("sign {0}",)),
    "max": Formula("max({0}, {1})", ("1 where {0} is larger, ½ at a tie", "1 where {1} is larger, ½ at a tie")),
    "min": Formula("min({0}, {1})", ("1 where {0} is smaller, ½ at a tie", "1 where {1} is smaller, ½ at a tie")),
    "reduce_sum": Formula("Σ {0}", ("1 for each element of the sum",)),
    "reduce_max": Formula("max {0}", ("1 at the largest, shared at ties",)),
    "dot_general": Formula("{0} · {1}, a matrix product", ("{1}", "{0}")),
    "linear": Formula("{0} · {1}ᵀ, a matrix product", ("{1}", "{0}")),
    "linear_input_gradient": Formula("{0} · {1}, a matrix product", ("{1}", "{0}")),
    "linear_weight_gradient": Formula("{0}ᵀ · {1}, a matrix product", ("{1}", "{0}")),
    "softmax": Formula("exp {0} / Σ exp {0}, along the last axis", ("{z}_i · (1 where i = j, else 0, − {z}_j)",)),
    "softmax_jacobian_product": Formula("{0} · ({1} − Σ {0} · {1}), along the last axis"),
    "conv_general_dilated": _CONVOLUTION,
    "convolution": _CONVOLUTION,
    "relu": Formula("max({0}, 0)", ("1 where {0} > 0, else 0",)),
    "select_n": Formula("the case that {0} picks"),
    "convert_element_type": Formula("{0} as {dtype}", ("1",)),
    "reshape": Formula("{0}, reshaped", ("1 for each element",)),
    "squeeze": Formula("{0}, reshaped", ("1 for each element",)),
    "transpose": Formula("{0}, transposed", ("1 for each element",)),
    "broadcast_in_dim": Formula("{0}, repeated", ("1 for each copy",)),
    "stop_gradient": Formula("{0}, held constant", ("0",)),
}
_OF_ONE = {"mul": ("2 · {0}",), "add": ("2",), "add_any": ("2",), "sub": ("0",), "div": ("0",)}


def formula(node: Node) -> Formula:
    """Return the formula of a node's operation; its bare name where there is none.

    Example:
        >>> from jaxtut import graph
        >>> formula(graph.trace(lambda x: x**3, 2.0).output)
        Formula(value='{0}^3', slopes=('3 · {0}^(3 − 1)',))
    """
    operands = [f"{{{i}}}" for i in range(len(node.inputs))]
    if node.op in ("input", "constant"):
        return Formula(node.op)
    found = _FORMULAS.get(node.op.lstrip("_"), Formula(f"{node.op}({', '.join(operands)})"))
    if len(node.inputs) == 1 and "{1}" in found.value:  # x · x
        found = Formula(found.value.replace("{1}", "{0}"), _OF_ONE.get(node.op, ()))
    known = {"y": node.params.get("y"), "dtype": node.dtype}
    return Formula(_filled(found.value, known), tuple(_filled(s, known) for s in found.slopes))


def _filled(text: str, known: dict[str, object]) -> str:
    for key, value in known.items():
        text = text.replace(f"{{{key}}}", str(value))
    return text.replace("^2", "²") if "^2" in text and "^(2" not in text else text.replace("^(2 − 1)", "")


def in_symbols(text: str, operands: Sequence[str], result: str) -> str:
    """Put symbols into a formula's placeholders.

    Example:
        >>> in_symbols("{0} · {1}", ("w", "x"), "ŷ")
        'w · x'
    """
    for i, symbol in enumerate(operands):
        text = text.replace(f"{{{i}}}", symbol)
    return text.replace("{z}", result)
