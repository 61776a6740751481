"""What rows are called where they are named alone: rows that differ in anything never share a name."""

from __future__ import annotations

from itertools import product

from cvbench_tui.core.axes import AXES
from cvbench_tui.core.plan import BATCH_MAX, Case, Plan, expand
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.row_names import batch_text, differing, title
from tests.results.samples import CONV, model

RESNET = model("Resnet18")


def plan_of(*cases: Case) -> Plan:
    return Plan("p", cases, PROTOCOLS["quick"])


def test_no_two_rows_of_a_plan_share_a_label_whatever_they_differ_in() -> None:
    values = [[(axis.name, value.name) for value in axis.values] for axis in AXES]
    every = [tuple(each for each in row if each[1] != _default(each[0])) for row in product(*(v[:2] for v in values))]
    every += [(pair,) for axis in values for pair in axis[2:]] + [(("threads", "7"),)]
    cases = expand(
        [(RESNET, 8), (CONV, 1)], ["cpu", "cuda:0"], batches=(1, 8, "max"), images=(160, 224), variants=every
    )
    plan = plan_of(*cases)
    assert len({plan.label(case) for case in cases}) == len(cases) > 2_000
    beside = {(plan.label(case, without=("device", "batch")), case.device, batch_text(case)) for case in cases}
    assert len(beside) == len(cases)


def _default(name: str) -> str:
    return next(axis.default for axis in AXES if axis.name == name)


def test_only_what_rows_of_that_name_differ_in_is_named() -> None:
    base = Case(RESNET, "cpu", 8).varied(memory_format="channels_last")
    plan = plan_of(base, base.varied(precision="bf16"), Case(CONV, "cpu", 1))
    assert [plan.label(case) for case in plan.cases] == ["Resnet18", "Resnet18 bf16", "Conv3x3/1"]
    assert plan_of(base).label(base) == "Resnet18 channels_last", "a row without others of its name has all of it"
    assert title(base.varied(threads="1")) == "Resnet18 channels_last 1 thread"


def test_a_batch_that_is_searched_for_is_max_until_it_is_found() -> None:
    asked = Case(RESNET, "cuda:0", 1, settings=(BATCH_MAX,))
    found = Case(RESNET, "cuda:0", 96, settings=(BATCH_MAX,))
    assert [batch_text(each) for each in (asked, found)] == ["batch max", "batch max (96)"]
    assert found.case_id == asked.case_id
    assert differing([asked, Case(RESNET, "cuda:0", 1)]) == ("batch",)


def test_values_stand_in_the_registrys_order_and_numbers_behind_the_words() -> None:
    threads = next(axis for axis in AXES if axis.name == "threads")
    assert sorted(["16", "2", "half", "cores"], key=threads.order) == ["cores", "half", "2", "16"]
