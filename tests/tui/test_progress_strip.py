"""The strip: where the run is, and how its interval became narrower."""

from __future__ import annotations

from dataclasses import replace

from textual.app import App, ComposeResult

from cvbench_tui.core.event import CaseStarted
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.run import Run, fold
from cvbench_tui.results.stats.quality import outcome_text
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


async def test_a_repetition_in_a_fresh_process_says_which_it_is() -> None:
    run = after(4)
    assert run.running is not None
    second = CaseStarted(run.running.case_id, 1, visit=1)
    rigorous = replace(run, plan=replace(run.plan, protocol=PROTOCOLS["rigorous"]), running=second)
    app = StripApp()
    async with app.run_test(size=(120, 5)):
        assert "process" not in app.said(run)[0]
        assert "Resnet18  cpu  batch 8  process 2 of 3" in app.said(rigorous)[0]
        assert "0 of 6 rows  ETA 0:10  elapsed 0:05" in app.said(run)[1]


async def test_the_interval_so_far_stands_beside_the_one_that_is_wanted() -> None:
    run = next(run for run in map(after, range(1, 12)) if run.progress is not None and run.progress.half_width_s)
    app = StripApp()
    async with app.run_test(size=(80, 5)):
        assert app.said(run)[0].endswith("total, round 2 of 12  120 ms \u00b12.0%, target \u00b13.0%")
        assert len(app.said(run)[0]) <= 78, "nothing is cut off in a terminal of 80 columns"
        published = replace(run, plan=replace(run.plan, protocol=PROTOCOLS["original"]))
        assert "to be" not in app.said(published)[0]


async def test_the_interval_is_seen_to_narrow_and_begins_anew_with_each_phase() -> None:
    run = next(run for run in map(after, range(1, 12)) if run.progress is not None and run.progress.half_width_s)
    assert run.progress is not None
    app = StripApp()
    async with app.run_test(size=(120, 5)):
        for half_width_s in (0.012, 0.006, 0.006, 0.003):
            line = app.said(replace(run, progress=replace(run.progress, half_width_s=half_width_s)))[0]
        assert "\u00b110% > \u00b15.0% > 120 ms \u00b12.5%" in line
        other = app.said(replace(run, progress=replace(run.progress, phase="inference", half_width_s=0.0012)))[0]
        assert ">" not in other
