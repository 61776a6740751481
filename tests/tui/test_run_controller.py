"""What can be done with a run: add rows, skip one, measure again, cancel, quit, save by itself, begin where it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cvbench_tui.results.storage.runs import list_runs
from cvbench_tui.tui.app import BenchApp
from cvbench_tui.tui.screens.base import ConfirmScreen
from tests.tui import recorded
from tests.tui.flow import NARROW, WIDE, ended, known, run_all, strip, table, text, text_of, toasts, word
from tests.tui.kept import read_settings, settings_app, write_settings
from tests.tui.waits import until


def row(app: BenchApp, begins: str) -> str:
    """The line of the first row whose id begins so."""
    return text_of(table(app), next(key for key in table(app).keys if key.startswith(begins)))


def title(app: BenchApp) -> str:
    return str(app.main_screen.results.border_title)


async def test_r_adds_what_is_newly_ticked_to_the_run(tmp_path: Path) -> None:
    source = recorded.Gated(recorded.good())
    app = recorded.app(tmp_path, source, recorded.TOP)
    async with app.run_test(size=NARROW) as pilot:
        await known(app, pilot)
        await pilot.press("r")
        await until(pilot, source.reached.is_set)
        assert title(app) == "4 Results: 4 rows"
        await pilot.press("2", "space", "r")
        assert "2 rows added to the run." in toasts(app)
        await pilot.press("r")
        assert "Everything that is ticked is in this run already." in toasts(app)
        source.go_on.set()
        await until(pilot, lambda: ended(app))
        await pilot.press("4")
        assert title(app) == "4 Results: 6 rows"
        assert word(app) == "finished: 5 measured, 1 failed"
        assert "\u00b1" in row(app, "layer:Conv3x3/1|torch|cuda:0")
    (summary,) = list_runs(tmp_path / "runs")
    assert (summary.rows, summary.measured, summary.failed) == (6, 5, 1)


async def test_a_skipped_row_says_so_and_is_measured_again_in_the_same_file(tmp_path: Path) -> None:
    source = recorded.Gated(recorded.good())
    app = recorded.app(tmp_path, source, recorded.TOP)
    async with app.run_test(size=WIDE) as pilot:
        await known(app, pilot)
        assert app.check_action("skip", ()) is False
        await pilot.press("r")
        await until(pilot, source.reached.is_set)
        await pilot.press("X")
        source.go_on.set()
        await until(pilot, lambda: ended(app))
        assert row(app, "model:Resnet18|torch|cpu").endswith("skipped")
        assert " B " in row(app, "model:VGG16|torch|cpu"), "the next one goes on"
        assert "2 measured" in word(app)
        before = app.run_manager.state.run_file
        assert app.check_action("again", ()) is True
        await pilot.press("R")
        await until(pilot, lambda: ended(app))
        assert " B " in row(app, "model:Resnet18|torch|cpu")
        assert word(app) == "finished: 3 measured, 1 failed", "the row without memory failed a second time"
        assert before is not None
        assert app.run_manager.state.run_file is not None
        assert app.run_manager.state.run_file.path == before.path
        assert "rows measured again; the better result of each is kept." in toasts(app)
        await pilot.press("f6")
        await until(pilot, lambda: ended(app))
    (summary,) = list_runs(tmp_path / "runs")
    assert (summary.rows, summary.measured, summary.failed) == (4, 3, 1)


async def test_a_cancelled_run_is_ended_by_r_again(tmp_path: Path) -> None:
    source = recorded.Gated(recorded.good())
    app = recorded.app(tmp_path, source, recorded.TOP)
    async with app.run_test(size=NARROW) as pilot:
        await known(app, pilot)
        await pilot.press("f5")
        await until(pilot, source.reached.is_set)
        await pilot.press("f8")
        await until(pilot, lambda: ended(app))
        assert word(app) == "cancelled: 0 measured, 1 cancelled, 3 not begun"
        await pilot.press("R")
        await until(pilot, lambda: ended(app) and word(app).startswith("finished"))
        assert word(app) == "finished: 3 measured, 1 failed"
    assert len(list_runs(tmp_path / "runs")) == 1


async def test_quit_asks_only_while_a_run_goes_on(tmp_path: Path) -> None:
    source = recorded.Gated(recorded.good())
    app = recorded.app(tmp_path, source, recorded.TOP)
    async with app.run_test(size=NARROW) as pilot:
        await known(app, pilot)
        await pilot.press("r")
        await until(pilot, source.reached.is_set)
        await pilot.press("q")
        assert isinstance(app.screen, ConfirmScreen)
        await pilot.press("n")
        source.go_on.set()
        await until(pilot, lambda: ended(app))
        await pilot.press("q")
        assert not isinstance(app.screen, ConfirmScreen)
    assert app.return_code == 0


async def test_autosave_and_the_last_plan(tmp_path: Path) -> None:
    write_settings(tmp_path, "# mine\nautosave = true\n")
    selection = replace(recorded.TOP, batches=(8,), protocol="rigorous")
    app = settings_app(tmp_path, selection=selection)
    async with app.run_test(size=WIDE) as pilot:
        await run_all(app, pilot)
        await until(pilot, lambda: "Saved" in strip(app))
        (saved,) = (tmp_path / "saves").iterdir()
        assert saved.name in strip(app)
        assert "VGG16" in saved.read_text()
        await pilot.press("q")
    kept = read_settings(app, tmp_path)
    assert kept.startswith("# mine\nautosave = true\n")

    again = settings_app(tmp_path)
    async with again.run_test(size=WIDE) as pilot:
        await known(again, pilot)
        assert set(again.plan_selection.models.ticked) == {"Resnet18", "VGG16"}
        assert again.plan_selection.devices.ticked == ("cpu", "cuda:0")
        assert "2 models x 2 devices = 4 rows" in text(again, "#summary")
        assert text(again, "#settings") == "protocol rigorous, batch 8"


async def test_rows_without_room_are_warned_of_and_tried(tmp_path: Path) -> None:
    app = recorded.app(tmp_path, selection=replace(recorded.TOP, batches=(4096,)))
    async with app.run_test(size=WIDE) as pilot:
        await known(app, pilot)
        assert "will not fit in memory" in text(app, "#summary")
        await pilot.press("r")
        assert "VGG16 on cpu, batch 4096: needs about" in toasts(app)
        assert "And 1 more row: 1 will not fit in memory." in toasts(app)
        await until(pilot, lambda: ended(app))
        assert word(app) == "finished: 0 measured, 4 failed"
