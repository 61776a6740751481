"""Thousands of random keys and clicks while a recorded run plays: nothing breaks, no row is lost, it quits cleanly.

The seed is printed by a failure; the same seed makes the same choices.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from cvbench_tui.core.event import Event, Progress
from cvbench_tui.core.plan import Plan
from cvbench_tui.tui.app import BenchApp
from cvbench_tui.tui.places import all_bindings
from tests.replay import ReplaySource
from tests.tui import recorded
from tests.tui.flow import known
from tests.tui.waits import settled, until

STEPS = 5000
LEAVE = {"q", "f10", "ctrl+q", "ctrl+z", "ctrl+c", "y"}
"""Keys that end or stop the app, or say yes to that."""
TYPED = ("a", "0", "9", "[", "]", "slash", "backspace", "tab", "shift+tab", "left", "right", "home", "end", "space")
SIZES = [(80, 24), (120, 40), (200, 50), (60, 16), (40, 10)]


class Lasting(ReplaySource):
    """Plays the run at a pace that keeps it going for a good part of the walk."""

    def __init__(self) -> None:
        super().__init__(recorded.graded())
        self.quick = False

    def events(self, plan: Plan, *more: Any) -> Iterator[Event]:
        import time

        for event in super().events(plan, *more):
            if not isinstance(event, Progress) and not self.quick:
                time.sleep(0.05)
            yield event


def keys() -> list[str]:
    """Every key that is declared anywhere, and what people type."""
    declared = {key for binding in all_bindings() for key in binding.key.split(",")}
    return sorted((declared | {"escape", "enter", "up", "down"}) - LEAVE) + list(TYPED)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_a_random_walk_breaks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CVBENCH_CONFIG", str(tmp_path / "config.toml"))
    seed = int(os.environ.get("CVBENCH_WALK_SEED", "20251125"))  # the same choices on every machine
    print(f"seed {seed}")  # noqa: T201
    source = Lasting()
    app = recorded.app(tmp_path, source, recorded.GRADED)
    async with app.run_test(size=(120, 40)) as pilot:
        await known(app, pilot)
        leave, app.exit = app.exit, lambda *_, **__: None  # the palette quits, too
        ran = await walk(app, pilot, random.Random(seed))
        assert ran, "the walk never pressed r"
        source.quick = True
        await back_to_the_bench(app, pilot)
        await until(pilot, lambda: not app.run_manager.state.running)
        run, pane = app.run_manager.state.run, app.main_screen.results
        assert run is not None
        await until(pilot, lambda: pane.run is run)  # the last state is posted, and drawn a moment later
        await pilot.press("4")  # a table that is not shown is not arranged
        await until(pilot, lambda: pane.table.size.width > 0)
        if pane.held is not None:
            pane.action_freeze()
        pane.view = replace(pane.view, filter_text="")
        pane.draw()
        mine = {case.case_id for case in run.plan.cases}
        assert sorted(set(pane.table.keys) & mine) == sorted(mine), "no row is lost"
        assert len(pane.table.keys) == len(mine) or pane.view.beside, "others are only there beside published figures"
        app.exit = leave
        await pilot.press("f10")
        await pilot.pause()
    assert app.return_code == 0
    app.run_manager.shut_down()


async def walk(app: BenchApp, pilot: Pilot[int], draw: random.Random) -> bool:
    """Keys mostly, some clicks, now and then another size. Returns whether a run was seen."""
    pressed, ran = keys(), False
    for step in range(STEPS):
        chance = draw.random()
        if chance < 0.9:
            app.simulate_key(draw.choice(pressed))
        elif chance < 0.99:
            click(app, draw.randrange(app.size.width), draw.randrange(app.size.height))
        elif chance < 0.995:
            await pilot.press("escape", "escape", "r")
        else:
            await pilot.resize_terminal(*draw.choice(SIZES))
        if step % 10 == 0:
            await settled()
            ran = ran or app.run_manager.state.run is not None
        assert app.return_code is None, f"left at step {step}"
    return ran


def click(app: BenchApp, x: int, y: int) -> None:
    """As the terminal reports it: down and up at that cell."""
    for kind in (events.MouseDown, events.MouseUp):
        event = kind(
            None, x=x, y=y, delta_x=0, delta_y=0, button=1, shift=False, meta=False, ctrl=False, screen_x=x, screen_y=y
        )
        app.post_message(event)


async def back_to_the_bench(app: BenchApp, pilot: Pilot[int]) -> None:
    """Close whatever dialogs are open."""
    await pilot.resize_terminal(120, 40)
    for _ in range(20):
        if app.screen is app.main_screen:
            return
        await pilot.press("escape")
        await pilot.pause()
    raise AssertionError(f"{app.screen} cannot be closed with Escape")
