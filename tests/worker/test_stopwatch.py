"""The stopwatch's rules against a device and a clock made of numbers: no torch work is timed here."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.worker import stopwatch as module
from cvbench_tui.worker.pace import window_iterations
from cvbench_tui.worker.stopwatch import Stopwatch

DEFAULT = PROTOCOLS["default"]


class Machine:
    """A clock that only work moves, and a backend and a pass that live on it."""

    clock = "perf_counter"
    region_s = 0.0
    phases = ("forward", "backward", "total")
    headline = "total"

    def __init__(self, iteration_s: Callable[[int], float], *, queue_s: float | None = None) -> None:
        self.now = 0.0
        self.done = 0
        self.device_now = 0.0
        self.groups: list[int] = []
        self.counts: list[int] = []
        self._iteration_s = iteration_s
        self._queue_s = queue_s
        self.peak = 0

    # the clock
    def read(self) -> float:
        return self.now

    # the backend
    def mark(self) -> float:
        return self.now

    def settle(self) -> None:
        self.now = max(self.now, self.device_now)

    def seconds(self, start: float, end: float) -> float:
        return end - start

    def allocations(self) -> int | None:
        return min(self.done, 5)

    def reset_peak(self) -> None:
        self.peak = 100

    def peak_bytes(self) -> int | None:
        return self.peak

    def free_bytes(self) -> int | None:
        return 1 << 30

    # the pass
    def begin(self) -> None:
        pass

    def regions(self, count: int, group: int) -> list[tuple[float, float, float]]:
        self.peak += 50
        self.groups.append(group)
        self.counts.append(count)
        found = []
        for _ in range(count):
            seconds = sum(self._iteration_s(self.done + index) for index in range(group))
            self.done += group
            start = max(self.now, self.device_now) if self._queue_s else self.now
            if self._queue_s:
                self.now += self._queue_s * group
                self.device_now = start + seconds
            else:
                self.now += seconds
            found.append((start, start + seconds / 3, start + seconds))
        return found

    def pass_seconds(self, marks: tuple[float, float, float]) -> tuple[float, ...]:
        start, between, end = marks
        return between - start, end - between, end - start


class Pass:
    """The machine's pass, under the names the stopwatch calls."""

    phases = Machine.phases
    headline = Machine.headline

    def __init__(self, machine: Machine) -> None:
        self.begin = machine.begin
        self.regions = machine.regions
        self.seconds = machine.pass_seconds


@pytest.fixture
def take(monkeypatch):
    def run(machine: Machine, protocol=DEFAULT):
        told = []
        monkeypatch.setattr(module, "_clock", machine.read)
        watch = Stopwatch(Pass(machine), machine, protocol, lambda *news: told.append(news))
        return watch.run(), told

    return run


def codes(result) -> list[str]:
    return [notice.code for notice in result.notices]


def test_quiet_work_stops_at_the_fewest_rounds(take):
    result, told = take(Machine(lambda _: 0.003))
    assert [phase.stop for phase in result.phases] == ["precision"] * 3
    assert [len(phase.rounds) for phase in result.phases] == [5, 5, 5]
    assert result.notices == []
    assert [news[1] for news in told if news[0] == "measuring"] == [1, 2, 3, 4, 5]


def test_forward_and_backward_add_up_to_total_sample_by_sample(take):
    draw = random.Random(3)
    result, _ = take(Machine(lambda _: draw.uniform(0.002, 0.004)))
    forward, backward, total = (phase.rounds for phase in result.phases)
    for parts in zip(forward, backward, total, strict=True):
        for first, second, whole in zip(*parts, strict=True):
            assert first + second == pytest.approx(whole, abs=2e-9)


