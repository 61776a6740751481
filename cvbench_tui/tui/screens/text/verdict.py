"""Whether the devices of a run are as fast as they should be, and why not."""

from __future__ import annotations

from collections.abc import Sequence

from cvbench_tui.core.run import Run
from cvbench_tui.results.storage.history import History
from cvbench_tui.results.verdict.model import DeviceVerdict
from cvbench_tui.results.verdict.of_run import verdicts
from cvbench_tui.results.verdict.text import lines
from cvbench_tui.tui.screens.text.page import TextScreen


class VerdictScreen(TextScreen[tuple[DeviceVerdict, ...]]):
    """Judges by the kept runs, which it reads."""

    HEADING = "Is my card all right?"
    WHAT = "verdict"

    def __init__(self, history: History, run: Run) -> None:
        super().__init__(verdicts, run, history)

    def lines(self, found: tuple[DeviceVerdict, ...], width: int) -> Sequence[str]:
        """The verdicts."""
        return lines(found, width)
