"""Every number that an event can hold has bounds, and what is outside of them is named."""

from __future__ import annotations

import dataclasses
import typing

from cvbench_tui.core.event import CaseFailed, CaseFinished, CaseStarted, Event, RunFinished, WorkerReady
from cvbench_tui.core.limits import COUNT, MAX_DETAIL, MAX_TEXT, bounds_of, impossible
from cvbench_tui.core.measurement import Failure, PhaseSamples, PhaseWork, ResultCheck
from cvbench_tui.core.plan import Plan, expand
from cvbench_tui.core.protocol import PROTOCOLS, Protocol
from cvbench_tui.core.workload import Workload
from tests.every import every
from tests.results.samples import CONV, DENSE, graded_run, measurement, mixed_events, plan

CASES = expand([(CONV, 8), (DENSE, 8)], ["cpu"])
ONE = measurement(CASES[0], 0.1)


def records(annotation: object, found: dict[type, dict[str, object]]) -> dict[type, dict[str, object]]:
    """Every dataclass in an annotation, with the annotations of its fields."""
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation) and annotation not in found:
        found[annotation] = typing.get_type_hints(annotation)
        for each in found[annotation].values():
            records(each, found)
    for each in typing.get_args(annotation):
        records(each, found)
    return found


def holds(annotation: object, kind: type) -> bool:
    return annotation is kind or any(holds(each, kind) for each in typing.get_args(annotation))


def test_no_float_of_any_event_has_the_bounds_of_a_count():
    found = records(Event, {})
    assert len(found) >= 25
    floats = {
        f"{record.__name__}.{name}": bounds_of(name)
        for record, fields in found.items()
        if record is not Protocol
        for name, annotation in fields.items()
        if holds(annotation, float)
    }
    assert len(floats) > 50
    assert not [name for name, bounds in floats.items() if bounds is COUNT and not name.endswith(".rounds")]


def test_what_was_measured_is_possible():
    for event in (*mixed_events(), *mixed_events("original")):
        assert impossible(event) == ""
    assert not any(map(impossible, graded_run().measured))
    assert not any(map(impossible, PROTOCOLS.values()))


def phases(rounds: tuple[tuple[float, ...], ...]) -> tuple[PhaseSamples, ...]:
    return (PhaseSamples("total", rounds, 1, "perf_counter", "precision"),)


@every(
    ("record", "words"),
    [
        (CaseStarted("a", -1), "pid is not a number from 0 to"),
        (CaseStarted("a", 10**400), "pid is not a number"),
        (CaseStarted("a", 2, at_s=1e300), "at_s is no time from 1970 to 2999"),
        (CaseStarted("x" * (MAX_TEXT + 1), 2), "case_id has more than 16,384 characters"),
        (WorkerReady(2, "3", "2", float("inf")), "import_s is not finite"),
        (RunFinished("finished", -5.0), "at_s is no time"),
        (CaseFailed(Failure("a", "error", "", "d" * (MAX_DETAIL + 1))), "failure.detail has more than 1,048,576"),
        (CaseFinished(dataclasses.replace(ONE, parameters=-1)), "measurement.parameters is not a number"),
        (CaseFinished(dataclasses.replace(ONE, memory_peak_bytes=10**300)), "measurement.memory_peak_bytes is not"),
        (
            CaseFinished(dataclasses.replace(ONE, clean=dataclasses.replace(ONE, wall_s=-1.0))),
            "measurement.clean.wall_s",
        ),
        (dataclasses.replace(ONE, clean=dataclasses.replace(ONE, clean=ONE)), "clean has a clean of its own"),
        (dataclasses.replace(ONE, phases=ONE.phases[:1] * 2), "phases have a phase twice"),
        (dataclasses.replace(ONE, phases=phases(()), visit_rounds=()), "rounds have no sample"),
        (dataclasses.replace(ONE, phases=phases(((), ())), visit_rounds=()), "rounds have no sample"),
        (dataclasses.replace(ONE, phases=phases(((0.1,),) * 1_001), visit_rounds=()), "1,001 rounds"),
        (dataclasses.replace(ONE, visit_rounds=(("total", (3, 4)),)), "visit_rounds are not as many"),
        (dataclasses.replace(ONE, work=(PhaseWork("total", -1, 0, 0),)), "work.flops is not a number"),
        (dataclasses.replace(ONE, check=ResultCheck(-0.1, 0.1)), "check.output_error is not a number"),
        (
            dataclasses.replace(ONE, check=ResultCheck(0.1, 0.1, float("nan"), 0.1)),
            "check.gradient_error is not finite",
        ),
        (dataclasses.replace(ONE, check=ResultCheck(1e6, 0.1, 1e6, 1e6)), ""),
        (Workload("layer", "x", "relu", ()), "input_shape has no dimension"),
        (Workload("layer", "x", "relu", (1,) * 9), "input_shape are 9"),
        (Workload("layer", "x", "relu", (0,)), "input_shape is not a number from 1"),
        (Workload("layer", "x", "relu", (3,), tuple((str(n), 1) for n in range(65))), "params are 65"),
        (dataclasses.replace(PROTOCOLS["quick"], timeout_s=1e12), "timeout_s is not a number"),
        (dataclasses.replace(PROTOCOLS["quick"], max_visits=10**6), "max_visits is not a number"),
        (dataclasses.replace(PROTOCOLS["original"], clean=PROTOCOLS["original"]), "clean has a clean"),
        (Plan("many", expand([(DENSE, 8)], [f"cuda:{n}" for n in range(20_001)]), PROTOCOLS["quick"]), "20,001"),
        (plan(*CASES), ""),
    ],
)
def test_what_is_impossible_is_named(record, words):
    found = impossible(record)
    assert words in found
    assert bool(words) is bool(found)
