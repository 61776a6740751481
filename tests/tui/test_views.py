"""Ways of looking at the table: order, filter, groups, reference, columns, held still, copied, one pane, the detail."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList

from cvbench_tui.tui.app import BenchApp
from cvbench_tui.tui.screens.columns import ColumnsScreen
from cvbench_tui.tui.screens.detail import DetailScreen
from cvbench_tui.tui.screens.jump import JumpScreen
from cvbench_tui.tui.screens.main import PANES
from cvbench_tui.tui.widgets.detail_view import DetailView
from cvbench_tui.tui.widgets.result_table import ResultTable
from tests.replay import ReplaySource
from tests.tui import recorded
from tests.tui.dialog_app import seen
from tests.tui.flow import NARROW, ROOMY, WIDE, cursor, ended, headings, known, page, run_all, table, text_of, toasts
from tests.tui.kept import read_settings, settings_app
from tests.tui.waits import until

UP, DOWN = "\u25b2", "\u25bc"


def title(app: BenchApp) -> str:
    return str(app.main_screen.results.border_title)


def names(app: BenchApp) -> list[str]:
    """Name and device of each row, as they stand."""
    return [" ".join(text_of(table(app), key).lstrip("\u25b8* ").split()[:2]) for key in table(app).keys]


async def test_order_filter_and_groups(tmp_path: Path) -> None:
    app = settings_app(tmp_path, selection=recorded.ALL)
    async with app.run_test(size=WIDE) as pilot:
        await run_all(app, pilot)
        plan = names(app)
        assert title(app) == "4 Results: 6 rows"
        await pilot.press("full_stop")
        assert title(app) == f"4 Results: 6 rows, by Name {UP}"
        assert names(app) == sorted(plan)
        await pilot.press("o")
        assert title(app).endswith(f"by Name {DOWN}")
        assert headings(table(app))[0].endswith(DOWN)
        await pilot.press("full_stop")
        assert title(app).endswith(UP), "another column begins upwards"
        await pilot.press("comma", "o", "o")
        assert (title(app), names(app)) == ("4 Results: 6 rows", plan)
        await pilot.press("o")
        assert title(app) == "4 Results: 6 rows", "in the plan's order there is nothing to reverse"
        for order in (f", by Name {UP}", f", by Name {DOWN}", ""):
            await pilot.click(ResultTable, offset=(3, 0))
            assert title(app) == f"4 Results: 6 rows{order}"
        await pilot.press("full_stop", "full_stop", "comma")
        assert "by Name" in title(app)
        await pilot.press("comma")
        for way in ("model or layer", "kind", "device"):
            await pilot.press("u")
            assert title(app) == f"4 Results: 6 rows, grouped by {way}"
            assert table(app).virtual_size.height > len(plan) + 1, "the groups have headings"
        assert 'group = "device"' in read_settings(app, tmp_path)
        await pilot.press("u")
        assert title(app) == "4 Results: 6 rows"

        await pilot.press("slash", *"vgg")
        await until(pilot, lambda: title(app) == "4 Results: 2 of 6 rows")
        assert names(app) == ["VGG16 cpu", "VGG16 cuda:0"]
        await pilot.press("enter")
        assert app.focused is table(app)
        assert title(app) == "4 Results: 2 of 6 rows"
        await pilot.press("slash", "escape", "escape")
        await until(pilot, lambda: title(app) == "4 Results: 6 rows")
        assert app.focused is table(app)


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_one_row_is_the_reference(tmp_path: Path, size: tuple[int, int]) -> None:
    app = recorded.app(tmp_path, selection=recorded.ALL)
    async with app.run_test(size=size) as pilot:
        await run_all(app, pilot)
        await pilot.press("m")
        reference = cursor(app)
        assert reference is not None
        below = str(app.main_screen.results.border_subtitle)
        assert "vs ref" in " ".join(headings(table(app))) or "vs ref" in below, "where it has no room it is named"
        await pilot.press("down")
        assert "*" in text_of(table(app), reference)[:2], "marked, by no colour alone"
        await pilot.press("up", "m")
        assert app.main_screen.results.view.reference is None
        await pilot.press("down")
        assert "*" not in text_of(table(app), reference)[:2]


async def test_the_columns_are_chosen_and_remembered(tmp_path: Path) -> None:
    app = settings_app(tmp_path, selection=recorded.ALL)
    async with app.run_test(size=NARROW) as pilot:
        await run_all(app, pilot)
        before = [heading.split()[0] for heading in headings(table(app)) if heading]
        await pilot.press("c")
        assert isinstance(app.screen, ColumnsScreen)
        await pilot.press("down", "space", "enter")
        assert app.screen is app.main_screen
        after = [heading.split()[0] for heading in headings(table(app)) if heading]
        assert "Device" in before
        assert "Device" not in after
        assert '"device"' not in read_settings(app, tmp_path)
        assert '"quality"' in read_settings(app, tmp_path)
    again = settings_app(tmp_path, selection=recorded.ALL)
    async with again.run_test(size=NARROW) as pilot:
        await run_all(again, pilot)
        assert "Device" not in " ".join(headings(table(again)))
        await pilot.press("c", "a")
        assert [heading.split()[0] for heading in headings(table(again)) if heading] == before


async def test_a_table_held_still_goes_on_where_the_run_is(tmp_path: Path) -> None:
    source = recorded.Gated(recorded.good())
    app = recorded.app(tmp_path, source, recorded.ALL)
    async with app.run_test(size=NARROW) as pilot:
        await known(app, pilot)
        await pilot.press("r")
        await until(pilot, lambda: source.reached.is_set() and text_of(table(app), table(app).keys[0]).endswith("%"))
        await pilot.press("z")
        assert title(app) == "4 Results: 6 rows, frozen (z)"
        source.go_on.set()
        await until(pilot, lambda: ended(app))
        assert text_of(table(app), table(app).keys[0]).endswith("%")
        await pilot.press("full_stop", "comma", "u", "u", "u", "u")
        assert text_of(table(app), table(app).keys[0]).endswith("%"), "another view of the same moment"
        await pilot.press("z")
        assert title(app) == "4 Results: 6 rows"
        assert " B " in text_of(table(app), table(app).keys[0])


async def test_copying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "TMUX", "STY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("cvbench_tui.tui.terminal.clipboard.tool_for", lambda environ: [])
    app = recorded.app(tmp_path, selection=recorded.ALL)
    async with app.run_test(size=NARROW) as pilot:
        await run_all(app, pilot)
        await pilot.press("y")
        await until(pilot, lambda: bool(app.clipboard))
        assert app.clipboard.count("Resnet18") == 1
        assert app.clipboard.startswith("### Models on Example CPU")
        assert "OSC 52" in toasts(app)
        await pilot.press("Y")
        await until(pilot, lambda: "VGG16" in app.clipboard)
        assert app.clipboard.count("Resnet18") == 4, "on two devices, and in the commands that repeat it"
        assert "Example GPU" in app.clipboard
        await pilot.press("enter", "y")
        await until(pilot, lambda: "Example CPU" in app.clipboard)
        assert isinstance(app.screen, DetailScreen)
        await pilot.press("c")
        await until(pilot, lambda: app.clipboard.startswith("cvbench-tui run"))
        await pilot.press("escape", "5", "y")
        await until(pilot, lambda: "Resnet18" in app.clipboard and not app.clipboard.startswith("cvbench-tui"))


async def test_leafing_through_the_rows(tmp_path: Path) -> None:
    app = recorded.app(tmp_path, selection=recorded.ALL)
    async with app.run_test(size=NARROW) as pilot:
        await run_all(app, pilot)
        first, second = table(app).keys[:2]
        await pilot.press("enter", "left")
        view = app.screen.query_one(DetailView)
        assert str(view.border_title) == "Row 1 of 6"
        await pilot.press("right")
        assert str(view.border_title) == "Row 2 of 6"
        assert "VGG16" in page(app)
        assert cursor(app) == second, "the table behind it follows"
        await pilot.press("p", "n", "p")
        assert "Resnet18" in page(app)
        for key in ("j", "G"):
            before = view.scroll_y
            await pilot.press(key)
            await until(pilot, lambda before=before: view.scroll_y > before)  # type: ignore[misc]
        for key in ("k", "g"):
            before = view.scroll_y
            await pilot.press(key)
            await until(pilot, lambda before=before: view.scroll_y < before)  # type: ignore[misc]
        await pilot.press("escape")
        assert cursor(app) == first


async def test_the_detail_beside_the_table_follows_the_cursor(tmp_path: Path) -> None:
    app = recorded.app(tmp_path, selection=recorded.ALL)
    async with app.run_test(size=ROOMY) as pilot:
        await run_all(app, pilot)
        side = app.main_screen.side
        await until(pilot, lambda: side.row is not None and side.row[1] == cursor(app))
        assert "Resnet18" in page(app)
        await pilot.press("down")
        await until(pilot, lambda: "VGG16" in page(app))


def shown(app: BenchApp) -> Sequence[str]:
    return [pane for pane in PANES if app.main_screen.query_one(f"#{pane}").region]


async def test_one_pane_alone_and_jumps(tmp_path: Path) -> None:
    app = recorded.app(tmp_path, selection=recorded.ALL)
    async with app.run_test(size=WIDE) as pilot:
        await run_all(app, pilot)
        await pilot.press("f")
        await until(pilot, lambda: shown(app) == ["results"])
        assert "1 Models 2" in seen(app), "the tabs say where the others are"
        await pilot.press("2")
        await until(pilot, lambda: shown(app) == ["layers"])
        await pilot.press("f")
        await until(pilot, lambda: len(shown(app)) == 4)
        await pilot.press("semicolon")
        assert isinstance(app.screen, JumpScreen)
        await pilot.press("escape", "semicolon", "3")
        await until(pilot, lambda: app.main_screen.pane == "devices")
        assert app.focused is not None
        assert any(node.id == "devices" for node in app.focused.ancestors)


def listed(app: BenchApp) -> str:
    """The first line of the palette."""
    options = app.screen.query_one(OptionList).options
    return str(options[0].prompt) if options else ""


async def test_a_theme_is_remembered(tmp_path: Path) -> None:
    app = settings_app(tmp_path)
    async with app.run_test(size=NARROW) as pilot:
        await known(app, pilot)
        assert app.theme == "cvbench-dark"
        await pilot.press("t")
        await pilot.pause()
        app.screen.query_one(Input).value = "cvbench-safe-light"
        await until(pilot, lambda: "cvbench-safe-light" in listed(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.theme == "cvbench-safe-light")
        await until(pilot, lambda: 'theme = "cvbench-safe-light"' in read_settings(app, tmp_path))
    again = settings_app(tmp_path)
    async with again.run_test(size=NARROW):
        assert again.theme == "cvbench-safe-light"


async def test_a_row_without_a_valid_time_cannot_be_the_reference(tmp_path: Path) -> None:
    app = recorded.app(tmp_path, ReplaySource(recorded.graded()), recorded.GRADED)
    async with app.run_test(size=WIDE) as pilot:
        await run_all(app, pilot)
        await pilot.press("G", "m")
        await until(pilot, lambda: "no valid time" in toasts(app))
        assert app.main_screen.results.view.reference is None
