import pytest

from cvbench_tui.catalog.duration import expected_s
from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.catalog.presets import load_preset
from cvbench_tui.catalog.selection import Selection, check_batch, check_device_name, check_image, to_plan
from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.errors import SelectionError

MACHINE = Environment(
    versions=(("torch", "2.14.1"),),
    devices=(
        Device("cpu", "a CPU"),
        Device("cuda:0", "a card"),
        Device("mps", "Apple GPU", available=False, reason="Only on Macs."),
    ),
)
BOTH = Selection(models=(find_model("resnet18"),), layers=(find_layer("dense"), find_layer("Conv3x3/1")))


def test_the_plan_is_every_workload_on_every_device_in_order():
    plan = to_plan(Selection(models=BOTH.models, layers=BOTH.layers, devices=("cpu", "cuda:0")), MACHINE)
    assert [(case.device, case.workload.name) for case in plan.cases] == [
        (device, name) for device in ("cpu", "cuda:0") for name in ("Resnet18", "Dense", "Conv3x3/1")
    ]


def test_without_a_device_the_first_accelerator_is_taken():
    assert {case.device for case in to_plan(BOTH, MACHINE).cases} == {"cuda:0"}


def test_overrides_reach_every_case_and_image_only_images():
    cases = to_plan(Selection(models=BOTH.models, layers=BOTH.layers, batch=2, image=64), MACHINE).cases
    assert {case.batch for case in cases} == {2}
    assert [case.workload.input_shape for case in cases] == [(3, 64, 64), (1024,), (3, 64, 64)]


def test_what_is_ticked_twice_is_measured_once():
    assert len(to_plan(Selection(models=BOTH.models * 2), MACHINE).cases) == 1


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(), "Nothing to measure"),
        (Selection(models=BOTH.models, devices=()), "No device"),
        (Selection(models=BOTH.models, devices=("cuda:1",)), "no device 'cuda:1'"),
        (Selection(models=BOTH.models, protocol="slow"), "Unknown protocol 'slow'"),
    ],
)
def test_what_cannot_be_is_refused(selection, message):
    with pytest.raises(SelectionError, match=message):
        to_plan(selection, MACHINE)


def test_an_absent_device_gives_the_probes_reason():
    with pytest.raises(SelectionError) as caught:
        to_plan(Selection(models=BOTH.models, devices=("mps",)), MACHINE)
    assert caught.value.hint == "Only on Macs. There are: cpu, cuda:0."


@pytest.mark.parametrize(
    ("text", "name"),
    [("CPU", "cpu"), ("cuda", "cuda:0"), (" cuda:3 ", "cuda:3"), ("cuda:03", "cuda:3"), ("mps", "mps")],
)
def test_device_names_are_made_alike(text, name):
    assert check_device_name(text) == name


@pytest.mark.parametrize("text", ["gpu", "cpu:0", "cuda:x", "cuda:-1", "mps:1", "", "cuda:0:1"])
def test_no_kind_of_device(text):
    with pytest.raises(SelectionError, match="Unknown device"):
        check_device_name(text)


@pytest.mark.parametrize("value", [0, -1, 1_000_000])
def test_impossible_numbers(value):
    with pytest.raises(SelectionError):
        check_batch(value)
    with pytest.raises(SelectionError):
        check_image(value)


def test_the_guess_grows_with_the_work():
    quick, models = (to_plan(load_preset(name), MACHINE) for name in ("quick", "original-models"))
    assert 1 < expected_s(quick) < 60
    assert expected_s(models) > expected_s(quick)
