"""Ends the process when its terminal, or the server that started it, is gone.

After a lost connection that sent no signal the framework's input thread reads the end of the file over and over: 70%
of a core, for as long as the machine is up. A poll for a hang-up alone costs nothing.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable

HUNG_UP = 129  # exit code as after SIGHUP: 128 and the signal's number
WATCH_S = 0.5  # how often a visitor's app looks whether its server is still there, seconds


def watch(shut_down: Callable[[], object]) -> None:
    """From now on: when the terminal on stdin hangs up, ``shut_down`` and leave at once. Nothing where it cannot be."""
    if hasattr(select, "poll") and sys.stdin.isatty():
        threading.Thread(target=_wait, args=(sys.stdin.fileno(), shut_down), daemon=True, name="hang-up").start()


def _wait(descriptor: int, shut_down: Callable[[], object]) -> None:
    poll = select.poll()
    poll.register(descriptor, 0)  # hang-up and error are always reported
    poll.poll()
    try:
        shut_down()
    finally:
        os._exit(HUNG_UP)  # there is no terminal to draw a last screen on


def end_with_parent() -> None:
    """End this process in order, as if the user had asked for it, when the one that started it is gone."""
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True, name="server watch").start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_S)
    os.kill(os.getpid(), signal.SIGTERM)
