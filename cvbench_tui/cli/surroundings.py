"""What a command finds around it: standard streams that are closed, full or without a reader, a folder that is gone."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from typing import TextIO

from cvbench_tui.errors import CvbenchError, os_reason

UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF, errno.EPIPE)
"""Why a stream takes no more: full in some way, a device that fails, open for reading only, or no reader."""


def open_closed() -> None:
    """Put the null device in place of standard streams that the caller has closed. Python has None for them, and the
    next file that is opened would get their descriptor, with all that libraries and children write there."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is not None:
            continue
        try:
            os.fstat(number)
        except OSError:
            taken = os.open(os.devnull, os.O_RDWR)  # the lowest that is free
            if taken != number:
                os.dup2(taken, number)
                os.close(taken)
            os.set_inheritable(number, True)
        setattr(sys, name, open(os.devnull, "w" if number else "r", encoding="utf-8"))  # noqa: SIM115


def flush() -> OSError | None:
    """Write what is still buffered; why it cannot be, else None. At the interpreter's exit that would be code 120."""
    failed = None
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:
            give_up(stream)
            failed = failed or (error if stream is sys.stdout else None)
    return failed


def complain(text: str) -> None:
    """A line on stderr; nothing where it cannot be written."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except OSError:
        give_up(sys.stderr)


def lost_output(error: OSError) -> str:
    """What is wrong with stdout, in one sentence; empty where its reader has gone, as ``head`` does. Nothing more is
    written there."""
    give_up(sys.stdout)
    if error.errno == errno.EPIPE:
        return ""
    reason = "no space left" if error.errno == errno.ENOSPC else os_reason(error)
    return f"cvbench-tui: the output cannot be written: {reason[0].lower()}{reason[1:]}."


def check_folder() -> None:
    """Raise CvbenchError in a folder that has been deleted: the measuring process could not start there."""
    try:
        os.getcwd()
    except OSError as error:
        why = "does not exist any more" if error.errno == errno.ENOENT else f"cannot be used: {os_reason(error)}"
        raise CvbenchError(f"The current folder {why}.", "Go to another one: cd ~") from None


def give_up(stream: TextIO) -> None:
    """What is written to that stream from now on, and what is still in its buffer, goes nowhere."""
    with suppress(OSError, ValueError):  # one without a descriptor
        number, null = stream.fileno(), os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, number)
        os.close(null)
