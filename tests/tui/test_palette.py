"""The palette: what it offers, in which order, and that choosing does what it says. All text is shown as it is."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pytest
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.command import CommandPalette, SimpleCommand
from textual.widgets import Input, OptionList

from cvbench_tui.errors import PresetError
from cvbench_tui.results.storage.run_index import RunSummary
from cvbench_tui.tui.controllers.open import MAX_RUNS, OpenController
from cvbench_tui.tui.screens.palette import actions, command_palette, themes
from cvbench_tui.tui.state.run_state import moment
from tests.tui.dialog_app import SIZES, Preset, seen
from tests.tui.waits import until

AT_S = 1_764_000_100.0
HOSTILE = "evil [b]x[/b] [/] \\[ \x1b[31m \u202e"


class Pane(OptionList):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "tick", "Tick", id="list.tick", tooltip="Tick the line under the cursor"),
        Binding("i", "invert", "Invert", id="list.invert", show=False, tooltip="Swap the ticks of everything shown"),
    ]

    def action_tick(self) -> None:
        self.app.did.append("tick")  # type: ignore[attr-defined]


class Opened(OpenController):
    """Lists that are made up; what is opened is noted."""

    def __init__(self) -> None:
        self.did: list[object] = []
        self.runs = [RunSummary("a", Path("/r/a.jsonl"), AT_S, "quick", 3, 3, 0, "finished"),
                     RunSummary("b", Path("/r/b.jsonl"), AT_S, HOSTILE, 1, 0, 1, None),
                     RunSummary("torn", Path("/r/torn.jsonl"), problem="empty")]  # fmt: skip
        self.let = threading.Event()
        self.let.set()

    def list_presets(self) -> Sequence[Preset]:  # type: ignore[override]
        self.let.wait(20)
        return [Preset("quick", "A first look.", workloads=5), Preset(HOSTILE, own=True), Preset("x", problem="broken")]

    def list_runs(self) -> Sequence[RunSummary]:
        return self.runs

    def preset(self, what: str, name: str) -> None:
        self.did.append((what, name))

    def open_run(self, path: Path | None) -> None:
        self.did.append(("run", path))


class Bench(App[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "pane('models')", "Models", id="app.models", show=False, tooltip="Go to the models"),
        Binding("r", "run", "Run", id="app.run", tooltip="Measure what is ticked"),
        Binding("f5", "run", "Run", id="app.run_too", show=False, tooltip="Measure what is ticked"),
        Binding("x", "cancel", "Cancel", id="app.cancel", tooltip="Stop measuring"),
        Binding("z", "nameless", "Without id"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.opened = Opened()
        self.did = self.opened.did

    def compose(self) -> ComposeResult:
        yield Pane("one", "two")
        yield Input(id="filter_text")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "cancel"

    def on_mount(self) -> None:
        self.theme_changed_signal.subscribe(self, lambda theme: self.did.append(("theme", theme.name)))

    def action_command_palette(self) -> None:
        self.push_screen(command_palette(self.opened.commands))

    def action_run(self) -> None:
        self.did.append("run")

    def action_pane(self, pane: str) -> None:
        self.did.append(pane)


def names(commands: Sequence[SimpleCommand]) -> list[str]:
    return [each.name for each in commands]


async def test_actions_come_in_the_order_of_use_each_once_and_only_when_they_can_be_used() -> None:
    app = Bench()
    async with app.run_test(size=SIZES[0]):
        app.query_one(Pane).focus()
        found = actions(app.screen)
        assert names(found) == [
            "Measure what is ticked",
            "Tick the line under the cursor",
            "Go to the models",
            "Swap the ticks of everything shown",
        ]
        assert [each.help_text for each in found] == ["r F5", "Space", "1", "i"]


async def test_letters_are_offered_while_a_filter_has_the_focus() -> None:
    app = Bench()
    async with app.run_test(size=SIZES[0]) as pilot:
        app.query_one(Input).focus()
        await pilot.pause()
        assert names(actions(app.screen)) == ["Measure what is ticked", "Go to the models"]


async def test_keys_are_those_of_the_user() -> None:
    app = Bench()
    async with app.run_test(size=SIZES[0]):
        app.set_keymap({"app.models": "f2"})
        assert next(each.help_text for each in actions(app.screen) if each.name == "Go to the models") == "F2"


async def test_presets_runs_and_themes_are_named() -> None:
    app = Bench()
    async with app.run_test(size=SIZES[0]) as pilot:
        found = app.opened.commands()
        assert names(found) == [
            "Open preset quick: A first look.",
            f"Open preset {HOSTILE}",
            f"Open run {moment(AT_S)} quick, 3 rows",
            f"Open run {moment(AT_S)} {HOSTILE}, 1 row",
        ]
        theme = next(iter(name for name in app.available_themes if name != app.theme))
        for each in [*found, *themes(app)[:1]]:
            each.callback()
        await until(pilot, lambda: len(app.did) == 5)
        assert app.did == [
            ("open", "quick"),
            ("open", HOSTILE),
            ("run", Path("/r/a.jsonl")),
            ("run", Path("/r/b.jsonl")),
            ("theme", theme),
        ]
        app.opened.runs = app.opened.runs[:1] * 80
        assert len(app.opened.commands()) == 2 + MAX_RUNS


async def test_presets_that_cannot_be_listed_do_not_hide_the_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Bench()

    def refuse() -> Sequence[Preset]:
        raise PresetError("The folder cannot be read.")

    monkeypatch.setattr(app.opened, "list_presets", refuse)
    assert len(app.opened.commands()) == 2


@pytest.mark.parametrize("size", SIZES)
async def test_an_action_is_chosen_without_typing(size: tuple[int, int]) -> None:
    app = Bench()
    async with app.run_test(size=size) as pilot:
        app.query_one(Pane).focus()
        await pilot.press("ctrl+p")
        await until(pilot, lambda: "Measure what is ticked" in seen(app))
        assert "r F5" in seen(app)
        await pilot.press("down", "enter")
        await until(pilot, lambda: bool(app.did))
        assert app.did == ["tick"]


@pytest.mark.parametrize(
    ("typed", "shown", "did"),
    [
        ("open run quick", "quick, 3 rows", ("run", Path("/r/a.jsonl"))),
        ("open preset quick", "Open preset quick: A first look.", ("open", "quick")),
        ("evil", "evil [b]x[/b] [/] \\[ ", None),
        ("measure", "Measure what is ticked", "run"),
        ("theme nord", "Theme nord", ("theme", "nord")),
        ("go models", "Go to the models", "models"),
    ],
)
async def test_a_search_finds_and_does(typed: str, shown: str, did: object) -> None:
    app = Bench()
    async with app.run_test(size=SIZES[1]) as pilot:
        await pilot.press("ctrl+p", *typed)
        await until(pilot, lambda: shown in seen(app))
        assert "\x1b" not in seen(app)
        if did is not None:
            await pilot.press("enter")
            await until(pilot, lambda: bool(app.did))
            assert app.did == [did]


async def test_slow_lists_hold_up_neither_the_actions_nor_the_closing() -> None:
    app = Bench()
    app.opened.let.clear()
    async with app.run_test(size=SIZES[0]) as pilot:
        await pilot.press("ctrl+p")
        await until(pilot, lambda: "Measure what is ticked" in seen(app))
        await pilot.press(*"quick")
        app.opened.let.set()
        await until(pilot, lambda: "Open preset quick" in seen(app))
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, CommandPalette))
        assert app.did == []
