"""A run on a machine that other programs use: one question, a wait that ends by itself, and what ends it before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.message import Message

from cvbench_tui.engine.host.others import Others
from cvbench_tui.results.storage.runs import list_runs
from cvbench_tui.tui import messages
from cvbench_tui.tui.app import BenchApp
from cvbench_tui.tui.screens.busy import BusyScreen
from cvbench_tui.tui.widgets.strips import HeaderLine
from tests import replay
from tests.fake_machine import FakeMachine
from tests.tui import recorded
from tests.tui.flow import NARROW, WIDE, ended, known, run_all, strip, toasts, word
from tests.tui.waits import until

USE = "Other programs use 1.8 of the 2 cores"


class Busy(FakeMachine):
    """Busy until it is let; its windows pass at once, and while it is busy not before the app has seen them."""

    def leave(self) -> None:
        self.used = (0.0,)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Busy:
    found = Busy(1.8)
    monkeypatch.setattr(replay, "FakeMachine", lambda: found)
    monkeypatch.setattr(found, "pause", _slowly(found))
    return found


def _slowly(machine: Busy) -> Callable[..., None]:
    """A window that takes a few milliseconds, so that the wait for a busy machine does not fill the app's queue."""

    def pause(stopped: object) -> None:
        stopped.wait(0.005)  # type: ignore[attr-defined]
        FakeMachine.pause(machine, stopped)  # type: ignore[arg-type]

    return pause


def header(app: BenchApp) -> str:
    return str(app.main_screen.query_one(HeaderLine).visual)


async def asked(app: BenchApp, pilot: object, key: str = "r") -> None:
    """The question is there."""
    await pilot.press(key)  # type: ignore[attr-defined]
    await until(pilot, lambda: isinstance(app.screen, BusyScreen))  # type: ignore[arg-type]


async def test_a_busy_machine_asks_once_waits_and_begins_by_itself(tmp_path: Path, machine: Busy) -> None:
    app = recorded.app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=NARROW) as pilot:
        await known(app, pilot)
        await asked(app, pilot)
        assert app.check_action("cancel", ()) is True
        await pilot.press("enter")
        await until(pilot, lambda: "waiting until they have left" in strip(app))
        assert strip(app).replace("\n", " ").startswith(f"{USE}: waiting until they have left. r runs anyway, x stops")
        assert "waiting" in header(app)
        assert app.check_action("again", ()) is False
        assert not app.run_manager.state.running
        machine.leave()
        await until(pilot, lambda: ended(app))
        assert word(app).startswith("finished")
    assert len(list_runs(tmp_path / "runs")) == 1


async def test_w_waits_and_x_stops_the_wait(tmp_path: Path, machine: Busy) -> None:
    app = recorded.app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=WIDE) as pilot:
        await known(app, pilot)
        await asked(app, pilot)
        await pilot.press("w")
        assert app.run_manager.state.status == "waiting"
        await pilot.press("x")
        assert app.run_manager.state.status == "idle"
        assert strip(app) == "No longer waiting."
        assert app.check_action("cancel", ()) is False
        machine.leave()
        await pilot.pause()
        assert app.run_manager.state.run is None


@pytest.mark.parametrize("keys", [("r",), ("right", "enter"), ("w", "r"), ("w", "f5")])
async def test_it_is_measured_anyway(tmp_path: Path, machine: Busy, keys: tuple[str, ...]) -> None:
    app = recorded.app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=WIDE) as pilot:
        await known(app, pilot)
        await asked(app, pilot)
        await pilot.press(*keys)
        await until(pilot, lambda: ended(app))
        assert word(app).startswith("finished")
    assert len(list_runs(tmp_path / "runs")) == 1


async def test_escape_begins_nothing(tmp_path: Path, machine: Busy) -> None:
    app = recorded.app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=NARROW) as pilot:
        await known(app, pilot)
        await asked(app, pilot)
        await pilot.press("escape")
        assert (app.run_manager.state.status, strip(app)) == ("idle", "Not begun.")
        assert app.run_manager.state.run is None
    assert not list_runs(tmp_path / "runs")


async def test_rows_added_to_a_running_run_ask_nothing(tmp_path: Path, machine: Busy) -> None:
    source = recorded.Gated(recorded.good())
    app = recorded.app(tmp_path, source, recorded.TOP)
    async with app.run_test(size=NARROW) as pilot:
        await known(app, pilot)
        await asked(app, pilot)
        await pilot.press("r")
        await until(pilot, source.reached.is_set)
        looked = machine.windows
        await pilot.press("2", "space", "r")
        assert "2 rows added to the run." in toasts(app)
        assert not isinstance(app.screen, BusyScreen)
        assert machine.windows == looked
        source.go_on.set()
        await until(pilot, lambda: ended(app))


async def test_a_repeat_asks_too_and_says_what_is_kept(tmp_path: Path, machine: Busy) -> None:
    machine.leave()
    app = recorded.app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=WIDE) as pilot:
        await run_all(app, pilot)
        count = len(app.run_manager.state.repeatable)
        machine.used = (1.8,)
        await asked(app, pilot, "R")
        await pilot.press("r")
        await until(pilot, lambda: ended(app))
        assert f"{count} rows measured again; the better result of each is kept." in toasts(app)


async def test_a_saved_run_that_is_opened_ends_the_wait(tmp_path: Path, machine: Busy) -> None:
    machine.leave()
    app = recorded.app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=WIDE) as pilot:
        await run_all(app, pilot)
        run, file = app.run_manager.state.run, app.run_manager.state.run_file
        assert run is not None
        assert file is not None
        machine.used = (1.8,)
        await asked(app, pilot)
        await pilot.press("w")
        app.post_message(messages.RunOpened(run, file))
        await until(pilot, lambda: app.run_manager.state.saved)
        assert app.run_manager.state.status == "idle"
        await asked(app, pilot)
        app.post_message(messages.RunOpened(run, file))
        await until(pilot, lambda: app.run_manager.state.status == "idle")
        await pilot.press("w")
        assert app.run_manager.state.status == "idle", "an answer to a question that is over"


async def test_a_look_that_is_over_too_late_says_nothing(tmp_path: Path, machine: Busy) -> None:
    app = recorded.app(tmp_path, selection=recorded.TOP)
    async with app.run_test(size=WIDE) as pilot:
        await known(app, pilot)
        await asked(app, pilot)
        await pilot.press("escape")
        old: list[Message] = [
            messages.Looked(object(), Others(1.8, 2, 2)),  # type: ignore[arg-type]
            messages.BecameIdle(object()),  # type: ignore[arg-type]
        ]
        for message in old:
            app.post_message(message)
        await pilot.pause()
        assert not isinstance(app.screen, BusyScreen)
        assert app.run_manager.state.run is None


async def test_a_quota_is_said_and_asks_nothing(tmp_path: Path) -> None:
    source = recorded.ReplaySource(recorded.good())
    here = source.probe()
    facts = (*(fact for fact in here.facts if fact[0] not in ("affinity", "cpu_cores")),
             ("quota_cores", 0.5), ("cpu_cores", 2))  # fmt: skip
    source.probe = lambda: replace(here, facts=facts)  # type: ignore[method-assign]
    app = recorded.app(tmp_path, source, recorded.TOP)
    async with app.run_test(size=WIDE) as pilot:
        await run_all(app, pilot)
        assert "The container may use 0.5 of 2 cores" in toasts(app)
