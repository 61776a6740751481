"""Along what a run can be compared, which phases two sides share, and what is the same on both."""

from __future__ import annotations

from dataclasses import replace

from cvbench_tui.core.plan import Case
from cvbench_tui.results.compare.model import Side
from cvbench_tui.results.compare.ways import alike, common_phases, ways
from tests.results.samples import ENVIRONMENT, measurement, model, plan, run_of

RESNET = Case(model("Resnet18"), "cuda:0", 8)


def test_the_axes_are_those_in_which_rows_of_one_workload_differ() -> None:
    cases = [RESNET, replace(RESNET, batch=16), RESNET.varied(precision="bf16"), replace(RESNET, device="cpu")]
    assert ways(run_of(plan(*cases))) == ("batch", "precision", "device")
    others = run_of(plan(RESNET, Case(model("VGG16"), "cpu", 4, settings=(("precision", "bf16"),))))
    assert ways(others) == (), "rows of different workloads are no variants"


def test_phases_are_those_that_both_sides_have() -> None:
    only = measurement(RESNET, 0.01, factors={"forward": 1.0, "inference": 0.75})
    a, b = Side("a", run_of(plan(RESNET), measurement(RESNET, 0.01))), Side("b", run_of(plan(RESNET), only))
    assert common_phases(a, a, "run") == ("forward", "backward", "total", "inference")
    assert common_phases(a, b, "run") == ("forward", "inference")
    assert common_phases(a, Side("c", run_of(plan(RESNET))), "run") == ()


def test_what_is_the_same_is_named() -> None:
    a = run_of(plan(RESNET), measurement(RESNET, 0.01))
    facts = (*ENVIRONMENT.facts, ("cuda:0.power_limit_w", 700.0))
    versions = tuple({**dict(ENVIRONMENT.versions), "torch": "2.15.0"}.items())
    b = run_of(plan(RESNET, protocol="quick"), environment=replace(ENVIRONMENT, versions=versions, facts=facts))
    assert alike(Side("a", a), Side("a", a)) == (
        "NVIDIA H100 80GB HBM3", "torch 2.14.1+cu130", "driver 580.1", "python 3.11.9", "protocol default",
    )  # fmt: skip
    assert alike(Side("a", a), Side("b", b)) == ("NVIDIA H100 80GB HBM3", "driver 580.1", "python 3.11.9")
    assert "power limit 700.0 W" in alike(Side("b", b), Side("b", b))
    assert alike(Side("a", a), Side("n", run_of(plan(RESNET), environment=None))) == ("protocol default",)
