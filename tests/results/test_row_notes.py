from __future__ import annotations

from dataclasses import replace

from cvbench_tui.core.event import CaseFailed, CaseFinished
from cvbench_tui.core.evidence import Evidence, PassRecord
from cvbench_tui.core.grading.reasons import Grade, Reason
from cvbench_tui.core.measurement import Failure, Measurement, Notice
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import fold
from cvbench_tui.results.export.markdown import render
from cvbench_tui.results.stats.phase_stats import Terms, phase_results
from cvbench_tui.results.stats.row_data import RowNote, row_data, row_notes
from tests.results.samples import CONV, events_of, measurement, model, plan, run_of

MODEL, LAYER = Case(model("VGG16"), "cpu", 8), Case(CONV, "cpu", 8)


def judged(measured: Measurement, **grades: Grade) -> tuple[RowNote, ...]:
    """The remarks when those phases have that grade for one and the same reason."""
    phases = phase_results(measured, Terms(plan(LAYER).protocol))
    reasons = {name: (Reason("drift", grade, f"Seen in {name}."),) for name, grade in grades.items()}
    return row_notes(measured, {name: replace(each, reasons=reasons.get(name, ())) for name, each in phases.items()})


def test_a_reason_of_two_grades_is_said_of_each_phase_with_its_own() -> None:
    found = judged(measurement(LAYER, 0.1), forward="B", total="C", inference="B")
    assert [(each.grade, each.phases, each.sentence) for each in found] == [
        ("C", ("total",), "Seen in total."),
        ("B", ("forward", "inference"), "Seen in forward."),
    ]
    assert [each.text.split(":")[0] for each in found] == ["C drift in total", "B drift in forward, inference"]
    (same,) = judged(measurement(LAYER, 0.1), forward="B", backward="B", total="B", inference="B")
    assert same.text.startswith("B drift in all phases: ")


def contended(case: Case) -> Measurement:
    """Threads waited 3% of training and 12% of inference."""
    waits = {"training": 0.006, "inference": 0.024}
    passes = (PassRecord(name, (Evidence(0.2, 0.2, waited_s=wait),)) for name, wait in waits.items())  # type: ignore[arg-type]
    return replace(measurement(case, 0.1), passes=tuple(passes) * 10)


def test_the_original_layout_says_of_the_phases_it_shows_only() -> None:
    text = render(run_of(plan(MODEL, LAYER), contended(MODEL), contended(LAYER)), "original")
    doubts = text.split("Below grade B:")
    assert len(doubts) == 2, "the table of layers has no inference"
    assert "* VGG16, Pytorch 2.14.1: C busy in inference: " in doubts[1]
    assert text.count("C busy in inference: ") == 1
    assert text.count("B busy in forward, backward, total: ") == 2


def test_the_cause_of_a_failed_repetition_is_shown() -> None:
    run = None
    events = events_of(plan(LAYER))
    failure = Failure(LAYER.case_id, "crashed", "The process ended by signal 11.")
    for event in (*events[:-1], CaseFinished(measurement(LAYER, 0.1)), CaseFailed(failure), events[-1]):
        run = fold(run, event)
    assert run is not None
    texts = [each.text for each in row_data(run, LAYER).row_notes]
    assert any(text.startswith("B visit failed in all phases: 1 visit failed.") for text in texts)
    assert "Visit 11 failed: The process ended by signal 11." in texts


def test_only_notices_that_a_reason_repeats_are_left_out() -> None:
    notices = tuple(Notice(code, code) for code in ("unsettled_total", "unsettled_inference", "unsettled_alone"))
    notices += (Notice("host_bound_total", "host_bound_total"),)
    run = run_of(plan(LAYER), measurement(LAYER, 0.1, notices=notices))
    found = row_data(run, LAYER).row_notes
    assert [each.code for each in found] == ["unsettled", "unsettled_alone", "host_bound_total"]
