from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from cvbench_tui.cli.progress import print_table
from cvbench_tui.core.environment import CPU_INSTEAD, Device, Environment
from cvbench_tui.core.event import CaseFinished, CaseStarted, EndReason, Progress, RunFinished, RunStarted
from cvbench_tui.core.evidence import Evidence, PassName, PassRecord
from cvbench_tui.core.measurement import Failure, FailureKind, Measurement, Notice
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run, fold
from cvbench_tui.results.export.markdown import render
from cvbench_tui.results.export.plain_text import sentences
from cvbench_tui.results.stats.outcome import below_c, outcome_text
from cvbench_tui.results.stats.quality import QUALITY_HELP, Quality, cpu_instead
from cvbench_tui.results.stats.row_data import row_data
from tests.every import every
from tests.results.samples import ENVIRONMENT, UNSETTLED, graded_run, measurement, model, plan, run_of

CASE = Case(model("Resnet18"), "cpu", 8)
ABSENT = Device("cuda", "GPU", available=False, reason="The driver <b>crashed</b> with SIGSEGV.", expected=True)
NO_CARD = Environment((("torch", "2.14.1"),), (Device("cpu", "a CPU"), ABSENT))
PLAN = plan(CASE)


def quality(run: Run) -> Quality:
    return row_data(run, CASE).quality


def first_visits(count: int) -> Measurement:
    """The first visits of ten."""
    taken = measurement(CASE, 1.0)
    return replace(
        taken,
        phases=tuple(replace(phase, rounds=phase.rounds[:count]) for phase in taken.phases),
        visit_rounds=tuple((phase.phase, (1,) * count) for phase in taken.phases),
        visit_records=taken.visit_records[:count],
    )


def busy(share: float, name: PassName) -> tuple[PassRecord, ...]:
    return (PassRecord(name, (Evidence(1.0, 1.0, waited_s=share),)),) * 10


def test_a_measured_row_is_its_letter() -> None:
    assert quality(run_of(PLAN, measurement(CASE, 1.0))) == Quality("A")
    assert quality(run_of(PLAN, measurement(CASE, 1.0, notices=(UNSETTLED,)))).text == "A", "a notice is no mark"


def test_the_word_is_that_of_the_weightiest_mark_and_notes_are_none() -> None:
    taken = replace(measurement(CASE, 1.0), passes=busy(0.03, "training") + busy(0.1, "inference"))
    assert quality(run_of(PLAN, taken)).text == "C busy"
    failed = replace(taken, passes=busy(0.03, "training"), notices=(Notice("visit_failed", "Why."),))
    assert quality(run_of(PLAN, failed)).text == "B visit failed", "of two that cap at B the first by the checks"
    battery = replace(ENVIRONMENT, facts=(("on_battery", True),))
    assert quality(run_of(PLAN, measurement(CASE, 1.0), environment=battery)).text == "B battery"
    invalid = replace(taken, passes=busy(0.5, "training"))
    assert quality(run_of(PLAN, invalid)).text == "X busy"


def test_the_word_stands_behind_a_letter_that_the_interval_made_worse() -> None:
    wide = replace(taken := measurement(CASE, 1.0), passes=busy(0.03, "training"))
    factors = (1, 1.3, 0.7, 1.2, 0.8, 1, 1.3, 0.7, 1.2, 0.8)
    phases = tuple(
        replace(
            phase, rounds=tuple((share * samples[0],) for share, samples in zip(factors, phase.rounds, strict=True))
        )
        for phase in taken.phases
    )
    assert quality(run_of(PLAN, replace(wide, phases=phases))).text == "D busy"
    assert quality(run_of(PLAN, replace(taken, phases=phases))).text == "D"


@every(
    ("kind", "word"),
    [
        ("out_of_memory", "OOM"),
        ("unsupported", "unsupported"),
        ("error", "error"),
        ("crashed", "crashed"),
        ("timed_out", "timed out"),
        ("cancelled", "cancelled"),
        ("skipped", "skipped"),
    ],
)
def test_every_failure_has_its_word_which_the_help_explains(kind: FailureKind, word: str) -> None:
    assert quality(run_of(PLAN, Failure(CASE.case_id, kind, "Why."))) == Quality(None, word)
    assert word in QUALITY_HELP


