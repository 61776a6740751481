"""Pictures of every state, the main ones at three sizes. After a wanted change: make snapshots, look at the report.

A picture is compared whole, so these also show that nothing is cut off: the footer, the dialogs, the labels.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from cvbench_tui.catalog.selection import Selection
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.run import Run
from cvbench_tui.errors import WorkerError
from cvbench_tui.results.compare.model import Side
from cvbench_tui.results.storage.run_index import SeenFile
from cvbench_tui.tui.app import BenchApp
from cvbench_tui.tui.background.threads import BackgroundThread, RunThread
from cvbench_tui.tui.state.compare_request import CompareRequest
from tests.replay import ReplaySource
from tests.tui import compared, recorded
from tests.tui.flow import ended
from tests.tui.waits import until

SMALL, USUAL, ROOMY, LARGE = (80, 24), (120, 40), (160, 50), (200, 50)
"""One pane at a time; lists beside the results; the detail beside them, too."""
Compare = Callable[..., bool]


def sizes(*which: tuple[int, int]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("size", which, ids=[f"{width}x{height}" for width, height in which])


at_all_sizes = sizes(SMALL, USUAL, LARGE)
at_small_size = sizes(SMALL)
"""Dialogs, and states of the app that are drawn the same at every size: where there is least room."""


class NoTorch(ReplaySource):
    """A machine whose Python has no torch."""

    def probe(self) -> Environment:
        raise WorkerError(
            "The measuring process ended at once: No module named 'torch'.", "pip install torch torchvision"
        )


@pytest.fixture
def picture(snap_compare: Compare, tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch):
    """Runs the app, presses keys (``RUN`` waits for the end of a run) and compares the picture."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CVBENCH_CONFIG", str(tmp_path / "config" / "config.toml"))
    monkeypatch.setattr("cvbench_tui.engine.session.new_run_id", lambda at_s: "20251124-160140-test")
    monkeypatch.setattr("cvbench_tui.engine.session.__version__", "0.0.0")
    monkeypatch.setattr("cvbench_tui.tui.screens.main.__version__", "0.0.0")
    monkeypatch.setattr("cvbench_tui.tui.controllers.gauges.usable_cores", lambda: 8)
    monkeypatch.setattr("cvbench_tui.tui.background.gauge_thread.GaugeThread.run", lambda self: None)  # no live numbers
    monkeypatch.setattr(Input, "cursor_blink", False)

    def compare(
        *keys: str,
        ticked: bool = True,
        source: ReplaySource | None = None,
        selection: Selection = recorded.ALL,
        opened: Run | None = None,
        asked: CompareRequest | None = None,
    ) -> bool:
        others = set(threading.enumerate())
        app = recorded.app(Path(), source, selection if ticked else None)  # a folder that has the same name everywhere

        async def before(pilot: Pilot[int]) -> None:
            await pilot.pause()
            await until(pilot, lambda: quiet(app, source, others))
            if opened is not None:
                app.run_manager.open(opened, SeenFile(Path("run.jsonl"), None))
            if asked is not None:
                app.compare_controller.ask(asked)
                await until(pilot, lambda: app.screen is not app.main_screen)
            for key in keys:
                await (_run(app, pilot, source) if key == "RUN" else pilot.press(key))
            await until(pilot, lambda: quiet(app, source, others))

        same = snap_compare(app, terminal_size=size, run_before=before)
        app.run_manager.shut_down()
        return same

    return compare


def quiet(app: BenchApp, source: ReplaySource | None, others: set[threading.Thread]) -> bool:
    """Whether nothing goes on behind the app: no thread reads or measures, but a run that is held up; no search."""
    held = isinstance(source, recorded.Gated) and source.reached.is_set() and not source.go_on.is_set()
    own = (
        each
        for each in threading.enumerate()
        if each not in others and isinstance(each, BackgroundThread | threading.Timer)
    )
    return all(held and isinstance(each, RunThread) for each in own) and all(each.is_finished for each in app.workers)


async def _run(app: BenchApp, pilot: Pilot[int], source: ReplaySource | None) -> None:
    """Begin a run and wait for its end, or for where it is held up."""
    await pilot.press("r")
    if not isinstance(source, recorded.Gated):
        await until(pilot, lambda: ended(app))
        return
    await until(pilot, lambda: source.reached.is_set() and app.main_screen.results.run is app.run_manager.state.run)
    app.main_screen.results.draw()
    app.run_controller.show_progress()


@at_all_sizes
def test_first_launch(picture: Compare) -> None:
    assert picture(ticked=False)


