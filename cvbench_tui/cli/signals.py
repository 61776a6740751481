"""What a signal does to a run without the app: the row in hand is given up, everything asked for is written, and the
program ends with 128 and the signal's number as its exit code.
"""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cvbench_tui.engine.session import Session

NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGXCPU")
"""Ctrl-C, a kill, a lost terminal, Ctrl-\\, and what schedulers send before a job's time is over. Not all systems have
all of them."""


class Interrupted(BaseException):
    """A signal came before the run had begun."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = exit_code(number)


def exit_code(number: int) -> int:
    """As a shell has it for a program that the signal ended: 130 for Ctrl-C."""
    return 128 + number


class Ending:
    """The first signal, and what it ends."""

    def __init__(self) -> None:
        self.number: int | None = None  # of the signal; None while none has come
        self._session: Session | None = None
        # Cancelling takes locks, which the interrupted code or an earlier signal's handler may hold: another thread
        # cancels, and a handler only puts a word into a queue, which may be done at any moment.
        self._wanted: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def ends(self, session: Session) -> None:
        """The next signal cancels that session; before that, it ends the program."""
        self._session = session

    def _came(self, number: int, _frame: object) -> None:
        again, self.number = self.number is not None, self.number or number
        if self._session is None:
            raise Interrupted(number)
        if again and number == signal.SIGINT:  # a terminal that is closed sends SIGHUP twice; a person is impatient
            signal.signal(number, signal.SIG_DFL)  # a third one ends the program at once
        self._wanted.put(True)

    def _cancel(self) -> None:
        """Cancel the session as often as that is wanted; in a thread of its own, until it is told to end."""
        while self._wanted.get():
            if self._session is not None:
                self._session.cancel()


@contextmanager
def ending_signals() -> Iterator[Ending]:
    """The signals end the run in order meanwhile; one that was ignored before, as after nohup, still is."""
    ending = Ending()
    threading.Thread(target=ending._cancel, daemon=True, name="signals").start()
    numbers = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, ending._came)
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        ending._wanted.put(False)
