"""Rows that are measured in turn by live workers, which do not compute: who goes when, and how it is ended."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from cvbench_tui.core.event import CaseFailed, CaseFinished, CaseStarted, Event, Progress, case_of
from cvbench_tui.core.plan import Case, Plan, expand
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.workload import Workload
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.engine.session import Session
from tests.engine.conftest import FAKE
from tests.engine.test_live import Kept
from tests.processes import wait_until_gone

CHANNELS_LAST = (("memory_format", "channels_last"),)
A, B = CASES = expand([(Workload("layer", "one", "conv2d", (3, 8, 8)), 1)], ["cpu"], variants=((), CHANNELS_LAST))
THREE = replace(PROTOCOLS["quick"], span_s=0.0, visits=3, max_visits=3)
PLAN = Plan("in turn", CASES, THREE, "memory_format")


def rounds_of(tmp_path: Path, visit: int) -> list[str]:
    """Whose turn each round of that visit was."""
    lines = (tmp_path / "mark").read_text().splitlines()
    return [line.rsplit(" ", 1)[0] for line in lines if line.endswith(f" {visit}")]


def outcomes(events: list[Event]) -> list[str]:
    return [each.failure.kind for each in events if isinstance(each, CaseFailed)]


def test_from_the_second_visit_on_rows_take_turns_and_no_worker_is_left_beside(live, tmp_path):
    source = live("turns")
    kept = Kept()
    *_, (_, run) = Session(source, PLAN).run(kept)
    assert {each.visits for each in run.measured} == {3}
    assert rounds_of(tmp_path, 0) == [], "nobody knows yet whether they work"
    for visit in (1, 2):
        turns = rounds_of(tmp_path, visit)
        assert len(turns) == 12
        assert all({one, other} == {A.case_id, B.case_id} for one, other in zip(turns[::2], turns[1::2], strict=True))
        assert turns[1] == turns[2], "A B, then B A"
    assert len(source._workers.all) == 1, "the other one has ended"
    told = [each for each in kept.events if isinstance(each, (CaseStarted, CaseFinished))]
    assert [type(each) for each in told] == [CaseStarted, CaseFinished] * 6, "row by row, whoever computed"


def test_a_worker_that_knows_no_turns_makes_visits_one_after_the_other(live):
    source = live("good")
    *_, (_, run) = Session(source, PLAN).run(Kept())
    assert {each.visits for each in run.measured} == {3}
    assert len(source._workers.all) == 1


def going_round(source: LiveSource, tmp_path: Path) -> tuple[Session, Kept, Iterator[Any]]:
    """A run whose second visits have no end, at their second round."""
    session, kept = Session(source, PLAN), Kept()
    steps = session.run(kept)
    for event, _ in steps:
        if isinstance(event, CaseFinished) and event.visit == 0:
            (tmp_path / "mark.endless").touch()
        if isinstance(event, Progress) and event.stage == "measuring" and event.round == 2:
            return session, kept, steps
    raise AssertionError("no round was told")


def test_a_skip_ends_the_row_that_is_shown_and_the_next_one_the_other(live, tmp_path):
    source = live("turns")
    _, kept, steps = going_round(source, tmp_path)
    source.skip()
    for event, _ in steps:
        if isinstance(event, CaseFailed):
            break
    for event, _ in steps:
        if isinstance(event, Progress) and event.round > 3:
            source.skip()
            break
    list(steps)
    assert outcomes(kept.events) == ["skipped", "skipped"]


def test_a_cancel_ends_all_and_leaves_no_process(live, tmp_path):
    source = live("turns")
    session, kept, steps = going_round(source, tmp_path)
    pids = [each.pid for each in kept.events if isinstance(each, CaseStarted)][-2:]
    session.cancel()
    list(steps)
    assert outcomes(kept.events) == ["cancelled", "cancelled"]
    wait_until_gone(*pids)


def test_a_row_whose_process_is_killed_fails_alone(live, tmp_path):
    source = live("turns")
    _, kept, steps = going_round(source, tmp_path)
    (tmp_path / "mark.endless").unlink()
    os.kill([each.pid for each in kept.events if isinstance(each, CaseStarted)][-1], 9)
    *_, (_, run) = steps
    assert outcomes(kept.events) == ["crashed"]
    assert sorted(each.visits for each in run.measured) == [1, 3]


def test_each_row_is_refused_by_itself_and_its_peaks_are_its_own(tmp_path, monkeypatch):
    def refuse(case: Case) -> str:
        return "Not named." if case == B else ""

    source = LiveSource((sys.executable, str(FAKE), "turns", str(tmp_path / "mark")), start_s=60, refuse=refuse)
    heard: list[tuple[str | None, str]] = []
    monkeypatch.setattr(source._peaks, "record", lambda event, case, _: heard.append((case_of(event), case.case_id)))
    try:
        kept = Kept()
        *_, (_, run) = Session(source, PLAN).run(kept)
        assert [each.case_id for each in run.measured] == [A.case_id]
        assert outcomes(kept.events) == ["unsupported"]
        assert all(told == of for told, of in heard)
    finally:
        source.close()


def test_a_cancel_ends_a_worker_that_starts_for_a_later_visit(live):
    source = live("laggard")
    session, kept = Session(source, replace(PLAN, alternate="")), Kept()
    ended = 0
    for event, _ in session.run(kept):
        ended += isinstance(event, CaseFinished)
        if ended == 2:
            ended = 0
            threading.Timer(0.5, session.cancel).start()
    assert kept.events[-1].reason == "cancelled"


def test_no_worker_that_keeps_a_process_for_a_card_is_renewed(live, tmp_path):
    (tmp_path / "mark").write_text("0")
    both = Plan("both", expand([(A.workload, 1)], ["cpu", "cuda:0"]), THREE)
    source, workers = live("card"), {}
    for event in source.events(both):
        if isinstance(event, CaseStarted):
            workers[event.case_id, event.visit] = source._supervisor.worker_pid
    of_card = [pid for (case_id, _), pid in workers.items() if "cuda" in case_id]
    assert len(set(of_card[1:])) == 1, workers
