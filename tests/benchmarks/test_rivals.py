"""How much time other harnesses need, on made-up runs; which sides there are; timm's loop around another model."""

from __future__ import annotations

import dataclasses
import sys
from types import SimpleNamespace

import pytest

from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.workload import Workload

CASE = Case(Workload("model", "Resnet18", "resnet18", (3, 32, 32)), "cpu", 2, settings=(("threads", "1"),))


@pytest.fixture
def rivals(program):
    return program("rivals")


def runs(rivals, spread, seconds, count=10):
    """Numbers that alternate around 1 by ``spread``."""
    values = [1 + spread * (-1) ** place for place in range(count)]
    return [rivals.Run({"total": value, "inference": value}, seconds) for value in values]


def test_twice_the_spread_is_four_times_the_seconds(rivals):
    own = runs(rivals, 0.01, 30.0)
    assert rivals.times_ours(own, runs(rivals, 0.02, 30.0), "total") == pytest.approx(4.0)
    assert rivals.times_ours(own, runs(rivals, 0.01, 15.0), "total") == pytest.approx(0.5)
    assert rivals.times_ours(own, runs(rivals, 0.02, 30.0, count=4), "total") is None


@pytest.mark.parametrize(
    ("times", "verdict", "words"),
    [
        ([3.0, 4.0, 2.5, 3.0, 5.0, 2.2], "met", "interval 2.20 to 5.00"),
        ([3.0, 4.0, 1.5, 3.0, 5.0, 2.2], "met", "cannot be told"),
        ([0.5, 1.0, 1.5, 3.0, 1.0, 1.2], "missed", "cannot be told"),
        ([0.5, 1.0, 1.5, 1.9, 1.0, 1.2], "missed", "interval 0.50 to 1.90"),
        ([3.0] * 5, "not judged", "5 lines"),
    ],
)
def test_the_bar_is_the_median_and_says_what_chance_decides(rivals, times, verdict, words):
    bar = rivals.bar("timm =t", times)
    assert bar.verdict == verdict
    assert words in bar.line()
    assert ("cannot be told" in bar.line()) == (words == "cannot be told")


def test_every_line_has_its_times_but_ours(rivals, capsys):
    taken = {"ours": runs(rivals, 0.01, 30.0), "timm =t": runs(rivals, 0.02, 30.0), "timm": runs(rivals, 0.02, 3.0, 3)}
    assert rivals.report("resnet18", taken) == {"timm =t": [pytest.approx(4.0)] * 2}
    assert len(capsys.readouterr().out.splitlines()) == 6


class Bench:
    """A bench whose clock stands at 0, 40, 80 ... and that remembers what was asked."""

    threads = 1

    def __init__(self, *, on_cuda=False):
        self.on_cuda = on_cuda
        self.clock = iter(range(0, 10**6, 40)).__next__
        self.asked = []
        self.reference = self

    def measure(self, case, protocol):
        result = SimpleNamespace(median_s=1.0)
        return SimpleNamespace(result=lambda _: result, measurement=SimpleNamespace(wall_s=15.0))

    def ask(self, case, method, **options):
        self.asked.append((method, options["seconds"], options["defaults"]))
        return SimpleNamespace(values_s={"total": 1.0, "inference": 1.0}, seconds=2.0)


def test_others_get_the_seconds_that_ours_takes_with_its_pauses(rivals):
    bench = Bench(on_cuda=True)
    sides = rivals.sides_of(bench, CASE, PROTOCOLS["quick"], "timm_package")
    assert (sides["ours"]().seconds, sides["ours"]().visits_s) == (40, 15.0)
    for side in sides.values():
        side()
    assert bench.asked == [
        ("timm_package", 20.0, False), ("timm_package", 0.0, True),
        ("blocked", 20.0, False), ("blocked", 0.0, True),
        ("do_bench", 20.0, False), ("do_bench", 0.0, True),
    ]  # fmt: skip
    assert not any("do_bench" in name for name in rivals.sides_of(Bench(), CASE, PROTOCOLS["quick"], "timm"))


@pytest.mark.torch
def test_timm_s_loop_trains_timm_s_own_model(program, monkeypatch):
    """The gradients that are cleared are the new model's."""
    import torch

    made = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 32 * 32, 2))
    monkeypatch.setitem(sys.modules, "timm", SimpleNamespace(create_model=lambda name, pretrained: made))
    loops = program("rival_loops")
    monkeypatch.setattr(loops, "TIMM_STEPS", 3)
    work = loops.TimedModule(dataclasses.asdict(CASE))
    found = loops.timm_package(work, 0.0, {"case": dataclasses.asdict(CASE), "phases": ["total", "inference"]})
    assert [len(found[phase]) for phase in ("total", "inference")] == [3, 3]
    assert work.subject.module is made
    assert set(map(id, work.subject.parameters)) == set(map(id, made.parameters()))
