"""Errors that a user can correct; the command line prints their sentence and exits with their code.

A case that fails while it is measured raises none of them: it is a ``Failure`` in its row. Any other exception is a bug
and ends with its traceback.
"""

from __future__ import annotations

INTERRUPTED = 130  # exit code after Ctrl-C: 128 + SIGINT


class CvbenchError(Exception):
    """Base: a sentence, a hint and an exit code."""

    exit_code = 2  # of the command line

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message  # what is wrong, naming the file, key or value, in one sentence
        self.hint = hint  # what to do about it, in one sentence; may be empty


class SelectionError(CvbenchError):
    """An unknown or empty choice of model, layer, device or preset, or an impossible batch or image size."""


class PresetError(CvbenchError):
    """A preset file that cannot be read, parsed or understood."""


class StoreError(CvbenchError):
    """A run or an output file that cannot be found, read or written."""


class WorkerError(CvbenchError):
    """The measuring process could not be started, or did not follow the protocol."""

    exit_code = 1


class MismatchError(WorkerError):
    """The measuring process has a torchvision that does not belong to its PyTorch."""

    exit_code = 2


def os_reason(error: OSError) -> str:
    """The system's message without its number: ``No such file or directory``."""
    return error.strerror or str(error)
