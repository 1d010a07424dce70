"""The equivalence engine: are a JAX function and a PyTorch function the same, on what basis, and if not, where do they part first?"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxtut.naming import tap as tap

    from .comparison import ParityError as ParityError
    from .comparison import assert_same_gradients as assert_same_gradients
    from .comparison import compare as compare
    from .flax_modules import flax_parameters as flax_parameters
    from .recording import RecordingError as RecordingError
    from .recording import judge_files as judge_files
    from .recording import record as record
    from .report import Report as Report
    from .rows import Row as Row
    from .training_steps import compare_training as compare_training

# Imported when asked for, so that files can be judged where neither JAX nor PyTorch is installed.
_PUBLIC = {
    "ParityError": ".comparison",
    "assert_same_gradients": ".comparison",
    "compare": ".comparison",
    "compare_training": ".training_steps",
    "flax_parameters": ".flax_modules",
    "RecordingError": ".recording",
    "judge_files": ".recording",
    "record": ".recording",
    "Report": ".report",
    "Row": ".rows",
    "tap": "jaxtut.naming",
}


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name], __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
