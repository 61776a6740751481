"""The stopwatch's rules against a device and a clock made of numbers: no torch work is timed here."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import replace

import pytest

from cvbench_tui.core.protocol import CLEAN
from cvbench_tui.core.stats.estimate import estimate
from cvbench_tui.worker.devices.backend import ClockError
from cvbench_tui.worker.timing.pacing import window_iterations
from tests.worker.machine import DEFAULT, Machine, Pass, take, with_cap

CAREFUL = replace(DEFAULT, name="careful", precision=0.005, max_rounds=30, warmup_cap_s=10.0)


def jitter(seed: int, level: float, share: float):
    draw = random.Random(seed)
    return lambda _: level * draw.uniform(1 - share, 1 + share)


def test_the_stopwatch_and_all_it_stands_on_need_no_torch():
    code = "import sys, cvbench_tui.worker.timing.stopwatch; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_quiet_work_stops_at_the_fewest_rounds():
    result, told = take(Machine(jitter(1, 0.003, 0.001)))
    assert [phase.stop for phase in result.phases] == ["precision"] * 3
    assert [len(phase.rounds) for phase in result.phases] == [5, 5, 5]
    assert [news.rounds for news in told if news.stage == "measuring"] == [1, 2, 3, 4, 5]
    assert result.record.settled


def test_forward_and_backward_add_up_to_total_sample_by_sample():
    result, _ = take(Machine(jitter(3, 0.003, 0.3)))
    forward, backward, total = (phase.rounds for phase in result.phases)
    for parts in zip(forward, backward, total, strict=True):
        for first, second, whole in zip(*parts, strict=True):
            assert first + second == pytest.approx(whole, abs=2e-12)


def test_noise_takes_more_rounds_and_says_when_it_gave_up():
    draw = random.Random(1)
    level = {}
    result, _ = take(Machine(lambda index: 0.01 * level.setdefault(index // 12, draw.uniform(0.8, 1.2))))
    assert {phase.stop for phase in result.phases} == {"rounds"}
    assert len(result.phases[0].rounds) == DEFAULT.max_rounds


def test_slow_work_ends_at_the_budget_with_five_rounds_at_least():
    result, _ = take(Machine(jitter(2, 2.0, 0.25)))
    assert {phase.stop for phase in result.phases} == {"budget"}
    assert len(result.phases[0].rounds) == DEFAULT.min_rounds


def test_an_iteration_longer_than_the_budget_is_taken_five_times_and_ends_with_an_interval():
    machine = Machine(jitter(2, 20.0, 0.1))
    result, _ = take(machine)
    assert {phase.stop for phase in result.phases} == {"budget"}
    assert [len(taken) for taken in result.phases[2].rounds] == [1] * 5
    assert estimate([result.phases[2].rounds]).half_width_s > 0
    assert machine.done <= 9  # three to warm up and one window


def test_what_was_had_by_the_deadline_is_the_result():
    machine = Machine(jitter(2, 100.0, 0.1))
    result, _ = take(machine, deadline_s=450.0)
    assert {phase.stop for phase in result.phases} == {"budget"}
    assert 1 <= len(result.phases[0].rounds) < 5
    assert machine.now <= 451
    assert not result.record.settled


def test_work_that_becomes_slow_after_the_warm_up_does_not_overrun_the_budget():
    machine = Machine(lambda index: 0.003 if index < 300 else 0.3)
    result, _ = take(machine)
    assert len(result.phases[0].rounds) >= 5
    assert result.timed_s < 1.5 * DEFAULT.budget_s
    assert all(taken for taken in result.phases[2].rounds)


def test_a_ramp_is_warmed_away():
    """Clocks rise over the first 150 ms: the steady value is what counts, not the first iterations."""
    result, _ = take(Machine(lambda index: 0.005 * (1 + 0.3 * 0.97**index)))
    median = sorted(result.phases[2].rounds[0])[len(result.phases[2].rounds[0]) // 2]
    assert median == pytest.approx(0.005, rel=0.01)
    assert result.record.settled


def test_a_warm_up_that_never_settles_is_bounded_and_said():
    result, _ = take(Machine(lambda index: 0.01 * (1 + 0.002 * index)))
    assert not result.record.settled
    assert DEFAULT.warmup_cap_s <= result.record.warmup_s < 2 * DEFAULT.warmup_cap_s


@pytest.mark.parametrize("seconds", [0.2, 1.0, 5.0])
@pytest.mark.parametrize("protocol", [CLEAN, DEFAULT, CAREFUL], ids=lambda p: p.name)
def test_slow_but_steady_work_is_not_called_unsettled(seconds, protocol):
    result, _ = take(Machine(jitter(7, seconds, 1e-4)), protocol)
    assert result.record.settled
    assert {phase.stop for phase in result.phases} == {"precision"}


@pytest.mark.parametrize(("growing", "calls"), [(0, 3), (5, 8), (12, 15)])
def test_new_allocations_keep_the_functional_warm_up_going(growing, calls):
    """After the last call that took new memory, three quiet ones have to follow before any window."""
    machine = Machine(lambda _: 0.01)
    machine.allocations = lambda: min(machine.done, growing)
    take(machine, with_cap(100.0))
    assert machine.blocks.index(min(5, window_iterations(DEFAULT, 0.01))) == calls


def test_a_newly_compiled_graph_keeps_it_going_too():
    machine = Machine(lambda _: 0.01)
    read = machine.read
    machine.read = lambda: replace(read(), recompiles=min(machine.done, 4))
    take(machine)
    assert machine.blocks[:7] == [1] * 7


def test_the_rule_looks_at_every_phase_and_the_widest_is_told():
    """A noisy forward beside a backward that makes up for it: the total alone would be precise at once."""
    draw = random.Random(5)
    share = {}
    machine = Machine(jitter(4, 0.01, 1e-4))
    timed = Pass(machine)

    def split(marks):
        start, _, end = marks
        forward = (end - start) * share.setdefault(int(start * 8), draw.uniform(0.2, 0.5))
        return forward, end - start - forward, end - start

    timed.seconds = split
    result, told = take(machine, timed=timed)
    assert {phase.stop for phase in result.phases} == {"rounds"}
    assert told[-1].phase == "forward"


def test_what_is_told_last_is_what_the_final_estimate_is_made_of():
    result, told = take(Machine(jitter(9, 0.01, 0.2)))
    phases = {phase.phase: phase for phase in result.phases}
    assert told[-1].estimate == estimate([phases[told[-1].phase].rounds])


def test_a_disturbed_round_is_taken_again_and_kept():
    steady = jitter(3, 0.003, 0.001)

    def disturbed(index: int) -> float:
        machine.waited_s += 0.1 if index == 200 else 0.0
        return steady(index)

    machine = Machine(disturbed)
    result, told = take(machine)
    waits = [each.waited_s for each in result.record.evidence]
    assert sorted(waits)[-1] == pytest.approx(0.1)
    assert len(result.phases[0].rounds) == len(waits) == DEFAULT.min_rounds + 1
    assert result.phases[0].stop == "precision"
    assert told[-1].rounds == DEFAULT.min_rounds + 1


def test_evidence_covers_each_round_and_the_pass_keeps_its_accounts():
    machine = Machine(jitter(3, 0.003, 0.001))
    result, _ = take(machine)
    record = result.record
    assert len(record.evidence) == len(result.phases[0].rounds)
    for seen, taken in zip(record.evidence, result.phases[2].rounds, strict=True):
        assert seen.timed_s == pytest.approx(sum(taken), rel=1e-4)
        assert seen.cpu_s == pytest.approx(seen.wall_s)
        assert seen.wall_s >= seen.timed_s
    assert result.timed_s == pytest.approx(sum(seen.timed_s for seen in record.evidence), abs=1e-5)
    assert record.busy_s == pytest.approx(record.wall_s)  # this machine does nothing else
    assert record.warmup_s == pytest.approx(record.wall_s - sum(seen.wall_s for seen in record.evidence), abs=1e-5)
    assert len(record.warmup_windows_s) >= 3
    assert record.group == 1
    assert record.name == "training"


@pytest.mark.parametrize("share", [0.0, 0.9])
def test_cpu_time_after_the_last_call_is_seen(share):
    machine = Machine(jitter(3, 0.003, 0.001))
    machine.idle_cpu_share = share
    result, _ = take(machine)
    assert result.record.deferred_share == pytest.approx(share)


def test_on_the_cpu_short_work_keeps_marks_of_its_own_and_a_sample_is_a_mean():
    machine = Machine(jitter(3, 30e-6, 0.01))
    result, _ = take(machine)
    assert set(machine.groups) == {1}
    assert result.phases[0].iterations_per_sample == 34
    assert result.phases[2].rounds[0][0] == pytest.approx(30e-6, rel=0.01)


def test_where_regions_have_a_floor_short_work_is_grouped():
    machine = Machine(jitter(3, 300e-6, 0.01))
    machine.clock, machine.region_s = "host_synchronize", 0.01
    machine.free_bytes = lambda: 1 << 40
    result, _ = take(machine)
    assert max(machine.groups) == result.record.group == 64
    assert result.phases[2].rounds[0][0] == pytest.approx(300e-6, rel=0.01)


def test_inference_holds_no_graphs_and_is_grouped_up_to_the_clocks_floor():
    machine = Machine(jitter(3, 50e-6, 0.01))
    machine.clock, machine.region_s, machine.name = "host_synchronize", 0.01, "inference"
    machine.free_bytes = lambda: None
    result, _ = take(machine)
    assert result.record.group * 50e-6 >= 0.01 / 1.5
    assert result.record.region_floor_s == 0.01
    assert result.record.lead_s is None


def test_groups_are_warmed_up_before_they_are_timed():
    machine = Machine(jitter(3, 300e-6, 0.01))
    machine.clock, machine.region_s = "host_synchronize", 0.01
    machine.allocations = lambda: sum(group > 1 for group in machine.groups[:12])
    result, told = take(machine)
    assert result.record.settled
    assert sum(news.stage == "warming up" for news in told) > 8


def test_a_workload_that_raises_is_not_swallowed():
    def fails(index: int) -> float:
        if index > 40:
            raise RuntimeError("CUDA out of memory")
        return 0.01

    with pytest.raises(RuntimeError, match="out of memory"):
        take(Machine(fails))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(lambda _: -0.003, "backwards"), (lambda _: float("nan"), "backwards|no number"), (lambda _: 0.0, "stood still")],
)
def test_a_clock_that_gives_no_duration_is_an_error_and_never_a_number(seconds, words):
    machine = Machine(jitter(3, 0.003, 0.001))
    timed = Pass(machine)
    before = timed.seconds
    timed.seconds = lambda marks: before(marks) if machine.done < 200 else (seconds(0),) * 3
    with pytest.raises(ClockError, match=words):
        take(machine, timed=timed)


def test_a_host_clock_that_stands_still_from_the_start_does_not_hang():
    with pytest.raises(ClockError, match="stood still"):
        take(Machine(lambda _: 0.0))
