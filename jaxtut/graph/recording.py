"""Run a traced program equation by equation and record every value, with the rule that differentiates it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.extend.core import ClosedJaxpr, DropVar, Jaxpr, JaxprEqn, Literal, Var

from .local import Local, evaluate, local_gradients
from .node import LocalGradient, is_differentiable
from .source import function_name, is_defined_in_jax, source_line

# Calls that only group equations. Everything else with a program inside (custom rules, loops, branches) is one node.
_OPENED = {"jit", "pjit", "closed_call", "core_call", "call", "remat", "remat2", "checkpoint"}


@dataclass
class Entry:
    """A node before the backward pass."""

    op: str
    value: Array
    source: str = ""
    names: list[str] = field(default_factory=list)
    inputs: list[tuple[int, LocalGradient]] = field(default_factory=list)


@dataclass(frozen=True)
class Step:
    """An equation that was run: which nodes entered, which came out, and its rule."""

    input_ids: tuple[int, ...]
    output_ids: tuple[int, ...]
    local: Local


@dataclass
class Recording:
    """The forward pass, in order.

    `limit` is the largest Jacobian that is stored whole. `varying` holds the floating-point nodes that a small change
    of a floating-point argument can reach.
    """

    limit: int
    entries: list[Entry] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    varying: set[int] = field(default_factory=set)

    def add(self, entry: Entry, varying: bool = False) -> int:
        """Append a node and return its id."""
        self.entries.append(entry)
        i = len(self.entries) - 1
        if varying and is_differentiable(entry.value.dtype):
            self.varying.add(i)
        return i

    def run(self, program: ClosedJaxpr, input_ids: Sequence[int], caller: str = "") -> list[int]:
        """Run a program whose arguments are the given nodes; return the ids of its results.

        Args:
            program: the program.
            input_ids: the nodes of its arguments.
            caller: the source line to use for all of it, where its own are not the user's.
        """
        jaxpr = program.jaxpr
        ids: dict[Any, int] = dict(zip(jaxpr.invars, input_ids, strict=True))
        for variable, value in zip(jaxpr.constvars, program.consts, strict=True):
            ids[variable] = self.add(Entry("constant", jnp.asarray(value)))
        used = {v for atoms in (jaxpr.outvars, *(e.invars for e in jaxpr.eqns)) for v in atoms if isinstance(v, Var)}
        for eqn in jaxpr.eqns:
            operands = [self._operand(ids, v) for v in eqn.invars]
            eqn = _without_unused(eqn, used)
            ids.update(zip(eqn.outvars, self._equation(eqn, operands, caller), strict=True))
        return [self._operand(ids, v) for v in jaxpr.outvars]

    def _operand(self, ids: dict[Any, int], variable: Any) -> int:
        if isinstance(variable, Literal):
            dtype = getattr(variable.aval, "dtype", None)
            return self.add(Entry("constant", jnp.asarray(variable.val, dtype)))
        return ids[variable]

    def _equation(self, eqn: JaxprEqn, operands: list[int], caller: str) -> list[int]:
        """Run one equation; return one id for each of its outputs (-1 where the program drops it)."""
        if eqn.primitive.name == "name":
            names = self.entries[operands[0]].names
            if eqn.params["name"] not in names:
                names.append(eqn.params["name"])
            return operands
        source = caller or source_line(eqn)
        inner = _inner_program(eqn)
        if inner is not None and eqn.primitive.name in _OPENED:
            return self.run(inner, operands, source if is_defined_in_jax(inner) else caller)
        return self._run(eqn, operands, Entry(_operation(eqn), jnp.zeros(()), source))

    def _run(self, eqn: JaxprEqn, operands: list[int], template: Entry) -> list[int]:
        distinct = tuple(dict.fromkeys(operands))
        positions, values = [distinct.index(i) for i in operands], [self.entries[i].value for i in distinct]
        local = evaluate(eqn, positions, values, [i in self.varying for i in distinct])
        varying = not self.varying.isdisjoint(distinct)
        new = []
        for position, value in enumerate(local.values):
            edges = list(zip(distinct, local_gradients(local, position, self.limit), strict=True))
            new.append(self.add(Entry(template.op, value, template.source, inputs=edges), varying))
        self.steps.append(Step(distinct, tuple(new), local))
        kept = iter(new)
        return [-1 if isinstance(v, DropVar) else next(kept) for v in eqn.outvars]


def _without_unused(eqn: JaxprEqn, used: set[Var]) -> JaxprEqn:
    """Drop the outputs that nobody reads, such as the indices of `top_k`; an equation that nobody reads stays."""
    if not used.intersection(eqn.outvars):
        return eqn
    return eqn.replace(outvars=[v if v in used else DropVar(v.aval) for v in eqn.outvars])


def _inner_program(eqn: JaxprEqn) -> ClosedJaxpr | None:
    """Return the one program that the equation calls, closed; `None` where there is none."""
    found = next((eqn.params[k] for k in ("jaxpr", "call_jaxpr") if k in eqn.params), None)
    if isinstance(found, Jaxpr):
        return ClosedJaxpr(found, ())
    return found if isinstance(found, ClosedJaxpr) else None


def _operation(eqn: JaxprEqn) -> str:
    inner = _inner_program(eqn)
    if inner is None or not eqn.primitive.name.startswith("custom_"):
        return eqn.primitive.name
    return function_name(inner) or eqn.primitive.name
