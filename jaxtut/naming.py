"""Name an intermediate value, so that parity reports and computational graphs can speak of it."""

from typing import TypeVar

from jax.ad_checkpoint import checkpoint_name

T = TypeVar("T")


def tap(name: str, x: T) -> T:
    """Return `x` unchanged and give it a name.

    The name is written into the traced program as an identity operation, so it survives `jit`, `grad` and `vmap` and costs nothing at run
    time: compilation removes it. `jaxtut.parity` compares the values and cotangents of equal names on both sides and reports the first
    that part; `jaxtut.graph` shows the name beside the node.

    Args:
        name: what to call the value; unique within one function.
        x: an array, or a pytree of arrays, of which every leaf gets the name.

    Returns:
        `x`.

    Example:
        >>> import jax
        >>> loss = lambda w: tap("squared error", (w - 3.0) ** 2)
        >>> float(jax.grad(loss)(1.0))
        -4.0

    PyTorch's counterpart: `torch_ref.naming.tap`, which records while a recorder is open.
    """
    if not isinstance(name, str) or not name:
        raise TypeError(f"tap: name must be a non-empty string, but {name!r} was given")
    return checkpoint_name(x, name)
