"""A one-shot timer whose first turn comes too late is late, not lost."""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path
from time import monotonic

import pytest
from textual.app import App

import cvbench_tui
from cvbench_tui.tui.terminal.timers import sure_timer
from tests.tui import recorded
from tests.tui.flow import known, run_all
from tests.tui.waits import until


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten seconds go by between any two looks of a one-shot timer at its clock."""
    moments = count(0.0, 10.0)

    def moment() -> float:
        timer = sys._getframe(1).f_locals.get("self")
        return next(moments) if getattr(timer, "_repeat", None) == 0 else monotonic()

    monkeypatch.setattr("textual.timer._time.get_time", moment)


async def test_the_framework_still_loses_it(late: None) -> None:
    """When this fails, ``sure_timer`` has become needless."""
    heard: list[str] = []
    app: App[None] = App()
    async with app.run_test() as pilot:
        app.set_timer(0.01, lambda: heard.append("framework"))
        sure_timer(app.set_timer(0.01, lambda: heard.append("sure")))
        await pilot.pause()  # until both have run off
    assert heard == ["sure"]


async def test_a_change_of_size_is_not_lost(late: None, tmp_path: Path) -> None:
    app = recorded.app(tmp_path, selection=recorded.ALL)
    async with app.run_test(size=(120, 40)) as pilot:
        await known(app, pilot)
        for size in ((200, 50), (80, 24), (120, 40), (80, 24)):
            await pilot.resize_terminal(*size)
            assert app.main_screen.outer_size == size
    app.run_manager.shut_down()


async def test_the_table_is_drawn_again(late: None, tmp_path: Path) -> None:
    app = recorded.app(tmp_path, selection=recorded.ALL)
    async with app.run_test(size=(120, 40)) as pilot:
        await run_all(app, pilot)
        await pilot.press("4", "slash", *"VGG")
        await pilot.pause()
        assert {row.cells[0].value for row in app.main_screen.results.table._table.rows} == {"VGG16"}
    app.run_manager.shut_down()


async def test_the_table_is_drawn_again_in_mid_run(late: None, tmp_path: Path) -> None:
    source = recorded.Gated(recorded.good())
    app = recorded.app(tmp_path, source, recorded.ALL)
    async with app.run_test(size=(120, 40)) as pilot:
        await known(app, pilot)
        await pilot.press("r")
        pane = app.main_screen.results
        await until(pilot, lambda: source.reached.is_set() and pane.run is app.run_manager.state.run)
        assert pane.run is not None
        pane.draw()
        pane.show(pane.state)
        assert pane._draw_timer is not None, "so soon after it was drawn it waits"
        await pilot.pause()
        assert pane._draw_timer is None, "drawn"
        source.go_on.set()
        await until(pilot, lambda: not app.run_manager.state.running)
    app.run_manager.shut_down()


def test_every_timer_of_the_app_is_sure() -> None:
    files = (Path(cvbench_tui.__file__).parent / "tui").rglob("*.py")
    lines = [f"{file.name}: {line.strip()}" for file in files for line in file.read_text("utf-8").splitlines()]
    timers = [line for line in lines if ".set_timer(" in line]
    assert timers, "the app has some"
    assert [line for line in timers if "sure_timer(" not in line] == []
