from __future__ import annotations

from dataclasses import replace

import pytest

from cvbench_tui.catalog.memory import TooLarge
from cvbench_tui.catalog.names import find_model
from cvbench_tui.catalog.presets import load_preset
from cvbench_tui.core.axes import LISTED
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.tui.state.plan_settings import PlanSettings
from cvbench_tui.tui.state.plan_summary import plan_line, protocol_line, settings_line
from cvbench_tui.tui.state.selection import PlanSelection
from tests.tui.checklist_app import MACHINE

CASE = Case(find_model("VGG16").workload, "cpu", 8)


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
        sizes = [TooLarge(case, 2, 1) for case in (CASE,) * misfits]
        patch.setattr("cvbench_tui.results.plan_notes.too_large", lambda plan, environment: sizes)
        return plan_line(plan_selection, MACHINE, expected=expected).plain


def test_rows_duration_and_what_will_not_fit() -> None:
    plan_selection = picked()
    assert line(plan_selection) == "2 models x 2 devices = 4 rows, about 4 min"
    assert line(plan_selection, 2) == "2 models x 2 devices = 4 rows, about 4 min; 2 will not fit in memory"


def test_what_cannot_be_measured_or_trained_is_said_before_the_run() -> None:
    plan_selection = picked()
    plan_selection.models.tick_only(("VGG16", "Resnet18"))
    plan_selection.batches, plan_selection.images = (1,), (31,)
    assert line(plan_selection).endswith("= 4 rows, about 4 min; 2 unsupported, 2 without training")
    plan_selection.images = (32,)
    assert line(plan_selection).endswith("; 2 without training")
    plan_selection.batches = (2,)
    assert line(plan_selection).endswith("= 4 rows, about 4 min")


def test_what_is_missing_is_said() -> None:
    plan_selection = PlanSelection()
    assert line(plan_selection) == "nothing ticked yet"
    plan_selection.layers.toggle("GELU")
    assert plan_line(plan_selection, None).plain == "1 layer, devices not known yet"
    assert line(plan_selection) == "1 layer, no device ticked"
    plan_selection = picked()
    plan_selection.batches = (0,)
    assert line(plan_selection) == "Batch 0 is not possible."


def test_settings_name_what_is_set() -> None:
    plan_selection = PlanSelection()
    plan_selection.protocol = "quick"
    assert settings_line(plan_selection) == "protocol quick"
    plan_selection.batches, plan_selection.images, plan_selection.extras = (8,), (64,), ("device_only",)
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


def test_axes_batches_and_images_multiply() -> None:
    plan_selection = picked()
    plan_selection.devices.tick_only(("cpu",))
    plan_selection.settings = {"precision": ("fp32", "bf16"), "compile": ("default",)}
    assert line(plan_selection) == "2 models x 2 precisions = 4 rows, about 4 min", "one device is no factor then"
    plan_selection.batches = (1, 8, "max")
    assert line(plan_selection) == "2 models x 2 precisions x 3 batches = 12 rows, about 12 min"
    plan_selection.images, plan_selection.batches = (64, 96), ()
    plan_selection.devices.tick_shown(True)
    assert line(plan_selection).startswith("2 models x 2 devices x 2 precisions x 2 image sizes = 16 rows, ")


def test_every_axis_is_counted_in_words_of_its_own() -> None:
    plan_selection = picked()
    words = set()
    for axis in LISTED:
        plan_selection.settings = {axis.name: tuple(value.name for value in axis.values[:2])}
        factor = line(plan_selection).split(" x ")[2].partition(" = ")[0]
        assert factor == axis.counted(2)
        assert factor.startswith("2 ")
        assert factor.endswith("s")
        words.add(factor)
    assert len(words) == len(LISTED)


def test_rows_that_no_device_can_do_are_counted_before_the_run() -> None:
    plan_selection = picked()
    plan_selection.devices.tick_only(("cpu",))
    plan_selection.settings = {"precision": ("fp32", "tf32"), "graph": ("off", "on")}
    assert line(plan_selection).endswith(" = 8 rows, about 8 min; 6 unsupported")


def test_a_long_plan_is_said_and_one_that_cannot_be_is_not_made() -> None:
    plan_selection = picked()
    plan_selection.batches = tuple(range(1, 121))
    assert line(plan_selection).endswith(" = 480 rows, about 8.0 h")
    plan_selection.batches = tuple(range(1, 122))
    assert line(plan_selection).endswith(" = 484 rows, about 8.1 h; longer than a night")
    plan_selection.batches = tuple(range(1, 502))
    assert line(plan_selection).endswith(" = 2004 rows; many rows"), "a duration would take as long as a tick may"
    plan_selection.batches = tuple(range(1, 5002))
    assert line(plan_selection) == "20,004 rows are too many for a run."


def test_settings_that_are_not_set_yet_can_be_asked_about() -> None:
    plan_selection = picked()
    how = PlanSettings("quick", batches=(1, 2))
    assert plan_line(plan_selection, MACHINE, how=how).plain.startswith("2 models x 2 devices x 2 batches = 8 rows")
    assert line(plan_selection).startswith("2 models x 2 devices = 4 rows"), "nothing was set"


def test_settings_name_axes_and_phases() -> None:
    plan_selection = PlanSelection()
    plan_selection.batches, plan_selection.phases = (1, "max"), ("inference", "step")
    plan_selection.settings = {"memory_format": ("contiguous", "channels_last")}
    expected = "protocol default, batch 1, max, memory format contiguous, channels_last, phases inference, step"
    assert settings_line(plan_selection) == expected


def test_the_axis_of_a_preset_that_is_alternated_is_said_as_long_as_it_has_two_values():
    chosen = PlanSelection(replace(load_preset("quick"), alternate="batch", batches=(1, 8)))
    assert "alternated along batch" in settings_line(chosen)
    assert chosen.selection().alternate == "batch"
    chosen.batches = (8,)
    assert "alternated" not in settings_line(chosen)
    assert chosen.selection().alternate == ""
