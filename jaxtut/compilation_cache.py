"""Keep compiled programs on disk, so that the next process does not compile them again."""

import os
from pathlib import Path

import jax
from jax.experimental.compilation_cache import compilation_cache


def enable(folder: str | os.PathLike[str] | None = None) -> Path:
    """Keep every program that JAX compiles from now on in a folder, and take from there what is in it already.

    This is JAX's own persistent cache with its thresholds at zero: by default it leaves out programs that compile in
    less than a second, and most of a small network's do. Its keys hold the versions of JAX and XLA, the flags and the
    processor, so a program is never taken where it does not fit. Programs that are in memory already are not written.
    The convolutions that jaxtut compiles itself for a CPU are kept there too, in `jaxtut-native`.

    Args:
        folder: where; made if there is none. Left out, `jaxtut` in `$XDG_CACHE_HOME`, or in `~/.cache`.

    Returns:
        The folder.

    Example:
        >>> import tempfile
        >>> from jaxtut import compilation_cache
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     kept = compilation_cache.enable(folder)
        ...     compilation_cache.disable()

    The command line does this where the environment variable `JAXTUT_COMPILATION_CACHE` is set, to a folder or to `1`.
    PyTorch's counterpart is `TORCHINDUCTOR_CACHE_DIR`, always on.

    Raises:
        NotADirectoryError: the path is a file.
        PermissionError: the folder cannot be made or written to.
    """
    place = Path(folder) if folder is not None else _default()
    if place.exists() and not place.is_dir():
        raise NotADirectoryError(f"enable: folder must be a folder, but {place} is a file")
    place.mkdir(parents=True, exist_ok=True)
    if not os.access(place, os.W_OK):
        raise PermissionError(f"enable: {place} cannot be written to")
    jax.config.update("jax_compilation_cache_dir", str(place))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    # Whether there is a cache, JAX asks once, at the first compilation.
    compilation_cache.reset_cache()
    return place


def disable() -> None:
    """Read and write no more; what is in the folder stays there."""
    jax.config.update("jax_compilation_cache_dir", None)
    compilation_cache.reset_cache()


def _default() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jaxtut"
