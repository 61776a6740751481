from dataclasses import replace

import pytest

from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.core.event import (
    CaseFailed,
    CaseFinished,
    CaseStarted,
    EnvironmentProbed,
    PeakMeasured,
    Progress,
    RowsAdded,
    RunFinished,
    RunStarted,
    WorkerReady,
)
from cvbench_tui.core.measurement import Failure, Measurement, Notice, PhaseSamples, merge
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.plan import Case, Plan, expand
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.run import fold
from cvbench_tui.core.workload import Workload
from cvbench_tui.wire import WireError, decode, encode
from tests.every import every
from tests.results.samples import mixed_run

CONV = Workload("layer", "Conv3x3/1", "conv2d", (3, 224, 224), (("in_channels", 3), ("out_channels", 64)))
DENSE = Workload("layer", "Dense", "linear", (1024,))
PLAN = Plan("p", expand([(CONV, 8), (DENSE, 8)], ["cpu"]), PROTOCOLS["default"])
CONV_ID, DENSE_ID = (case.case_id for case in PLAN.cases)
STARTED = RunStarted("run-1", PLAN, 1000.0, "0.1.0")


def measured(case_id=CONV_ID, rounds=((1.0, 1.1), (1.2, 1.0)), stop="precision", memory=10, notices=()):
    phase = PhaseSamples("total", rounds, 1, "perf_counter", stop)
    return Measurement(case_id, (phase,), memory, 7, 0.5, 1.0, 2.0, 2, notices)


def run_of(*events):
    run = None
    for event in events:
        run = fold(run, event)
    return run


def test_a_run_begins_with_its_header():
    with pytest.raises(ValueError, match="run_started"):
        fold(None, Progress(CONV_ID, "building"))
    assert run_of(STARTED).pending == 2


def test_progress_belongs_to_the_running_case_and_goes_with_it():
    started = CaseStarted(CONV_ID, 42)
    run = run_of(STARTED, started, Progress(CONV_ID, "measuring", round=3))
    assert run.running == started
    assert run.progress.round == 3
    run = fold(run, CaseFinished(measured()))
    assert (run.running, run.progress, run.pending) == (None, None, 1)


def test_failures_and_measurements_keep_the_plans_order():
    failure = Failure(CONV_ID, "out_of_memory", "Out of memory.")
    run = run_of(STARTED, CaseFinished(measured(DENSE_ID)), CaseFailed(failure))
    assert run.failures == (failure,)
    assert [m.case_id for m in run.measured] == [DENSE_ID]


def test_repetitions_keep_all_rounds_and_say_which_process_took_them():
    other = measured(rounds=((2.0,), (2.1,), (2.2,)), stop="budget", memory=30, notices=(Notice("n", "N."),))
    run = run_of(STARTED, CaseFinished(measured(), 0), CaseFinished(other, 1), CaseFinished(measured(), 2))
    merged = run.measured[0]
    assert merged.rounds_by_visit("total") == (
        ((1.0, 1.1), (1.2, 1.0)),
        ((2.0,), (2.1,), (2.2,)),
        ((1.0, 1.1), (1.2, 1.0)),
    )
    assert merged.phase("total").stop == "budget"
    assert (merged.visits, merged.memory_peak_bytes, len(merged.notices)) == (3, 30, 1)


def test_clean_numbers_of_repetitions_are_merged_like_the_others():
    alone, other = measured(rounds=((1.0,),)), measured(rounds=((2.0,),))
    both = merge(replace(alone, clean=alone), replace(other, clean=other))
    assert both.clean == merge(alone, other)
    assert merge(alone, replace(other, clean=other)).clean == merge(replace(alone, clean=other), other).clean == other


def test_a_failed_repetition_does_not_wipe_out_the_numbers():
    run = run_of(STARTED, CaseFinished(measured()), CaseFailed(Failure(CONV_ID, "crashed", "Crashed.")))
    assert not run.failures
    (measurement,) = run.measured
    assert measurement.notices == (Notice("visit_failed", "Visit 2 failed: Crashed."),)


