"""Ends the app in order when it is told to by a signal: the row in hand is given up, the run file gets its end, the
terminal is as it was. Without this SIGTERM left the alternate screen, the mouse and no echo behind.
"""

from __future__ import annotations

import signal
from functools import partial
from typing import TYPE_CHECKING

from cvbench_tui.base.ending_signals import exit_code, heard

if TYPE_CHECKING:
    from cvbench_tui.tui.app import BenchApp


def end_on_signals(app: BenchApp) -> None:
    """From now on. A second one does not wait for the run's end; while the app is ending anyway none is heard."""
    came: list[int] = []

    def end(number: int, _frame: object) -> None:
        code = exit_code(number)
        loop = app._loop  # there is no public way; None before the first frame is prepared and after the last
        if loop is None and not app._exit:
            raise SystemExit(code)
        if loop is not None:
            loop.call_soon_threadsafe(partial(app.exit, return_code=code) if came else partial(app.end, code))
        came.append(number)

    for number in heard():
        signal.signal(number, end)
