"""The threads that read run files: the history, the list of runs, one run. They only post messages."""

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
from cvbench_tui.tui.background.threads import BackgroundThread
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


class HistoryThread(BackgroundThread):
    """Reads what earlier runs measured."""

    def __init__(self, post: Post, history: History, cancelled: Callable[[], bool]) -> None:
        """``cancelled``: asked between two files; the first reading of hundreds takes seconds."""
        super().__init__(post)
        self._history = history
        self._cancelled = cancelled

    def work(self) -> None:
        """Post ``HistoryRead``."""
        self._history.refresh(self._cancelled)
        self.post(HistoryRead())


class OpenRunThread(BackgroundThread):
    """Reads one run file."""

    def __init__(self, post: Post, path: Path) -> None:
        super().__init__(post)
        self._path = path

    def work(self) -> None:
        """Post ``RunOpened`` or ``RunUnreadable``."""
        from cvbench_tui.results.storage.runs import load

        try:
            run = load(self._path)
        except CvbenchError as error:
            self.post(RunUnreadable(error))
        else:
            lay_out(build(run), View(), 0)  # here: it takes seconds for 1,000 rows, and the app takes it up from there
            self.post(RunOpened(run))
