"""Which rows R measures again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cvbench_tui.core.evidence import Visit
from cvbench_tui.core.grading.reasons import Grade, Reason
from cvbench_tui.core.measurement import Failure, Measurement, Notice
from cvbench_tui.core.plan import BATCH_MAX, Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS, Protocol
from cvbench_tui.core.run import Run
from cvbench_tui.results.stats import repeat
from cvbench_tui.results.stats.repeat import another_machine, rows_to_resume, worth_repeating
from tests.core.graded import with_evidence
from tests.every import every
from tests.results.samples import DENSE, measurement, run_of

CASE = Case(DENSE, "cpu", 8)
PLAIN = Protocol("plain")


def run(outcome: Measurement | Failure | None, protocol: Protocol = PLAIN) -> Run:
    if isinstance(outcome, Measurement):
        outcome = replace(outcome, case_id=CASE.case_id)
    return run_of(Plan("p", (CASE,), protocol), *([outcome] if outcome is not None else []))


def graded(monkeypatch: pytest.MonkeyPatch, grade: Grade, *codes: str) -> None:
    """Every phase has that grade, with these reasons."""
    whole = repeat.row_data

    def made(run: Run, case: Case) -> Any:
        row = whole(run, case)
        reasons = tuple(Reason(code, grade, "Seen.") for code in codes)
        return replace(
            row, phases={name: replace(each, grade=grade, reasons=reasons) for name, each in row.phases.items()}
        )

    monkeypatch.setattr(repeat, "row_data", made)


@every(
    ("grade", "codes", "wanted"),
    [
        ("A", (), False),
        ("B", ("repeated",), False),
        ("B", ("contention",), True),
        ("B", ("stolen",), True),
        ("B", ("foreign",), True),
        ("C", ("imprecise",), True),
        ("X", ("deferred",), True),
    ],
)  # fmt: skip
def test_busy_noisy_and_invalid_rows_are_worth_repeating(grade: Grade, codes: tuple[str, ...], wanted: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        graded(patch, grade, *codes)
        for running in (False, True):
            assert worth_repeating(run(with_evidence()), CASE, running=running) is wanted


def test_a_system_that_does_not_report_waiting_is_no_busy_one() -> None:
    with pytest.MonkeyPatch.context() as patch:
        graded(patch, "B", "waits_unknown")
        assert not worth_repeating(run(with_evidence(waited_s=None)), CASE, running=False)


def test_failed_and_never_begun_rows_are_worth_it_and_of_a_running_run_only_failed_ones() -> None:
    failed = run(Failure(CASE.case_id, "skipped", "Skipped."))
    assert [worth_repeating(failed, CASE, running=running) for running in (False, True)] == [True, True]
    assert [worth_repeating(run(None), CASE, running=running) for running in (False, True)] == [True, False]


def test_rows_that_lack_visits_go_on_but_not_while_they_are_visited() -> None:
    """A first visit of the ten that the protocol makes."""
    first = replace(with_evidence(), visit_records=(Visit(1000.0, 2.0, 42),))
    for grade in ("A", "X"):
        with pytest.MonkeyPatch.context() as patch:
            graded(patch, grade)  # type: ignore[arg-type]
            lacking = run(first, PROTOCOLS["default"])
            assert [worth_repeating(lacking, CASE, running=running) for running in (False, True)] == [True, False]


def test_a_row_that_was_skipped_between_its_visits_is_worth_it_while_the_run_goes_on_too() -> None:
    skipped = replace(with_evidence(), notices=(Notice("visit_skipped", "Skipped after 1 visit."),))
    lacking = run(skipped, PROTOCOLS["default"])
    assert [worth_repeating(lacking, CASE, running=running) for running in (False, True)] == [True, True]


@every(
    ("outcome", "grade", "codes", "also"),
    [
        (None, "A", (), {""}),
        (Failure(CASE.case_id, "cancelled", "Why."), "A", (), {""}),
        (Failure(CASE.case_id, "error", "Why."), "A", (), {"failed"}),
        (Failure(CASE.case_id, "skipped", "Why."), "A", (), {"failed"}),
        (with_evidence(), "A", (), set()),
        (with_evidence(), "B", ("contention",), {"busy"}),
        (with_evidence(), "C", ("imprecise",), set()),
    ],
)  # fmt: skip
def test_a_run_is_resumed_with_what_it_lacks_and_with_others_on_request_only(outcome, grade, codes, also) -> None:
    """``also``: what makes the row be measured; an empty word stands for nothing."""
    with pytest.MonkeyPatch.context() as patch:
        graded(patch, grade, *codes)
        wanted = {what for what in ("failed", "busy", "invalid") if rows_to_resume(run(outcome), (what,))}
        assert wanted == ({"failed", "busy", "invalid"} if "" in also else also)
        assert bool(rows_to_resume(run(outcome))) is ("" in also)


def test_an_invalid_row_is_measured_again_where_that_is_wanted() -> None:
    from cvbench_tui.results.stats.row_data import row_data

    bad = run(with_evidence(waited_s=0.9))
    assert row_data(bad, CASE).quality.letter == "X"
    assert rows_to_resume(bad) == ()
    assert rows_to_resume(bad, ("invalid",)) == (CASE,)


def test_a_row_that_lacks_visits_is_resumed_until_the_run_has_come_to_its_end() -> None:
    lacking = run(with_evidence(), PROTOCOLS["default"])
    assert rows_to_resume(replace(lacking, ended=None)) == (CASE,)
    assert rows_to_resume(replace(lacking, ended="cancelled")) == (CASE,)
    assert rows_to_resume(replace(lacking, ended="finished")) == ()


def test_another_machine_is_named_in_plain_words() -> None:
    before = run(None).environment
    assert before is not None
    assert another_machine(run(None), before, [CASE]) == ""
    another = tuple(replace(device, name="another CPU") for device in before.devices)
    here = replace(before, versions=(("torch", "9.9"),), devices=another, identity_hash="0" * 16)
    said = another_machine(replace(run(None), environment=replace(before, identity_hash="1" * 16)), here, [CASE])
    assert said.startswith("The run was begun on another machine or software: ")
    assert "torch 9.9, was 2.14.1+cu130" in said
    assert "cpu another CPU, was " in said
    assert not {*'"[]{}'} & {*said}


def test_rows_in_several_settings_are_resumed_as_they_are() -> None:
    base = Case(DENSE, "cpu", 8)
    cases = [base.varied(precision=value) for value in ("default", "bf16", "fp16")]
    cases.append(replace(base, batch=1, settings=(BATCH_MAX, ("threads", "2"))))
    run = replace(run_of(Plan("p", tuple(cases), PROTOCOLS["quick"]), measurement(cases[1], 0.01)), ended="cancelled")
    lacking = rows_to_resume(run)
    assert [case.case_id for case in lacking if case != cases[1]] == [cases[0].case_id, *(c.case_id for c in cases[2:])]
    assert {case.settings for case in lacking} <= {case.settings for case in cases}
