"""How a call is opened, so that what happens inside it is in the graph: one function for each kind of call."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, DropVar, JaxprEqn

from .source import function_name, inner_program, is_defined_in_jax, parts_of_scan

if TYPE_CHECKING:
    from .recording import Place, Recording

_KINDS = {
    "jit": "jit",
    "pjit": "jit",
    "closed_call": "jit",
    "core_call": "jit",
    "call": "jit",
    "remat": "checkpoint",
    "remat2": "checkpoint",
    "checkpoint": "checkpoint",
    "custom_jvp_call": "custom_jvp",
    "custom_vjp_call": "custom_vjp",
    "custom_vjp_call_jaxpr": "custom_vjp",
    "scan": "scan",
    "cond": "cond",
    "while": "while",
}

OPENED = ("jit", "checkpoint")
"""The kinds of call that `trace` opens by default: those that only group equations."""
OPENABLE = tuple(dict.fromkeys(_KINDS.values()))
"""Every kind of call that `trace` can open."""

Ids = list[int]


def check(opened: Iterable[str]) -> frozenset[str]:
    """Return the kinds as a set. Raises `ValueError` for a word that is none."""
    kinds = frozenset([opened] if isinstance(opened, str) else opened)
    if unknown := sorted(kinds - set(OPENABLE)):
        raise ValueError(f"trace: opened must be among {', '.join(OPENABLE)}, but {', '.join(unknown)} was given")
    return kinds


def kind_of(eqn: JaxprEqn) -> str | None:
    """Return the kind of call that an equation is, or `None` for an operation."""
    return _KINDS.get(eqn.primitive.name)


def open_call(recording: "Recording", kind: str, eqn: JaxprEqn, operands: Ids, place: "Place") -> Ids:
    """Run what is inside a call; return one id for each of its outputs (-1 for an output that nobody reads)."""
    return _OPENERS[kind](recording, eqn, operands, place)


def _name(eqn: JaxprEqn, program: ClosedJaxpr) -> str:
    return function_name(program) or str(eqn.params.get("name") or eqn.primitive.name)


def _open_program(recording: "Recording", eqn: JaxprEqn, operands: Ids, place: "Place") -> Ids:
    program = _program(eqn)
    caller = place.source if is_defined_in_jax(program) else place.caller
    group = recording.grouping.add(_name(eqn, program), _KINDS[eqn.primitive.name], place.source, place.group)
    return recording.run(program, operands, caller, group)


def _open_rule(recording: "Recording", eqn: JaxprEqn, operands: Ids, place: "Place") -> Ids:
    """Show the values inside a function with a rule of its own; its gradients pass by, through the rule alone."""
    program = _program(eqn)
    group = recording.grouping.add(_name(eqn, program), _KINDS[eqn.primitive.name], place.source, place.group)
    with recording.values_only():
        inside = recording.run(program, operands, place.caller, group)
    return recording.operation(eqn, operands, place._replace(group=group), inside)


def _open_scan(recording: "Recording", eqn: JaxprEqn, operands: Ids, place: "Place") -> Ids:
    """Unroll: each round takes a row of every sequence; the rows that come out are stacked at the end."""
    params = eqn.params
    if params["length"] == 0:
        return recording.operation(eqn, operands, place)
    first, carried = parts_of_scan(eqn)
    consts, carry, sequences = operands[:first], operands[first : first + carried], operands[first + carried :]
    loop = recording.grouping.add("scan", "scan", place.source, place.group)
    rows: dict[int, Ids] = {}
    for i in reversed(range(params["length"])) if params["reverse"] else range(params["length"]):
        group = recording.grouping.add(f"round {i}", "round", place.source, loop)
        row = partial(jax.lax.index_in_dim, index=i, keepdims=False)
        taken = [recording.apply(f"row {i}", row, [s], place._replace(group=group)) for s in sequences]
        out = recording.run(params["jaxpr"], [*consts, *carry, *taken], place.caller, group)
        carry, rows[i] = out[: len(carry)], out[len(carry) :]
    columns = zip(*(rows[i] for i in range(params["length"])), strict=True)
    kept = [not isinstance(v, DropVar) for v in eqn.outvars[len(carry) :]]
    inside = place._replace(group=loop)
    stacked = [
        recording.apply("stack", _stack, column, inside) if k else -1 for column, k in zip(columns, kept, strict=True)
    ]
    return [*carry, *stacked]


def _stack(*rows: jax.Array) -> jax.Array:
    return jnp.stack(rows)


def _open_cond(recording: "Recording", eqn: JaxprEqn, operands: Ids, place: "Place") -> Ids:
    """Run the branch that is taken."""
    index, *others = operands
    taken = int(recording.entries[index].value)
    group = recording.grouping.add(f"branch {taken}", "cond", place.source, place.group)
    return recording.run(eqn.params["branches"][taken], others, place.caller, group)


def _open_while(recording: "Recording", eqn: JaxprEqn, operands: Ids, place: "Place") -> Ids:
    """Run test and body in turn, until the test says no."""
    params = eqn.params
    first, middle = params["cond_nconsts"], params["cond_nconsts"] + params["body_nconsts"]
    test, body, carry = operands[:first], operands[first:middle], operands[middle:]
    loop = recording.grouping.add("while", "while", place.source, place.group)
    rounds = 0
    while True:
        group = recording.grouping.add(f"round {rounds}", "round", place.source, loop)
        [again] = recording.run(params["cond_jaxpr"], [*test, *carry], place.caller, group)
        if not bool(recording.entries[again].value):
            return carry
        carry = recording.run(params["body_jaxpr"], [*body, *carry], place.caller, group)
        rounds += 1


def _program(eqn: JaxprEqn) -> ClosedJaxpr:
    program = inner_program(eqn)
    assert program is not None
    return program


_OPENERS: dict[str, Callable[["Recording", JaxprEqn, Ids, "Place"], Ids]] = {
    "jit": _open_program,
    "checkpoint": _open_program,
    "custom_jvp": _open_rule,
    "custom_vjp": _open_rule,
    "scan": _open_scan,
    "cond": _open_cond,
    "while": _open_while,
}
