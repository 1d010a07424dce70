"""Run a traced program equation by equation and record every value, with the rule that differentiates it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.extend.core import ClosedJaxpr, DropVar, JaxprEqn, Literal, Var

from .ahead import Submit
from .group import Grouping
from .local import Local, evaluate, local_gradients
from .node import LocalGradient, is_differentiable
from .opening import kind_of, open_call
from .source import function_name, inner_program, source_line


class Place(NamedTuple):
    """Where an equation stands: its line, the line to use for all of a program instead of its own, and its group."""

    source: str
    caller: str
    group: int | None


@dataclass
class Entry:
    """A node before the backward pass."""

    op: str
    value: Array
    source: str = ""
    names: list[str] = field(default_factory=list)
    inputs: list[tuple[int, LocalGradient]] = field(default_factory=list)
    group: int | None = None
    params: dict[str, Any] = field(default_factory=dict)
    inside_rule: bool = False


@dataclass(frozen=True)
class Step:
    """An equation that was run: which nodes entered, which came out, and its rule."""

    input_ids: tuple[int, ...]
    output_ids: tuple[int, ...]
    local: Local


@dataclass
class Recording:
    """The forward pass, in order.

    `limit` is the largest Jacobian that is stored whole; `opened` are the kinds of calls to open; `submit` takes what can
    be compiled ahead. `varying` holds the floating-point nodes that a small change of a floating-point argument can
    reach.
    """

    limit: int
    opened: frozenset[str]
    submit: Submit
    entries: list[Entry] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    varying: set[int] = field(default_factory=set)
    grouping: Grouping = field(default_factory=Grouping)
    _inside_rule: bool = False

    def add(self, entry: Entry, varying: bool = False) -> int:
        """Append a node and return its id."""
        entry.inside_rule = self._inside_rule
        self.entries.append(entry)
        i = len(self.entries) - 1
        if varying and is_differentiable(entry.value.dtype):
            self.varying.add(i)
        return i

    @contextmanager
    def values_only(self) -> Iterator[None]:
        """Record nodes without derivatives, since the gradients pass by another way."""
        before, self._inside_rule = self._inside_rule, True
        try:
            yield
        finally:
            self._inside_rule = before

    def run(
        self, program: ClosedJaxpr, input_ids: Sequence[int], caller: str = "", group: int | None = None
    ) -> list[int]:
        """Run a program whose arguments are the given nodes; return the ids of its results.

        Args:
            program: the program.
            input_ids: the nodes of its arguments.
            caller: the source line to use for all of it, where its own are not the user's.
            group: the call whose program it is; `None` for the function that is traced.
        """
        jaxpr = program.jaxpr
        function = None if group is None else function_name(program)
        ids: dict[Any, int] = dict(zip(jaxpr.invars, input_ids, strict=True))
        for variable, value in zip(jaxpr.constvars, program.consts, strict=True):
            ids[variable] = self.add(Entry("constant", jnp.asarray(value), group=group))
        used = {v for atoms in (jaxpr.outvars, *(e.invars for e in jaxpr.eqns)) for v in atoms if isinstance(v, Var)}
        for eqn in jaxpr.eqns:
            if eqn.primitive.name == "name":
                ids[eqn.outvars[0]] = self._named(self._operand(ids, eqn.invars[0], group), eqn.params["name"])
                continue
            if eqn.primitive.name == "checked":  # a value as it is, beside a condition for checkify
                ids[eqn.outvars[0]] = self._operand(ids, eqn.invars[0], group)
                continue
            place = Place(caller or source_line(eqn), caller, self.grouping.of(eqn, group, function))
            operands = [self._operand(ids, v, place.group) for v in eqn.invars]
            eqn = _without_unused(eqn, used)
            ids.update(zip(eqn.outvars, self._equation(eqn, operands, place), strict=True))
        return [self._operand(ids, v, group) for v in jaxpr.outvars]

    def _operand(self, ids: dict[Any, int], variable: Any, group: int | None) -> int:
        if isinstance(variable, Literal):
            dtype = getattr(variable.aval, "dtype", None)
            return self.add(Entry("constant", jnp.asarray(variable.val, dtype), group=group))
        return ids[variable]

    def _named(self, i: int, name: str) -> int:
        if name not in self.entries[i].names:
            self.entries[i].names.append(name)
        return i

    def _equation(self, eqn: JaxprEqn, operands: list[int], place: Place) -> list[int]:
        """Run one equation; return one id for each of its outputs (-1 where the program drops it)."""
        kind = kind_of(eqn)
        if kind in self.opened:
            return open_call(self, kind, eqn, operands, place)
        return self.operation(eqn, operands, place)

    def operation(
        self, eqn: JaxprEqn, operands: Sequence[int], place: Place, inside: Sequence[int] = (), op: str = ""
    ) -> list[int]:
        """Run one equation as one node for each of its outputs.

        Args:
            eqn: the equation.
            operands: the nodes that enter.
            place: where it stands.
            inside: nodes that show how the values came about, for a call that is opened but has a rule of its own.
            op: what to call it.
        """
        distinct = tuple(dict.fromkeys(operands))
        positions, values = [distinct.index(i) for i in operands], [self.entries[i].value for i in distinct]
        differentiated = [i in self.varying for i in distinct]
        local = evaluate(eqn, positions, values, differentiated, values_only=self._inside_rule)
        varying = any(differentiated) and not self._inside_rule
        if varying and local.product is not None and not local.is_by_columns:
            self.submit(partial(local.pull_back, [None] * len(local.values)))
        new = []
        for position, value in enumerate(local.values):
            edges = list(zip(distinct, local_gradients(local, position, self.limit), strict=True))
            edges += [(i, None) for i in dict.fromkeys(inside) if i not in distinct]
            entry = Entry(
                op or operation_name(eqn),
                value,
                place.source,
                inputs=edges,
                group=place.group,
                params=_plain(eqn.params),
            )
            new.append(self.add(entry, varying))
        self.steps.append(Step(distinct, tuple(new), local))
        kept = iter(new)
        return [-1 if isinstance(v, DropVar) else next(kept) for v in eqn.outvars]

    def apply(self, op: str, f: Callable[..., Array], ids: Sequence[int], place: Place) -> int:
        """Run a function of JAX as one node, of the given name, and return the node's id."""
        program = jax.make_jaxpr(jax.jit(f))(*(self.entries[i].value for i in ids))
        [eqn] = program.jaxpr.eqns
        [result] = self.operation(eqn, ids, place, op=op)
        return result


def _plain(params: dict[str, Any]) -> dict[str, Any]:
    """The parameters of an operation that a reader can take in, such as the exponent of a power."""
    return {k: v for k, v in params.items() if isinstance(v, int | float | str) or (v and _are_numbers(v))}


def _are_numbers(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(x, int) for x in value)


def _without_unused(eqn: JaxprEqn, used: set[Var]) -> JaxprEqn:
    """Drop the outputs that nobody reads, such as the indices of `top_k`; an equation that nobody reads stays."""
    if not used.intersection(eqn.outvars):
        return eqn
    return eqn.replace(outvars=[v if v in used else DropVar(v.aval) for v in eqn.outvars])


def operation_name(eqn: JaxprEqn) -> str:
    """Name an operation; the fold of a call that has a function's name takes that."""
    inner = inner_program(eqn)
    if inner is None or kind_of(eqn) not in ("jit", "checkpoint", "custom_jvp", "custom_vjp"):
        return eqn.primitive.name
    return function_name(inner) or eqn.primitive.name
