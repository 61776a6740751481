"""Whether the devices of a run are as fast as they should be, and why not."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on

from cvbench_tui.core.run import Run
from cvbench_tui.results.storage.history import History
from cvbench_tui.results.verdict.text import lines
from cvbench_tui.tui.background.threads import BackgroundThread, judge_run
from cvbench_tui.tui.messages import Judged
from cvbench_tui.tui.screens.text.page import TextScreen


class VerdictScreen(TextScreen):
    """Judges in the background: it reads kept runs."""

    WHAT = "verdict"

    def __init__(self, history: History, run: Run) -> None:
        super().__init__()
        self._judged = history, run
        self._found: Judged | None = None

    def heading(self) -> str:
        """What stands in the frame."""
        return "Is my card all right?"

    def on_mount(self) -> None:
        """Begin."""
        BackgroundThread(self.post_message, judge_run, *self._judged).start()

    @on(Judged)
    def _known(self, event: Judged) -> None:
        event.stop()
        self._found = event
        self.draw()

    def lines(self, width: int) -> Sequence[str]:
        """The verdicts, or why there are none."""
        if self._found is None:
            return ()
        error = self._found.error
        return lines(self._found.verdicts, width) if error is None else (error.message, error.hint)
