"""The layers of a model beside the model: each as often as it is called, equal ones once, under equal conditions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cvbench_tui.catalog.model_layers import layer_entry
from cvbench_tui.catalog.names import find_model
from cvbench_tui.core.event import ModelLayer
from cvbench_tui.core.measurement import Failure, PhaseSamples
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.results.detail.row import detail
from cvbench_tui.results.export.markdown import render
from cvbench_tui.results.export.plain_text import sentences
from cvbench_tui.results.stats.layer_sums import layer_lines, layer_sum
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.results.table.view import View
from tests.results.samples import measurement, plan, run_of

RESNET = find_model("resnet18")
MODEL = Case(RESNET.workload, "cpu", 8)


def layer(path: str, like: str, count: int = 1, share: float = 0.25, side: int = 224, **changes: object) -> Case:
    found = ModelLayer(path, "Conv2d", "", (64, 56, 56), 1, 1, like, count, share)
    return replace(Case(layer_entry(RESNET, found, 4, side).workload, "cpu", 8), **changes)


FIRST, SECOND = layer("conv1", "conv1"), layer("layer1.0.conv1", "layer1.0.conv1", 4, 0.5)
BLOCK = layer("layer1.0", "")


def test_each_counts_as_often_as_it_is_called():
    run = run_of(
        plan(MODEL, FIRST, SECOND), measurement(MODEL, 1.0), measurement(FIRST, 0.25), measurement(SECOND, 0.125)
    )
    found = layer_sum(run, MODEL)
    assert found is not None
    assert list(found.seconds) == ["forward", "backward", "total", "inference"]
    layers_s, model_s = found.seconds["forward"]
    assert abs(layers_s / model_s - (0.25 + 4 * 0.125)) < 1e-3
    assert (found.layers, found.distinct, found.share) == (2, 4, 0.75)
    assert found.covered == "2 of 4 distinct layers, 75.0% of the operations"


def test_under_the_published_method_means_are_added_as_the_table_shows_them():
    published = Plan("p", (MODEL, FIRST), PROTOCOLS["original"])
    cold = [measurement(case, seconds) for case, seconds in ((MODEL, 1.0), (FIRST, 0.25))]

    def cold_first(one: PhaseSamples) -> PhaseSamples:
        (first, *others), *rounds = one.rounds
        return replace(one, rounds=((10.0 * first, *others), *rounds))

    slow_first = [replace(each, phases=tuple(map(cold_first, each.phases))) for each in cold]
    run = run_of(published, *slow_first)
    found = layer_sum(run, MODEL)
    assert found is not None
    for place, case in enumerate((FIRST, MODEL)):
        result = row_data(run, case).phases["total"]
        assert result.mean_s > 1.01 * result.median_s
        assert found.seconds["total"][place] == pytest.approx(result.mean_s)


def test_equal_layers_count_once_and_blocks_never():
    again = layer("layer1.1.conv2", "layer1.0.conv1", 4, 0.5)
    cases = (MODEL, SECOND, again, BLOCK)
    run = run_of(plan(*cases), measurement(MODEL, 1.0), *(measurement(case, 0.125) for case in cases[1:]))
    found = layer_sum(run, MODEL)
    assert found is not None
    assert found.layers == 1
    assert abs(found.seconds["total"][0] / found.seconds["total"][1] - 0.5) < 1e-3


def test_other_conditions_are_no_part_of_it():
    others = (
        replace(FIRST, batch=4),
        replace(FIRST, device="cuda:0"),
        FIRST.varied(threads="1"),
        layer("conv1", "conv1", side=64),
    )
    cases = (MODEL, *others)
    run = run_of(plan(*cases), *(measurement(case, 0.5) for case in cases))
    assert layer_sum(run, MODEL) is None
    assert layer_lines(run, cases) == ()
    assert layer_sum(run, FIRST) is None


def test_a_layer_without_numbers_leaves_the_sum_and_is_not_covered():
    failed = Failure(SECOND.case_id, "error", "It failed.")
    run = run_of(plan(MODEL, FIRST, SECOND), measurement(MODEL, 1.0), measurement(FIRST, 0.25), failed)
    found = layer_sum(run, MODEL)
    assert found is not None
    assert found.layers == 1
    assert layer_sum(run_of(plan(MODEL, FIRST), measurement(FIRST, 0.25)), MODEL) is None


def test_it_is_in_the_detail_and_below_every_table():
    run = run_of(
        plan(MODEL, FIRST, SECOND), measurement(MODEL, 1.0), measurement(FIRST, 0.25), measurement(SECOND, 0.125)
    )
    (section,) = [each for each in detail(run, MODEL.case_id) if each.title == "Its layers, of its time"]
    assert dict(section.pairs)["covered"] == "2 of 4 distinct layers, 75.0% of the operations"
    assert dict(section.pairs)["forward"].endswith("(75%)")
    assert not [each for each in detail(run, FIRST.case_id) if each.title == "Its layers, of its time"]
    for text in (sentences(run), render(run, "short", View()), render(run, "full", View())):
        joined = " ".join(text.split())
        assert (
            "Layers of Resnet18 on cpu, batch 8, each as often as it is called, of the model's time: forward" in joined
        )
        assert "2 of 4 distinct layers" in joined


def test_models_that_differ_in_a_setting_are_called_by_it():
    cases = [each for base in (MODEL, FIRST) for each in (base, base.varied(precision="bf16"))]
    run = run_of(plan(*cases), *(measurement(case, 0.5) for case in cases))
    lines = layer_lines(run, cases)
    assert [line.partition(" on cpu, batch 8,")[0] for line in lines] == [
        "Layers of Resnet18",
        "Layers of Resnet18 bf16",
    ]