def test_a_cancelled_visit_leaves_the_row_as_it_was_and_a_skipped_one_says_so():
    numbers = CaseFinished(measured())
    cancelled = run_of(STARTED, numbers, CaseFailed(Failure(CONV_ID, "cancelled", "Cancelled.")))
    assert cancelled.measured == (measured(),)
    skipped = run_of(STARTED, numbers, CaseFailed(Failure(CONV_ID, "skipped", "Skipped.")))
    assert [notice.sentence for notice in skipped.measured[0].notices] == ["Skipped after 1 visit."]


def test_how_it_ended():
    assert run_of(STARTED).ended is None
    run = run_of(STARTED, CaseStarted(CONV_ID, 1), RunFinished("cancelled", 1001.0))
    assert (run.ended, run.running, run.ended_at_s) == ("cancelled", None, 1001.0)


def test_rows_added_are_pending_and_stand_last():
    more = Case(DENSE, "cpu", 16)
    run = run_of(STARTED, CaseFinished(measured()), RowsAdded((more, more), 1001.0))
    assert [case.case_id for case in run.plan.cases] == [CONV_ID, DENSE_ID, more.case_id]
    assert (len(run.measured), run.pending) == (1, 2)


def test_a_row_that_is_measured_again_forgets_what_came_of_it():
    failed = CaseFailed(Failure(DENSE_ID, "crashed", "Crashed."))
    run = run_of(STARTED, CaseFinished(measured()), failed, RowsAdded(PLAN.cases, 1001.0))
    assert run.plan == PLAN
    assert (run.pending, dict(run.outcomes)) == (2, {})
    run = fold(run, CaseFinished(measured(rounds=((3.0,),))))
    assert run.measured[0].rounds_by_visit("total") == (((3.0,),),)


def test_a_row_that_goes_on_keeps_what_it_has():
    failed = CaseFailed(Failure(DENSE_ID, "crashed", "Crashed."))
    run = run_of(STARTED, CaseFinished(measured()), failed, RowsAdded(PLAN.cases, 1001.0, again=False))
    assert (run.pending, run.measured) == (1, (measured(),))
    assert fold(run, CaseFinished(measured())).measured[0].visits == 2


STEADY, WILD = ((1.0, 1.001, 0.999),) * 12, ((1.0, 1.1), (2.0, 2.1)) * 6
OVER = RunFinished("finished", 1002.0)


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        (measured(rounds=STEADY), measured(rounds=WILD), 0),
        (measured(rounds=WILD), measured(rounds=STEADY), 1),
        (measured(rounds=STEADY), measured(rounds=STEADY, memory=11), 1),  # alike: the newer one
        (measured(rounds=WILD), Failure(CONV_ID, "crashed", "Crashed."), 0),
        (Failure(CONV_ID, "crashed", "Crashed."), measured(rounds=WILD), 1),
        (Failure(CONV_ID, "crashed", "Crashed."), Failure(CONV_ID, "error", "No."), 1),
        (measured(rounds=WILD), None, 0),  # cancelled before it was measured again
    ],
)
def test_of_a_row_that_was_measured_again_the_better_outcome_counts(before, after, kept):
    def event(outcome):
        return CaseFailed(outcome) if isinstance(outcome, Failure) else CaseFinished(outcome)

    run = run_of(STARTED, event(before), RowsAdded(PLAN.cases[:1], 1001.0), *([event(after)] if after else []))
    assert run.outcomes.get(CONV_ID) == after  # what is measured is seen
    run = fold(run, OVER)
    assert run.outcomes[CONV_ID] == (before, after)[kept]
    assert not run.earlier


def test_a_run_that_has_ended_goes_on_with_rows_added():
    ended = run_of(STARTED, CaseFinished(measured()), RunFinished("failed", 1001.0, "why"))
    run = fold(ended, RowsAdded(PLAN.cases[1:], 1002.0))
    assert (run.ended, run.ended_at_s, run.ended_sentence, len(run.measured)) == (None, None, "", 1)


