"""The session between a source, the run file and the fold."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from cvbench_tui.core.event import CaseFinished, RowsAdded, RunFinished, RunStarted
from cvbench_tui.core.measurement import Failure, merge
from cvbench_tui.core.run import fold
from cvbench_tui.engine.session import Session, new_run_id
from cvbench_tui.results.storage.run_file import load, read_events
from cvbench_tui.results.storage.run_index import seen
from cvbench_tui.results.storage.run_log import create_log, reopen_log
from tests.replay import ReplaySource

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


def lots(tmp_path: Path, first: int):
    """A session of the plan's first cases, its log, and the cases that are left."""
    events = list(read_events(GOOD))
    cases = events[0].plan.cases
    session = Session(ReplaySource(events), replace(events[0].plan, cases=cases[:first]))
    return session, create_log(tmp_path, session.run_id), cases[first:]


def test_rows_added_are_told_after_the_next_event_and_measured_before_the_end(tmp_path):
    session, log, others = lots(tmp_path, 1)
    with log:
        steps = []
        for event, run in session.run(log):
            if event.kind == "case_started" and not run.measured:
                assert session.add(others)
                assert session.add(others), "they are on their way: nothing to add, and nothing refused"
            steps.append((event, run))
    kinds = [event.kind for event, _ in steps]
    assert kinds.count("rows_added") == 1
    assert kinds[kinds.index("case_started") + 1] == "rows_added"
    assert kinds.count("environment_probed") == 1
    run = steps[-1][1]
    assert list(run.outcomes) == [case.case_id for case in run.plan.cases]
    assert (len(run.plan.cases), run.pending, run.ended) == (6, 0, "finished")
    assert load(log.path) == run


@pytest.mark.parametrize("last", ["case_finished", "run_finished"])
def test_an_addition_in_the_last_moment_is_measured_or_refused(tmp_path, last):
    session, log, others = lots(tmp_path, 1)
    accepted = []
    with log:
        for event, _ in session.run(log):
            if event.kind == last and not accepted:
                accepted.append(session.add(others[:1]))
    assert accepted[0] is (last == "case_finished")
    newest = load(log.path)
    assert len(newest.plan.cases) == (2 if accepted[0] else 1)
    assert newest.pending == 0
    assert not session.add(others)


def test_no_addition_is_lost_whenever_it_comes(tmp_path):
    """Another thread adds row after row until it is refused: every row that was accepted has an outcome."""
    events = list(read_events(GOOD))
    cases = tuple(replace(events[0].plan.cases[0], batch=batch) for batch in range(1, 400))
    session = Session(ReplaySource(events), replace(events[0].plan, cases=cases[:1]))
    accepted = [cases[0].case_id]

    def add() -> None:
        for case in cases[1:]:
            if not session.add([case]):
                return
            accepted.append(case.case_id)
            time.sleep(0.0005)

    thread = threading.Thread(target=add)
    with create_log(tmp_path, session.run_id) as log:
        thread.start()
        run = list(session.run(log))[-1][1]
    thread.join()
    assert sorted(run.outcomes) == sorted(accepted) == sorted(case.case_id for case in run.plan.cases)
    assert run.ended == "finished"


def test_a_settled_row_is_measured_anew_and_one_to_come_only_once(tmp_path):
    session, log, _ = lots(tmp_path, 2)
    with log:
        for event, run in session.run(log):
            if event.kind == "case_finished" and len(run.measured) == 1:
                session.add(session.plan.cases) if not log.path.read_text().count("rows_added") else None
    added = [event for event in read_events(log.path) if isinstance(event, RowsAdded)]
    assert [case.case_id for event in added for case in event.cases] == [session.plan.cases[0].case_id]
    finished = [event for event in read_events(log.path) if isinstance(event, CaseFinished)]
    assert len(finished) == 3
    assert run.measured[0] == finished[-1].measurement


def test_what_was_accepted_before_a_cancel_is_a_row_that_was_not_begun(tmp_path):
    session, log, others = lots(tmp_path, 1)
    with log:
        for event, _ in session.run(log):
            if event.kind == "case_started":
                assert session.add(others)
                session.cancel()
                assert not session.add(others)
    run = load(log.path)
    assert (run.ended, len(run.plan.cases), run.pending) == ("cancelled", 6, 5)


def test_a_run_goes_on_in_its_file(tmp_path):
    session, log, _ = lots(tmp_path, 6)
    with log:
        for event, run in session.run(log):
            if event.kind == "case_finished" and len(run.measured) == 1:
                session.cancel()
    first, *left = run.plan.cases
    more = Session(session._source, replace(run.plan, cases=tuple(left)), resume=run)
    assert (more.run_id, more.plan) == (run.id, run.plan)
    with reopen_log(seen(tmp_path / f"{run.id}.jsonl")) as log:
        steps = list(more.run(log))
    assert isinstance(steps[0][0], RowsAdded)
    assert steps[0][1].ended is None
    assert (steps[-1][1].ended, steps[-1][1].pending) == ("finished", 0)
    assert steps[-1][1].outcomes[first.case_id] == run.outcomes[first.case_id]
    assert load(log.path) == steps[-1][1]
    assert not any(event.kind == "run_started" for event, _ in steps)


def test_a_row_that_lacks_visits_goes_on_and_one_that_had_them_is_measured_anew(tmp_path):
    class Asked(ReplaySource):
        def events(self, plan, measured=None, more=tuple):
            self.measured = measured
            return super().events(plan, measured, more)

    session, log, _ = lots(tmp_path, 2)
    with log:
        run = list(session.run(log))[-1][1]
    lacking, done = run.plan.cases
    source = Asked(session._source._recorded)
    asked = replace(run.plan.protocol, visits=2, max_visits=2)
    run = replace(run, plan=replace(run.plan, protocol=asked))
    run = replace(run, outcomes={**run.outcomes, done.case_id: merge(run.measured[1], run.measured[1])})
    more = Session(source, run.plan, resume=run)
    assert more.opening == (
        RowsAdded((done,), more.started_at_s),
        RowsAdded((lacking,), more.started_at_s, again=False),
    )
    steps = list(more.run(_Nowhere()))
    assert list(source.measured) == [lacking.case_id]
    assert not more._measured_before, "a row that is added again later is measured anew"
    after = steps[-1][1].outcomes
    assert [after[case.case_id].visits for case in (lacking, done)] == [2, 2]


def test_a_skipped_replay_goes_on_with_the_next_case(tmp_path):
    session, log = replayed(tmp_path)
    session.skip()
    with log:
        for event, run in session.run(log):
            if (event.kind == "progress" and not run.outcomes) or event.kind in ("case_finished", "environment_probed"):
                session.skip()
    first = run.plan.cases[0].case_id
    assert run.outcomes[first] == Failure(first, "skipped", "Skipped while it was being measured.")
    assert (run.ended, len(run.measured), len(run.failures)) == ("finished", 4, 2)


def test_a_recording_that_goes_on_is_replayed_from_its_last_addition(tmp_path):
    session, log, _ = lots(tmp_path, 1)
    with log:
        run = list(session.run(log))[-1][1]
    recorded = list(read_events(log.path))
    recorded += [RowsAdded(run.plan.cases, 1.0), *recorded[1:]]
    again = list(Session(ReplaySource(recorded), run.plan).run(_Nowhere()))[-1][1]
    assert again.measured == run.measured


class _Nowhere:
    def append(self, event, run) -> None:
        """Nothing is written."""
