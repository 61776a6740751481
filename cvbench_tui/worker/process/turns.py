"""Turns between processes that measure rows against each other: one of them computes at a time."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable

HEARTBEAT_S = 5.0  # from one sign of life to the next while another process has its turn


class Turns:
    """A pipe with a name, on which the parent writes a byte for each turn of this process."""

    def __init__(self, path: str, tell: Callable[[int], None]) -> None:
        """``tell`` says that the turn is over, with the number of turns so far, and now and then that it is waited for
        the next one. Raises OSError where there is no such pipe."""
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._tell = tell
        self._number = 0
        self.waited_s = 0.0  # for all turns together

    def take(self) -> None:
        """Give the turn to the others, and wait for the next one."""
        begun_s = time.monotonic()
        self._tell(self._number)
        while not select.select([self._descriptor], [], [], HEARTBEAT_S)[0]:
            self._tell(self._number)
        os.read(self._descriptor, 1)
        self._number += 1
        self.waited_s += time.monotonic() - begun_s
