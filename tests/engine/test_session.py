"""The session between a source, the run file and the fold."""

from __future__ import annotations

from pathlib import Path

from cvbench_tui.core.event import RunFinished, RunStarted
from cvbench_tui.core.run import fold
from cvbench_tui.engine.replay import ReplaySource
from cvbench_tui.engine.session import Session, new_run_id
from cvbench_tui.results.store import create_log, load, read_events

GOOD = Path(__file__).parents[1] / "data" / "good.jsonl"


def replayed(tmp_path: Path, **limits):
    events = list(read_events(GOOD))
    plan = events[0].plan
    session = Session(ReplaySource(events, **limits), plan)
    return session, create_log(tmp_path, session.run_id)


def test_what_is_folded_live_is_what_the_file_gives_back(tmp_path):
    session, log = replayed(tmp_path)
    with log:
        steps = list(session.run(log))
    assert isinstance(steps[0][0], RunStarted)
    assert isinstance(steps[-1][0], RunFinished)
    assert steps[-1][1].ended == "finished"
    assert load(log.path) == steps[-1][1]


def test_every_event_is_on_disk_before_it_is_shown(tmp_path):
    session, log = replayed(tmp_path)
    with log:
        for _, run in session.run(log):
            on_disk = None
            for event in read_events(log.path):
                on_disk = fold(on_disk, event)
            assert on_disk == run


def test_a_cancelled_replay_ends_as_cancelled_and_keeps_what_was_finished(tmp_path):
    session, log = replayed(tmp_path)
    with log:
        for event, run in session.run(log):
            if event.kind == "case_finished" and len(run.measured) == 1:
                session.cancel()
    assert (run.ended, len(run.measured)) == ("cancelled", 1)


def test_a_cancel_before_the_first_event_is_not_lost(tmp_path):
    session, log = replayed(tmp_path)
    session.cancel()
    with log:
        run = list(session.run(log))[-1][1]
    assert run.ended == "cancelled"
    assert not run.measured


def test_a_case_that_was_not_recorded_is_a_failure_not_a_crash(tmp_path):
    events = list(read_events(GOOD))
    session = Session(ReplaySource(events[:3]), events[0].plan)
    with create_log(tmp_path, session.run_id) as log:
        run = list(session.run(log))[-1][1]
    assert {failure.kind for failure in run.failures} == {"unsupported"}


def test_run_ids_sort_by_time():
    assert new_run_id(1_000_000_000.0).startswith("20010909-014640-")
    assert new_run_id(1.0) < new_run_id(2_000_000_000.0)
