"""The times of a row over the kept runs."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on

from cvbench_tui.core.run import Run
from cvbench_tui.results.storage.history import History
from cvbench_tui.results.trend.text import chart
from cvbench_tui.tui.background.threads import BackgroundThread, read_trend
from cvbench_tui.tui.messages import TrendRead
from cvbench_tui.tui.screens.text.page import TextScreen


class TrendScreen(TextScreen):
    """Reads the runs in the background."""

    WHAT = "trend"

    def __init__(self, history: History, run: Run, case_id: str) -> None:
        super().__init__()
        self._read = history, run, case_id
        self._found: TrendRead | None = None

    def heading(self) -> str:
        """What stands in the frame."""
        return "Trend"

    def on_mount(self) -> None:
        """Begin to read."""
        BackgroundThread(self.post_message, read_trend, *self._read).start()

    @on(TrendRead)
    def _known(self, event: TrendRead) -> None:
        event.stop()
        self._found = event
        self.draw()

    def lines(self, width: int) -> Sequence[str]:
        """The chart, or why there is none."""
        if self._found is None:
            return ()
        if self._found.trend is not None:
            return chart(self._found.trend, width)
        error = self._found.error
        return (error.message, error.hint) if error is not None else ()
