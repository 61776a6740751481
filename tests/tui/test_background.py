from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from textual.message import Message

from cvbench_tui.core.event import CaseFinished, Event, PeakMeasured
from cvbench_tui.core.measurement import Measurement, Phase
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.plan import Plan
from cvbench_tui.core.run import Run
from cvbench_tui.engine.session import Session
from cvbench_tui.errors import StoreError
from cvbench_tui.results.stats import phase_stats
from cvbench_tui.results.storage.history import History
from cvbench_tui.results.storage.run_index import seen
from cvbench_tui.results.storage.run_log import RunLog, reopen_log
from cvbench_tui.results.table.build import build
from cvbench_tui.tui.background import threads as background
from cvbench_tui.tui.background.threads import BackgroundThread, RunThread, probe
from cvbench_tui.tui.messages import Crashed, Logged, Probed, RunAdvanced, RunRefused
from tests.replay import ReplaySource
from tests.tui import recorded


def plan() -> Plan:
    run = recorded.good()[0]
    return run.plan  # type: ignore[union-attr]


def drive(source: ReplaySource, folder: Path) -> tuple[RunThread, list[Message]]:
    posted: list[Message] = []
    return RunThread(posted.append, Session(source, plan()), History(folder)), posted


def runs(posted: list[Message]) -> list[Run]:
    return [message.run for message in posted if isinstance(message, RunAdvanced)]


def test_a_burst_is_told_in_few_messages_and_none_of_it_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "MESSAGES_EVERY_S", 3600.0)
    mine, posted = drive(ReplaySource(recorded.good()), tmp_path)
    mine.run()
    first, held, last = runs(posted)
    assert (first.outcomes, first.running, first.ended) == ({}, None, None)
    assert held.outcomes == last.outcomes
    assert len(last.outcomes) == 6
    assert (held.ended, last.ended) == (None, "finished")
    assert mine.file.path.read_text().count('"progress"') > 10


def test_what_is_held_back_is_told_though_nothing_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "MESSAGES_EVERY_S", 0.01)
    posted: list[Message] = []
    told = threading.Semaphore(0)
    mine = background.ThrottledPoster(lambda message: (posted.append(message), told.release()))
    beginning = [Run(name, plan(), 0.0, "1") for name in ("first", "second")]
    for run in beginning:
        mine.offer(RunAdvanced(run))
    while not any(run is beginning[-1] for run in runs(posted)):
        assert told.acquire(timeout=10)
    mine.flush()
    assert len(posted) <= len(beginning), "nothing is posted twice"


def test_the_app_is_told_no_more_than_four_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redraws above 4 Hz were seen to disturb the current timing. Here a thousand messages come in a second."""
    clock = SimpleNamespace(now_s=0.0)
    monkeypatch.setattr(background, "time", SimpleNamespace(monotonic=lambda: clock.now_s))
    monkeypatch.setattr(
        background.threading, "Timer", lambda *_: SimpleNamespace(start=lambda: None, cancel=lambda: None)
    )
    posted: list[float] = []
    mine = background.ThrottledPoster(lambda _: posted.append(clock.now_s))
    for number in range(2000):
        clock.now_s = number / 1000
        mine.offer(Logged())
    assert len(posted) == 8
    assert all(later - earlier >= 0.25 for earlier, later in pairwise(posted))


def test_a_cancel_before_the_source_has_begun_is_not_lost(tmp_path: Path) -> None:
    mine, posted = drive(ReplaySource(recorded.good()), tmp_path)
    mine.session.cancel()
    mine.run()
    assert runs(posted)[-1].ended == "cancelled"
    assert not any(run.measured for run in runs(posted))


def test_a_folder_that_cannot_be_made_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    mine, posted = drive(ReplaySource(recorded.good()), tmp_path / "file")
    mine.run()
    assert [type(message) for message in posted] == [RunRefused]


class Broken(ReplaySource):
    def events(self, plan: Plan, *more: Any) -> Iterator[Event]:
        raise ZeroDivisionError("a bug")


def test_a_bug_reaches_the_app(tmp_path: Path) -> None:
    mine, posted = drive(Broken(recorded.good()), tmp_path)
    mine.run()
    assert isinstance(posted[-1], Crashed)
    assert isinstance(posted[-1].error, ZeroDivisionError)


def test_the_threads_never_hold_up_the_exit() -> None:
    posted: list[Message] = []
    thread = BackgroundThread(posted.append, probe, ReplaySource(recorded.good()))
    assert thread.daemon
    thread.start()
    thread.join(10)
    assert isinstance(posted[0], Probed)
    assert threading.current_thread() is threading.main_thread()


def test_what_cannot_be_written_ends_the_run_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []

    def full(log: RunLog, events: object, sync: bool = True) -> None:
        asked.append(log.path)
        raise StoreError("No space.")

    monkeypatch.setattr(RunLog, "extend", full)
    mine, posted = drive(ReplaySource(recorded.good()), tmp_path)
    mine.run()
    assert len(asked) == 3, "the file, another one beside it, one among the temporary files"
    assert list(tmp_path.glob("*-2.jsonl")) == []
    *_, ended, refused = posted
    assert isinstance(ended, RunAdvanced)
    assert ended.run.ended == "cancelled"
    assert isinstance(refused, RunRefused)
    assert refused.error.message == "No space."


def test_a_message_that_waits_gives_way_to_a_newer_one_of_its_kind_alone() -> None:
    advanced = RunAdvanced(Run("id", plan(), 0.0, "1"))
    assert advanced.can_replace(RunAdvanced(advanced.run))
    assert not advanced.can_replace(Logged())
    assert Logged().can_replace(Logged())
    assert not Logged().can_replace(advanced)


def test_the_end_is_told_when_the_file_can_be_opened_again(tmp_path: Path) -> None:
    reopened: list[Message] = []

    def post(message: Message) -> None:
        if isinstance(message, RunAdvanced) and message.run.ended is not None:
            reopen_log(seen(tmp_path / f"{message.run.id}.jsonl")).close()
            reopened.append(message)

    RunThread(post, Session(ReplaySource(recorded.good()), plan()), History(tmp_path)).run()
    assert len(reopened) == 1


class WithPeak(ReplaySource):
    """Measures the peak of each device behind its first case, and sends an equal one behind every other case."""

    def events(self, plan: Plan, *more: Any) -> Iterator[Event]:
        waiting = {case.device: DevicePeak(case.device, case.device, (("float32", 1e15),), 1e15) for case in plan.cases}
        devices = {case.case_id: case.device for case in plan.cases}
        for event in super().events(plan, *more):
            yield event
            if isinstance(event, CaseFinished):
                yield PeakMeasured(replace(waiting[devices[event.measurement.case_id]]))


def test_a_case_is_graded_once_for_each_peak_and_never_by_who_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graded: list[tuple[int, Phase, DevicePeak | None]] = []
    real = phase_stats.phase_result

    def counted(measurement: Measurement, phase: Phase, terms: phase_stats.Terms) -> phase_stats.PhaseResult | None:
        graded.append((id(measurement), phase, terms.peak))
        return real(measurement, phase, terms)

    monkeypatch.setattr(phase_stats, "phase_result", counted)
    mine, posted = drive(WithPeak(recorded.good()), tmp_path)
    mine.run()
    assert len(graded) == len(set(graded)) > 0
    before = len(graded)
    build(runs(posted)[-1])
    assert runs(posted)[-1].ceilings
    assert len(graded) == before
