"""Whether JAX has begun to compute in this process: what its threads and devices are made with cannot be changed afterwards."""

try:
    # There is no public way to ask.
    from jax._src.xla_bridge import backends_are_initialized as _has_begun
except ImportError:

    def _has_begun() -> bool:
        return False


def require_before(function: str, what: str) -> None:
    """Raise `RuntimeError` if JAX has begun; `what` has begun then already."""
    if _has_begun():
        raise RuntimeError(f"{function}: call it before JAX computes anything; {what}")
