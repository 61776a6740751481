"""How a process ends with the one that started it, however that ends. Linux tells; elsewhere the end of stdin does.

To the kernel the parent is the thread that started the process: its end counts.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys

PR_SET_PDEATHSIG = 1  # prctl(2): the signal that this process gets when its parent ends


def die_with(parent: int) -> None:
    """Let this process be killed when ``parent``, which started it, ends. Nothing on other systems than Linux."""
    if sys.platform == "linux":
        _at_end_of(parent, signal.SIGKILL)


def go_on_after(parent: int) -> None:
    """Let this process be continued, should it be stopped, when ``parent`` ends. Nothing on other systems."""
    if sys.platform == "linux":
        _at_end_of(parent, signal.SIGCONT)


def abandoned() -> bool:
    """True when stdin is a pipe whose other end is closed and that holds no request: the parent has died since it
    started this process."""
    if sys.platform == "win32":
        return False
    poll = select.poll()
    poll.register(0, select.POLLIN)
    return any(seen & select.POLLHUP and not seen & select.POLLIN for _, seen in poll.poll(0))


def _at_end_of(parent: int, number: int) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)
