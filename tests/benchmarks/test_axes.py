"""Values of axes against a loop by hand: what is told of them, and which there are. No clock here."""

from __future__ import annotations

import pytest

from cvbench_tui.core.evidence import Evidence, PassRecord
from cvbench_tui.core.measurement import Compilation, Measurement
from cvbench_tui.selftest.figures import RatioEstimate
from cvbench_tui.selftest.reference import ReferenceFailed
from tests.every import every


@pytest.fixture
def axes(program):
    return program("axes")


def found(low, high):
    return RatioEstimate(1.0, low, high, 0.0, 8)


@every(
    ("ratio", "noise", "expected"),
    [
        ((0.99, 1.02), (0.97, 1.03), "within"),
        ((1.005, 1.008), (0.999, 1.001), "within"),  # no machine is quieter than 1%
        ((0.97, 1.06), (0.97, 1.03), "within"),  # wider than the noise, but it holds 1
        ((1.05, 1.08), (0.97, 1.03), "OFF"),
        ((0.90, 0.95), (0.97, 1.03), "OFF"),
        ((1.01, 1.06), (0.97, 1.03), "too noisy to tell"),
        ((1.20, 1.30), (0.80, 1.30), "too noisy to tell"),
        ((0.85, 1.20), (0.97, 1.03), "too noisy to tell"),
        ((None, None), (0.97, 1.03), "too few pairs"),
        ((0.99, 1.02), (None, None), "too few pairs"),
    ],
)
def test_a_ratio_is_judged_by_that_of_the_loop_over_itself(axes, ratio, noise, expected):
    assert axes.verdict(found(*ratio), found(*noise)) == expected


def side(value):
    return lambda: {"total": value, "inference": value / 4}


def pairs_of(axes, ours=1.0, again=1.0, count=8):
    made = axes.Tested("precision bf16")
    for number in range(count):
        made.take(f"model {number}", {"ours": side(ours), "loop": side(1.0), "again": side(again)})
    return made


def test_a_value_is_judged_in_each_phase_over_the_pairs_of_all_models(axes):
    same, slower = pairs_of(axes), pairs_of(axes, ours=1.05)
    assert same.verdicts() == {"total": "within", "inference": "within"}
    assert slower.verdicts() == {"total": "OFF", "inference": "OFF"}
    assert axes.bar([same]).verdict == "met"
    off = axes.bar([same, slower])
    assert (off.verdict, off.value, off.note.split(";")[0]) == ("missed", 2.0, "told 4 of 4, of these 2 off")
    assert "1.050" in slower.lines()[0]


def test_nothing_is_said_of_few_pairs_nor_of_a_machine_that_is_too_noisy(axes):
    few = pairs_of(axes, ours=2.0, count=5)
    assert set(few.verdicts().values()) == {"too few pairs"}
    noisy = pairs_of(axes, ours=2.0, again=1.5)
    assert set(noisy.verdicts().values()) == {"too noisy to tell"}
    assert axes.bar([few, noisy]).verdict == "not judged"


def test_a_side_that_fails_leaves_its_model_out_and_is_printed(axes):
    def fails():
        raise ReferenceFailed("by_hand: no such kernel")

    made = pairs_of(axes)
    made.take("vgg11", {"ours": side(1.0), "loop": fails, "again": side(1.0)})
    assert len(made.taken) == 8
    assert made.lines()[-1].endswith("vgg11: by_hand: no such kernel")


def test_another_side_is_first_each_time(axes):
    order = []

    def noted(name):
        return lambda: order.append(name) or {"total": 1.0}

    made = axes.Tested("x")
    for _ in range(3):
        made.take("model", {name: noted(name) for name in ("ours", "loop", "again")})
    assert order == ["ours", "loop", "again", "loop", "again", "ours", "again", "ours", "loop"]


def test_values_are_those_of_the_registry_that_the_device_has(axes):
    on_cpu = axes.values_of("cpu", ())
    assert ("precision", "tf32") not in on_cpu
    assert {("precision", "amp-bf16"), ("memory_format", "channels_last"), ("threads", "1")} <= set(on_cpu)
    assert {name for name, _ in on_cpu}.isdisjoint({"compile", "graph", "cudnn"})
    assert ("optimizer", "sgd") in on_cpu
    assert {name for name, _ in axes.values_of("cuda:0", ("cudnn", "graph"))} == {"cudnn", "graph"}


@every(
    ("recompiles", "value", "word"),
    [((0, 0), 0.0, "met"), ((0, 3), 3.0, "missed"), ((0, None), None, "not judged"), ((), None, "not judged")],
)
def test_a_compilation_in_a_timed_round_misses_the_bar_and_so_does_no_count(axes, recompiles, value, word):
    evidence = tuple(Evidence(0.1, 0.1, recompiles=each) for each in recompiles)
    measured = Measurement(
        "x", (), None, None, None, 0.0, 0.0, 1, passes=(PassRecord("training", evidence),),
        compilation=Compilation(1.0, 2, cache_hits=3),
    )  # fmt: skip
    speedups = axes.Speedups(None, 1)
    speedups.note(measured)
    (bar,) = speedups.bars()
    assert (bar.value, bar.verdict) == (value, word)
    assert "cache was warm" in bar.note
