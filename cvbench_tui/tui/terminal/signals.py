"""Ends the app in order when it is told to by a signal: the row in hand is given up, the run file gets its end, the
terminal is as it was. Without this SIGTERM left the alternate screen, the mouse and no echo behind.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cvbench_tui.tui.app import BenchApp

NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGXCPU")  # as without the app: cli.signals


def end_on_signals(app: BenchApp) -> None:
    """From now on; one that is ignored, as after nohup, stays so. A second one does not wait for the run's end."""
    came: list[int] = []

    def end(number: int, _frame: object) -> None:
        code = 128 + number
        loop = app._loop  # there is no public way; None before the first frame is prepared and after the last
        if loop is None or came:
            raise SystemExit(code)
        came.append(number)
        loop.call_soon_threadsafe(app.end, code)

    for name in NAMES:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)
