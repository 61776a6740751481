"""Pictures of every state at two sizes. After a wanted change: pytest tests/tui/test_pictures.py --snapshot-update"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from cvbench_tui.catalog.selection import Selection
from cvbench_tui.engine.replay import ReplaySource
from cvbench_tui.tui.app import BenchApp
from tests.tui import recorded

SIZES = {"80x24": (80, 24), "120x40": (120, 40)}
at_both_sizes = pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
pytestmark = pytest.mark.timeout(60)
Compare = Callable[..., bool]


@pytest.fixture
def picture(snap_compare: Compare, tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch):
    """Runs the app, presses keys (``RUN`` waits for the end of a run) and compares the picture."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setattr("cvbench_tui.engine.session.new_run_id", lambda at_s: "20251124-160140-test")
    monkeypatch.setattr("cvbench_tui.engine.session.__version__", "0.0.0")
    monkeypatch.setattr(Input, "cursor_blink", False)

    def compare(
        *keys: str, ticked: bool = True, source: ReplaySource | None = None, selection: Selection = recorded.ALL
    ) -> bool:
        app = recorded.app(tmp_path, source, selection if ticked else None)

        async def before(pilot: Pilot[int]) -> None:
            while app.conductor.environment is None:
                await pilot.pause(0.02)
            for key in keys:
                await _press(app, pilot, key, source)
            await pilot.pause()

        same = snap_compare(app, terminal_size=size, run_before=before)
        app.conductor.shut_down()
        return same

    return compare


async def _press(app: BenchApp, pilot: Pilot[int], key: str, source: ReplaySource | None) -> None:
    if key != "RUN":
        await pilot.press(key)
        return
    await pilot.press("r")
    if isinstance(source, recorded.Gated):
        while not (source.reached.is_set() and app.conductor.newest and app.conductor.newest.progress):
            await pilot.pause(0.02)
        app._tick()
        return
    while app.conductor.run is None or app.conductor.run.ended is None:
        await pilot.pause(0.02)


@at_both_sizes
def test_empty(picture: Compare) -> None:
    assert picture(ticked=False)


@at_both_sizes
def test_picked(picture: Compare) -> None:
    assert picture("2", "slash", "c", "o", "n", "v", "enter")


@at_both_sizes
def test_running(picture: Compare) -> None:
    assert picture("RUN", source=recorded.Gated(recorded.good()))


@at_both_sizes
def test_asked_before_quitting(picture: Compare) -> None:
    assert picture("RUN", "q", source=recorded.Gated(recorded.good()))


@at_both_sizes
def test_finished_with_a_failure(picture: Compare) -> None:
    assert picture("RUN", "full_stop", "down")


@at_both_sizes
def test_detail(picture: Compare) -> None:
    assert picture("RUN", "enter")


@at_both_sizes
def test_detail_of_a_failure(picture: Compare) -> None:
    assert picture("RUN", "down", "down", "down", "down", "enter")


@at_both_sizes
def test_every_grade(picture: Compare) -> None:
    assert picture("RUN", source=ReplaySource(recorded.graded()), selection=recorded.GRADED)


@at_both_sizes
def test_detail_of_a_doubtful_row(picture: Compare) -> None:
    keys = ("RUN", *("down",) * 7, "enter")
    assert picture(*keys, source=ReplaySource(recorded.graded()), selection=recorded.GRADED)


@at_both_sizes
def test_help_on_grades(picture: Compare) -> None:
    assert picture("question_mark", "end")


@at_both_sizes
def test_save_dialog(picture: Compare) -> None:
    assert picture("RUN", "s")


@at_both_sizes
def test_batch_dialog(picture: Compare) -> None:
    assert picture("b")


@at_both_sizes
def test_help(picture: Compare) -> None:
    assert picture("question_mark")
