"""What can be opened: presets, saved runs, the plan's settings, the palette, the help."""

from __future__ import annotations

import os
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
from textual.command import SearchIcon
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from cvbench_tui.results.storage.run_index import SeenFile
from cvbench_tui.results.storage.run_index import seen as index_seen
from cvbench_tui.tui.app import BenchApp
from cvbench_tui.tui.messages import RunOpened
from cvbench_tui.tui.screens.help import HelpScreen
from cvbench_tui.tui.screens.palette import Palette
from cvbench_tui.tui.screens.plan_settings import SettingsScreen
from cvbench_tui.tui.screens.presets import PresetsScreen
from cvbench_tui.tui.screens.runs import RunsScreen
from cvbench_tui.tui.screens.save import SaveScreen
from tests.tui import recorded
from tests.tui.dialog_app import seen
from tests.tui.flow import NARROW, WIDE, known, run_all, strip, table, text, text_of, toasts
from tests.tui.waits import until


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Own presets stand beside the settings file."""
    monkeypatch.setenv("CVBENCH_CONFIG", str(tmp_path / "config" / "config.toml"))
    return tmp_path / "config" / "presets"


def complaint(app: BenchApp) -> str:
    return text(app, "#complaint")


async def test_presets_are_opened_saved_and_deleted(tmp_path: Path, own_folder: Path) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await known(app, pilot)
        await pilot.press("P", "n")
        assert "Nothing is ticked yet" in complaint(app)
        await pilot.press("d")
        assert "shipped with the program and stays" in complaint(app)
        await pilot.press("enter")
        assert app.screen is app.main_screen
        assert "Preset quick is ticked" in strip(app)
        assert app.plan_selection.models.ticked == ("Resnet18",)
        assert "protocol quick, batch 1" in text(app, "#settings")
        await pilot.press("P", "n", *"mine", "enter")
        assert "Saved the preset mine as" in strip(app).replace("\n", " ")
        assert [path.name for path in own_folder.iterdir()] == ["mine.toml"]
        await pilot.press("1", "n", "2", "n", "f3")
        assert isinstance(app.screen, PresetsScreen)
        await pilot.press("G", "enter")
        assert "Preset mine is ticked" in strip(app)
        assert app.plan_selection.models.ticked == ("Resnet18",)
        await pilot.press("P", "G", "delete", "n")
        assert list(own_folder.iterdir()), "answered no"
        await pilot.press("d", "y")
        await until(pilot, lambda: "Deleted the preset mine." in strip(app))
        assert list(own_folder.iterdir()) == []


async def test_a_preset_that_cannot_be_used_is_told(tmp_path: Path, own_folder: Path) -> None:
    own_folder.mkdir(parents=True)
    (own_folder / "zz.toml").write_text("models = [broken")
    app = recorded.app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=NARROW) as pilot:
        await known(app, pilot)
        await pilot.press("P", "G", "enter")
        assert isinstance(app.screen, PresetsScreen)
        assert complaint(app)
        await pilot.press("n", *"quick", "enter")
        assert "quick is shipped with the program" in complaint(app)
        await pilot.press("escape", "escape", "escape")
        assert app.screen is app.main_screen
        assert set(app.plan_selection.models.ticked) == {"Resnet18", "VGG16"}


async def test_a_name_no_preset_can_have_is_said_in_the_dialog(tmp_path: Path, own_folder: Path) -> None:
    app = recorded.app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=NARROW) as pilot:
        await known(app, pilot)
        await pilot.press("P", "n", *"a/b", "enter")
        assert isinstance(app.screen, PresetsScreen)
        assert complaint(app).startswith("'a/b' cannot be a preset's name. A name has at most 60 letters")
        await pilot.press("backspace", "backspace", "enter")
        assert app.screen is app.main_screen
    assert [path.name for path in own_folder.iterdir()] == ["a.toml"]


async def test_a_past_run_is_shown_and_saved(tmp_path: Path) -> None:
    before = recorded.app(tmp_path, selection=recorded.TOP)
    async with before.run_test(size=NARROW) as pilot:
        await run_all(before, pilot)
    broken = tmp_path / "runs" / "20200101-000000-torn.jsonl"
    broken.write_text("not a run\n")

    app = recorded.app(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await known(app, pilot)
        await pilot.press("H")
        assert isinstance(app.screen, RunsScreen)
        assert "20200101-000000-torn:" in seen(app)
        await pilot.press("enter")
        await until(pilot, lambda: app.run_manager.state.run is not None)
        await until(pilot, lambda: "Saved run, 20" in strip(app))
        assert app.main_screen.pane == "results"
        began = time.strftime("%Y-%m-%d %H:%M", time.localtime(recorded.NOW_S))
        assert str(app.main_screen.results.border_title) == f"4 Results selection of {began}: 4 rows"
        assert len(table(app).keys) == 4
        assert text_of(table(app), table(app).keys[0]).endswith(("B few visits", "B one process"))
        await pilot.press("f2")
        assert isinstance(app.screen, SaveScreen)
        await pilot.press("enter")
        await until(pilot, lambda: "Saved" in strip(app))
        (saved,) = (tmp_path / "saves").iterdir()
        assert "VGG16" in saved.read_text()


async def test_a_run_file_that_broke_meanwhile_says_so(tmp_path: Path) -> None:
    app = recorded.app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=WIDE) as pilot:
        await run_all(app, pilot)
        (file,) = (tmp_path / "runs").glob("*.jsonl")
        shown = app.run_manager.state.run
        await pilot.press("f7")
        file.write_text("not a run [/]\n")
        await pilot.press("enter")
        await until(pilot, lambda: file.name in strip(app))
        assert app.run_manager.state.run is shown, "what was there stays"


async def test_no_past_run_during_a_run(tmp_path: Path) -> None:
    source = recorded.Gated(recorded.good())
    app = recorded.app(tmp_path, source, recorded.TOP)
    async with app.run_test(size=WIDE) as pilot:
        await known(app, pilot)
        await pilot.press("H")
        assert "There are no runs yet" in seen(app)
        await pilot.press("escape", "r")
        await until(pilot, source.reached.is_set)
        await pilot.press("H")
        assert app.screen is app.main_screen
        said = toasts(app)
        assert "Saved runs can be opened when it has ended" in said
        app.clear_notifications()
        app.open_controller.open_run(tmp_path / "runs" / "any.jsonl")  # as the palette does
        await pilot.pause()
        assert toasts(app) == said
        app.clear_notifications()
        running = app.run_manager.state.run
        assert running is not None
        app.post_message(
            RunOpened(replace(running, id="other"), SeenFile(tmp_path / "other.jsonl", None))
        )  # asked for before this one was begun
        await pilot.pause()
        assert toasts(app) == said


async def test_the_settings_of_the_plan(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await known(app, pilot)
        await pilot.press("f4")
        assert isinstance(app.screen, SettingsScreen)
        await pilot.press("right", "tab", *"0", "enter")
        assert isinstance(app.screen, SettingsScreen), "the dialog stays with what was typed"
        assert complaint(app)
        await pilot.press("backspace", *"32", "enter")
        assert app.screen is app.main_screen
        assert text(app, "#settings") == "protocol rigorous, batch 32"
        await pilot.press("p", "p")
        assert text(app, "#settings") == "protocol quick, batch 32"
        await pilot.click("#settings")
        assert isinstance(app.screen, SettingsScreen)
        await pilot.press("h", "escape")
        assert text(app, "#settings") == "protocol quick, batch 32"


async def found(app: BenchApp, pilot: Pilot[int], typed: str) -> None:
    """Search in the palette until it has something."""
    await pilot.press("ctrl+p")
    await until(pilot, lambda: isinstance(app.screen, Palette))
    app.screen.query_one(Input).value = typed
    await until(pilot, lambda: "Palette" in type(app.screen).__name__ and typed.split()[-1] in listed(app))


def listed(app: BenchApp) -> str:
    options = app.screen.query_one(OptionList).options
    return str(options[0].prompt).lower() if options else ""


async def test_the_palette_does_what_it_lists(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await known(app, pilot)
        await found(app, pilot, "open preset quick")
        await pilot.press("enter")
        await until(pilot, lambda: "Preset quick is ticked" in strip(app))
        await found(app, pilot, "go to the devices")
        await pilot.press("enter")
        await until(pilot, lambda: app.main_screen.pane == "devices")
        await found(app, pilot, "what is ticked")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main_screen)
        await pilot.press("f9")
        await until(pilot, lambda: "Search for themes" in seen(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is app.main_screen)


@pytest.mark.parametrize("key", ["ctrl+p", "f9"])
async def test_the_palettes_icon_is_a_character_that_is_seen(tmp_path: Path, key: str) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await known(app, pilot)
        await pilot.press(key)
        await until(pilot, lambda: "Search for" in seen(app))
        (line,) = [line for line in seen(app).splitlines() if "Search for" in line]
        assert line.split("Search")[0].split() == [">"]
        assert line.isascii()
        icon = app.screen.query_one(SearchIcon).styles
        assert icon.color.rgb != (0, 0, 0)


async def test_the_help_begins_with_the_pane_in_front(tmp_path: Path) -> None:
    app = recorded.app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=NARROW) as pilot:
        await run_all(app, pilot)
        for pane, title in (("2", "In a list"), ("4", "In the results"), ("5", "In the log")):
            await pilot.press(pane, "f1")
            assert isinstance(app.screen, HelpScreen)
            headings = [line for line in text(app, "#help").splitlines() if line in ("Anywhere", title)]
            assert headings == [title, "Anywhere"]
            await pilot.press("f1")
            assert app.screen is app.main_screen


async def test_bad_files_are_lines_of_the_list_and_the_app_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    good = (recorded.DATA / "good.jsonl").read_bytes()
    (folder / "good.jsonl").write_bytes(good)
    (folder / "deep.jsonl").write_bytes(b"[" * 100_000)
    (folder / "late.jsonl").write_bytes(re.sub(rb'"at_s":[0-9.]+', b'"at_s":1e300', good, count=1))
    (folder / "\x1b]0;x\x07.jsonl").write_bytes(b'{"\t"')
    os.mkfifo(folder / "pipe.jsonl")
    (folder / "loop.jsonl").symlink_to(folder / "loop.jsonl")
    (folder / "index.sqlite").mkdir()
    app = recorded.app(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await known(app, pilot)
        await pilot.press("H")
        assert isinstance(app.screen, RunsScreen)
        page = seen(app)
        for name in ("deep", "late", "pipe", "loop", "\\x1b]0;x\\x07"):
            assert f"{name}: " in page
        await pilot.press("end", "enter")
        assert isinstance(app.screen, RunsScreen), "what cannot be read is not opened"
        await pilot.press("home", "enter")
        await until(pilot, lambda: app.run_manager.state.run is not None)


async def test_the_run_that_is_shown_is_named_in_the_list_and_goes_on_in_its_file(tmp_path: Path) -> None:
    before = recorded.app(tmp_path, selection=recorded.TOP)
    async with before.run_test(size=NARROW) as pilot:
        await run_all(before, pilot)
    (path,) = (tmp_path / "runs").glob("*.jsonl")
    app = recorded.app(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await known(app, pilot)
        await pilot.press("H", "enter")
        await until(pilot, lambda: app.run_manager.state.run is not None)
        await pilot.press("H", "n", *"base", "tab", *"nightly, x", "enter")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))
        assert "base: Resnet18, VGG16" in seen(app)
        run, file = app.run_manager.state.run, app.run_manager.state.run_file
        assert run is not None
        assert (run.name, run.tags) == ("base", ("nightly", "x"))
        assert file == index_seen(path), "so that rows can be repeated in it"
        await pilot.press("delete")
        assert not path.exists()
        await pilot.press("escape", "H")
        assert "There are no runs yet" in seen(app)
        await pilot.press("u")
        assert "base: Resnet18, VGG16" in seen(app), "also when the list was closed meanwhile"
        assert path.exists()
        await pilot.press("escape")
        assert "Results base of 20" in str(app.main_screen.results.border_title)
