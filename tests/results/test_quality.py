from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from cvbench_tui.cli.progress import print_table
from cvbench_tui.core.environment import CPU_INSTEAD, Device, Environment
from cvbench_tui.core.event import CaseStarted, EndReason, Progress, RunStarted
from cvbench_tui.core.measurement import Failure, FailureKind, Stop
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run, fold
from cvbench_tui.results.export.markdown import render
from cvbench_tui.results.export.plain_text import sentences
from cvbench_tui.results.stats.quality import STATE_HELP, RowState, Word, cpu_instead, outcome_text
from cvbench_tui.results.stats.row_data import row_data
from tests.every import every
from tests.results.samples import UNSETTLED, measurement, model, plan, run_of

CASE = Case(model("Resnet18"), "cpu", 8)
ABSENT = Device("cuda", "GPU", available=False, reason="The driver <b>crashed</b> with SIGSEGV.", expected=True)
NO_CARD = Environment((("torch", "2.14.1"),), (Device("cpu", "a CPU"), ABSENT))
PLAN = plan(CASE)


def state(run: Run) -> RowState:
    return row_data(run, CASE).state


@pytest.mark.parametrize(
    ("stop", "word"), [("precision", "OK"), ("fixed", "OK"), ("rounds", "BUDGET"), ("budget", "BUDGET")]
)
def test_a_measured_row_says_whether_it_is_precise(stop: Stop, word: str) -> None:
    assert state(run_of(PLAN, measurement(CASE, 1.0, stop=stop))).text == word


def test_one_imprecise_phase_is_enough() -> None:
    taken = measurement(CASE, 1.0)
    last = replace(taken.phases[-1], stop="budget")
    assert state(run_of(PLAN, replace(taken, phases=(*taken.phases[:-1], last)))).word == "BUDGET"


def test_a_notice_is_marked() -> None:
    assert state(run_of(PLAN, measurement(CASE, 1.0, notices=(UNSETTLED,)))).text == "OK*"


@every(
    ("kind", "word"),
    [
        ("out_of_memory", "OOM"),
        ("unsupported", "UNSUPPORTED"),
        ("error", "ERROR"),
        ("crashed", "CRASHED"),
        ("timed_out", "TIMED OUT"),
        ("cancelled", "CANCELLED"),
        ("skipped", "SKIPPED"),
    ],
)
def test_every_failure_has_its_word(kind: FailureKind, word: str) -> None:
    assert state(run_of(PLAN, Failure(CASE.case_id, kind, "Why."))).text == word


def started(*events: CaseStarted | Progress) -> Run:
    run = fold(None, RunStarted("id", PLAN, 0.0, "0"))
    for event in events:
        run = fold(run, event)
    return run


def test_before_and_while_it_is_measured() -> None:
    begun = CaseStarted(CASE.case_id, 1)
    assert state(started()).text == "PENDING"
    assert state(started(begun)).text == "RUNNING 0%"
    assert state(started(begun, Progress(CASE.case_id, "measuring", fraction=0.379))).text == "RUNNING 37%"


def test_a_case_runs_again_in_its_next_process() -> None:
    run = run_of(PLAN, measurement(CASE, 1.0))
    again = replace(run, ended=None, running=CaseStarted(CASE.case_id, 2, visit=1))
    assert state(again).word == "RUNNING"


@pytest.mark.parametrize("reason", get_args(EndReason))
def test_a_row_never_begun_is_skipped_when_the_run_has_ended(reason: EndReason) -> None:
    assert state(replace(run_of(PLAN), ended=reason)).text == "SKIPPED"


def test_the_help_explains_every_word() -> None:
    assert [word for word in get_args(Word) if word not in STATE_HELP] == []


def test_what_came_of_a_run_tells_skipped_rows_from_failed_ones() -> None:
    assert outcome_text(run_of(PLAN, Failure(CASE.case_id, "skipped", "Why."))) == "0 measured, 1 skipped"
    assert outcome_text(run_of(PLAN, Failure(CASE.case_id, "error", "Why."))) == "0 measured, 1 failed"


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
