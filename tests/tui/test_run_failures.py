"""What goes wrong around a run, as the user sees it: a full disk, a run that is withdrawn, texts with escape
sequences."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from cvbench_tui.core.event import CaseFailed, CaseFinished, Event
from cvbench_tui.errors import StoreError
from cvbench_tui.results.storage.run_file import load
from cvbench_tui.results.storage.run_index import seen
from cvbench_tui.results.storage.run_log import RunLog
from cvbench_tui.tui.app import BenchApp
from tests.replay import ReplaySource
from tests.tui import recorded
from tests.tui.flow import WIDE, ended, known, run_all, strip, table, text_of, toasts, word
from tests.tui.flow import page as page_of
from tests.tui.waits import until


class FullDisk:
    """Stands before ``RunLog.extend``: from the first outcome on there is no space left."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        self.begins = True
        self._extend = RunLog.extend
        monkeypatch.setattr(RunLog, "extend", lambda log, events, sync=True: self.extend(log, (*events,), sync))

    def extend(self, log: RunLog, events: tuple[Event, ...], sync: bool) -> None:
        self.full = self.full or (self.begins and any(isinstance(event, CaseFinished) for event in events))
        if self.full:
            raise StoreError("Cannot write the run file: no [/] space left.")
        self._extend(log, events, sync=sync)

    def mend(self) -> None:
        self.full = self.begins = False


def states(app: BenchApp) -> list[str]:
    return [text_of(table(app), key).split()[-1] for key in table(app).keys]


async def test_a_full_disk_ends_the_run_and_the_next_one_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FullDisk(monkeypatch)
    app = recorded.app(tmp_path, selection=recorded.ALL)
    async with app.run_test(size=WIDE) as pilot:
        await run_all(app, pilot)
        await until(pilot, lambda: "no [/] space left" in strip(app))
        assert "The run was ended" in strip(app)
        assert app.run_manager.state.run is not None
        assert app.run_manager.state.run.ended == "cancelled"
        assert not any("%" in state for state in states(app))
        assert states(app)[0] in ("visits", "process")
        assert app.run_manager.state.run_file is not None
        disk.mend()
        await pilot.press("r")
        await until(pilot, lambda: word(app).startswith("finished"))
        assert word(app) == "finished: 5 measured, 1 failed"


async def test_a_queued_run_can_be_taken_back(tmp_path: Path) -> None:
    source = recorded.SlowProbe(recorded.good())
    app = recorded.app(tmp_path, source, recorded.TOP)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        assert app.check_action("cancel", ()) is False
        await pilot.press("r")
        assert app.check_action("cancel", ()) is True
        await pilot.press("x")
        assert "No longer queued" in strip(app)
        source.let.set()
        await until(pilot, lambda: app.run_manager.state.environment is not None)
        await pilot.pause()
        assert app.run_manager.state.run is None
        assert not app.run_manager.state.running


async def test_a_queue_with_nothing_left_to_run_is_no_queue(tmp_path: Path) -> None:
    source = recorded.SlowProbe(recorded.good())
    app = recorded.app(tmp_path, source, recorded.TOP)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
        await pilot.press("r", "1", "n")
        source.let.set()
        await until(pilot, lambda: "Nothing to run" in strip(app))
        assert app.run_manager.state.status != "queued"


async def test_escape_sequences_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    nasty = [
        dataclasses.replace(
            event, failure=dataclasses.replace(event.failure, sentence="\x1b[31mred", detail="a\x1b[2Jcleared\x9bJ")
        )
        if isinstance(event, CaseFailed)
        else event
        for event in recorded.good()
    ]
    app = recorded.app(tmp_path, ReplaySource(nasty), recorded.ALL)
    async with app.run_test(size=WIDE) as pilot:
        await run_all(app, pilot)
        await pilot.press("down", "down", "down", "down", "enter")
        page = page_of(app)
    assert "\\x1b[31mred" in page
    assert "a\\x1b[2Jcleared\\x9bJ" in page
    assert not {"\x1b", "\x9b"} & set(page)


async def test_a_folder_that_is_deleted_in_mid_run_is_said_and_every_row_is_on_disk_at_the_end(tmp_path: Path) -> None:
    source = recorded.Gated(recorded.good())
    app = recorded.app(tmp_path, source, recorded.TOP)
    async with app.run_test(size=WIDE) as pilot:
        await known(app, pilot)
        await pilot.press("r")
        await until(pilot, source.reached.is_set)
        shutil.rmtree(tmp_path / "runs")
        source.go_on.set()
        await until(pilot, lambda: ended(app))
        (path,) = (tmp_path / "runs").glob("*.jsonl")
        assert "was deleted or moved. The whole run is in a new file now:" in toasts(app).replace("\n", " ")
        assert app.run_manager.state.run_file == seen(path)
        assert load(path) == app.run_manager.state.run
        assert app.check_action("again", ()) is True, "it goes on in that file"
