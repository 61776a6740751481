"""What a signal does to a run without the app: the row in hand is given up, everything asked for is written, and the
program ends with 128 and the signal's number as its exit code.
"""

from __future__ import annotations

import queue
import signal
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cvbench_tui.base.ending_signals import exit_code, heard

if TYPE_CHECKING:
    from cvbench_tui.engine.session import Session


class Interrupted(BaseException):
    """A signal came before the run had begun."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = exit_code(number)


class Ending:
    """The first signal, and what it ends."""

    def __init__(self) -> None:
        self.number: int | None = None  # of the signal; None while none has come
        self._session: Session | None = None
        # Cancelling takes locks, which the interrupted code or an earlier signal's handler may hold: another thread
        # cancels, and a handler only puts a word into a queue, which may be done at any moment.
        self._wanted: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def ends(self, session: Session) -> None:
        """The next signal cancels that session; before that, it ends the program. Raises RuntimeError where no thread
        can be had."""
        threading.Thread(target=self._cancel, args=(session,), daemon=True, name="signals").start()
        self._session = session

    def came(self, number: int, _frame: object) -> None:
        """A signal came."""
        again, self.number = self.number is not None, self.number or number
        if self._session is None:
            raise Interrupted(number)
        if again and number == signal.SIGINT:  # a terminal that is closed sends SIGHUP twice; a person is impatient
            signal.signal(number, signal.SIG_DFL)  # a third one ends the program at once
        self._wanted.put(True)

    def over(self) -> None:
        """No signal is waited for any more."""
        self._wanted.put(False)

    def _cancel(self, session: Session) -> None:
        """Cancel the session as often as that is wanted."""
        while self._wanted.get():
            try:
                session.cancel()
            except Exception:  # the next signal must not go unheard
                traceback.print_exc()


@contextmanager
def ending_signals() -> Iterator[Ending]:
    """The signals end the run in order meanwhile."""
    ending = Ending()
    before = {number: signal.signal(number, ending.came) for number in heard()}
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        ending.over()
