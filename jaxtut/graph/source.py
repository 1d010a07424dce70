"""Where in the program an equation comes from: its line, the calls that led to it, and the functions behind it."""

import re
from itertools import pairwise, takewhile
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import jax
from jax.extend import source_info_util
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn

_JAX_FOLDER = str(Path(jax.__file__).parent)
_TRACING = str(Path(__file__).with_name("tracing.py"))


class Call(NamedTuple):
    """A call of a Python function: what was called, and by which line."""

    function: str
    source: str
    path: str


def source_line(eqn: JaxprEqn) -> str:
    """Return the innermost line outside JAX that led to this equation, as `file.py:12`, or "" where JAX kept none."""
    found = re.match(r"(?P<file>.*?):(?P<line>\d+)(:\d+)? \(", source_info_util.summarize(eqn.source_info))
    return f"{PurePath(found['file']).name}:{found['line']}" if found else ""


def calls(eqn: JaxprEqn, function: str | None) -> list[Call]:
    """Return the Python calls that led from a function to an equation, the outermost first.

    Args:
        eqn: the equation.
        function: the name of the function whose program the equation is in; `None` for the function that is traced.
            JAX keeps a compiled function's program from its first call, so what is outside that function is not this
            call's. A function that is not found there, such as one of JAX's own, has no calls inside.
    """
    frames = _frames(eqn)
    if function is not None:
        names = [_plain(f.function_name) for f in frames]
        frames = frames[: names.index(function) + 1] if function in names else []
    frames = [f for f in reversed(frames) if not f.function_name.endswith(("comp>", "genexpr>"))]
    return [
        Call(_plain(inner.function_name), f"{PurePath(outer.file_name).name}:{outer.line_num}", inner.file_name)
        for outer, inner in pairwise(frames)
    ]


def _frames(eqn: JaxprEqn) -> list[Any]:
    """The frames below `trace` and outside JAX, the innermost first; none where JAX keeps none."""
    frames = getattr(eqn.source_info.traceback, "frames", ())
    below = takewhile(lambda frame: frame.file_name != _TRACING, frames)
    return [f for f in below if not f.file_name.startswith((_JAX_FOLDER, "<frozen "))]


def _plain(name: str) -> str:
    """`A.f.<locals>.g` is `g`."""
    return name.rpartition(".")[2].strip("<>")


def _definition(jaxpr: Jaxpr | ClosedJaxpr) -> str:
    """JAX's note on the function that was traced: `name at file:line`."""
    inner = jaxpr.jaxpr if isinstance(jaxpr, ClosedJaxpr) else jaxpr
    return str(getattr(inner.debug_info, "func_src_info", "") or "")


def is_defined_in_jax(jaxpr: Jaxpr | ClosedJaxpr) -> bool:
    """Say whether the traced function is JAX's own, such as the jitted `jnp.where`.

    JAX keeps the trace of such a function from its first call, and with it the line of that first caller, which may
    be any program's. So its equations take their line from the call.
    """
    return _JAX_FOLDER in _definition(jaxpr)


def function_name(jaxpr: Jaxpr | ClosedJaxpr) -> str:
    """Return the name of the traced function, or "" for a lambda or an unknown one."""
    name = _definition(jaxpr).split(" at ")[0].split(" for ")[0].strip()
    return name if name.isidentifier() else ""


def inner_program(eqn: JaxprEqn) -> ClosedJaxpr | None:
    """Return the one program that the equation calls, closed; `None` where there is none."""
    found = next((eqn.params[k] for k in ("jaxpr", "call_jaxpr", "fun_jaxpr") if k in eqn.params), None)
    # From JAX 0.12 on the two are one class, and closed.
    if isinstance(found, ClosedJaxpr):
        return found
    return ClosedJaxpr(found, ()) if isinstance(found, Jaxpr) else None


def parts_of_scan(eqn: JaxprEqn) -> tuple[int, int]:
    """Return how many of a scan's operands are constants, and how many are carried; the others are sequences.

    Read off the shapes, since JAX 0.10 and 0.11 keep the numbers under different names: a sequence has one axis more than its row, and what
    is carried comes out as it is.
    """
    program = eqn.params["jaxpr"]
    body = program.jaxpr if isinstance(program, ClosedJaxpr) else program

    def longer(outside: Any, inside: Any) -> bool:
        return outside.aval.ndim > inside.aval.ndim

    sequences = sum(map(longer, eqn.invars, body.invars))
    carried = len(eqn.outvars) - sum(map(longer, eqn.outvars, body.outvars))
    return len(eqn.invars) - carried - sequences, carried
