"""Settings that name what is not there: a sentence and the default, never a crash later on."""

from __future__ import annotations

import os
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


ODD = {  # text of the file, and a word of the toast
    "a folder of 300 letters": (f'save_folder = "{"x" * 300}"\n', "there is no folder"),
    "a folder that is no name": ('save_folder = "a\\u0000b"\n', "there is no folder"),
    "a folder of an order": ('save_folder = "\\u001b]0;title\\u0007"\n', "there is no folder"),
    "an absurd last selection": ("[last]\nbatch = -5\nimage = 1e300\nmodels = [1]\nprotocol = 'x'\n", "last.batch"),
    "names that nothing has": ("[last]\nmodels = ['\\u001b[2J', 'x']\nlayers = ['']\ndevices = ['cuda:99999']\n", ""),
    "a number of 9,000 digits": (f"[last]\nbatch = 0x{'f' * 9_000}\n", "a number of that length"),
    "lists without end": (f"theme = '{'t' * 500_000}'\ncolumns = [{'1,' * 100_000}]\n", "more than 4,096 characters"),
    "a million dots": ("a." * 500_000 + "a = 1\n", "more than 64 dots"),
    "many keys": ("[keys]\n" + "".join(f"k{number} = 'x'\n" for number in range(5_000)), "there is no such action"),
}


@pytest.mark.parametrize(("text", "words"), ODD.values(), ids=ODD.keys())
async def test_the_app_starts_with_any_settings(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    app = settings_app(tmp_path, save_folder=None)
    async with app.run_test(size=(120, 40)) as pilot:
        await known(app, pilot)
        await until(pilot, lambda: words in toasts(app))
        assert toasts(app).replace("\n", "").isprintable()
        assert app.plan_selection.selection().batches == ()


async def test_the_app_starts_beside_a_config_that_is_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.toml")
    app = settings_app(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await known(app, pilot)
        await until(pilot, lambda: "is not a settings file" in toasts(app))
