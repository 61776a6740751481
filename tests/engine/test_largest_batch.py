"""A case whose batch is the largest that fits: found before its first visit, and measured at what was found."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cvbench_tui.core.event import BatchFound, CaseFailed, CaseFinished, CaseStarted, Event, Progress
from cvbench_tui.core.measurement import Measurement
from cvbench_tui.core.plan import Plan, expand
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.run import Run, fold
from cvbench_tui.core.workload import Workload
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.engine.session import Session
from cvbench_tui.results.detail.row import detail
from cvbench_tui.wire import decode, encode
from tests.processes import lives, wait_until, wait_until_gone

WORKER = Path(__file__).parent / "workers" / "batches.py"
WORK = [(Workload("layer", "first", "conv2d", (3, 8, 8)), 1)]
PROTOCOL = replace(PROTOCOLS["quick"], visits=2, max_visits=2, span_s=0.0)
PLAN = Plan("largest", expand(WORK, ["cpu"], batches=[4, "max"]), PROTOCOL)
MAX = PLAN.cases[1]


class Kept:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def append(self, event: Event, run: object) -> None:
        self.events.append(event)

    def of(self, kind: type) -> list:
        return [each for each in self.events if isinstance(each, kind)]


@pytest.fixture
def source(tmp_path: Path) -> Iterator:
    made: list[LiveSource] = []

    def make(mode: str, largest: int = 100) -> LiveSource:
        made.append(LiveSource((sys.executable, str(WORKER), mode, str(largest), str(tmp_path / "mark")), start_s=60))
        return made[-1]

    yield make
    for each in made:
        each.close()


def run_of(source: LiveSource, kept: Kept, **more) -> Run:
    return list(Session(source, PLAN, **more).run(kept))[-1][1]


@pytest.mark.parametrize("mode", ["good", "killed", "crashing"])
def test_it_is_found_once_and_every_visit_is_measured_at_it(source, mode):
    kept = Kept()
    run = run_of(source(mode), kept)
    (found,) = kept.of(BatchFound)
    assert (found.case_id, 98 <= found.batch <= 100, len(found.tries) <= 5) == (MAX.case_id, True, True)
    visits = [(each.measurement.case_id, each.measurement.batch) for each in kept.of(CaseFinished)]
    assert sorted(visits) == sorted([(PLAN.cases[0].case_id, 4), (MAX.case_id, found.batch)] * 2)
    assert run.plan.case(MAX.case_id).batch == found.batch
    assert run.batches[MAX.case_id] == found
    assert [case.case_id for case in run.plan.cases] == [case.case_id for case in PLAN.cases]
    stages = [each.stage for each in kept.of(Progress) if each.case_id == MAX.case_id]
    assert stages == ["finding the batch"] * len(found.tries)
    assert kept.events.index(found) < kept.events.index(kept.of(CaseFinished)[1])
    told = dict(detail(run, MAX.case_id)[0].pairs)
    assert told["largest batch"].startswith(f"{found.batch}, {len(found.tries)} tries in processes of their own: 2, ")


def test_what_is_read_back_is_the_same_run(source):
    kept, again = Kept(), None
    run = run_of(source("good"), kept)
    for event in kept.events:
        again = fold(again, decode(encode(event)))
    assert again is not None
    assert (again.plan, again.batches, again.outcomes) == (run.plan, run.batches, run.outcomes)


def test_where_not_even_one_input_fits_the_row_is_out_of_memory(source):
    kept = Kept()
    run = run_of(source("good", 0), kept)
    assert [(each.kind, each.sentence) for each in run.failures] == [
        ("out_of_memory", "Out of memory on cpu at batch 1; try another device.")
    ]
    assert run.failures[0].detail == "2 tries in processes of their own: 2, 1 do not"
    assert len(run.measured) == 1


def test_a_crash_that_is_no_want_of_memory_fails_the_row_at_once(source):
    run = run_of(source("crashing", 1), Kept())
    assert [(each.kind, each.sentence) for each in run.failures] == [("crashed", "Ended by signal 11.")]


def test_a_worker_that_ends_in_a_try_costs_no_row(source):
    kept = Kept()
    run = run_of(source("ending"), kept)
    assert [each.kind for each in run.failures] == []
    assert 2 <= run.batches[MAX.case_id].batch <= 100
    assert [each.fits for each in run.batches[MAX.case_id].tries][:2] == [True, True]  # the request was repeated


def test_a_batch_whose_visit_would_take_too_long_is_not_tried(source):
    kept = Kept()
    run = run_of(source("slow", 5000), kept)
    (failure,) = run.failures
    assert failure.kind == "timed_out"
    assert "protocol quick allows: name a batch" in failure.sentence
    assert not kept.of(BatchFound)


def test_a_worker_that_cannot_try_is_a_sentence(source):
    (failure,) = run_of(source("unable"), Kept()).failures
    assert (failure.kind, failure.sentence) == ("unsupported", "This worker cannot find the largest batch; name one.")


@pytest.mark.parametrize(("end", "kind"), [("cancel", "cancelled"), ("skip", "skipped")])
def test_the_user_can_end_a_search(source, tmp_path, end, kind):
    session, kept, mark = Session(source("waiting"), PLAN), Kept(), tmp_path / "mark"

    def when_it_waits() -> None:
        wait_until(lambda: mark.exists() and mark.read_text() and lives(int(mark.read_text())))
        getattr(session, end)()

    thread = threading.Thread(target=when_it_waits, daemon=True)
    thread.start()
    run = [each for _, each in session.run(kept)][-1]
    thread.join()
    assert [each.failure.kind for each in kept.of(CaseFailed)] == [kind]
    assert (run.ended, len(run.measured)) == ("cancelled" if end == "cancel" else "finished", 1)
    assert not kept.of(BatchFound)
    wait_until_gone(int(mark.read_text()))


def test_a_row_that_goes_on_keeps_its_batch_and_one_that_is_measured_again_finds_it_anew(source):
    kept, more = Kept(), Kept()
    plan = replace(PLAN, cases=(MAX,))
    first = list(Session(source("good"), plan).run(kept))
    lacking = next(run for event, run in first if isinstance(event, CaseFinished))  # after one visit of two
    went_on = list(Session(source("good", 50), plan, resume=lacking).run(more))[-1][1]
    batch = kept.of(BatchFound)[0].batch
    assert not more.of(BatchFound)
    assert (went_on.plan.case(MAX.case_id).batch, went_on.measured[0].visits) == (batch, 2)

    anew = Kept()
    again = list(Session(source("good", 50), plan, resume=went_on).run(anew))
    assert [each.batch for each in anew.of(BatchFound)] == [again[-2][1].plan.case(MAX.case_id).batch]
    assert anew.of(BatchFound)[0].batch <= 50
    last = again[-1][1]
    outcome = last.outcomes[MAX.case_id]
    assert isinstance(outcome, Measurement)
    assert last.plan.case(MAX.case_id).batch == outcome.batch


def test_the_better_outcome_brings_its_batch_back(source):
    """A row that is measured again, and fails, has the batch of the numbers that it keeps."""
    kept = Kept()
    plan = replace(PLAN, cases=(MAX,))
    run = list(Session(source("good"), plan).run(kept))[-1][1]
    after = list(Session(source("good", 0), plan, resume=run).run(Kept()))[-1][1]
    assert after.plan.case(MAX.case_id).batch == kept.of(BatchFound)[0].batch
    assert len(after.measured) == 1


def test_the_first_event_of_a_search_says_that_the_row_has_begun(source):
    kept = Kept()
    run_of(source("good"), kept)
    of_row = [each for each in kept.events if getattr(each, "case_id", "") == MAX.case_id]
    assert [type(each) for each in of_row[:2]] == [CaseStarted, Progress]
