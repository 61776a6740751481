"""A one-shot timer whose first turn comes too late is late, not lost."""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path
from time import monotonic

import pytest
from textual.app import App

import cvbench_tui
from cvbench_tui.tui.once import once
from tests.tui import recorded
from tests.tui.flow import known


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten seconds go by between any two looks of a one-shot timer at its clock."""
    moments = count(0.0, 10.0)

    def moment() -> float:
        timer = sys._getframe(1).f_locals.get("self")
        return next(moments) if getattr(timer, "_repeat", None) == 0 else monotonic()

    monkeypatch.setattr("textual.timer._time.get_time", moment)


async def test_the_framework_still_loses_it(late: None) -> None:
    """When this fails, ``once`` has become needless."""
    heard: list[str] = []
    app: App[None] = App()
    async with app.run_test() as pilot:
        app.set_timer(0.01, lambda: heard.append("framework"))
        once(app.set_timer(0.01, lambda: heard.append("once")))
        await pilot.pause(0.1)
    assert heard == ["once"]


async def test_a_change_of_size_is_not_lost(late: None, tmp_path: Path) -> None:
    app = recorded.app(tmp_path, selection=recorded.ALL)
    async with app.run_test(size=(120, 40)) as pilot:
        await known(app, pilot)
        for size in ((200, 50), (80, 24), (120, 40), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause(0.1)
            assert app.bench.outer_size == size
    app.conductor.shut_down()


async def test_the_table_is_drawn_again(late: None, tmp_path: Path) -> None:
    app = recorded.app(tmp_path, selection=recorded.ALL)
    async with app.run_test(size=(120, 40)) as pilot:
        await known(app, pilot)
        await pilot.press("r")
        while app.conductor.run is None or app.conductor.run.ended is None:
            await pilot.pause(0.02)
        await pilot.press("4", "slash", *"VGG", "enter")
        await pilot.pause(0.3)
        assert {row.cells[0].text for row in app.bench.results.table._table.rows} == {"VGG16"}
    app.conductor.shut_down()


async def test_the_table_is_drawn_again_in_mid_run(late: None, tmp_path: Path) -> None:
    source = recorded.Gated(recorded.good())
    app = recorded.app(tmp_path, source, recorded.ALL)
    async with app.run_test(size=(120, 40)) as pilot:
        await known(app, pilot)
        await pilot.press("r")
        pane = app.bench.results
        while not source.reached.is_set() or pane.run is None or pane.run is not app.conductor.newest:
            await pilot.pause(0.02)
        pane.draw()
        pane.show(pane.run)
        assert pane._timer is not None, "so soon after it was drawn it waits"
        await pilot.pause(0.6)
        assert pane._timer is None, "drawn"
        source.go_on.set()
        while app.conductor.running:
            await pilot.pause(0.02)
    app.conductor.shut_down()


def test_every_timer_of_the_app_is_sure() -> None:
    for file in (Path(cvbench_tui.__file__).parent / "tui").glob("*.py"):
        for line in file.read_text(encoding="utf-8").splitlines():
            assert ".set_timer(" not in line or "once(" in line, f"{file.name}: {line.strip()}"
