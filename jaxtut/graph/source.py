"""Where in the program an equation comes from, and what the function behind a folded call is called."""

import re
from pathlib import Path, PurePath

import jax
from jax.extend import source_info_util
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn

_JAX_FOLDER = str(Path(jax.__file__).parent)


def source_line(eqn: JaxprEqn) -> str:
    """Return the innermost line outside JAX that led to this equation, as `file.py:12`, or "" where JAX kept none."""
    found = re.match(r"(?P<file>.*?):(?P<line>\d+)(:\d+)? \(", source_info_util.summarize(eqn.source_info))
    return f"{PurePath(found['file']).name}:{found['line']}" if found else ""


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
