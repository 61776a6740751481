"""The flow of the app, key by key, against a recorded run. Every key that is pressed is noted down."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input
from textual.widgets._toast import Toast

from cvbench_tui.results.storage.runs import list_runs
from cvbench_tui.tui.screens.base import ConfirmScreen
from cvbench_tui.tui.screens.detail import DetailScreen
from cvbench_tui.tui.screens.help import HelpScreen
from cvbench_tui.tui.screens.main import PANES
from cvbench_tui.tui.screens.plan_settings import SettingsScreen
from cvbench_tui.tui.screens.save import SaveScreen
from cvbench_tui.tui.widgets.checklist.lines import ChecklistLines
from cvbench_tui.tui.widgets.filter_input import PaneFilter
from cvbench_tui.tui.widgets.result_table import ResultTable
from tests.tui import recorded
from tests.tui.flow import (
    NARROW,
    WIDE,
    cursor,
    ended,
    headings,
    known,
    run_all,
    strip,
    table,
    text,
    text_of,
    toasts,
    word,
)
from tests.tui.flow import page as page_of
from tests.tui.waits import until, wait_until


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_from_launch_to_the_saved_file(tmp_path: Path, size: tuple[int, int]) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=size) as pilot:
        await known(app, pilot)
        assert "nothing ticked" in text(app, "#summary")
        await pilot.press("slash", *"resnet18", "enter", "space", "slash", "escape", "escape")
        await pilot.press("2", "space", "3", "space", "down", "space")
        assert app.plan_selection.models.ticked == ("Resnet18",)
        assert app.plan_selection.layers.ticked == ("Conv3x3/1",)
        await pilot.press("3", "a")
        assert app.plan_selection.devices.ticked == ("cpu", "cuda:0")
        plan = "4 rows, about" if size == NARROW else "(1 model + 1 layer) x 2 devices = 4 rows, about"
        assert text(app, "#summary").startswith(plan), "in a narrow terminal the tabs count what is ticked"
        await pilot.press("r")
        await until(pilot, lambda: ended(app))
        assert word(app) == "finished: 4 measured"
        assert len(table(app).keys) == 4
        await pilot.press("s")
        assert app.screen.query_one("#path", Input).value.startswith("cvbench-example-gpu-test-2025-11-2")
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, SaveScreen))
        (saved,) = (tmp_path / "saves").iterdir()
        assert str(saved) in strip(app)
        assert "Resnet18" in saved.read_text()
        await pilot.press("q")
    assert app.return_code == 0
    (summary,) = list_runs(tmp_path / "runs")
    assert (summary.measured, summary.failed, summary.ended) == (4, 0, "finished")


async def test_run_is_refused_with_nothing_ticked(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.run_manager.state.environment is not None)
        await pilot.press("f5")
        assert "Nothing to run" in strip(app)
        await pilot.press("s")
        assert "Nothing to save" in strip(app)
        await pilot.press("1", "space", "3", "n", "r")
        assert "No device" in strip(app)


async def test_ticks_survive_the_filter(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("space", "slash", *"vgg19")
        assert [item.name for item in app.plan_selection.models.shown][:2] == ["VGG19", "VGG19 BN"]
        await pilot.press("down", "a", "n", "i")
        assert app.plan_selection.models.ticked[0] == "VGG16"
        assert "VGG19" in app.plan_selection.models.ticked
        await pilot.press("slash", "escape")
        assert app.plan_selection.models.filter_text == ""
        assert isinstance(app.focused, PaneFilter)
        await pilot.press("escape")
        assert isinstance(app.focused, ChecklistLines)
        assert app.plan_selection.models.ticked[:2] == ("VGG16", "VGG19")


async def test_letters_are_text_in_the_filter_and_function_keys_are_not(tmp_path: Path) -> None:
    app = recorded.app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.run_manager.state.environment is not None)
        await pilot.press("slash", *"rqs1xpbo")
        assert app.main_screen.query_one("#models PaneFilter", PaneFilter).value == "rqs1xpbo"
        assert app.run_manager.state.run is None
        assert app.plan_selection.protocol == "quick"
        await pilot.press("f1")
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape", "f5")
        await until(pilot, lambda: ended(app))
        await pilot.press("f10")
    assert app.return_code == 0


async def test_while_running_the_strip_moves_and_the_words_wait(tmp_path: Path) -> None:
    source = recorded.Gated(recorded.good())
    app = recorded.app(tmp_path, source, recorded.ALL)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.run_manager.state.environment is not None)
        await pilot.press("r")
        await until(pilot, lambda: source.reached.is_set() and "visit 1 of 6 at most" in strip(app))
        assert "Resnet18  cpu  batch 8  visit 1 of 6 at most  total  120 ms" in strip(app)
        assert "0 of 6 rows" in strip(app)
        assert "finished" not in strip(app)
        await pilot.press("r")
        assert "in this run already" in toasts(app)
        source.go_on.set()
        await until(pilot, lambda: ended(app))
        assert word(app) == "finished: 5 measured, 1 failed"


async def test_a_protocol_chosen_during_a_run_is_for_the_next_one(tmp_path: Path) -> None:
    source = recorded.Gated(recorded.good())
    app = recorded.app(tmp_path, source, recorded.ALL)
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await known(app, pilot)
        await pilot.press("r")
        await until(pilot, source.reached.is_set)
        running = text(app, "#settings")
        await pilot.press("p")
        for _ in range(2):  # as fast as keys can come
            app.open_controller.next_protocol()
        await pilot.pause()
        assert len(app.screen.query(Toast)) == 1
        (toast,) = toasts(app).splitlines()
        assert toast.startswith(f"Protocol {app.plan_selection.protocol} for the next run: ")
        assert text(app, "#settings").startswith(f"protocol {app.plan_selection.protocol} (next run)")
        await pilot.press("p")
        assert text(app, "#settings") == running, "the one of the run again"
        await pilot.press("p")
        source.go_on.set()
        await until(pilot, lambda: ended(app))
        assert "next run" not in text(app, "#settings")


async def test_cancel_keeps_what_is_finished(tmp_path: Path) -> None:
    source = recorded.Gated(recorded.good())
    app = recorded.app(tmp_path, source, recorded.ALL)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.run_manager.state.environment is not None)
        await pilot.press("x", "r")
        await until(pilot, source.reached.is_set)
        await pilot.press("x")
        await until(pilot, lambda: ended(app))
        assert word(app) == "cancelled: 0 measured, 1 cancelled, 5 not begun"
        source.go_on.set()
        await pilot.press("r")
        await until(pilot, lambda: word(app).startswith("finished"))
        assert word(app) == "finished: 5 measured, 1 failed"


async def test_cancelling_is_said_until_the_run_has_ended(tmp_path: Path) -> None:
    source = recorded.SlowCancel(recorded.good())
    app = recorded.app(tmp_path, source, recorded.ALL)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.run_manager.state.environment is not None)
        await pilot.press("r")
        await until(pilot, lambda: source.reached.is_set() and "0 of 6" in strip(app))
        await pilot.press("x")
        assert "cancelling..." in strip(app)
        assert "cancelled" not in strip(app)
        source.go_on.set()
        await until(pilot, lambda: ended(app))
        assert word(app).startswith("cancelled:")


async def test_quit_in_mid_run_is_asked_once(tmp_path: Path) -> None:
    source = recorded.Gated(recorded.good())
    app = recorded.app(tmp_path, source, recorded.ALL)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.run_manager.state.environment is not None)
        await pilot.press("r")
        await until(pilot, source.reached.is_set)
        await pilot.press("q")
        assert isinstance(app.screen, ConfirmScreen)
        await pilot.press("n")
        assert app.screen is app.main_screen
        await pilot.press("ctrl+q", "ctrl+q")
        assert len(app.screen_stack) == 2
        await pilot.press("escape", "q", "right", "left", "y")
    assert app.return_code == 0
    app.run_manager.shut_down()
    assert source.closed
    wait_until(lambda: [summary.ended for summary in list_runs(tmp_path / "runs")] == ["cancelled"])


async def test_the_cursor_stays_on_its_row_when_sorted(tmp_path: Path) -> None:
    app = recorded.app(tmp_path, selection=recorded.ALL)
    async with app.run_test(size=(160, 40)) as pilot:
        await run_all(app, pilot)
        await pilot.press("j", "down", "k", "G", "g", "down")
        before = cursor(app)
        for key in ("full_stop", "full_stop", "comma", "full_stop", "full_stop", "full_stop", "full_stop", "o"):
            await pilot.press(key)
            assert cursor(app) == before
        assert "\u25bc" in "".join(headings(table(app)))
        assert ", by Forward \u25bc" in str(app.main_screen.query_one("#results").border_title)
        assert text_of(table(app), table(app).keys[-1]).endswith("OOM"), "what has no number comes last"


async def test_a_click_on_a_heading_sorts(tmp_path: Path) -> None:
    app = recorded.app(tmp_path, selection=recorded.ALL)
    async with app.run_test(size=WIDE) as pilot:
        await run_all(app, pilot)
        await pilot.click(ResultTable, offset=(3, 0))
        assert headings(table(app))[0].endswith("\u25b2")
        assert "Conv3x3/1" in text_of(table(app), table(app).keys[0])


async def test_a_failure_row_stays_and_shows_its_words_verbatim(tmp_path: Path) -> None:
    app = recorded.app(tmp_path, selection=recorded.ALL)
    async with app.run_test(size=WIDE) as pilot:
        await run_all(app, pilot)
        row = next(key for key in table(app).keys if "VGG16|torch|cuda" in key)
        assert text_of(table(app), row).endswith("OOM")
        table(app).put_cursor(row)
        await pilot.press("enter")
        assert isinstance(app.screen, DetailScreen)
        page = page_of(app)
        assert "[1, 3, 224] and [/] was free." in page
        assert "File [bold]model.py[/bold], line 1" in page
        await pilot.press("enter")
        assert app.screen is app.main_screen


async def test_the_detail_of_a_measured_row(tmp_path: Path) -> None:
    app = recorded.app(tmp_path, selection=recorded.ALL)
    async with app.run_test(size=WIDE) as pilot:
        await run_all(app, pilot)
        await pilot.press("enter")
        page = page_of(app)
        assert "Resnet18" in page
        assert "\u2588" in page
        assert "cpu, Example CPU" in page
        await pilot.press("q")
        assert app.screen is app.main_screen


async def test_protocol_batch_and_image(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("p")
        assert "rigorous" in strip(app)
        await pilot.press("b")
        assert isinstance(app.screen, SettingsScreen)
        await pilot.press("tab", *"16", "tab", *"64", "enter")
        assert app.screen is app.main_screen
        assert "protocol rigorous, batch 16, image 64" in text(app, "#settings")
        await pilot.press("b", "escape")
        assert (app.plan_selection.batches, app.plan_selection.images) == ((16,), (64,))


async def test_help_lists_every_key(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await pilot.press("question_mark")
        page = text(app, "#help")
        for words in (
            "Measure what is ticked",
            "Select all shown",
            "Clear the filter",
            "Everything about the row",
        ):
            assert words in page
        await pilot.press("escape")
        assert app.screen is app.main_screen


async def test_narrow_shows_one_pane_and_the_keys_go_everywhere(tmp_path: Path) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        for key, shown in zip("12345", PANES, strict=True):
            await pilot.press(key)
            panes = [name for name in PANES if app.main_screen.query_one(f"#{name}").region]
            assert panes == [shown]
        await pilot.click("#tab-layers")
        assert app.main_screen.query_one("#layers").region
        await pilot.resize_terminal(*WIDE)
        assert [name for name in PANES if not app.main_screen.query_one(f"#{name}").region] == ["results"], (
            "the log is in front"
        )
        await pilot.press("4")
        assert [name for name in PANES if not app.main_screen.query_one(f"#{name}").region] == ["log"]


async def test_a_runs_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    app = recorded.app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: app.run_manager.state.environment is not None)
        await pilot.press("r")
        await until(pilot, lambda: str(tmp_path / "runs") in strip(app))
        assert not app.run_manager.state.running


async def test_a_key_pressed_before_the_first_frame_does_not_fall_into_a_filter(tmp_path):
    app = recorded.app(tmp_path)
    async with app.run_test() as pilot:
        assert not isinstance(app.screen.focused, Input)
        await pilot.pause()
        assert not isinstance(app.screen.focused, Input)
        assert app.screen.focused is not None
        app.exit()


async def test_a_list_that_is_hidden_while_its_columns_change_shows_them_afterwards(tmp_path: Path) -> None:
    app = recorded.app(tmp_path, selection=recorded.ALL)
    async with app.run_test(size=NARROW) as pilot:
        await run_all(app, pilot)
        await pilot.press("1")
        lines = app.main_screen.lists["models"].lines
        await until(pilot, lambda: bool(lines.size.width))
        await pilot.pause()
        drawn = ["".join(segment.text for segment in lines.render_line(y)).rstrip() for y in range(lines.size.height)]
        (vgg,) = [line for line in drawn if line.startswith("[x] VGG16 ")]
        assert vgg.endswith("138M  900 ms")