def test_noise_takes_more_rounds_and_says_when_it_gave_up(take):
    draw = random.Random(1)
    level = {}

    def noisy(index: int) -> float:
        return 0.01 * level.setdefault(index // 12, draw.uniform(0.8, 1.2))

    result, _ = take(Machine(noisy))
    assert {phase.stop for phase in result.phases} == {"rounds"}
    assert len(result.phases[0].rounds) == DEFAULT.max_rounds


def test_slow_work_ends_at_the_budget_with_five_rounds_at_least(take):
    draw = random.Random(2)
    result, _ = take(Machine(lambda _: draw.uniform(1.5, 2.5)))
    assert {phase.stop for phase in result.phases} == {"budget"}
    assert len(result.phases[0].rounds) == DEFAULT.min_rounds


def test_a_ramp_is_warmed_away(take):
    """Clocks rise over the first 150 ms: the steady value is what counts, not the first iterations."""
    machine = Machine(lambda index: 0.005 * (1 + 0.3 * 0.97**index))
    result, _ = take(machine)
    median = sorted(result.phases[2].rounds[0])[len(result.phases[2].rounds[0]) // 2]
    assert median == pytest.approx(0.005, rel=0.01)
    assert codes(result) == []


def test_a_warm_up_that_never_settles_is_bounded_and_said(take):
    machine = Machine(lambda index: 0.01 * (1 + 0.002 * index))
    result, _ = take(machine)
    assert "unsettled_total" in codes(result)
    assert result.warmup_s < 2 * DEFAULT.warmup_cap_s


@pytest.mark.parametrize("seconds", [0.2, 1.0, 5.0])
@pytest.mark.parametrize("protocol", [PROTOCOLS["quick"], DEFAULT, PROTOCOLS["rigorous"]], ids=lambda p: p.name)
def test_slow_but_steady_work_is_not_called_unsettled(take, seconds, protocol):
    result, _ = take(Machine(lambda _: seconds), protocol)
    assert codes(result) == []
    assert {phase.stop for phase in result.phases} == {"precision"}


@pytest.mark.parametrize(("growing", "calls"), [(0, 3), (5, 8), (12, 15)])
def test_new_allocations_keep_the_functional_warm_up_going(take, growing, calls):
    """After the last call that took new memory, three quiet ones have to follow before any window."""
    machine = Machine(lambda _: 0.01)
    machine.allocations = lambda: min(machine.done, growing)
    take(machine, replace(DEFAULT, warmup_cap_s=100.0))
    assert machine.counts.index(window_iterations(DEFAULT, 0.01)) == calls


def test_the_rule_looks_at_every_phase(take):
    """A noisy forward beside a backward that makes up for it: the total alone would be precise at once."""
    draw = random.Random(5)
    share = {}
    machine = Machine(lambda _: 0.01)

    def split(marks):
        start, _, end = marks
        forward = (end - start) * share.setdefault(int(start * 8), draw.uniform(0.2, 0.5))
        return forward, end - start - forward, end - start

    machine.pass_seconds = split
    result, _ = take(machine)
    assert {phase.stop for phase in result.phases} == {"rounds"}


def test_every_round_begins_with_unrecorded_iterations(take):
    result, _ = take(machine := Machine(lambda _: 0.003))
    rounds = len(result.phases[0].rounds)
    assert machine.counts.count(2) == rounds + 1  # and once to read the memory


def test_groups_are_warmed_up_before_they_are_timed(take):
    machine = Machine(lambda _: 30e-6)
    machine.clock, machine.region_s = "host_synchronize", 1e-3
    machine.allocations = lambda: min(machine.groups.count(64), 3)
    take(machine)
    first = machine.groups.index(64)
    assert machine.counts[first : first + 4] == [1, 1, 1, 1]


def test_cuda_blocks_are_bounded_and_led_by_an_unrecorded_iteration(take):
    machine = Machine(lambda _: 0.003, queue_s=0.0001)
    machine.clock = "cuda_event"
    result, _ = take(machine)
    assert machine.counts[-6:] == [1, 17, 1, 17, 1, 6]
    assert sum(len(samples) for samples in result.phases[0].rounds) == 40 * len(result.phases[0].rounds)


def test_one_call_of_memory_is_read_untimed(take):
    result, _ = take(Machine(lambda _: 0.003))
    assert result.memory_peak_bytes == 150


def test_short_work_on_an_accelerator_is_grouped(take):
    machine = Machine(lambda _: 30e-6)
    machine.clock, machine.region_s = "host_synchronize", 1e-3
    result, _ = take(machine)
    assert max(machine.groups) == 64
    assert result.phases[0].iterations_per_sample == 64
    assert "short_region_total" in codes(result)
    assert result.phases[2].rounds[0][0] == pytest.approx(30e-6)


@pytest.mark.parametrize(("queue_s", "noticed"), [(0.0001, False), (0.00299, True)])
def test_a_device_that_waits_for_the_host_is_said(take, queue_s, noticed):
    machine = Machine(lambda _: 0.003, queue_s=queue_s)
    machine.clock = "cuda_event"
    result, _ = take(machine)
    assert ("host_bound_total" in codes(result)) == noticed


def test_a_workload_that_raises_is_not_swallowed(take):
    def fails(index: int) -> float:
        if index > 40:
            raise RuntimeError("CUDA out of memory")
        return 0.01

    with pytest.raises(RuntimeError, match="out of memory"):
        take(Machine(fails))
