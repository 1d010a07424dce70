"""Where the sides compute: the CPU, or one GPU for both frameworks, with TF32 off or on in both."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np
import torch

DEVICES = ("cpu", "gpu")
_NAMES = {"cpu": "cpu", "gpu": "cuda"}
_now = torch.device("cpu")


@contextmanager
def computing_on(name: str, tf32: bool = False) -> Iterator[None]:
    """Let all sides that are made and run inside the `with` block compute there.

    Args:
        name: one of `DEVICES`.
        tf32: let a GPU round the factors of products and convolutions to the 11 bits of TF32; otherwise all is float32.

    Raises:
        ValueError: a framework does not see such a device.
    """
    global _now
    if name not in DEVICES:
        raise ValueError(f"device must be one of {', '.join(DEVICES)}, but {name!r} was given")
    if name == "gpu" and not torch.cuda.is_available():
        raise ValueError("there is no GPU here that PyTorch sees")
    try:
        device = jax.devices(name)[0]
    except RuntimeError:
        raise ValueError(f"there is no device {name!r} here that JAX sees") from None
    cudnn = torch.backends.cudnn
    before = _now, torch.backends.cuda.matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark
    _now = torch.device(_NAMES[name])
    torch.backends.cuda.matmul.allow_tf32 = cudnn.allow_tf32 = tf32
    cudnn.benchmark = name == "gpu"  # XLA tries cuDNN's kernels too, and takes the fastest
    try:
        with jax.default_device(device), jax.default_matmul_precision("tensorfloat32" if tf32 else "highest"):
            yield
    finally:
        _now, torch.backends.cuda.matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark = before


def on_gpu() -> bool:
    """Return whether it is a GPU."""
    return _now.type == "cuda"


def tensor(array: Any) -> torch.Tensor:
    """Return a copy of an array on the device."""
    return torch.from_numpy(np.array(array)).to(_now)


def module(model: torch.nn.Module) -> torch.nn.Module:
    """Move a module to the device."""
    return model.to(_now)


def array(given: torch.Tensor) -> np.ndarray:
    """Return a copy of a tensor of the device as an array."""
    return given.detach().cpu().numpy().copy()


def until_done(run: Callable[[], Any]) -> Callable[[], Any]:
    """Make a call of torch return when the device is finished, as it does on a CPU."""
    if not on_gpu():
        return run

    def waiting() -> Any:
        result = run()
        torch.cuda.synchronize()
        return result

    return waiting


def as_cuda_graph(run: Callable[[], Any], restore: Callable[[], Any] = lambda: None) -> Callable[[], Any]:
    """Record all that a call starts on the GPU, and play that back: Python and PyTorch's dispatcher are asked once.

    Args:
        run: what to record; it must use the same memory each time.
        restore: puts back what the calls before the recording changed.
    """
    graph, result = None, None

    def replay() -> Any:
        nonlocal graph, result
        if graph is None:
            stream = torch.cuda.Stream()
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):  # cuDNN chooses its kernels, and PyTorch asks for its memory
                for _ in range(3):
                    run()
            torch.cuda.current_stream().wait_stream(stream)
            recorded = torch.cuda.CUDAGraph()
            with torch.cuda.graph(recorded):
                result = run()
            restore()
            graph = recorded
        graph.replay()
        return result

    return replay
