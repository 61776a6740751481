from __future__ import annotations

from dataclasses import dataclass

import pytest

from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.workload import Workload
from cvbench_tui.tui.state.plan_summary import fit_lines, plan_line, protocol_line, settings_line
from cvbench_tui.tui.state.selection import PlanSelection
from tests.tui.checklist_app import MACHINE


@dataclass(frozen=True)
class Misfit:
    case: Case
    needs_bytes: int
    has_bytes: int


def picked() -> PlanSelection:
    plan_selection = PlanSelection()
    plan_selection.models.tick_only(("VGG16", "VGG19"))
    plan_selection.offer(MACHINE)
    plan_selection.devices.tick_shown(True)
    return plan_selection


def line(plan_selection: PlanSelection, misfits: int = 0) -> str:
    def expected(plan: Plan) -> dict[str, float]:
        return {case.case_id: 60.0 for case in plan.cases}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cvbench_tui.catalog.memory.too_large", lambda plan, environment: range(misfits))
        return plan_line(plan_selection, MACHINE, expected=expected).plain


def test_rows_duration_and_what_will_not_fit() -> None:
    plan_selection = picked()
    assert line(plan_selection) == "2 models x 2 devices = 4 rows, about 4 min"
    assert line(plan_selection, 2) == "2 models x 2 devices = 4 rows, about 4 min; 2 will not fit in memory"


def test_what_is_missing_is_said() -> None:
    plan_selection = PlanSelection()
    assert line(plan_selection) == "nothing ticked yet"
    plan_selection.layers.toggle("GELU")
    assert plan_line(plan_selection, None).plain == "1 layer, devices not known yet"
    assert line(plan_selection) == "1 layer, no device ticked"
    plan_selection = picked()
    plan_selection.batch = 0
    assert line(plan_selection) == "Batch 0 is not possible."


def test_a_row_that_will_not_fit_is_named_with_what_it_needs_and_what_there_is() -> None:
    workload = Workload("model", "VGG19 [/]\x1b", "vgg19", (3, 224, 224))
    misfit = Misfit(Case(workload, "cuda:0", 64), int(31.234 * 2**30), 24 * 2**30)
    small = Misfit(Case(workload, "cuda:0", 1), 1_234_567_890, 456 * 2**20)
    assert fit_lines([misfit, small]) == (
        "VGG19 [/]\\x1b on cuda:0, batch 64: needs about 31 GiB, the device has 24 GiB.",
        "VGG19 [/]\\x1b on cuda:0, batch 1: needs about 1.1 GiB, the device has 456 MiB.",
    )


def test_settings_name_what_is_set() -> None:
    plan_selection = PlanSelection()
    plan_selection.protocol = "quick"
    assert settings_line(plan_selection) == "protocol quick"
    plan_selection.batch, plan_selection.image, plan_selection.extras = 8, 64, ("device_only",)
    assert settings_line(plan_selection) == "protocol quick, batch 8, image 64, with device only"


def test_a_protocol_is_told_in_one_line_from_its_numbers() -> None:
    for name, protocol in PROTOCOLS.items():
        text = protocol_line(name)
        assert len(text) <= 76, text
        assert "\n" not in text
        if protocol.method == "published":
            assert f"{protocol.iterations} iterations" in text
        else:
            assert f"{protocol.precision * 100:g}%" in text
            assert f"{protocol.visits} to {protocol.max_visits} visits" in text
            assert f"{protocol.span_s:g} s" in text


def test_no_two_protocols_read_the_same() -> None:
    assert len({protocol_line(name) for name in PROTOCOLS}) == len(PROTOCOLS)
