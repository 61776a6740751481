from dataclasses import replace

import pytest

from cvbench_tui.core.protocol import Protocol
from cvbench_tui.worker.timing.pacing import (
    LEAD_S,
    MAX_GROUP,
    MAX_LEAD_S,
    Costs,
    Room,
    max_group_for,
    pacing_for,
    window_iterations,
)

DEFAULT = Protocol("at one go")


def sizes(
    iteration_s, *, phase_s=None, cost_s=1e-7, floor_s=0.0, most=MAX_GROUP, protocol=DEFAULT, host_s=None, group=None
):
    costs = Costs(iteration_s, phase_s or iteration_s / 3, host_s, cost_s, floor_s)
    return pacing_for(protocol, costs, most, group)


def test_long_iterations_are_samples_of_their_own_ten_to_a_round():
    found = sizes(0.05)
    assert (found.group, found.regions_per_sample, found.samples_per_round) == (1, 1, 10)
    assert found.discard == 1


def test_short_iterations_are_grouped_into_samples_of_a_millisecond():
    found = sizes(100e-6)
    assert found.group == 1
    assert found.regions_per_sample == 10
    assert found.samples_per_round == round(DEFAULT.round_s / DEFAULT.sample_s)


def test_a_round_of_fast_work_lasts_as_long_as_the_protocol_says():
    for iteration_s in (1e-5, 1e-4, 1e-3, 0.004):
        found = sizes(iteration_s)
        seconds = found.samples_per_round * found.regions_per_sample * found.group * iteration_s
        assert 0.9 * DEFAULT.round_s <= seconds <= 1.2 * DEFAULT.round_s


def test_an_iteration_of_seconds_gets_five_rounds_of_one():
    assert sizes(3.0).samples_per_round == 1
    assert sizes(0.3).samples_per_round == 4
    assert sizes(3.0).discard == 0


def test_a_region_is_200_times_its_own_cost():
    found = sizes(3e-6, phase_s=1e-6, cost_s=1e-7)
    assert found.group == 20


def test_a_device_with_a_floor_groups_up_to_it():
    assert sizes(300e-6, phase_s=100e-6, floor_s=1e-3).group == 10
    assert sizes(30e-3, phase_s=10e-3, floor_s=1e-3).group == 1


def test_memory_limits_the_group():
    found = sizes(30e-6, phase_s=10e-6, floor_s=1e-3, most=4)
    assert found.group == 4
    assert max_group_for(free_bytes=8_000, iteration_bytes=500) == 4
    assert max_group_for(free_bytes=8_000, iteration_bytes=50_000) == 1
    assert max_group_for(None, None) == 16
    assert max_group_for(1 << 40, 1) == MAX_GROUP


def test_blocks_are_long_enough_and_bounded():
    found = sizes(3e-3, phase_s=1e-3, floor_s=1e-3)
    assert found.regions_per_block == 17
    assert sizes(3e-6, phase_s=1e-6, floor_s=1e-3).regions_per_block * MAX_GROUP <= 500


def test_windows_are_a_tenth_of_a_second_or_five_iterations_or_what_fits():
    assert window_iterations(DEFAULT, 1e-3) == 100
    assert window_iterations(DEFAULT, 0.05) == 5
    assert window_iterations(DEFAULT, 0.4) == 2
    assert window_iterations(DEFAULT, 10.0) == 1


@pytest.mark.parametrize("iteration_s", [0.0, 1e-12, 1e6])
def test_absurd_times_give_finite_sizes(iteration_s):
    found = pacing_for(replace(DEFAULT, max_rounds=5), Costs(iteration_s, iteration_s))
    assert 1 <= found.samples_per_round <= 1_000_000
    assert 1 <= window_iterations(DEFAULT, iteration_s) <= 1_000_000


def test_a_group_that_is_about_right_is_kept():
    assert sizes(300e-6, phase_s=100e-6, floor_s=1e-3, group=8).group == 8
    assert sizes(300e-6, phase_s=100e-6, floor_s=1e-3, group=4).group == 10


def test_a_device_slower_than_its_host_is_led_by_one_region():
    found = sizes(10e-3, host_s=4e-3)
    assert found.lead_s == pytest.approx(5e-3)
    assert found.regions_per_block == 5


def test_a_device_faster_than_its_host_waits_until_the_whole_block_is_queued():
    found = sizes(1e-3, host_s=3e-3)
    assert found.lead_s == pytest.approx(1.25 * found.regions_per_block * 3e-3)
    assert found.lead_s <= LEAD_S
    assert found.regions_per_block == 2
    assert found.covers
    assert not sizes(10e-3, host_s=4e-3).covers


def test_one_region_that_takes_long_to_queue_gets_a_longer_lead_up_to_a_bound():
    assert sizes(30e-3, host_s=50e-3).lead_s == pytest.approx(62.5e-3)
    assert sizes(30e-3, host_s=50e-3).regions_per_block == 1
    assert sizes(90e-3, host_s=90e-3).lead_s == MAX_LEAD_S
    assert MAX_LEAD_S == 0.1


def test_long_iterations_need_no_lead_unless_the_host_is_slow():
    assert sizes(0.5, host_s=0.01).lead_s == 0.0
    assert sizes(0.5, host_s=0.45).lead_s == MAX_LEAD_S


def test_what_does_not_fit_the_queue_is_halved_and_then_cut_into_segments():
    room, tried = Room(), []
    while room.enough:
        room = room.less(min(room.iterations, 4), segments=True)
        tried.append((room.iterations, room.operators))
    assert tried == [(2, 0), (1, 0), (1, 400), (1, 200), (1, 100), (1, 50), (1, 0)]
    assert not Room(iterations=1).less(1, segments=False).enough


def test_of_a_round_most_is_spent_on_the_number():
    fast, slow = (
        pacing_for(DEFAULT, Costs(1e-3, 1e-3, host_s, wall_s=wall_s)) for host_s, wall_s in ((2e-4, 1e-3), (3e-3, 3e-3))
    )
    assert fast.shares(fast.regions) == (200, 50)
    assert slow.shares(slow.regions) == (slow.regions_per_block, 67)
    assert pacing_for(DEFAULT, Costs(0.5, 0.2, 0.01)).shares(5) == (5, 0), "without a lead all are one and the same"


def test_a_round_of_host_bound_work_is_as_long_by_the_clock_on_the_wall():
    found = sizes(10e-6, host_s=200e-6, floor_s=1e-3)
    assert found.regions * found.group * 260e-6 == pytest.approx(DEFAULT.round_s, rel=0.2)
