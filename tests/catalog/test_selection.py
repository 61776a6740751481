from __future__ import annotations

from dataclasses import replace

import pytest

from cvbench_tui.base.cores import usable_cores
from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.catalog.selection import Selection, check_batch, check_device_name, check_image, to_plan
from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.errors import SelectionError
from tests.every import every

LAPTOP = Environment((), (Device("cpu", "CPU"), Device("cuda", "GPU", available=False, reason="No usable card.")))
BOX = Environment((), (Device("cpu", "CPU"), Device("cuda:0", "GPU"), Device("cuda:1", "GPU")))


@pytest.fixture
def selection():
    models = (find_model("resnet18"), find_model("resnet101"))
    return Selection("mine", models, (find_layer("Dense"),), None, (), (), "quick")


def test_a_selection_becomes_a_plan_with_the_entries_own_sizes(selection):
    plan = to_plan(selection, LAPTOP)
    assert (plan.name, plan.protocol) == ("mine", PROTOCOLS["quick"])
    assert [(case.workload.name, case.device, case.batch, case.image) for case in plan.cases] == [
        ("Resnet18", "cpu", 8, 224),
        ("Resnet101", "cpu", 4, 224),
        ("Dense", "cpu", 8, None),
    ]


def test_overrides_reach_every_case_but_not_what_is_no_image(selection):
    plan = to_plan(replace(selection, batches=(2,), images=(64,)), LAPTOP)
    assert [(case.batch, case.image) for case in plan.cases] == [(2, 64), (2, 64), (2, None)]
    assert plan.cases[2].workload.input_shape == (1024,)


@every(
    ("devices", "alone"),
    [(("cpu",), True), ((" CPU ",), True), (("cpu", "cuda:0"), False), (("mps",), False), ((), False), (None, False)],
)
def test_a_selection_for_the_cpu_alone_needs_no_driver(selection, devices, alone):
    assert replace(selection, devices=devices).cpu_only is alone


def test_without_a_device_the_accelerator_is_taken(selection):
    assert {case.device for case in to_plan(selection, BOX).cases} == {"cuda:0"}


def test_devices_are_normalised_kept_in_order_and_once(selection):
    plan = to_plan(replace(selection, devices=("CUDA:1", "cuda", "cuda:0", "cpu")), BOX)
    assert list(dict.fromkeys(case.device for case in plan.cases)) == ["cuda:1", "cuda:0", "cpu"]
    assert len(plan.cases) == 9


@pytest.mark.parametrize(
    ("environment", "device", "message", "hint"),
    [
        (LAPTOP, "cuda", "This machine has no usable device cuda:0. No usable card.", "It has cpu."),
        (BOX, "cuda:7", "This machine has no usable device cuda:7.", "It has cpu, cuda:0, cuda:1."),
        (BOX, "mps", "This machine has no usable device mps.", "It has cpu, cuda:0, cuda:1."),
    ],
)
def test_a_device_the_machine_lacks_is_refused_with_the_reason(selection, environment, device, message, hint):
    with pytest.raises(SelectionError) as caught:
        to_plan(replace(selection, devices=(device,)), environment)
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_half_of_the_threads_of_a_machine_that_says_no_number_is_of_the_cores_of_this_process(selection):
    chosen = replace(selection, devices=("cpu",), settings=(("threads", ("half",)),))
    assert {case.threads for case in to_plan(chosen, BOX).cases} == {max(1, usable_cores() // 2)}
    told = replace(BOX, facts=(("usable_cores", 12),))
    assert {case.threads for case in to_plan(chosen, told).cases} == {6}


@pytest.mark.parametrize("changes", [{"models": (), "layers": ()}, {"devices": ()}])
def test_nothing_selected_is_refused(selection, changes):
    with pytest.raises(SelectionError, match="selected"):
        to_plan(replace(selection, **changes), LAPTOP)


def test_a_machine_without_devices_is_refused(selection):
    with pytest.raises(SelectionError, match="offers no device"):
        to_plan(selection, Environment((), ()))


@pytest.mark.parametrize(
    "changes",
    [
        {"batches": (8, 0)},
        {"images": (-1,)},
        {"protocol": "defualt"},
        {"phases": ("infer",)},
        {"batches": tuple(range(1, 30_000))},
    ],
)
def test_to_plan_checks_what_it_is_given(selection, changes):
    with pytest.raises(SelectionError) as caught:
        to_plan(replace(selection, **changes), LAPTOP)
    assert caught.value.hint


@pytest.mark.parametrize("value", [0, -1, 65537, 10**30])
def test_impossible_batches_are_refused(value):
    with pytest.raises(SelectionError, match=r"^Batch .* is not possible\.$") as caught:
        check_batch(value)
    assert "1 to 65536" in caught.value.hint


@pytest.mark.parametrize("value", [0, -224, 4097])
def test_impossible_images_are_refused(value):
    with pytest.raises(SelectionError, match=f"^Image size {value} is not possible") as caught:
        check_image(value)
    assert "1 to 4096" in caught.value.hint


def test_a_number_of_thousands_of_digits_is_refused_without_being_printed():
    with pytest.raises(SelectionError, match="of that length"):
        check_batch(-(10**5000))


def test_the_limits_themselves_are_possible():
    assert [check_batch(1), check_batch(65536), check_image(1), check_image(4096)] == [1, 65536, 1, 4096]


@every(
    ("text", "name"),
    [("cpu", "cpu"), (" CPU ", "cpu"), ("cuda", "cuda:0"), ("CUDA:12", "cuda:12"), ("mps", "mps"), ("xpu", "xpu:0")],
)
def test_device_names_are_normalised(text, name):
    assert check_device_name(text) == name


@every(
    ("text", "near"),
    [("gpu", "cuda:0"), ("cdua:0", "cuda:0"), ("cpuu", "cpu"), ("metal", "mps"), ("xpu:a", "xpu:0")],
)
def test_unknown_devices_name_the_nearest(text, near):
    with pytest.raises(SelectionError, match=f"Unknown device '{text}'") as caught:
        check_device_name(text)
    assert caught.value.hint.startswith("Nearest: ")
    assert near in caught.value.hint


@every("text", ["", "cpu:0", "cuda:", "cuda:-1", "cuda:٣", "cuda:9999", "cpu\x00"])
def test_odd_device_names_are_refused(text):
    with pytest.raises(SelectionError, match="Unknown device"):
        check_device_name(text)
