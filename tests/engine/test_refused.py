"""A case that may not be measured is a failed row; the worker never hears of it, and the others are measured."""

from __future__ import annotations

import sys
from dataclasses import replace

from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.catalog.selection import why_not_offered
from cvbench_tui.core.event import CaseStarted
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.engine.session import Session
from tests.engine.test_live import FAKE, Kept, run_of
from tests.processes import wait_until_gone

DENSE, RESNET = find_layer("Dense").workload, find_model("resnet18").workload
ONCE = replace(PROTOCOLS["quick"], visits=1, max_visits=1)


def hostile_plan() -> Plan:
    """As out of a run file: a model with weights between two layers, on a device of that kind as well."""
    weights = replace(RESNET, params=(("weights", "DEFAULT"),))
    cases = (Case(DENSE, "cpu", 1), Case(weights, "cpu", 1), Case(weights, "cuda:$(x)", 1), Case(DENSE, "cpu", 2))
    return Plan("foreign", cases, ONCE)


def test_it_fails_before_anything_is_built_and_the_others_are_measured(tmp_path):
    source = LiveSource((sys.executable, str(FAKE), "good", str(tmp_path / "mark")), refuse=why_not_offered)
    recorder, the_plan = Kept(), hostile_plan()
    try:
        run = list(Session(source, the_plan).run(recorder))[-1][1]
    finally:
        source.close()
    ids = [case.case_id for case in the_plan.cases]
    assert run.ended == "finished"
    assert [each.case_id for each in run.measured] == [ids[0], ids[3]]
    assert [(each.case_id, each.kind) for each in run.failures] == [(ids[1], "unsupported"), (ids[2], "unsupported")]
    assert "not in the catalog" in run.failures[0].sentence
    asked = {event.case_id for event in recorder.events if isinstance(event, CaseStarted)}
    assert asked == {ids[0], ids[3]}, "a worker says of each case that it has begun"


def test_a_run_that_is_opened_and_repeated_is_refused_too(tmp_path):
    source = LiveSource((sys.executable, str(FAKE), "good", str(tmp_path / "mark")), refuse=why_not_offered)
    the_plan = hostile_plan()
    try:
        opened = run_of(source, the_plan)
        again = replace(the_plan, cases=opened.plan.cases)
        run = list(Session(source, again, resume=opened).run(Kept()))[-1][1]
        worker = source._supervisor.ready.pid
    finally:
        source.close()
    assert [each.kind for each in run.failures] == ["unsupported"] * 2
    assert len(run.measured) == 2
    wait_until_gone(worker)
