"""Ours against a hand-written loop: which ratios are known, when pairs end, and what the whole says. No clock here."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from cvbench_tui.selftest.context import CheckFailed
from cvbench_tui.selftest.reference import ReferenceFailed


@pytest.fixture
def fidelity(program):
    return program("fidelity")


def workload(fidelity, ratios, phase="total"):
    """With pairs of these ratios in that phase, and in every other one of 1."""
    pairs = [({"total": 1.0, "inference": 1.0, phase: ratio}, {"total": 1.0, "inference": 1.0}) for ratio in ratios]
    for _, loop in pairs:
        loop.setdefault(phase, 1.0)
    return fidelity.Workload("x", pairs)


@pytest.mark.parametrize(
    ("ratios", "expected"),
    [
        ([1.002, 0.998, 1.001, 1.003, 0.999, 1.0], "within"),
        ([1.002, 0.998, 1.001, 1.003, 0.999], "-"),  # five pairs have no interval
        ([1.02, 1.03, 1.02, 1.025, 1.03, 1.02], "off"),
        ([0.97, 0.98, 0.97, 0.98, 0.97, 0.98], "off"),
        ([0.95, 1.02, 1.03, 0.98, 1.0, 1.05], "-"),
        ([1.005, 1.03, 1.02, 1.025, 1.03, 1.02], "-"),
    ],
)
@pytest.mark.parametrize("phase", ["total", "inference"])
def test_a_workload_is_decided_by_its_pairs(fidelity, ratios, expected, phase):
    assert workload(fidelity, ratios, phase).verdict == expected


def test_a_part_that_is_off_is_enough_and_one_that_scatters_is_not(fidelity):
    """Forward is a part of total, and shorter."""
    assert workload(fidelity, [1.03] * 6, "forward").verdict == "off"
    scattered = workload(fidelity, [0.9, 1.1, 0.9, 1.1, 0.9, 1.1], "forward")
    assert scattered.verdict == "within"
    assert not scattered.over
    (line,) = (line for line in scattered.lines() if "forward" in line)
    assert "cannot tell: the pairs scatter by" in line


def test_a_device_time_that_is_off_is_too(fidelity):
    assert workload(fidelity, [1.03] * 6, "total, device").verdict == "off"
    assert workload(fidelity, [0.9, 1.1, 0.9, 1.1, 0.9, 1.1], "total, device").verdict == "-"


def test_a_time_that_one_side_does_not_know_is_not_compared(fidelity):
    found = workload(fidelity, [1.0] * 6, "total, device")
    del found.pairs[3][1]["total, device"]
    assert set(found.ratios()) == {"total", "inference"}
    assert found.verdict == "within"


def sides(fidelity, ours, loop=1.0):
    """Two sides that say so."""

    def side(value):
        def take():
            if isinstance(value, Exception):
                raise value
            return {"total": value, "inference": 1.0}

        return take

    return fidelity.Workload("x"), (side(ours), side(loop))


def test_pairs_end_when_a_workload_is_known_but_not_as_soon_as_it_looks_off(fidelity):
    within, off = sides(fidelity, 1.001), sides(fidelity, 1.03)
    done = []
    fidelity.alternate([within, off], 9, lambda: False, done.append)
    assert [len(each.pairs) for each, _ in (within, off)] == [6, 9]
    assert done == [within[0], off[0]]


def test_the_time_ends_it_but_not_before_there_are_intervals(fidelity):
    off = sides(fidelity, 1.03)
    fidelity.alternate([off], 9, lambda: True, lambda _: None)
    assert len(off[0].pairs) == 6


def test_the_other_side_is_first_each_time(fidelity):
    order = []
    made = fidelity.Workload("x")
    both = (lambda: order.append("ours") or {"total": 1.0}, lambda: order.append("loop") or {"total": 1.0})
    for _ in range(3):
        fidelity.take(made, both)
    assert order == ["ours", "loop", "loop", "ours", "ours", "loop"]


@pytest.mark.parametrize(("failure", "expected"), [(CheckFailed("No."), "off"), (ReferenceFailed("No."), "-")])
def test_only_our_own_failure_is_off(fidelity, failure, expected):
    one = sides(fidelity, failure) if isinstance(failure, CheckFailed) else sides(fidelity, 1.0, failure)
    done = []
    fidelity.alternate([one], 9, lambda: False, done.append)
    assert (one[0].verdict, one[0].pairs, done) == (expected, [], [one[0]])
    assert "No." in one[0].lines()[-1]


def judged(fidelity, within, off, unknown, others):
    known = [workload(fidelity, [1.0] * 6)] * within + [workload(fidelity, [1.03] * 6)] * off
    return [bar.verdict for bar in fidelity.bars(known + [workload(fidelity, [1.0])] * unknown, others)]


def test_the_bars(fidelity):
    assert judged(fidelity, 19, 1, 20, 0.01) == ["met", "met"]
    assert judged(fidelity, 18, 1, 0, 0.01) == ["missed", "met"]
    assert judged(fidelity, 19, 0, 21, 0.01) == ["met", "missed"]
    assert judged(fidelity, 19, 0, 21, 0.3) == ["met", "not judged"]
    assert judged(fidelity, 0, 0, 3, None) == ["not judged", "not judged"]
    assert (
        "decided 20 of 40, of these 19 within 1%"
        in fidelity.bars(
            [workload(fidelity, [1.0] * 6)] * 19 + [workload(fidelity, [1.03] * 6)] + [workload(fidelity, [1.0])] * 20,
            0.0,
        )[0].line()
    )


class Bench:
    """A bench that has both times, as on a card."""

    on_cuda = True

    def ask(self, case, method):
        return SimpleNamespace(values_s={"total": {"bare": 3.0, "led": 1.0}[method]})


def test_on_a_card_each_time_has_its_own_loop(fidelity):
    assert fidelity.loop(Bench(), None) == {"total": 3.0, "total, device": 1.0}
    result = SimpleNamespace(median_s=1.0, host_s=3.0, device_s=1.0)
    values = fidelity.values_of(SimpleNamespace(result=lambda _: result))
    assert (values["total"], values["total, device"]) == (3.0, 1.0)
    on_cpu = SimpleNamespace(median_s=1.0, host_s=None, device_s=None)
    assert set(fidelity.values_of(SimpleNamespace(result=lambda _: on_cpu))) == {
        "forward",
        "backward",
        "total",
        "inference",
    }


def test_a_visit_is_one_go(fidelity):
    """A pause between the sides would be in their ratio."""
    assert (fidelity.VISIT.visits, fidelity.VISIT.max_visits, fidelity.VISIT.span_s) == (1, 1, 0.0)
