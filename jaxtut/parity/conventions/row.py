"""One row of the convention table, and the files that hold them: data, without any framework."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Outcome:
    """What a call gives at a point: a value and slopes, or the name of an exception.

    Attributes:
        value: the result as nested lists; of several arrays, a dict by name.
        slope: the gradient of the sum of the results in each floating argument, by name.
        error: the class of the exception, where the call is refused.
    """

    value: Any = None
    slope: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class Row:
    """One operation at one point.

    Attributes:
        op: its name in `jaxtut.functional`.
        point: what is special there.
        args: the arguments by name, as nested lists; floats become arrays of `dtype`, whole numbers int64, booleans bool.
        call: the call, with `F` for the functions of either PyTorch or `jaxtut.functional`.
        plain: what a port writes in plain JAX, with `jax`, `jnp`, `lax`, `optax` and `nnx`; '' where JAX has nothing of the kind.
        torch: PyTorch's outcome, in the stated version.
        jax: plain JAX's.
        jax_until: the version of JAX from which on `plain` gives something else; '' where none is known.
        source: where the convention is documented or discussed.
        ours: the exception that `jaxtut.functional` raises where PyTorch raises.
        dtype: of the floating arguments.
        fixed: floating arguments that are not differentiated, since PyTorch refuses it.
        versions: the versions that `torch` and `jax` were measured with.
        note: why, or what is the better choice.
    """

    op: str
    point: str
    args: Mapping[str, Any]
    call: str
    plain: str
    torch: Outcome
    jax: Outcome
    source: str
    ours: str = ""
    dtype: str = "float32"
    fixed: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    jax_until: str = ""

    @property
    def title(self) -> str:
        """Name the row."""
        return f"{self.op} at {self.point}"


@cache
def rows() -> tuple[Row, ...]:
    """Return every row of the table.

    Example:
        >>> next(row for row in rows() if row.title == "relu at 0").torch.slope
        {'x': 0.0}
    """
    return tuple(row for path in sorted(FOLDER.glob("*.toml")) for row in read(path))


def read(path: Path) -> tuple[Row, ...]:
    """Return the rows of one file."""
    text = tomllib.loads(path.read_text(encoding="utf-8"))
    found = []
    for entry in text["row"]:
        torch, jax = (Outcome(**entry.pop(side, {})) for side in ("torch", "jax"))
        fixed = tuple(entry.pop("fixed", ()))
        found.append(Row(**entry, fixed=fixed, torch=torch, jax=jax, versions=text["versions"]))
    return tuple(found)
