"""Settings that name what is not there: a sentence and the default, never a crash later on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui import recorded
from tests.tui.flow import headings, known, run_all, strip, table, toasts
from tests.tui.kept import settings_app, write_settings
from tests.tui.waits import until


async def test_a_sort_and_columns_that_are_not_there_are_told_and_left_out(tmp_path: Path) -> None:
    write_settings(tmp_path, 'sort = "nope"\ncolumns = ["totl"]\n')
    app = settings_app(tmp_path, selection=recorded.ALL)
    async with app.run_test(size=(120, 40)) as pilot:
        await known(app, pilot)
        await until(pilot, lambda: "nope" in toasts(app))
        assert "There is no column 'totl'. Nearest: total." in toasts(app)
        await run_all(app, pilot)
        assert len(headings(table(app))) > 4, "as many columns as there is room for"


async def test_a_folder_that_is_gone_gives_way_to_the_current_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    write_settings(tmp_path, f'save_folder = "{tmp_path / "gone"}"\n')
    app = settings_app(tmp_path, save_folder=None, selection=recorded.ALL)
    async with app.run_test(size=(120, 40)) as pilot:
        await known(app, pilot)
        await until(pilot, lambda: "there is no folder" in toasts(app))
        await run_all(app, pilot)
        await pilot.press("S")
        await until(pilot, lambda: "Saved" in strip(app))
    assert [path.suffix for path in here.iterdir()] == [".md"]
