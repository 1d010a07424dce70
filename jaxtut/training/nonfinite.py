"""Where the first number that is none came into a loss: the parameters, the samples, or an operation."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.extend.core import DropVar, Jaxpr, JaxprEqn, Literal

from jaxtut.graph.local import equation_as_function
from jaxtut.graph.opening import OPENED, kind_of
from jaxtut.graph.recording import operation_name
from jaxtut.graph.source import inner_program, source_line


def first_nonfinite(loss_of: Callable[..., Array], params: Any, x: Any, y: Any, indices: Sequence[int]) -> str:
    """Name the first quantity of `loss_of(params, x, y)` that is NaN or infinite.

    Args:
        loss_of: the loss of a batch.
        params: the parameters.
        x: the batch.
        y: its labels or targets.
        indices: which samples of the data set the batch consists of.

    Returns:
        In this order: a parameter, a sample, a target, what the loss refuses (such as a label out of range), or the first
        operation that makes such a number out of finite ones, with its source line and the next value that has a name
        (`jaxtut.naming.tap`).

    Example:
        >>> first_nonfinite(lambda w, x, y: jnp.sum(jnp.log(w * x)), jnp.array(1.0), jnp.array([1.0, 0.0]), 0, [7, 5])[:23]
        'the result of log (-inf'
    """
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        if (bad := _first(leaf)) is not None:
            return f"the parameter {jax.tree_util.keystr(path, simple=True, separator='.') or 'params'}{_at(bad)}"
    for name, batch in (("x", x), ("y", y)):
        for leaf in jax.tree.leaves(batch):
            if (bad := _first(leaf)) is not None:
                (row, *rest), value = bad
                return f"{name} of sample {int(indices[row])}{_at((tuple(rest), value))}"
    try:
        loss_of(params, x, y)
    except (
        ValueError
    ) as error:  # what hidden values made NaN of is refused by name where values can be seen: a label for example
        return f"what is refused: {error}"
    program = jax.make_jaxpr(loss_of)(params, x, y)
    search = _Search()
    search.run(program.jaxpr, program.consts, jax.tree.leaves((params, x, y)))
    return search.found or "the loss"


class _Search:
    """Run a program operation by operation until one makes NaN or infinity out of finite numbers; then look for the next name."""

    def __init__(self) -> None:
        self.found = ""
        self.named = False

    def run(self, jaxpr: Jaxpr, consts: Sequence[Any], args: Sequence[Any]) -> list[Any]:
        values: dict[Any, Any] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *args], strict=True))
        for eqn in jaxpr.eqns:
            inputs = [jnp.asarray(v.val) if isinstance(v, Literal) else values[v] for v in eqn.invars]
            results = self._equation(eqn, inputs)
            kept = [v for v in eqn.outvars if not isinstance(v, DropVar)]
            values.update(zip(kept, results, strict=True))
        return [v.val if isinstance(v, Literal) else values[v] for v in jaxpr.outvars]

    def _equation(self, eqn: JaxprEqn, inputs: Sequence[Any]) -> list[Any]:
        inner = inner_program(eqn)
        if inner is not None and kind_of(eqn) in OPENED:
            results = self.run(inner.jaxpr, inner.consts, inputs)
            return [r for r, v in zip(results, eqn.outvars, strict=True) if not isinstance(v, DropVar)]
        results = equation_as_function(eqn, inputs)(*inputs)
        bad = next((b for b in map(_first, results) if b is not None), None)
        if not self.found and bad is not None and all(_first(x) is None for x in inputs):
            where = source_line(eqn)
            self.found = f"the result of {operation_name(eqn)}{_at(bad)[:-1]}{f', {where}' if where else ''})"
        if self.found and not self.named and eqn.primitive.name == "name" and bad is not None:
            self.named = True
            self.found += f", which spoils {eqn.params['name']!r}"
        return results


def _first(leaf: Any) -> tuple[tuple[int, ...], float] | None:
    """Return index and value of the first NaN or infinity, or None."""
    if not jnp.issubdtype(getattr(leaf, "dtype", np.asarray(leaf).dtype), jnp.inexact):
        return None
    array = np.asarray(leaf)
    bad = ~np.isfinite(array.astype(np.complex128 if np.iscomplexobj(array) else np.float64))
    if not bad.any():
        return None
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(bad)), bad.shape))
    return index, array[index]


def _at(bad: tuple[tuple[int, ...], Any]) -> str:
    index, value = bad
    return f" ({value} at {list(index)})" if index else f" ({value})"
