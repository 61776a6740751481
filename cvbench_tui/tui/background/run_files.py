"""What background threads read of the run files: the history, one run. They only post messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from textual.message import Message

from cvbench_tui.core.run import Run
from cvbench_tui.errors import CvbenchError
from cvbench_tui.results.storage.history import History
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.view import View
from cvbench_tui.tui.background.poster import Post
from cvbench_tui.tui.state.table_layout import lay_out


class HistoryRead(Message):
    """Times of earlier runs are known now."""


@dataclass(eq=False)
class RunOpened(Message):
    """A past run, to be shown."""

    run: Run


@dataclass(eq=False)
class RunUnreadable(Message):
    """The run file that was asked for cannot be read."""

    error: CvbenchError


def read_history(post: Post, history: History, cancelled: Callable[[], bool]) -> None:
    """Read what earlier runs measured: ``HistoryRead``. ``cancelled`` is asked between two of hundreds of files."""
    history.refresh(cancelled)
    post(HistoryRead())


def open_run(post: Post, path: Path) -> None:
    """Read one run file: ``RunOpened`` or ``RunUnreadable``."""
    from cvbench_tui.results.storage.run_file import load

    try:
        run = load(path)
    except CvbenchError as error:
        post(RunUnreadable(error))
    else:
        lay_out(build(run), View(), 0)  # here: it takes seconds for 1,000 rows, and the app takes it up from there
        post(RunOpened(run))
