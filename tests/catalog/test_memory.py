from __future__ import annotations

from dataclasses import replace
from math import prod

import pytest

from benchmarks.training_memory import held_bytes, training_mb
from cvbench_tui.catalog.layers import LAYERS, LayerEntry
from cvbench_tui.catalog.memory import TooLarge, expected_bytes, too_large
from cvbench_tui.catalog.models import MODELS, ModelEntry
from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.core.plan import BATCH_MAX, Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.workload import Workload
from tests.every import every

GB = 10**9
MACHINE = Environment(
    (),
    (
        Device("cpu", "A processor", 64 * GB),
        Device("cuda:0", "A card", 24 * GB),
        Device("mps", "Not told", None),
        Device("xpu:0", "Not there", None, available=False),
    ),
)


def case(name: str, batch: int, device: str = "cuda:0") -> Case:
    return Case(find_model(name).workload, device, batch)


def plan(*cases: Case) -> Plan:
    return Plan("p", cases, PROTOCOLS["default"])


def needs(*arguments) -> int:
    found = expected_bytes(case(*arguments))
    assert found is not None
    return found


@every("entry", [*MODELS, *LAYERS], ids=lambda entry: entry.name)
def test_every_entry_holds_at_least_its_input(entry):
    assert entry.training_mb * 1e6 >= 0.99 * 4 * prod(entry.workload.input_shape)


def test_weights_count_once_and_what_is_held_with_every_image():
    weights = 2 * 4 * find_model("vgg16").parameters
    one, two, three = (needs("vgg16", batch) for batch in (1, 2, 3))
    assert three - two == pytest.approx(two - one, abs=2)
    assert one - (two - one) == pytest.approx(weights, abs=2)


def test_it_grows_with_the_area_of_the_image():
    workload = find_model("resnet18").workload
    small, large = (expected_bytes(Case(workload.with_image(side), "cpu", 64)) for side in (112, 224))
    weights = 8 * find_model("resnet18").parameters
    assert large - weights == pytest.approx(4 * (small - weights))


def test_an_optimizers_state_is_counted_where_a_step_is_measured():
    """SGD with momentum holds a number for each weight, AdamW two; without a step neither is there."""
    base = Case(find_model("vgg16").workload, "cuda:0", 1)
    weights, names = 4 * find_model("vgg16").parameters, ("sgd", "sgd-fused", "adamw", "adamw-fused")
    more = {each: expected_bytes(base.varied(optimizer=each), step=True) - expected_bytes(base) for each in names}
    assert more == {"sgd": weights, "sgd-fused": weights, "adamw": 2 * weights, "adamw-fused": 2 * weights}
    assert expected_bytes(base.varied(optimizer="adamw")) == expected_bytes(base)


def test_a_run_of_steps_alone_is_looked_at_too():
    small = replace(MACHINE, devices=(Device("cuda:0", "A card", GB),))
    cases = (Case(find_model("vgg16").workload, "cuda:0", 64),)
    for passes, fits in ((("step",), False), (("training",), False), (("inference",), True)):
        plan = Plan("p", cases, replace(PROTOCOLS["quick"], passes=passes))
        assert (too_large(plan, small) == ()) is fits


def test_a_half_precision_takes_half():
    single = case("resnet18", 8)
    half = single.varied(precision="fp16")
    assert expected_bytes(half) == pytest.approx(expected_bytes(single) / 2, abs=1)


def test_layers_are_known_too():
    small, large = (expected_bytes(Case(find_layer("SiLU").workload, "cpu", batch)) for batch in (8, 16))
    assert large == pytest.approx(2 * small, abs=2)


def test_what_the_catalog_does_not_have_is_not_known():
    unknown = [
        Workload("model", "Resnet18", "resnet_of_tomorrow", (3, 224, 224)),
        Workload("layer", "Dense", "linear", (7,), (("in_features", 7), ("out_features", 7))),
    ]
    assert [expected_bytes(Case(workload, "cpu", 1)) for workload in unknown] == [None, None]
    assert too_large(plan(*(Case(workload, "cuda:0", 65536) for workload in unknown)), MACHINE) == ()


def test_rows_that_will_not_fit_are_named_with_what_they_need():
    fits, not_here, never = case("vgg19", 8), case("vgg19", 512), case("vit_h_14", 4096)
    found = too_large(plan(fits, not_here, never, replace(not_here, device="cpu")), MACHINE)
    assert found == (
        TooLarge(not_here, needs("vgg19", 512), 24 * GB),
        TooLarge(never, needs("vit_h_14", 4096), 24 * GB),
    )


def test_a_row_that_may_fit_is_not_called_too_large():
    doubtful = case("vgg19", 256)
    assert needs("vgg19", 256) > 24 * GB
    assert too_large(plan(doubtful), MACHINE) == ()


def test_a_device_whose_memory_is_not_told_refuses_nothing():
    rows = [case("vit_h_14", 65536, device) for device in ("mps", "xpu:0", "cuda:7")]
    assert too_large(plan(*rows), MACHINE) == ()


def test_a_plan_without_training_refuses_nothing():
    inference = replace(PROTOCOLS["default"], passes=("inference",))
    assert too_large(Plan("p", (case("vit_h_14", 65536),), inference), MACHINE) == ()


MODELS_AGAIN = ("resnet18", "vgg16_bn", "mobilenet_v3_small", "regnet_x_400mf", "vit_b_32")
RECOMPUTED: tuple[ModelEntry | LayerEntry, ...] = (*map(find_model, MODELS_AGAIN), *LAYERS)


@pytest.mark.torch
@every("entry", RECOMPUTED, ids=lambda entry: entry.name)
def test_the_column_is_what_autograd_keeps(entry):
    assert entry.training_mb == pytest.approx(training_mb(entry.workload), rel=0.01)
    two, four = held_bytes(entry.workload, 2), held_bytes(entry.workload, 4)
    assert 2 * two - four <= 0.02 * four, "hardly anything is held whatever the batch is"


def test_a_row_that_finds_its_batch_is_never_too_large():
    small = Environment((), (Device("cuda:0", "small", 1),))
    case = Case(find_model("vgg16").workload, "cuda:0", 1)
    finds = replace(case, settings=(BATCH_MAX,))
    plan = Plan("p", (case, finds, case.varied(graph="on", compile="max-autotune")), PROTOCOLS["quick"])
    assert [each.case for each in too_large(plan, small)] == [case], "nor is one that cannot be measured at all"
