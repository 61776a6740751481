"""Pictures of every state at three sizes. After a wanted change: make snapshots, and look at the report.

A picture is compared whole, so these also show that nothing is cut off: the footer, the dialogs, the labels.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from cvbench_tui.catalog.selection import Selection
from cvbench_tui.core.environment import Environment
from cvbench_tui.engine.replay import ReplaySource
from cvbench_tui.errors import WorkerError
from cvbench_tui.tui.app import BenchApp
from tests.tui import recorded

SIZES = {"80x24": (80, 24), "120x40": (120, 40), "200x50": (200, 50)}
at_all_sizes = pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
pytestmark = pytest.mark.timeout(60)
Compare = Callable[..., bool]


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
    monkeypatch.setattr("cvbench_tui.tui.bench_screen.__version__", "0.0.0")
    monkeypatch.setattr("cvbench_tui.tui.gauging.usable_cores", lambda: 8)
    monkeypatch.setattr("cvbench_tui.tui.gauge_strip.GaugeThread.run", lambda self: None)  # no live numbers
    monkeypatch.setattr(Input, "cursor_blink", False)

    def compare(
        *keys: str,
        ticked: bool = True,
        source: ReplaySource | None = None,
        selection: Selection = recorded.ALL,
        known: bool = True,
    ) -> bool:
        app = recorded.app(Path(), source, selection if ticked else None)  # a folder that has the same name everywhere

        async def before(pilot: Pilot[int]) -> None:
            while known and app.conductor.environment is None:
                await pilot.pause(0.02)
            for key in keys:
                await _press(app, pilot, key, source)
            await pilot.pause(0.3)

        same = snap_compare(app, terminal_size=size, run_before=before)
        app.conductor.shut_down()
        return same

    return compare


async def _press(app: BenchApp, pilot: Pilot[int], key: str, source: ReplaySource | None) -> None:
    if key == "PAUSE":
        await pilot.pause(0.4)
        return
    if key != "RUN":
        await pilot.press(key)
        return
    await pilot.press("r")
    if isinstance(source, recorded.Gated):
        while not source.reached.is_set() or app.bench.results.run is not app.conductor.newest:
            await pilot.pause(0.02)  # the newest state is told at most every quarter of a second
        app.bench.results.draw()
        app.run_flow.tick()
        return
    while app.conductor.run is None or app.conductor.run.ended is None:
        await pilot.pause(0.02)


@at_all_sizes
def test_first_launch(picture: Compare) -> None:
    assert picture(ticked=False)


@at_all_sizes
def test_ready(picture: Compare) -> None:
    assert picture()


@at_all_sizes
def test_picked_and_filtered(picture: Compare) -> None:
    assert picture("2", "slash", "c", "o", "n", "v", "PAUSE", "enter")


@at_all_sizes
def test_filter_without_a_match(picture: Compare) -> None:
    assert picture("slash", "x", "y", "z", "q", "PAUSE")


@at_all_sizes
def test_folded(picture: Compare) -> None:
    assert picture("up", "left", "space")


@at_all_sizes
def test_run_with_nothing_ticked(picture: Compare) -> None:
    assert picture("r", ticked=False)


@at_all_sizes
def test_running(picture: Compare) -> None:
    assert picture("RUN", source=recorded.Gated(recorded.good()))


@at_all_sizes
def test_asked_before_quitting(picture: Compare) -> None:
    assert picture("RUN", "q", source=recorded.Gated(recorded.good()))


@at_all_sizes
def test_cancelled(picture: Compare) -> None:
    assert picture("RUN", "x", "PAUSE", source=recorded.Gated(recorded.good()))


@at_all_sizes
def test_finished_with_a_failure(picture: Compare) -> None:
    assert picture("RUN", "full_stop", "full_stop", "down")


@at_all_sizes
def test_grouped_and_compared(picture: Compare) -> None:
    assert picture("RUN", "m", "u", "u", "u")


@at_all_sizes
def test_table_filtered(picture: Compare) -> None:
    assert picture("RUN", "slash", "v", "g", "g", "PAUSE")


@at_all_sizes
def test_detail(picture: Compare) -> None:
    assert picture("RUN", "enter")


@at_all_sizes
def test_detail_of_a_failure(picture: Compare) -> None:
    assert picture("RUN", "down", "down", "down", "down", "enter")


@at_all_sizes
def test_every_grade(picture: Compare) -> None:
    assert picture("RUN", source=ReplaySource(recorded.graded()), selection=recorded.GRADED)


@at_all_sizes
def test_detail_of_a_doubtful_row(picture: Compare) -> None:
    keys = ("RUN", *("down",) * 7, "enter")
    assert picture(*keys, source=ReplaySource(recorded.graded()), selection=recorded.GRADED)


@at_all_sizes
def test_log(picture: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cvbench_tui.tui.conductor.clock_text", lambda *_: "12:00:00")
    assert picture("RUN", "5")


@at_all_sizes
def test_help(picture: Compare) -> None:
    assert picture("question_mark")


@at_all_sizes
def test_help_on_grades(picture: Compare) -> None:
    assert picture("question_mark", "end")


@at_all_sizes
def test_save_dialog(picture: Compare) -> None:
    assert picture("RUN", "s", "PAUSE")


@at_all_sizes
def test_settings_dialog(picture: Compare) -> None:
    assert picture("b")


@at_all_sizes
def test_presets_dialog(picture: Compare) -> None:
    assert picture("P")


@at_all_sizes
def test_columns_dialog(picture: Compare) -> None:
    assert picture("RUN", "c")


@at_all_sizes
def test_past_runs_dialog(picture: Compare) -> None:
    assert picture("H")


@at_all_sizes
def test_palette(picture: Compare) -> None:
    assert picture("ctrl+p", "PAUSE")


@at_all_sizes
def test_jump(picture: Compare) -> None:
    assert picture("semicolon")


@at_all_sizes
def test_one_pane(picture: Compare) -> None:
    assert picture("f")


@at_all_sizes
def test_no_torch(picture: Compare) -> None:
    assert picture("PAUSE", source=NoTorch(recorded.good()), known=False)


@at_all_sizes
def test_no_gpu(picture: Compare) -> None:
    assert picture("3", source=recorded.NoGpu(recorded.good()))


@pytest.mark.parametrize("size", [(50, 12), (59, 15), (60, 16), (79, 19)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_small_terminals(picture: Compare) -> None:
    assert picture("4")