def test_a_running_case_keeps_running_while_others_are_added_and_a_lost_one_is_pending():
    started = CaseStarted(CONV_ID, 42)
    run = run_of(STARTED, started, Progress(CONV_ID, "measuring"), RowsAdded(PLAN.cases[1:], 1001.0))
    assert (run.running, run.progress is not None) == (started, True)
    run = fold(run, RowsAdded(PLAN.cases, 1002.0))
    assert (run.running, run.progress) == (None, None)


def test_every_event_survives_the_wire():
    environment = Environment(
        (("torch", "2"),), (Device("cpu", "a [bold] CPU", 1, detail="2 threads"),), (("x", None),)
    )
    for event in (
        STARTED,
        RowsAdded(PLAN.cases, 1000.5),
        WorkerReady(1, "3.11", "2.14", 2.5),
        EnvironmentProbed(environment),
        CaseStarted(CONV_ID, 1, 2, 3.0),
        Progress(CONV_ID, "measuring", "total", 1, 12, 0.5, 0.001, None, 4.0),
        CaseFinished(measured(notices=(Notice("a", "b"),)), 1, 5.0),
        CaseFailed(Failure(CONV_ID, "error", "é\n|", "tail"), 6.0),
        CaseFailed(Failure(CONV_ID, "skipped", "Skipped."), 6.0),
        RunFinished("failed", 7.0, "why"),
    ):
        line = encode(event)
        assert "\n" not in line
        assert decode(line) == event


@every(
    ("line", "message"),
    [
        ("hello", "not a JSON object"),
        ("[1]", "not a JSON object"),
        ('{"kind": "surprise"}', "kind"),
        ('{"kind": "case_started"}', "case_id"),
        ('{"kind": "run_started", "schema": 99}', "newer version"),
        (b"\xff\xfe", "not a JSON object"),
    ],
)
def test_what_is_no_event_is_said_in_a_sentence(line, message):
    with pytest.raises(WireError, match=message):
        decode(line)


def test_a_number_that_is_none_cannot_be_written():
    with pytest.raises(ValueError, match="JSON"):
        encode(CaseStarted(CONV_ID, 1, 0, float("nan")))


@pytest.mark.parametrize("sample", ["0.0", "-1.0", "NaN", "Infinity"])
def test_a_sample_that_no_clock_can_give_is_refused_at_the_edge(sample):
    line = encode(CaseFinished(measured(rounds=((0.125,),))))
    with pytest.raises(WireError, match="total: a sample"):
        decode(line.replace("0.125", sample))


def test_a_plan_refuses_two_cases_of_one_id():
    with pytest.raises(ValueError, match="unique"):
        Plan("twice", (Case(CONV, "cpu", 8), Case(CONV, "cpu", 8)), PROTOCOLS["quick"])
    assert PLAN.case(DENSE_ID).workload == DENSE
    with pytest.raises(KeyError):
        PLAN.case("no")


def test_the_id_tells_cases_apart_by_everything_that_changes_a_time():
    ids = {
        Case(CONV, "cpu", 8).case_id,
        Case(CONV, "cpu", 4).case_id,
        Case(CONV, "cuda:0", 8).case_id,
        Case(CONV.with_image(64), "cpu", 8).case_id,
        Case(CONV, "cpu", 8, settings=(("threads", "4"),)).case_id,
        Case(CONV, "cpu", 8, framework="flux").case_id,
        Case(DENSE, "cpu", 8).case_id,
    }
    assert len(ids) == 7


def test_an_equal_peak_changes_nothing_and_another_devices_is_kept() -> None:
    run = mixed_run()
    peaks = [DevicePeak(device, "k", (("float32", 2.0),), None) for device in ("cpu", "cuda:0")]
    for peak in peaks:
        run = fold(run, PeakMeasured(peak))
    assert dict(run.ceilings) == {peak.device: peak for peak in peaks}
    assert fold(run, PeakMeasured(replace(peaks[0]))) is run
