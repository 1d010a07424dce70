"""Which versions of what a report rests on are installed."""

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("jaxtut", "numpy", "jax", "jaxlib", "torch")


def installed() -> dict[str, str]:
    """Return the versions of Python and of the packages that are installed, without importing them.

    Example:
        >>> sorted(set(installed()) & {"python", "numpy"})
        ['numpy', 'python']
    """
    return dict(_installed())


@cache
def _installed() -> tuple[tuple[str, str], ...]:
    found = [("python", platform.python_version())]
    for package in PACKAGES:
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:
            continue
    return tuple(found)
