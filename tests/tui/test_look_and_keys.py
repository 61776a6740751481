"""The app under the user's settings: other keys, another theme, no colours, and settings that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from cvbench_tui.terminal import Terminal
from cvbench_tui.tui.terminal.theme import DEFAULT, NO_COLOUR
from tests.tui import recorded
from tests.tui.dialog_app import seen
from tests.tui.flow import NARROW, WIDE, ended, known, run_all, text, toasts
from tests.tui.kept import read_settings, settings_app, write_settings
from tests.tui.waits import until


def footer(screen: str) -> str:
    return screen.splitlines()[-1]


async def test_other_keys_work_and_are_shown(tmp_path: Path) -> None:
    write_settings(tmp_path, '[keys]\n"app.run" = "ctrl+r"\n"app.quit" = "Q"\n"list.all" = "A"\n')
    app = settings_app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=NARROW) as pilot:
        await known(app, pilot)
        assert toasts(app) == ""
        await pilot.pause()
        assert "^r Run" in footer(seen(app))
        assert "A All" in footer(seen(app))
        assert "Q Quit" in footer(seen(app))
        await pilot.press("r", "f5", "q")
        assert app.run_manager.state.run is None
        assert app.is_running
        await pilot.press("ctrl+z")  # nothing here: what it does in a terminal is tested in one
        await pilot.press("question_mark")
        assert "^r  " in text(app, "#help")
        await pilot.press("escape", "3", "n", "A", "ctrl+r")
        await until(pilot, lambda: ended(app))
        await pilot.press("Q")
    assert app.return_code == 0


async def test_wrong_keys_are_told_and_the_own_ones_stay(tmp_path: Path) -> None:
    keys = '"app.run" = "crtl+r"\n"app.rum" = "z"\n"app.quit_always" = "z"\n"app.save" = "f10"\n"app.cancel" = "x"\n'
    write_settings(tmp_path, f"[keys]\n{keys}")
    app = settings_app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "more problem" in toasts(app))
        assert "Keys of 'app.run': 'crtl+r' is not a key. Nearest: ctrl+r" in toasts(app)
        assert "Keys of 'app.rum': there is no such action." in toasts(app)
        assert "f10 and ctrl+q always quit and cannot be changed." in toasts(app)
        await known(app, pilot)
        await pilot.press("r")
        await until(pilot, lambda: ended(app))
        await pilot.press("slash", "f10")
    assert app.return_code == 0


async def test_the_quit_that_always_works(tmp_path: Path) -> None:
    write_settings(tmp_path, '[keys]\n"app.quit" = "Q"\n')
    app = settings_app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=NARROW) as pilot:
        await known(app, pilot)
        await pilot.press("slash", "f1", "ctrl+q")
    assert app.return_code == 0


async def test_without_colours(tmp_path: Path) -> None:
    write_settings(tmp_path, 'theme = "cvbench-light"\n')
    app = settings_app(tmp_path, terminal=Terminal(colour=False))
    async with app.run_test(size=WIDE) as pilot:
        await known(app, pilot)
        assert app.theme == NO_COLOUR == "cvbench-plain"
    assert read_settings(app, tmp_path) == 'theme = "cvbench-light"\n', "the theme of other terminals stays"


async def test_in_ascii(tmp_path: Path) -> None:
    app = settings_app(tmp_path, selection=recorded.TOP, terminal=Terminal(ascii=True))
    async with app.run_test(size=WIDE) as pilot:
        await run_all(app, pilot)
        assert "+- 1 Models 2" in seen(app)
        for key in ("5", "s", "b", "P", "H", "question_mark", "ctrl+p"):
            await pilot.press(key)
            assert seen(app).isascii(), key
            await pilot.press("escape")
        assert seen(app).isascii()


async def test_an_unknown_theme_is_told(tmp_path: Path) -> None:
    write_settings(tmp_path, 'theme = "cvbench-lihgt"\n')
    app = settings_app(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "There is no theme 'cvbench-lihgt'" in toasts(app))
        assert app.theme == DEFAULT


@pytest.mark.parametrize(
    ("text_of_file", "told"),
    [
        ("theme = [broken\n", "config.toml"),
        ("autosave = 7\n", "autosave"),
        ('columns = ["forwards", "name"]\n', "forwards"),
    ],
)
async def test_broken_settings_are_told_and_the_defaults_hold(tmp_path: Path, text_of_file: str, told: str) -> None:
    write_settings(tmp_path, text_of_file)
    app = settings_app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=NARROW) as pilot:
        await until(pilot, lambda: told in toasts(app))
        assert app.theme == DEFAULT
        assert not app.settings_store.settings.autosave
    assert read_settings(app, tmp_path) == text_of_file, "the user's file stays as it is"
