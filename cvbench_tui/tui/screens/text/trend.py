"""The times of a row over the kept runs."""

from __future__ import annotations

from collections.abc import Sequence

from cvbench_tui.core.run import Run
from cvbench_tui.results.storage.history import History
from cvbench_tui.results.trend.build import Trend, trend_of_row
from cvbench_tui.results.trend.text import chart
from cvbench_tui.tui.screens.text.page import TextScreen


class TrendScreen(TextScreen[Trend]):
    """Reads the runs that measured the row."""

    HEADING = "Trend"
    WHAT = "trend"

    def __init__(self, history: History, run: Run, case_id: str) -> None:
        super().__init__(trend_of_row, history, run, run.plan.case(case_id))

    def lines(self, found: Trend, width: int) -> Sequence[str]:
        """The chart."""
        return chart(found, width)
