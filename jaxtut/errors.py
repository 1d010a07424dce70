"""The exceptions of jaxtut that Python does not already have."""


class LabelError(ValueError, IndexError):
    """A class label or an index lies outside its range.

    PyTorch raises `IndexError` or `RuntimeError` here, depending on the operation; code that catches either `ValueError` or `IndexError`
    catches this one.
    """


class MissingDependencyError(ImportError):
    """An optional package is needed for what was asked, and is not installed; the message says how to install it."""


class WorkerError(RuntimeError):
    """A worker process of a data loader was killed, ended by itself, or gave no batch in time; or raised what cannot be raised here."""


class CheckpointError(ValueError):
    """A checkpoint could not be written, or is damaged, foreign, or of another model; the message says which file, and why."""
