"""What one run of one side leaves behind: arrays under (kind, name), in the order in which a reader meets them."""

import numpy as np

Key = tuple[str, str]
Quantities = dict[Key, np.ndarray]
Arrays = dict[str, np.ndarray]

VALUE = "value"
GRADIENT = "gradient"
TAP = "tap"
TAP_GRADIENT = "tap gradient"
JACOBIAN = "jacobian"
HVP = "hvp"
JVP = "jvp"
VMAP_VALUE = "vmap value"
VMAP_GRADIENT = "vmap gradient"

# How a sentence speaks of each kind.
PHRASES = {
    VALUE: "value of",
    GRADIENT: "gradient of",
    TAP: "named value",
    TAP_GRADIENT: "gradient at named value",
    JACOBIAN: "Jacobian",
    HVP: "Hessian-vector product of",
    JVP: "Jacobian-vector product of",
    VMAP_VALUE: "value under vmap of",
    VMAP_GRADIENT: "gradient under vmap of",
}

# In these the first axis does not belong to the quantity's own shape: it counts cotangents, tangents or samples.
STACKED = {
    GRADIENT: "cotangent",
    TAP_GRADIENT: "cotangent",
    HVP: "tangent",
    JVP: "tangent",
    VMAP_VALUE: "sample",
    VMAP_GRADIENT: "sample",
}


# Floating dtypes that NumPy itself does not know; float32 holds all their numbers.
EXTENDED_FLOATS = ("bfloat16", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz")


def is_floating(x: np.ndarray) -> bool:
    """Say whether an array has a floating dtype, bfloat16 and those of 8 bits among them, which NumPy itself does not know."""
    return np.issubdtype(x.dtype, np.floating) or x.dtype.name in EXTENDED_FLOATS


def output_name(path: str) -> str:
    """Return what to call an output: its path in the result, or 'output' for a bare array."""
    return path or "output"
