"""What a visit's time is spent on: the shares of made-up visits, the bars, and the timed parts of a real worker."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from cvbench_tui.core.evidence import Evidence, PassRecord
from cvbench_tui.core.measurement import Measurement, PhaseSamples
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import CLEAN, PROTOCOLS
from cvbench_tui.core.workload import Workload
from cvbench_tui.engine.live import LiveSource


@pytest.fixture
def efficiency(program):
    return program("efficiency")


CASE = Case(
    Workload("layer", "Dense", "linear", (8,), (("in_features", 8), ("out_features", 8))),
    "cpu",
    1,
    settings=(("threads", "1"),),
)
SECONDS = {"total": 0.03, "inference": 0.01}


def visited(disturbed=0):
    """Four visits of 1 s: each pass is busy for 0.45 s of them, and has a round of 0.3 s."""
    evidence = [Evidence(0.35, 0.3, waited_s=0.1 if place < disturbed else 0.0, cpu_s=0.3) for place in range(4)]
    return Measurement(
        "x",
        tuple(PhaseSamples(phase, ((each,),) * 4, 1, "perf_counter", "visit") for phase, each in SECONDS.items()),
        None, 1, 0.1, 0.4, 4.0, 1,
        visit_rounds=tuple((phase, (1,) * 4) for phase in SECONDS),
        passes=tuple(
            PassRecord(name, (each,), busy_s=0.45, wall_s=0.5)
            for each in evidence
            for name in ("training", "inference")
        ),
    )  # fmt: skip


def row_of(efficiency, measurement, alone_s=0.025):
    result = SimpleNamespace(median_s=SECONDS["total"])
    alone = PhaseSamples("total", ((alone_s,),), 1, "perf_counter", "precision") if alone_s else None
    plain = SimpleNamespace(measurement=measurement, result=lambda _: result)
    marks = SimpleNamespace(
        measurement=SimpleNamespace(variant=lambda *_: alone),
        result=lambda _: result,
    )
    parts_s = {"build": 0.4, "rounds": 2.8}
    return efficiency.row_of("Dense", plain, marks, parts_s, PROTOCOLS["default"])


def test_shares_are_of_the_wall_seconds_of_all_visits(efficiency):
    row = row_of(efficiency, visited())
    assert (row.visits, row.wall_s) == (4, 4.0)
    assert (row.busy, row.used) == (pytest.approx(0.9), pytest.approx(0.6))
    assert row.fused == pytest.approx(1.2)
    assert (row.parts["build"], row.parts["rounds"]) == (pytest.approx(0.1), pytest.approx(0.7))
    assert sum(row.parts.values()) == pytest.approx(1.0)
    assert "0.900" in efficiency.line(row)
    assert row_of(efficiency, visited(), alone_s=None).fused is None


def test_a_disturbed_visit_is_not_used(efficiency):
    """One in four is set aside."""
    assert row_of(efficiency, visited(disturbed=1)).used == pytest.approx(0.45)


def row(efficiency, **changed):
    parts = {**dict.fromkeys(efficiency.PARTS, 0.0), "rounds": 0.7, "warm-up": 0.2, "build": 0.05, "sentinel": 0.04}
    shares = {"iteration_s": 0.01, "busy": 0.95, "used": 0.65, "fused": 1.0, "parts": parts, **changed}
    return efficiency.Row("x", visits=10, wall_s=10.0, **shares)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, ["met", "met", "met"]),
        ({"busy": 0.85}, ["missed", "met", "met"]),
        ({"used": 0.55}, ["met", "missed", "met"]),
        ({"fused": 1.2}, ["met", "met", "missed"]),
        ({"fused": None}, ["met", "met", "not judged"]),
        ({"iteration_s": 0.0009, "busy": 0.1}, ["not judged", "not judged", "not judged"]),
    ],
)
def test_the_bars(efficiency, changed, expected):
    assert [bar.verdict for bar in efficiency.bars([row(efficiency, **changed)])] == expected


def test_a_miss_says_by_how_much_and_what_takes_the_time(efficiency):
    (bar, *_) = efficiency.bars([row(efficiency, busy=0.85)])
    assert bar.note == "median of 1 rows of 1 ms and more, 0.050 off; warm-up 20%, build 5%, sentinel 4%"


def test_a_function_within_another_is_of_the_outer_one_s_part(program):
    parts = program("visit_parts").Parts(iter([0.0, 5.0, 7.0, 8.0]).__next__)
    inner = parts.timed("inner", lambda value: value)
    outer = parts.timed("outer", lambda: inner(3))
    assert (outer(), inner(4)) == (3, 4)
    assert parts.seconds == {"outer": 5.0, "inner": 1.0}


def test_a_part_is_timed_though_it_fails(program):
    parts = program("visit_parts").Parts(iter([0.0, 5.0, 7.0, 8.0]).__next__)
    with pytest.raises(ZeroDivisionError):
        parts.timed("build", lambda: 1 / 0)()
    parts.timed("build", lambda: None)()
    assert parts.seconds == {"build": 6.0}


@pytest.mark.torch
def test_every_part_of_a_real_visit_has_its_seconds(efficiency, tmp_path):
    file = tmp_path / "parts"
    source = LiveSource((*efficiency.TIMED_WORKER, str(file)), cpu_only=True)
    try:
        list(source.events(Plan("parts", (CASE,), CLEAN)))
    finally:
        source.close()
    found = efficiency.parts_by_case(file.read_text())
    assert set(found) == {CASE.case_id}
    assert set(found[CASE.case_id]) == set(efficiency.PARTS) - {"rest"}
    assert all(seconds > 0 for seconds in found[CASE.case_id].values())


def test_the_visits_of_a_case_are_added_up(efficiency):
    lines = '{"case": "a", "parts": {"build": 1}}\n{"case": "b", "parts": {}}\n{"case": "a", "parts": {"build": 2}}\n'
    assert efficiency.parts_by_case(lines) == {"a": {"build": 3}, "b": {}}
