"""The checklists by key and by mouse, as the user sees them."""

from __future__ import annotations

import pytest
from textual.content import Content
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.widgets import Static

from cvbench_tui.tui.state.checklist_model import ChecklistModel, Item
from cvbench_tui.tui.widgets.checklist.lines import ChecklistLines
from tests.tui.checklist_app import MACHINE, ChecklistApp

SIZE = (60, 44)
FOLDED, OPEN = "\u25b8", "\u25be"


def title(app: ChecklistApp, name: str = "models") -> str:
    return Content.from_markup(str(app.pane(name).border_title)).plain


def notice(app: ChecklistApp, name: str = "models") -> str:
    widget = app.pane(name).query_one(".notice", Static)
    return str(widget.visual) if widget.display else ""


def legend(app: ChecklistApp, name: str = "models") -> str:
    return Content.from_markup(str(app.pane(name).border_subtitle)).plain


async def click(pilot: Pilot[None], app: ChecklistApp, row: int, column: int, name: str = "models") -> None:
    """Click into the list, at that row and column of its view."""
    await pilot.click(app.lines(name), offset=Offset(column, row))


async def test_a_newcomer_sees_known_families_and_all_the_others_as_headings() -> None:
    app = ChecklistApp()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert title(app) == "1 Models 0 of 107"
        assert app.seen("models")[0] == f"[ ] {OPEN} VGG (0 of 8)"
        assert app.at_cursor("models") == "VGG16"
        assert len(app.lines("models").lines) == 36
        assert len(app.lines("layers").lines) == 16
        await pilot.press("end")
        assert app.seen("models")[-1] == f"[ ] {FOLDED} Video (0 of 9)"


async def test_space_ticks_an_item_and_a_family() -> None:
    app = ChecklistApp()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("space")
        assert app.seen("models")[:2] == [f"[~] {OPEN} VGG (1 of 8)", app.seen("models")[1]]
        assert app.seen("models")[1].startswith("[x] VGG16 ")
        assert title(app) == "1 Models 1 of 107"
        await pilot.press("g", "space")
        assert app.seen("models")[0] == f"[x] {OPEN} VGG (8 of 8)"
        await pilot.press("space")
        assert app.plan_selection.models.ticked == ()
        assert app.changes == 3


async def test_enter_ticks_an_item_and_folds_a_heading() -> None:
    app = ChecklistApp()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("enter", "g", "enter")
        assert app.plan_selection.models.ticked == ("VGG16",)
        assert app.seen("models")[:2] == [f"[~] {FOLDED} VGG (1 of 8)", f"[ ] {OPEN} ResNet (0 of 5)"]
        await pilot.press("enter")
        assert app.seen("models")[1].startswith("[x] VGG16 ")
        assert app.changes == 1


@pytest.mark.parametrize("keys", [("left", "right"), ("h", "l")])
async def test_left_folds_and_right_unfolds(keys: tuple[str, str]) -> None:
    app = ChecklistApp()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("j", keys[0])
        assert app.seen("models")[0] == f"[ ] {FOLDED} VGG (0 of 8)"
        assert app.lines("models").cursor == 0
        await pilot.press(keys[1])
        assert app.seen("models")[0] == f"[ ] {OPEN} VGG (0 of 8)"


async def test_all_families_fold_and_unfold_and_the_cursor_stays_near() -> None:
    app = ChecklistApp()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("minus")
        assert len(app.lines("models").lines) == 23
        assert app.at_cursor("models").startswith(f"{FOLDED} VGG")
        await pilot.press("plus")
        assert len(app.lines("models").lines) == 130


async def test_every_way_to_move() -> None:
    app = ChecklistApp()
    async with app.run_test(size=SIZE) as pilot:
        lines = app.lines("models")
        for keys, place in (
            (("down", "j"), 3), (("up", "k"), 1), (("G",), 35), (("home",), 0), (("end",), 35), (("down",), 35),
            (("g",), 0), (("up",), 0),
        ):  # fmt: skip
            await pilot.press(*keys)
            assert lines.cursor == place, keys
        page = lines.size.height - 1
        for key, place in (("pagedown", page), ("pageup", 0), ("ctrl+d", page), ("ctrl+u", 0)):
            await pilot.press(key)
            assert lines.cursor == place
            assert 0 <= app.spot("models").y < lines.size.height, "the cursor is in view"


