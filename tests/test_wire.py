"""The parent's edge: what no clock and no counter can give is refused at birth."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cvbench_tui.core.measurement import ResultCheck
from cvbench_tui.core.stats.sample_array import SampleArray
from cvbench_tui.wire import FigureError, WireError, decode, encode
from tests.every import every

NAN = float("nan")
GOOD = Path(__file__).parent / "data" / "good.jsonl"


def finished() -> dict[str, Any]:
    lines = (json.loads(line) for line in GOOD.read_text().splitlines())
    return next(event for event in lines if event["kind"] == "case_finished")


def with_record(**values: object) -> str:
    event = finished()
    evidence = {"wall_s": 0.12, "timed_s": 0.1, **values}
    event["measurement"]["passes"] = [{"name": "training", "evidence": [evidence]}]
    return json.dumps(event)


def test_an_event_of_schema_1_is_read_without_what_came_later():
    event = decode(json.dumps(finished()))
    assert event.measurement.passes == ()
    assert event.measurement.timed_s is None


def test_evidence_comes_through_the_wall():
    event = decode(with_record(waited_s=0.01, throttle=["thermal"]))
    assert event.measurement.passes[0].evidence[0].throttle == ("thermal",)


@every("value", [-1.0, float("nan"), float("inf")])
@every("name", ["wall_s", "cpu_s", "waited_s"])
def test_an_impossible_figure_is_refused(name, value):
    with pytest.raises(WireError):
        decode(with_record(**{name: value}))


@every("value", [0.0, -1.0, float("nan"), float("inf")])
@every("times", ["phases", "wall"])
def test_an_impossible_sample_is_refused(times, value):
    event = finished()
    event["measurement"]["wall"] = copy.deepcopy(event["measurement"]["phases"])
    event["measurement"][times][0]["rounds"][0][0] = value
    with pytest.raises(FigureError, match="positive number of seconds"):
        decode(json.dumps(event))


@every("value", [float("nan"), float("inf")])
@every("name", ["first_call_s", "warmup_s", "wall_s", "timed_s"])
def test_no_figure_of_a_case_may_be_infinite(name, value):
    event = finished()
    event["measurement"][name] = value
    with pytest.raises(FigureError, match="finite"):
        decode(json.dumps(event))


@pytest.mark.parametrize(
    "event",
    [
        {"kind": "progress", "case_id": "a", "stage": "measuring", "median_s": NAN},
        {
            "kind": "ceiling_measured",
            "ceiling": {"device": "cpu", "key": "k", "flops_per_s": [["float32", NAN]], "bytes_per_s": None},
        },
        {"kind": "environment_probed", "environment": {"versions": [], "devices": [], "facts": [["load_1min", NAN]]}},
    ],
)
def test_no_other_event_may_carry_one_either(event):
    with pytest.raises(FigureError, match=event["kind"]):
        decode(json.dumps(event))


def test_a_region_of_no_iteration_is_refused():
    event = finished()
    event["measurement"]["passes"] = [{"name": "training", "group": 0}]
    with pytest.raises(FigureError, match="group is not a number from 1"):
        decode(json.dumps(event))


def with_clean(**values: object) -> str:
    event = finished()
    event["measurement"]["clean"] = {**event["measurement"], **values}
    return json.dumps(event)


def test_the_check_of_a_row_comes_through_the_wall_and_older_files_have_none():
    event = finished()
    assert decode(json.dumps(event)).measurement.check is None
    event["measurement"]["check"] = {"output_error": 1e-6, "output_bound": 1e-4}
    event["measurement"]["optimizer"] = "AdamW, fused"
    found = decode(json.dumps(event))
    assert found.measurement.check == ResultCheck(1e-6, 1e-4)
    assert found.measurement.check.same
    assert decode(encode(found)) == found


def test_the_clean_numbers_come_through_the_wall_and_are_packed_as_the_others():
    event = decode(with_clean())
    clean = event.measurement.clean
    assert clean.phases == event.measurement.phases
    assert isinstance(clean.phases[0].rounds, SampleArray)
    assert clean.clean is None
    assert decode(encode(event)) == event


def test_an_impossible_sample_among_the_clean_ones_is_refused_too():
    phase = finished()["measurement"]["phases"][0] | {"rounds": [[0.0]]}
    with pytest.raises(FigureError, match="positive number of seconds"):
        decode(with_clean(phases=[phase]))
    with pytest.raises(FigureError, match="finite"):
        decode(with_clean(wall_s=NAN))


@pytest.mark.parametrize("line", ['{"kind": "frob"}', "{}", '{"kind": 5}'])
def test_an_unknown_kind_is_named_so_in_one_short_sentence(line):
    with pytest.raises(WireError, match=r"^an event of no kind that is known$"):
        decode(line)


def test_a_plan_before_schema_6_alternates_nothing_and_one_that_does_is_read_back():
    first = json.loads(GOOD.read_text().splitlines()[0])
    assert "alternate" not in first["plan"]
    event = decode(json.dumps(first))
    assert event.plan.alternate == ""
    alternated = replace(event, plan=replace(event.plan, alternate="precision"))
    assert decode(encode(alternated)) == alternated
