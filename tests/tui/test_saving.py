"""The save dialog and saving at once, key by key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from textual.widgets import Input

from cvbench_tui.tui.screens.base import ConfirmScreen
from cvbench_tui.tui.screens.save import SaveScreen
from tests.tui import recorded
from tests.tui.flow import NARROW, ended, run_all, strip, text
from tests.tui.waits import until


async def test_saving_where_it_cannot_be_written_keeps_the_name(tmp_path: Path) -> None:
    app = recorded.app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=NARROW) as pilot:
        await run_all(app, pilot)
        await pilot.press("s", "ctrl+u", *"no/such/[b].md", "enter")
        assert isinstance(app.screen, SaveScreen)
        assert app.screen.query_one("#path", Input).value == "no/such/[b].md"
        assert "no/such" in text(app, "#complaint")
        await pilot.press("escape")
        assert list((tmp_path / "saves").iterdir()) == []


async def test_overwriting_is_asked_and_the_layout_counts(tmp_path: Path) -> None:
    mine = tmp_path / "saves" / "[b]mine.md"
    app = recorded.app(tmp_path, selection=recorded.TOP)
    mine.write_text("precious")
    async with app.run_test(size=NARROW) as pilot:
        await run_all(app, pilot)
        await pilot.press("s", "ctrl+u", *"[b]mine.md", "enter")
        assert isinstance(app.screen, ConfirmScreen)
        await pilot.press("escape")
        assert mine.read_text() == "precious"
        await pilot.press("tab", "down", "down", "up", "space", "shift+tab", "enter", "y")
        await until(pilot, lambda: app.screen is app.main_screen)
        assert "[b]mine.md" in strip(app)
    assert "USED --- Example" in mine.read_text()


async def test_saving_at_once_never_overwrites(tmp_path: Path) -> None:
    app = recorded.app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=NARROW) as pilot:
        await run_all(app, pilot)
        await pilot.press("S", "S")
        await until(pilot, lambda: "-2.md" in strip(app))
    assert len(list((tmp_path / "saves").iterdir())) == 2


async def test_enter_saves_from_the_layout_too(tmp_path: Path) -> None:
    app = recorded.app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=NARROW) as pilot:
        await run_all(app, pilot)
        await pilot.press("s", "tab", "space", "space", "enter")
        await until(pilot, lambda: app.screen is app.main_screen)
        assert ended(app)
    (saved,) = (tmp_path / "saves").iterdir()
    assert "USED --- Example" in saved.read_text()


async def test_a_picture_shows_the_screen_without_the_dialog(tmp_path: Path) -> None:
    app = recorded.app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=NARROW) as pilot:
        await run_all(app, pilot)
        await pilot.press("s", "ctrl+u", *"screen.svg", "enter")
        await until(pilot, lambda: "Saved" in strip(app))
    drawn = (tmp_path / "saves" / "screen.svg").read_text()
    assert drawn.startswith("<svg")
    assert "Resnet18" in drawn
    assert "Escape" not in drawn


async def test_the_run_that_the_dialog_was_opened_for_is_written(tmp_path: Path) -> None:
    app = recorded.app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=NARROW) as pilot:
        await run_all(app, pilot)
        run = app.run_manager.state.run
        assert run is not None
        await pilot.press("s")
        other = replace(run, id="another", plan=replace(run.plan, name="another", cases=run.plan.cases[:1]))
        app.run_manager._set(run=other)
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is app.main_screen)
    (saved,) = (tmp_path / "saves").iterdir()
    assert f"run {run.id}" in " ".join(saved.read_text().split())
