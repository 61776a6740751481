"""Jump keys: labels where the panes are, a key or a click that chooses, and ways out."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.geometry import Region
from textual.widgets import Input, OptionList, Static

from cvbench_tui.tui.screens.jump import JumpScreen, JumpTarget, targets_of
from tests.tui.dialog_app import SIZES, UNTOUCHED, seen
from tests.tui.waits import until


class Pane(Vertical):
    """Cannot take the focus itself, but has a list in it."""

    def __init__(self, key: str, title: str) -> None:
        super().__init__(id=f"pane{key}")
        self.jump_key = key
        self.border_title = title

    def compose(self) -> ComposeResult:
        yield Static("heading")
        yield OptionList("one", "two")


class Needle(Input):
    jump_key = "s"
    jump_label = "Search"


class Panes(App[None]):
    CSS = """
    Pane { width: 50%; height: 8; border: round gray; }
    #pane3 { display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.result: object = UNTOUCHED

    def compose(self) -> ComposeResult:
        yield Needle()
        yield Pane("1", "1 Models \\[b]")
        yield Pane("2", "2 Layers")
        yield Pane("3", "hidden")
        label = Static("no focus")
        label.jump_key = "9"  # type: ignore[attr-defined]
        yield label

    def jump(self) -> None:
        self.push_screen(JumpScreen(targets_of(self.screen)), self.close)

    def close(self, result: object) -> None:
        self.result = result


@pytest.mark.parametrize("size", SIZES)
async def test_what_is_shown_and_can_take_the_focus_is_a_target(size: tuple[int, int]) -> None:
    app = Panes()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        targets = targets_of(app.screen)
        assert [(each.key, each.label) for each in targets] == [
            ("s", "Search"),
            ("1", "1 Models [b]"),
            ("2", "2 Layers"),
        ]
        assert targets[1].region == app.query_one("#pane1").region
        app.jump()
        await until(pilot, lambda: isinstance(app.screen, JumpScreen))
        lines = seen(app).splitlines()
        for target in targets:
            assert lines[target.region.y][target.region.x :].startswith(f" {target.key} ")
        assert "Escape leaves" in lines[-1]


@pytest.mark.parametrize("key", ["s", "1", "2"])
async def test_a_key_chooses(key: str) -> None:
    app = Panes()
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.pause()
        app.jump()
        await pilot.pause()
        await pilot.press("x")
        assert app.result is UNTOUCHED
        await pilot.press(key)
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert app.result == key


async def test_escape_or_another_size_leaves() -> None:
    app = Panes()
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.pause()
        app.jump()
        await pilot.pause()
        await pilot.press("escape")
        await until(pilot, lambda: app.result is None)
        app.result = UNTOUCHED
        app.jump()
        await pilot.pause()
        assert app.result is UNTOUCHED
        await pilot.resize_terminal(90, 30)
        await until(pilot, lambda: app.result is None)


@pytest.mark.parametrize(("place", "expected"), [((10, 4), "1"), ((2, 12), "2"), ((70, 20), None), ((1, 3), "1")])
async def test_a_click_chooses(place: tuple[int, int], expected: str | None) -> None:
    app = Panes()
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.pause()
        app.jump()
        await pilot.pause()
        await pilot.click(offset=place)
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert app.result == expected


async def test_the_smallest_region_that_was_clicked_counts_and_the_hint_closes() -> None:
    targets = [JumpTarget("a", "all", Region(0, 0, 80, 20)), JumpTarget("b", "[/] part", Region(5, 5, 10, 3))]
    for place, expected in (((7, 6), "b"), ((40, 6), "a"), ((40, 23), None)):
        app = Panes()
        async with app.run_test(size=SIZES[0]) as pilot:
            app.push_screen(JumpScreen(targets), app.close)
            await pilot.pause()
            await pilot.click(offset=place)
            await until(pilot, lambda app=app: app.result is not UNTOUCHED)  # type: ignore[misc]
        assert app.result == expected
