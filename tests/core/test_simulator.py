"""The engine's schedule, the worker's stopwatch and the grades against machines whose truth is known; every draw is
seeded.

Shares of so many repeats are known to within their own chance: a bound for one process may be passed by two
standard errors, the bounds for all together are as they stand.
"""

from __future__ import annotations

import math
import subprocess
import sys
from functools import cache

import pytest

from cvbench_tui.core.protocol import PROTOCOLS
from tests.core.simulator.__main__ import apart
from tests.core.simulator.drive import Outcome, measure
from tests.core.simulator.processes import KINDS
from tests.every import every

REPEATS = 100
"""For each length of an iteration; a process has two."""
BASES_S = (0.005, 0.05)
NAMES = ("default", "quick")
BY_NAME = {kind.name: kind for kind in KINDS}
ONE_MODE = [kind.name for kind in KINDS if kind.one_mode]
LETTERS = {"A": 0.01, "B": 0.03, "C": 0.10}


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
    assert share(covered) >= 0.93 - 2 * error


@pytest.mark.parametrize("protocol", NAMES)
def test_intervals_hold_the_truth_as_often_as_they_say(protocol):
    assert 0.93 <= share([each.covered for kind in ONE_MODE for each in outcomes(kind, protocol)]) <= 0.97


@pytest.mark.parametrize("protocol", NAMES)
def test_two_runs_of_the_same_are_hardly_ever_called_different(protocol):
    assert share([apart(outcomes(kind, protocol)) for kind in ONE_MODE]) <= 0.02


@every("kind", ["wander", "flicker"])
def test_visits_that_are_spread_hold_the_truth_more_often_than_visits_in_a_row(kind):
    spread = share([each.covered for each in outcomes(kind, "default")])
    at_one_go = [measure(BY_NAME[kind], PROTOCOLS["default"], 0.05, seed, rows=1) for seed in range(2 * REPEATS)]
    assert spread >= share([each.covered for each in at_one_go]) - 0.02
    errors = [sum(each.error**2 for each in found) for found in (outcomes(kind, "default"), at_one_go)]
    assert errors[0] < 0.8 * errors[1]


@every(("letter", "within"), list(LETTERS.items()))
def test_what_a_letter_says_is_true(letter, within):
    """Of the stationary processes; a letter is of the interval, which misses one time in twenty."""
    graded = [each for kind in ONE_MODE for each in outcomes(kind, "default") if each.assessment.grade == letter]
    assert len(graded) >= 20
    assert share([abs(each.error) <= within for each in graded]) >= 0.95
    assert max(abs(each.error) for each in graded) <= 2.5 * within


@pytest.mark.parametrize("protocol", NAMES)
def test_two_speeds_are_called_and_a_quiet_machine_is_not(protocol):
    least = 0.9 if protocol == "default" else 0.5  # a few rounds of 0.1 s may see one speed alone
    assert share(["bimodal" in each.codes for each in outcomes("two-state", protocol)]) >= least
    assert share(["bimodal" in each.codes for each in outcomes("quiet", protocol)]) <= 0.02


@pytest.mark.parametrize("protocol", NAMES)
def test_a_quiet_machine_is_precise_at_the_first_look(protocol):
    found = outcomes("quiet", protocol)
    assert share([each.found.relative <= PROTOCOLS[protocol].precision for each in found]) >= 0.95
    assert share([each.visits == PROTOCOLS[protocol].visits for each in found]) >= 0.98


@pytest.mark.parametrize("protocol", NAMES)
def test_no_number_survives_a_busy_process_on_every_core(protocol):
    assert {each.assessment.grade for each in outcomes("crowd", protocol)} == {"X"}


@pytest.mark.parametrize("protocol", NAMES)
def test_no_a_survives_it_where_waiting_is_not_told(protocol):
    found = [measure(BY_NAME["crowd"], PROTOCOLS[protocol], 0.05, seed, blind=True) for seed in range(10)]
    assert all("waits_unknown" in each.codes and each.assessment.grade != "A" for each in found)


def test_rounds_that_a_passing_neighbour_disturbed_are_taken_again():
    found = outcomes("neighbour", "default")
    again = [each for each in found if "repeated" in each.codes]
    assert len(again) >= 0.1 * len(found)
    assert share([abs(each.error) <= 0.01 for each in again]) >= 0.98


def test_a_machine_that_drifts_or_steps_gets_an_interval_that_says_so():
    for kind in ("drift", "step"):
        wide = [each.found.relative >= 0.01 or abs(each.error) <= 0.01 for each in outcomes(kind, "default")]
        assert share(wide) >= 0.98


def test_the_simulator_needs_no_torch():
    code = "import sys, tests.core.simulator.drive; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
