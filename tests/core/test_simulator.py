"""The worker's stopwatch and the grades against machines whose truth is known; every draw is seeded.

Shares of so many repeats are known to within their own chance: a bound for one process may be passed by two
standard errors, the bounds for all together are as they stand.
"""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from functools import cache

import pytest

from cvbench_tui.core.protocol import PROTOCOLS
from tests.core.simulator.drive import Outcome, measure
from tests.core.simulator.processes import KINDS
from tests.every import every

REPEATS = 125
"""For each length of an iteration; a process has two."""
BASES_S = (0.005, 0.05)
NAMES = ("default", "quick")
BY_NAME = {kind.name: kind for kind in KINDS}
ONE_MODE = [kind.name for kind in KINDS if kind.one_mode]


@cache
def outcomes(kind: str, protocol: str) -> tuple[Outcome, ...]:
    """Repeats of that process, half of them fast and half slow iterations."""
    drawn = [(base_s, seed) for base_s in BASES_S for seed in range(REPEATS)]
    return tuple(measure(BY_NAME[kind], PROTOCOLS[protocol], base_s, seed) for base_s, seed in drawn)


def share(found: list[bool]) -> float:
    return sum(found) / len(found)


@pytest.mark.parametrize("protocol", NAMES)
@every("kind", ONE_MODE)
def test_intervals_of_each_one_mode_process_hold_the_truth(kind, protocol):
    covered = [each.covered for each in outcomes(kind, protocol)]
    error = math.sqrt(0.05 * 0.95 / len(covered))
    assert 0.93 - 2 * error <= share(covered) <= 0.97 + 2 * error


@pytest.mark.parametrize("protocol", NAMES)
def test_intervals_hold_the_truth_as_often_as_they_say(protocol):
    assert 0.93 <= share([each.covered for kind in ONE_MODE for each in outcomes(kind, protocol)]) <= 0.97


@pytest.mark.parametrize("protocol", NAMES)
@every("kind", BY_NAME)
def test_no_grade_a_is_off_by_more_than_twice_the_precision(kind, protocol):
    graded_a = [each for each in outcomes(kind, protocol) if each.assessment.grade == "A"]
    assert max((abs(each.error) for each in graded_a), default=0.0) <= 2 * PROTOCOLS[protocol].precision


@pytest.mark.parametrize("protocol", NAMES)
def test_two_speeds_are_called_and_a_quiet_machine_is_not(protocol):
    assert share(["bimodal" in each.codes for each in outcomes("two-state", protocol)]) >= 0.90
    assert share(["bimodal" in each.codes for each in outcomes("quiet", protocol)]) <= 0.02


@pytest.mark.parametrize("protocol", NAMES)
def test_a_quiet_machine_gets_its_a_at_the_first_look(protocol):
    found = outcomes("quiet", protocol)
    assert share([each.assessment.grade == "A" for each in found]) >= 0.98
    assert share([each.rounds == PROTOCOLS[protocol].min_rounds for each in found]) >= 0.98


@pytest.mark.parametrize("protocol", NAMES)
def test_no_a_survives_a_busy_process_on_every_core(protocol):
    assert {each.assessment.grade for each in outcomes("crowd", protocol)} == {"X"}


@pytest.mark.parametrize("protocol", NAMES)
def test_no_a_survives_it_where_waiting_is_not_told(protocol):
    found = [measure(BY_NAME["crowd"], PROTOCOLS[protocol], 0.05, seed, blind=True) for seed in range(10)]
    assert all("contention" in each.codes for each in found)


@pytest.mark.parametrize("protocol", NAMES)
def test_rounds_that_a_passing_neighbour_disturbed_are_taken_again(protocol):
    found = outcomes("neighbour", protocol)
    again = [each for each in found if "repeated" in each.codes]
    assert len(again) >= 0.1 * len(found)
    assert share([abs(each.error) <= PROTOCOLS[protocol].precision for each in again]) >= 0.98


def test_looking_after_every_round_costs_coverage_and_the_factor_pays_for_it():
    noisy, looking = BY_NAME["AR(1)"], PROTOCOLS["default"]
    blind = replace(looking, min_rounds=looking.max_rounds)
    found = {
        protocol: [measure(noisy, protocol, 0.05, seed) for seed in range(2 * REPEATS)] for protocol in (looking, blind)
    }
    bare = {protocol: share([each.covered_without_factor for each in each_of]) for protocol, each_of in found.items()}
    assert bare[looking] < bare[blind]
    assert bare[looking] < share([each.covered for each in found[looking]])


def test_the_simulator_needs_no_torch():
    code = "import sys, tests.core.simulator.drive; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
