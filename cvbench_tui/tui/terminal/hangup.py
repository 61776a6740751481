"""Ends the process when its terminal is gone, as after a lost connection that sent no signal.

The framework's input thread reads the end of the file over and over there: 70% of a core, for as long as the machine is
up. A poll for a hang-up alone costs nothing.
"""

from __future__ import annotations

import os
import select
import sys
import threading
from collections.abc import Callable

HUNG_UP = 129
"""Exit code as after SIGHUP: 128 and the signal's number."""


def watch(shut_down: Callable[[], object]) -> None:
    """From now on: when the terminal on stdin hangs up, ``shut_down`` and leave at once. Nothing where it cannot be."""
    if not hasattr(select, "poll") or not sys.stdin.isatty():
        return
    threading.Thread(target=_wait, args=(sys.stdin.fileno(), shut_down), daemon=True, name="hang-up").start()


def _wait(descriptor: int, shut_down: Callable[[], object]) -> None:
    poll = select.poll()
    poll.register(descriptor, 0)  # hang-up and error are always reported
    poll.poll()
    try:
        shut_down()
    finally:
        os._exit(HUNG_UP)  # nobody is there to draw a last screen for