async def test_all_none_and_invert_are_about_what_the_filter_shows() -> None:
    app = ChecklistApp()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("space", "slash", *"resnext", "enter", "a")
        family = {"resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d"}
        assert set(app.plan_selection.models.ticked) == {"VGG16"} | family
        assert title(app) == "1 Models 4 of 107, 1 hidden"
        await pilot.press("n")
        assert app.plan_selection.models.ticked == ("VGG16",)
        await pilot.press("n")
        await pilot.press("i")
        assert len(app.plan_selection.models.ticked) == 4
        assert app.changes == 4, "one for each key that changed something"
        await pilot.press("escape")
        assert title(app) == "1 Models 4 of 107"


async def test_space_ticks_what_was_typed_not_what_stands_first() -> None:
    app = ChecklistApp()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash", *"resnext", "enter")
        assert app.at_cursor("models").startswith("resnext50_32x4d")
        await pilot.press("slash", *["backspace"] * 3, *"net50", "enter", "space")
        assert app.plan_selection.models.ticked == ("Resnet50",)


async def test_a_filter_that_keeps_the_line_keeps_the_cursor() -> None:
    app = ChecklistApp()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("down", "down", "slash", *"vgg")
        assert app.at_cursor("models").startswith("VGG19")
        await pilot.press("escape")
        assert app.at_cursor("models").startswith("VGG19")


async def test_an_empty_result_says_how_to_go_on() -> None:
    app = ChecklistApp()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash", *"xyz")
        assert notice(app) == 'No model matches "xyz". Escape clears the filter.'
        await pilot.press("enter", "space", "enter", "left", "right", "down", "G", "pagedown", "a", "i")
        assert app.plan_selection.models.ticked == ()
        assert app.changes == 0
        await pilot.press("escape")
        assert notice(app) == ""
        assert not app.filter("models").display
        assert app.at_cursor("models")


@pytest.mark.parametrize("key", ["enter", "down", "tab"])
async def test_a_filter_is_left_and_kept(key: str) -> None:
    app = ChecklistApp()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash", *"vit", key)
        assert app.focused is app.lines("models")
        assert app.filter("models").value == "vit"
        assert app.filter("models").display


async def test_escape_clears_the_filter_then_leaves_it() -> None:
    app = ChecklistApp()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash", *"vit", "escape")
        assert app.focused is app.filter("models")
        assert app.plan_selection.models.filter_text == ""
        await pilot.press("escape")
        assert app.focused is app.lines("models")
        assert not app.filter("models").display


async def test_an_empty_filter_goes_when_the_mouse_leaves_it() -> None:
    app = ChecklistApp()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash")
        assert app.filter("models").display
        await click(pilot, app, 0, 20, "layers")
        assert not app.filter("models").display


async def test_escape_without_a_filter_is_the_screens() -> None:
    app = ChecklistApp()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert app.pane("models").check_action("clear_filter", ()) is False
        app.pane("models").ticks.search("v")
        assert app.pane("models").check_action("clear_filter", ()) is True


async def test_what_the_filter_found_is_underlined() -> None:
    app = ChecklistApp()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash", *"rn18")
        strip = app.lines("models").render_line(1)
        marked = [segment.text for segment in strip if segment.style and segment.style.underline]
        assert marked == ["R", "n", "18"]


async def test_a_click_on_a_box_ticks_and_on_a_headings_text_folds() -> None:
    app = ChecklistApp()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await click(pilot, app, 2, 1)
        assert app.plan_selection.models.ticked == ("VGG16 BN",)
        await click(pilot, app, 2, 8)
        assert app.plan_selection.models.ticked == ()
        await click(pilot, app, 0, 1)
        assert app.seen("models")[0] == f"[x] {OPEN} VGG (8 of 8)"
        await click(pilot, app, 0, 4)
        assert app.seen("models")[0] == f"[x] {FOLDED} VGG (8 of 8)"
        await click(pilot, app, 0, 7)
        assert app.seen("models")[0] == f"[x] {OPEN} VGG (8 of 8)"
        assert app.changes == 3
        await pilot.press("slash", *"alexnet", "enter")
        await click(pilot, app, 5, 1)
        assert app.changes == 3, "below the last line there is nothing"