@at_all_sizes
def test_ready(picture: Compare) -> None:
    assert picture()


@sizes(SMALL, USUAL)
def test_picked_and_filtered(picture: Compare) -> None:
    assert picture("2", "slash", "c", "o", "n", "v", "enter")


@at_small_size
def test_filter_without_a_match(picture: Compare) -> None:
    assert picture("slash", "x", "y", "z", "q")


@at_small_size
def test_folded(picture: Compare) -> None:
    assert picture("up", "left", "space")


@at_small_size
def test_run_with_nothing_ticked(picture: Compare) -> None:
    assert picture("r", ticked=False)


@at_all_sizes
def test_running(picture: Compare) -> None:
    assert picture("RUN", source=recorded.Gated(recorded.good()))


@at_small_size
def test_asked_before_quitting(picture: Compare) -> None:
    assert picture("RUN", "q", source=recorded.Gated(recorded.good()))


@at_small_size
def test_cancelled(picture: Compare) -> None:
    assert picture("RUN", "x", source=recorded.Gated(recorded.good()))


@at_all_sizes
def test_finished_with_a_failure(picture: Compare) -> None:
    assert picture("RUN", "full_stop", "full_stop", "down")


@at_all_sizes
def test_grouped_and_compared(picture: Compare) -> None:
    assert picture("RUN", "m", "u", "u", "u")


@at_small_size
def test_table_filtered(picture: Compare) -> None:
    assert picture("RUN", "slash", "v", "g", "g")


@sizes(SMALL, LARGE)
def test_detail(picture: Compare) -> None:
    assert picture("RUN", "enter")


@at_small_size
def test_detail_of_a_failure(picture: Compare) -> None:
    assert picture("RUN", "down", "down", "down", "down", "enter")


@at_all_sizes
def test_every_grade(picture: Compare) -> None:
    assert picture("RUN", source=ReplaySource(recorded.graded()), selection=recorded.GRADED)


@at_small_size
def test_detail_of_a_doubtful_row(picture: Compare) -> None:
    keys = ("RUN", *("down",) * 7, "enter")
    assert picture(*keys, source=ReplaySource(recorded.graded()), selection=recorded.GRADED)


@at_all_sizes
def test_log(picture: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cvbench_tui.tui.background.log_buffer.clock_text", lambda *_: "12:00:00")
    assert picture("RUN", "5")


@at_small_size
def test_help(picture: Compare) -> None:
    assert picture("question_mark")


@at_small_size
def test_help_on_grades(picture: Compare) -> None:
    assert picture("question_mark", "end")


@at_small_size
def test_save_dialog(picture: Compare) -> None:
    assert picture("RUN", "s")


@at_small_size
def test_settings_dialog(picture: Compare) -> None:
    assert picture("b")


@at_small_size
def test_presets_dialog(picture: Compare) -> None:
    assert picture("P")


@at_small_size
def test_columns_dialog(picture: Compare) -> None:
    assert picture("RUN", "c")


@at_small_size
def test_past_runs_dialog(picture: Compare) -> None:
    assert picture("H")


@at_small_size
def test_palette(picture: Compare) -> None:
    assert picture("ctrl+p")


@sizes(SMALL, USUAL, ROOMY)
def test_comparison_along_an_axis(picture: Compare) -> None:
    assert picture("down", "down", "down", asked=compared.request_along("memory_format"))


@sizes(SMALL, USUAL)
def test_comparison_of_runs_that_differ(picture: Compare) -> None:
    before, now = compared.runs()
    asked = CompareRequest((Side("main", before), Side("new driver", now)), "run", order="worst")
    assert picture("end", asked=asked)


@sizes(SMALL, USUAL)
def test_details_of_a_comparison(picture: Compare) -> None:
    assert picture("enter", asked=compared.request_along("memory_format"))


@at_small_size
def test_choice_of_an_axis(picture: Compare) -> None:
    assert picture("d", opened=compared.three_sides().sides[0].run)


@sizes(SMALL, USUAL)
def test_jump(picture: Compare) -> None:
    assert picture("semicolon")


@at_all_sizes
def test_one_pane(picture: Compare) -> None:
    assert picture("f")


@sizes(SMALL, USUAL)
def test_no_torch(picture: Compare) -> None:
    assert picture(source=NoTorch(recorded.good()))


@at_small_size
def test_no_gpu(picture: Compare) -> None:
    assert picture("3", source=recorded.NoGpu(recorded.good()))


@sizes((50, 12), (59, 15), (60, 16), (79, 19))
def test_small_terminals(picture: Compare) -> None:
    assert picture("4")
