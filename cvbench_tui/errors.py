"""What a user can get wrong, as exceptions the command line turns into one sentence and an exit code.

    CvbenchError                 base: a sentence, a hint, an exit code
    +-- SelectionError           an unknown or empty choice of model, layer, device, preset
    +-- PresetError              a preset file that cannot be used
    +-- StoreError               a run or an output file that cannot be read or written
    +-- WorkerError              the measuring process could not be started at all

A case that fails while it is measured is no exception: it is a ``Failure`` that stays in its row.
Anything else that is raised is a bug and is left loud.
"""

from __future__ import annotations


class CvbenchError(Exception):
    """A mistake the user can mend."""

    exit_code = 2
    """Exit code of the command line."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        """One sentence: what is wrong, naming the file, key or value."""
        self.hint = hint
        """One sentence: what to do about it. Empty when there is nothing to add."""


class SelectionError(CvbenchError):
    """An unknown or empty choice of model, layer, device or preset, or an impossible batch or image size."""


class PresetError(CvbenchError):
    """A preset file that cannot be read, parsed or understood."""


class StoreError(CvbenchError):
    """A run or an output file that cannot be found, read or written."""


class WorkerError(CvbenchError):
    """The measuring process could not be started or spoke something that is not the protocol."""

    exit_code = 1


def os_reason(error: OSError) -> str:
    """The system's words, without the number: ``No such file or directory``."""
    return error.strerror or str(error)