async def test_a_tick_and_a_step_draw_only_the_lines_that_change(monkeypatch: pytest.MonkeyPatch) -> None:
    app = ChecklistApp()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("down")
        drawn: list[int] = []
        shown: list[object] = []
        draw, show = ChecklistLines.render_line, ChecklistLines.show
        monkeypatch.setattr(ChecklistLines, "render_line", lambda self, y: drawn.append(y) or draw(self, y))
        monkeypatch.setattr(ChecklistLines, "show", lambda self, *args: shown.append(args) or show(self, *args))
        await pilot.press("space")
        await pilot.pause()
        assert sorted(drawn) == [0, 2], "the line and its heading"
        drawn.clear()
        await pilot.press("down")
        await pilot.pause()
        assert sorted(drawn) == [2, 3], "the line it left and the one it is on"
        assert not shown, "nothing was built anew"


async def test_the_legend_names_the_columns_there_are() -> None:
    app = ChecklistApp()
    async with app.run_test(size=(90, 44)) as pilot:
        await pilot.pause()
        assert legend(app) == "image px  GMACs  parameters"
        app.plan_selection.offer(MACHINE)
        app.plan_selection.remember(lambda case: "12.3 ms")
        app.pane("models").lines.update_columns()
        app.pane("layers").lines.update_columns()
        await pilot.pause()
        assert legend(app) == "parameters  last time"
        app.query_one("#column").styles.width = 80
        await pilot.pause()
        assert legend(app) == "image px  GMACs  parameters  last time"
        assert legend(app, "layers") == "input shape  last time"


async def test_devices_tell_their_whole_reason_and_are_as_high_as_they_need() -> None:
    app = ChecklistApp()
    async with app.run_test(size=SIZE) as pilot:
        app.plan_selection.offer(MACHINE)
        app.pane("devices").rebuild()
        await pilot.pause()
        rows = app.seen("devices")
        assert rows[0] == "[ ] cpu    Example CPU [x]  16.00 GiB"
        assert "[x] cuda:0 Example GPU [/]" in rows[2]
        text = " ".join(" ".join(rows).split())
        assert "[-] mps Not a Mac: this PyTorch was built without Metal, so there is nothing to measure on." in text
        assert app.lines("devices").size.height == len(rows) == 7
        app.lines("devices").focus()
        await pilot.press("end", "space", "a")
        assert app.plan_selection.devices.ticked == ("cpu", "cuda:0")
        assert title(app, "devices") == "3 Devices 2 of 2"


async def test_a_sentence_stands_above_the_list_as_it_is() -> None:
    app = ChecklistApp()
    async with app.run_test(size=SIZE) as pilot:
        app.pane("devices").say("[/] no torch [bold] \x1b[31m")
        await pilot.pause()
        assert notice(app, "devices") == "[/] no torch [bold] \\x1b[31m"
        app.pane("devices").say("")
        assert notice(app, "devices") == ""


@pytest.mark.parametrize("width", [20, 36, 78])
async def test_hostile_names_are_shown_and_cut_and_nothing_breaks(width: int) -> None:
    names = ["[/]", "[bold]b[/bold]", "\x1b[31mred", "\u05d0\u05d1", "a" * 300, "\u6f22" * 90, "a\nb", "", "x\u0301"]
    items = [Item(str(at), name, group=name[:5] or "none", columns=(name,)) for at, name in enumerate(names)]
    items += [Item(f"r{at}", name, reason=name or "no") for at, name in enumerate(names)]
    app = ChecklistApp(ticks=ChecklistModel(items, headings=("[/] h",)), width=width)
    async with app.run_test(size=(90, 44)) as pilot:
        await pilot.press("a", "slash", *"[/]", "enter", "space", "escape", "minus", "plus", "end", "home")
        assert len(app.pane("things").ticks.ticked) == len(names) - 1, "all, and the one that was found unticked"
        assert "[31mred" in "".join(app.seen("things"))
        assert legend(app, "things") in ("[/] h", "")


async def test_a_resize_keeps_the_cursor_in_view() -> None:
    app = ChecklistApp()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("end")
        await pilot.resize_terminal(60, 30)
        await pilot.pause()
        assert 0 <= app.spot("models").y < app.lines("models").size.height
