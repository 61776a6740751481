"""Jump keys: labels where the panes are, a key or a click that chooses, and ways out."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.app import App
from textual.geometry import Region

from cvbench_tui.tui.screens.busy import BusyScreen
from cvbench_tui.tui.screens.jump import JumpScreen
from tests.tui import recorded
from tests.tui.dialog_app import SIZES, UNTOUCHED, seen
from tests.tui.flow import NARROW, WIDE
from tests.tui.waits import until

PANES = {"1": Region(0, 1, 40, 8), "2": Region(0, 9, 40, 8)}


class Panes(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.result: object = UNTOUCHED

    def jump(self) -> None:
        self.push_screen(JumpScreen(PANES), self.close)

    def close(self, result: object) -> None:
        self.result = result


@pytest.mark.parametrize(("size", "keys"), [(NARROW, "2"), (WIDE, "1234")])
async def test_what_is_shown_has_a_label_where_it_is(tmp_path: Path, size: tuple[int, int], keys: str) -> None:
    app = recorded.app(tmp_path)
    async with app.run_test(size=size) as pilot:
        await pilot.press("2")
        panes = [app.main_screen.query_one(f"#{pane}") for pane in ("models", "layers", "devices", "results")]
        regions = {str(number): pane.region for number, pane in enumerate(panes, 1) if str(number) in keys}
        await pilot.press("semicolon")
        await until(pilot, lambda: isinstance(app.screen, JumpScreen))
        lines = seen(app).splitlines()
        for key, region in regions.items():
            assert lines[region.y][region.x :].startswith(f" {key} ")
        assert len(app.screen.query(".jump")) == len(keys)
        assert "Escape closes" in lines[-1]


@pytest.mark.parametrize("key", PANES)
async def test_a_key_chooses(key: str) -> None:
    app = Panes()
    async with app.run_test(size=SIZES[0]) as pilot:
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


@pytest.mark.parametrize(
    ("place", "expected"), [((10, 4), "1"), ((2, 12), "2"), ((70, 20), None), ((1, 1), "1"), ((40, 23), None)]
)
async def test_a_click_chooses(place: tuple[int, int], expected: str | None) -> None:
    app = Panes()
    async with app.run_test(size=SIZES[0]) as pilot:
        app.jump()
        await pilot.pause()
        await pilot.click(offset=place)
        await until(pilot, lambda: app.result is not UNTOUCHED)
    assert app.result == expected


async def test_a_question_that_comes_meanwhile_is_not_closed_in_its_place() -> None:
    """Whether the machine is busy is known a second after the key: the question then lies above what was opened."""
    app = Panes()
    async with app.run_test(size=(80, 24)) as pilot:
        app.jump()
        await pilot.pause()
        app.push_screen(BusyScreen("Other programs use 1.0 of the 2 cores."))
        await pilot.pause()
        await pilot.resize_terminal(100, 30)  # the labels stand in the wrong places now
        assert isinstance(app.screen, BusyScreen)
        await pilot.press("escape", "escape")
        assert not isinstance(app.screen, (BusyScreen, JumpScreen))
        assert app.result is None