def started(*events: CaseStarted | Progress | CaseFinished) -> Run:
    run = fold(None, RunStarted("id", PLAN, 0.0, "0"))
    for event in events:
        run = fold(run, event)
    return run


def test_before_and_while_it_is_measured() -> None:
    begun, most = CaseStarted(CASE.case_id, 1), PLAN.protocol.max_visits
    assert quality(started()).text == "queued"
    assert quality(started(begun)).text == "0%"
    assert quality(started(begun, Progress(CASE.case_id, "measuring", fraction=0.9))).share == 0.9 / most


def test_a_row_shows_the_share_of_its_visits_until_it_has_had_them() -> None:
    three = CaseFinished(first_visits(3))
    assert quality(started(three)).text == "15%"
    assert row_data(started(three), CASE).phases["total"].relative is not None, "its numbers so far are there"
    assert quality(started(three, CaseStarted(CASE.case_id, 2, visit=3))).text == "15%"
    going_on = started(three, CaseStarted(CASE.case_id, 2, visit=3), Progress(CASE.case_id, "measuring", fraction=0.5))
    assert quality(going_on).text == "17%"
    assert quality(started(CaseFinished(measurement(CASE, 1.0)))).text == "A"
    assert quality(fold(going_on, RunFinished("cancelled", 1.0))).text == "B few visits"


@pytest.mark.parametrize("reason", get_args(EndReason))
def test_a_row_never_begun_is_so_called_when_the_run_has_ended(reason: EndReason) -> None:
    assert quality(replace(run_of(PLAN), ended=reason)).text == "not begun"


def test_the_best_is_first_in_order_and_what_has_no_numbers_has_none() -> None:
    found = [
        Quality("A"), Quality("A", "x"), Quality("B"), Quality("B", "drift"), Quality("X"),
        Quality("A", share=0.9), Quality("A", share=0.1),
    ]  # fmt: skip
    orders = [each.order for each in found]
    assert orders == sorted(orders, key=float)
    assert len(set(orders)) == len(orders)
    assert Quality(None, "OOM").order is None


def test_what_came_of_a_run_tells_skipped_rows_from_failed_ones_and_counts_the_invalid() -> None:
    assert outcome_text(run_of(PLAN, Failure(CASE.case_id, "skipped", "Why."))) == "0 measured, 1 skipped"
    assert outcome_text(run_of(PLAN, Failure(CASE.case_id, "error", "Why."))) == "0 measured, 1 failed"
    assert outcome_text(run_of(PLAN, measurement(CASE, 1.0))) == "1 measured"
    assert outcome_text(graded_run()) == "9 measured (1 invalid), 1 failed"


def test_rows_below_c_are_those_of_d_and_x_and_the_failed_ones() -> None:
    found = [(case.workload.name, case.device) for case in below_c(graded_run())]
    assert found == [("VGG16", "cpu"), ("BatchNorm", "cpu"), ("BatchNorm", "cuda:0")]
    assert below_c(run_of(PLAN, Failure(CASE.case_id, "cancelled", "Why."))) == ()
    assert below_c(run_of(PLAN)) == ()


def test_why_the_cpu_was_taken_is_said_once_wherever_the_run_is_shown(capsys) -> None:
    run = run_of(PLAN, measurement(CASE, 1.0), environment=NO_CARD)
    print_table(run)
    for text in (capsys.readouterr().out, sentences(run), render(run, "short"), render(run, "full")):
        assert text.count(CPU_INSTEAD) == 1
        assert "SIGSEGV." in text
    for text in (render(run, "short"), render(run, "full")):
        assert "\\<b>crashed" in text, "text from outside is no markup"


def test_nothing_is_said_where_an_accelerator_was_measured_or_none_is_expected() -> None:
    on_card = plan(CASE, Case(model("Resnet18"), "mps", 8))
    assert cpu_instead(PLAN, NO_CARD) == f"{CPU_INSTEAD}: {ABSENT.reason}"
    assert cpu_instead(on_card, NO_CARD) == ""
    assert cpu_instead(PLAN, None) == ""
    assert cpu_instead(PLAN, replace(NO_CARD, devices=(replace(ABSENT, expected=False),))) == ""
    assert cpu_instead(PLAN, replace(NO_CARD, devices=(Device("cuda:0", "a card"), ABSENT))) == ""
