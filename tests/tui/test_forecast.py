"""What is expected of a run that grows."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

from cvbench_tui.core.event import RowsAdded, RunStarted
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.run import fold
from cvbench_tui.results.storage.history import History
from cvbench_tui.tui.state.forecast import Forecast
from tests.results.samples import CONV, DENSE


def test_rows_that_are_added_count_as_soon_as_the_run_has_them(tmp_path: Path) -> None:
    """The time left may become longer by a tenth only, but not where there is more to do."""
    few, more = (Case(DENSE, "cpu", 1),), tuple(Case(CONV, "cpu", batch) for batch in range(1, 40))
    plan, whole = (Plan("p", cases, PROTOCOLS["quick"]) for cases in (few, few + more))
    run = reduce(fold, [RunStarted("20261124-151012-9f3a", plan, 1000.0, "0.1.0")], None)
    assert run is not None
    forecast = Forecast(History(tmp_path))
    forecast.begin(plan)
    alone_s = forecast.progress(run, 1000.0)[1]
    forecast.begin(whole)
    assert forecast.progress(run, 1001.0)[1] <= alone_s, "the run does not have them yet"
    grown = fold(run, RowsAdded(more, 1001.0))
    left_s = forecast.progress(grown, 1001.0)[1]
    assert left_s > 5 * alone_s
    assert forecast.progress(grown, 1002.0)[1] <= left_s
