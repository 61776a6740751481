"""The strip: where the run is, and its interval so far."""

from __future__ import annotations

from dataclasses import replace

from textual.app import App, ComposeResult

from cvbench_tui.core.event import CaseStarted, Progress
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.run import Run, fold
from cvbench_tui.results.stats.outcome import outcome_text
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.results.text.units import relative_text
from cvbench_tui.tui.widgets.strips import ProgressStrip
from tests.tui import recorded


def after(count: int) -> Run:
    """The recorded run after that many events."""
    run = None
    for event in recorded.good()[:count]:
        run = fold(run, event)
    assert run is not None
    return run


class StripApp(App[None]):
    def compose(self) -> ComposeResult:
        yield ProgressStrip(id="strip")

    def said(self, run: Run) -> list[str]:
        """The strip's lines for that run, half done, ten seconds before its end."""
        strip = self.query_one(ProgressStrip)
        strip.show_running(run, 5.0, 10.0, 0.5, cancelling=False)
        return str(strip.visual).split("\n")


def test_outcomes_are_counted_by_kind() -> None:
    assert outcome_text(after(len(recorded.good()))) == "5 measured, 1 failed"
    assert outcome_text(after(1)) == "0 measured, 6 not begun"


async def test_each_of_several_visits_says_which_it_is() -> None:
    run = after(4)
    assert run.running is not None
    second = CaseStarted(run.running.case_id, 1, visit=1)
    once = replace(run.plan.protocol, visits=1, max_visits=1)
    app = StripApp()
    async with app.run_test(size=(120, 5)):
        most = PROTOCOLS["rigorous"].max_visits
        rigorous = replace(run, plan=replace(run.plan, protocol=PROTOCOLS["rigorous"]), running=second)
        assert f"Resnet18  cpu  batch 8  visit 2 of {most} at most" in app.said(rigorous)[0]
        assert "visit" not in app.said(replace(run, plan=replace(run.plan, protocol=once)))[0]
        assert "0 of 6 rows  ETA 0:10  elapsed 0:05" in app.said(run)[1]


async def test_later_visits_show_the_rows_widest_interval_so_far() -> None:
    measured = next(run for run in map(after, range(1, 40)) if run.measured)
    case_id = measured.measured[0].case_id
    run = fold(fold(measured, CaseStarted(case_id, 1, visit=1)), Progress(case_id, "measuring", "total", 1, 2))
    phases = row_data(run, run.plan.case(case_id)).phases
    name, widest = max(phases.items(), key=lambda each: each[1].relative or 0.0)
    app = StripApp()
    async with app.run_test(size=(120, 5)):
        assert f"  {name} " in app.said(run)[0]
        assert relative_text(widest.relative) in app.said(run)[0]


async def test_the_interval_so_far_stands_beside_the_one_that_is_wanted() -> None:
    run = next(run for run in map(after, range(1, 12)) if run.progress is not None and run.progress.half_width_s)
    app = StripApp()
    async with app.run_test(size=(80, 5)):
        assert app.said(run)[0].endswith("total, round 2 of 12  120 ms \u00b12.0%, target \u00b13.0%")
        assert len(app.said(run)[0]) <= 78, "nothing is cut off in a terminal of 80 columns"
        published = replace(run, plan=replace(run.plan, protocol=PROTOCOLS["original"]))
        assert "to be" not in app.said(published)[0]
