"""Texts from outside go everywhere that shows text: never read as markup, never obeyed by the terminal."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from textual.pilot import Pilot

from cvbench_tui.core.event import CaseFailed, EnvironmentProbed, Event, RunFinished, RunStarted
from cvbench_tui.core.measurement import Failure
from cvbench_tui.core.run import Run
from cvbench_tui.core.workload import Workload
from cvbench_tui.results.storage.run_index import SeenFile
from cvbench_tui.tui.app import BenchApp
from tests.replay import ReplaySource
from tests.tui import recorded
from tests.tui.flow import page, run_all, toasts
from tests.tui.waits import until

STRINGS = {
    "markup": "[/] [bold]x[/bold] [link=a] Conv2d[k=3]",
    "escape": "a\x1b[31mred\x1b[0m\x1b]0;title\x07 \x9bJ",
    "bidi": "abc\u202edcba\u2066 \u05d0\u05d1\u05d2",
    "long": "name" * 75,
    "lines": "one\ntwo\r\nthree\ttab",
    "zero": "\u200bzero\ufeff\u0301",
    "wide": "\u6a21\u578b\U0001f600",
    "surrogate": "lone \ud800 half",
    "nothing": "",
}
FORBIDDEN = set("\x1b\x9b\x07\r\x00\u202e\u2066")


def poisoned(text: str) -> list[Event]:
    """The recorded run with that text as name, device name, reason, sentence and detail."""
    return [_poisoned(event, text) for event in recorded.good()]


def _poisoned(event: Event, text: str) -> Event:
    if isinstance(event, RunStarted):
        plan = dataclasses.replace(event.plan, name=text)
        return dataclasses.replace(event, plan=plan, program=text)
    if isinstance(event, EnvironmentProbed):
        devices = tuple(dataclasses.replace(each, name=text, detail=text) for each in event.environment.devices)
        environment = dataclasses.replace(
            event.environment, devices=devices, versions=(("torch", text), ("python", text))
        )
        return dataclasses.replace(event, environment=environment)
    if isinstance(event, CaseFailed):
        failure = Failure(event.failure.case_id, event.failure.kind, text, text)
        return dataclasses.replace(event, failure=failure)
    if isinstance(event, RunFinished):
        return dataclasses.replace(event, sentence=text)
    return event


def drawn(app: BenchApp) -> str:
    """Every character on the screen."""
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    assert len(strips) == height
    for line in strips:
        assert line.cell_length == width
    return "".join(segment.text for line in strips for segment in line)


async def seen(app: BenchApp, pilot: Pilot[int], *keys: str) -> str:
    """What is on the screen after those keys; nothing on it may give the terminal an order."""
    await pilot.press(*keys)
    await pilot.pause()
    found = drawn(app)
    assert not FORBIDDEN & set(found)
    return found


@pytest.mark.parametrize("hostile", STRINGS.values(), ids=STRINGS.keys())
async def test_every_pane_and_dialog_shows_it_as_it_is(tmp_path: Path, hostile: str) -> None:
    app = recorded.app(tmp_path, ReplaySource(poisoned(hostile)), recorded.ALL)
    app.host = app.main_screen._host = hostile
    app._problems = [hostile]
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: bool(toasts(app)) or not hostile)
        await run_all(app, pilot)
        app.run_manager.log.write(hostile)
        for keys in (("4",), ("down",) * 4, ("enter",), ("escape", "5"), ("3",), ("s",), ("escape", "H"), ("escape",)):
            await seen(app, pilot, *keys)
        await seen(app, pilot, "4", "slash", *"vgg", "enter", "Y", "y", "slash", "escape", "escape")
        app.run_manager.open(with_a_row_of_that_name(app, hostile), SeenFile(tmp_path / "run.jsonl", None))
        for keys in (("4", "g"), ("u",), ("u",), ("m",), ("enter",), ("escape", "Y"), ("c",), ("escape",)):
            await seen(app, pilot, *keys)
        app.notify(hostile, markup=False)
        app.say(hostile, bad=True)
        await seen(app, pilot)
        await pilot.resize_terminal(80, 24)
        for key in "12345":
            await seen(app, pilot, key)
    assert len(list((tmp_path / "runs").glob("*.jsonl"))) == 1


def with_a_row_of_that_name(app: BenchApp, text: str) -> Run:
    """The run on screen as another one, whose first row is of a layer of that name."""
    run = app.run_manager.state.run
    assert run is not None
    odd = dataclasses.replace(run.plan.cases[0], workload=Workload("layer", text, "relu", (3, 8, 8)))
    return dataclasses.replace(run, plan=dataclasses.replace(run.plan, cases=(odd, *run.plan.cases[1:])), id="other")


async def test_markup_reaches_the_screen_letter_by_letter(tmp_path: Path) -> None:
    text = STRINGS["markup"]
    app = recorded.app(tmp_path, ReplaySource(poisoned(text)), recorded.ALL)
    async with app.run_test(size=(200, 50)) as pilot:
        await run_all(app, pilot)
        assert text in await seen(app, pilot, "3")
        await seen(app, pilot, "4", *("down",) * 4, "enter")
        assert text in page(app)
