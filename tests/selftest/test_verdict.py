"""Verdicts on synthetic figures: a right engine passes, a wrong one fails, a noisy machine is undecided."""

from __future__ import annotations

import math
import random

import pytest

from cvbench_tui.selftest import verdict
from cvbench_tui.selftest.figures import Point, RatioEstimate, compare
from cvbench_tui.selftest.verdict import Interval

SECONDS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
RIGHT = [Point(s, s, 0.0) for s in SECONDS]
"""What a bare loop sees where nothing disturbs it."""


def runs(numbers: random.Random, centre: float, noise: float, count: int) -> list[float]:
    return [centre * math.exp(numbers.gauss(0, noise)) for _ in range(count)]


def verdicts(ratio: float, noise: float, *, count: int = 12, repeats: int = 200) -> dict[str, int]:
    """How often each verdict comes out when our side is off by ``ratio`` on a machine of that noise."""
    numbers = random.Random(11)
    found: dict[str, int] = {"pass": 0, "FAIL": 0, "undecided": 0}
    for _ in range(repeats):
        sides = runs(numbers, ratio, noise, count), runs(numbers, 1.0, noise, count)
        found[verdict.ratio_line("bare loop", "x", compare(*sides), 0.01).verdict] += 1
    return found


def test_an_equal_engine_passes_on_a_quiet_machine():
    assert verdicts(1.0, 0.002)["pass"] == 200


def test_an_engine_that_is_off_fails_on_a_quiet_machine():
    assert verdicts(1.03, 0.002)["FAIL"] == 200
    assert verdicts(0.97, 0.002)["FAIL"] == 200


def test_a_noisy_machine_decides_nothing_and_never_fails_an_equal_engine():
    found = verdicts(1.0, 0.1)
    assert found["FAIL"] == 0
    assert found["undecided"] >= 190


def test_a_gross_error_is_seen_through_noise():
    assert verdicts(2.0, 0.1)["FAIL"] == 200


def test_an_error_below_the_scatter_is_not_called_one():
    assert verdicts(1.03, 0.1)["FAIL"] <= 4


@pytest.mark.parametrize(
    ("found", "expected", "words"),
    [
        (RatioEstimate(1.001, 0.995, 1.006, 0.05, 12), "pass", "The interval is within 1%"),
        (RatioEstimate(1.004, 0.98, 1.02, 0.008, 12), "pass", "the pairs scatter by less"),
        (RatioEstimate(1.03, 1.02, 1.04, 0.005, 12), "FAIL", "Off by more"),
        (RatioEstimate(1.03, 1.02, 1.04, 0.05, 12), "undecided", "the pairs scatter by 5.0%"),
        (RatioEstimate(1.012, 1.005, 1.02, 0.004, 12), "undecided", "Too noisy to tell 1%"),
        (RatioEstimate(1.5, None, None, 0.004, 3), "undecided", "Only 3 pairs"),
    ],
)
def test_each_way_to_a_verdict(found, expected, words):
    line = verdict.ratio_line("bare loop", "Dense, total", found, 0.01)
    assert line.verdict == expected
    assert words in line.sentence
    assert dict(line.numbers)["bound"] == 0.01


def test_unknown_scatter_is_none_and_not_infinity():
    line = verdict.ratio_line("bare loop", "x", compare([1.0], [1.0]), 0.01)
    assert dict(line.numbers)["scatter"] is None
    assert line.noise == "-"


def duration_verdicts(slope: float, intercept_s: float, share: float) -> list[str]:
    points = [Point(s, intercept_s + slope * s, share * s) for s in SECONDS]
    return [line.verdict for line in verdict.duration_lines(points, RIGHT)]


def test_programmed_durations():
    assert duration_verdicts(1.0, 1e-6, 1e-4) == ["pass", "pass"]
    assert duration_verdicts(1.01, 1e-6, 1e-4) == ["FAIL", "pass"]
    assert duration_verdicts(1.0, 2e-5, 1e-4) == ["pass", "FAIL"]


@pytest.mark.parametrize(("least", "expected"), [(1.0, "pass"), (1.05, "undecided")])
def test_where_our_interval_is_wide_the_shortest_samples_decide(least, expected):
    points = [Point(s, 1.05 * s, 0.2 * s, least * s) for s in SECONDS]
    assert verdict.duration_lines(points, RIGHT)[0].verdict == expected
    point = Point(0.005, 0.00505, 0.003, least * 0.005)
    assert verdict.known_duration_line("timer trap", "x", point, 0.01).verdict == expected


def test_the_lines_say_which_durations():
    points = [Point(s, s, 0.0) for s in SECONDS]
    slope, offset = verdict.duration_lines(points, RIGHT)
    assert slope.compared == "5 from 100.0 µs to 1.000 s"
    assert slope.figure == "slope 1.00000"
    assert offset.figure.startswith("intercept ")


@pytest.mark.parametrize(
    ("measured", "grade", "expected"),
    [(2e-5, "X", "pass"), (0.1, "A", "pass"), (2e-5, "C", "FAIL"), (2e-5, "A", "FAIL"), (0.05, "B", "FAIL")],
)
def test_hidden_work_is_timed_or_called_invalid(measured, grade, expected):
    assert verdict.hidden_work_line("x", measured, 0.1, grade).verdict == expected


def test_bent_timers_show():
    assert verdict.known_duration_line("timer trap", "x", Point(0.005, 0.00501, 1e-6), 0.01).verdict == "pass"
    assert verdict.known_duration_line("timer trap", "x", Point(0.005, 0.0005, 1e-6), 0.01).verdict == "FAIL"
    assert verdict.known_duration_line("timer trap", "x", Point(0.005, 0.006, 0.003), 0.01).verdict == "undecided"
    assert verdict.known_duration_line("timer trap", "x", Point(0.005, 0.006, math.inf), 0.01).verdict == "undecided"


def test_interrupted_spins_are_not_the_clocks_fault_when_the_shortest_are_right():
    longer, wrong = Point(0.005, 0.0055, 1e-6, 0.005001), Point(0.005, 0.0055, 1e-6, 0.00549)
    shorter = Point(0.005, 0.0045, 1e-6, 0.0045)
    judged = [verdict.known_duration_line("timer trap", "x", each, 0.01).verdict for each in (longer, wrong, shorter)]
    assert judged == ["undecided", "FAIL", "FAIL"]
    interrupted = [Point(s, 1.05 * s, 0.0, 1.0001 * s) for s in SECONDS]
    assert verdict.duration_lines(interrupted, RIGHT)[0].verdict == "undecided"
    slow_clock = [Point(s, 1.05 * s, 0.0, 1.05 * s) for s in SECONDS]
    assert verdict.duration_lines(slow_clock, RIGHT)[0].verdict == "FAIL"
    assert verdict.duration_lines(slow_clock, slow_clock)[0].verdict == "undecided"
    noisy = [Point(s, 0.97 * s, 0.0) for s in SECONDS]
    assert verdict.duration_lines(slow_clock, noisy)[0].verdict == "undecided"  # no truth to be had here


def test_a_busy_machine_gives_no_a():
    assert verdict.busy_line("x", [True] * 4).verdict == "pass"
    assert verdict.busy_line("x", [True, False, True, True]).verdict == "FAIL"
    assert verdict.busy_line("x", []).verdict == "undecided"


def twice(half_width: float, count: int, *, noise: float = 0.01, seed: int = 3) -> str:
    """Pairs of numbers whose true spread is ``noise`` and whose intervals claim ``half_width``."""
    numbers = random.Random(seed)

    def one() -> Interval:
        centre = math.exp(numbers.gauss(0, noise))
        return Interval(centre, centre * (1 - half_width), centre * (1 + half_width))

    return verdict.twice_line("x", [(one(), one()) for _ in range(count)]).verdict


def test_right_intervals_cover_and_narrow_ones_do_not():
    assert twice(0.02, 40) == "pass"
    assert twice(0.004, 40) == "FAIL"
    assert twice(0.001, 6) == "FAIL"


def test_intervals_that_overlap_and_contain_no_centre_fail():
    one, other = Interval(1.0, 0.97, 1.03), Interval(1.05, 1.02, 1.08)
    line = verdict.twice_line("x", [(one, other)] * 6)
    assert (line.verdict, line.figure) == ("FAIL", "6 of 6 overlap, 0 cover")


def test_a_direction_is_half():
    line = verdict.twice_line("x", [(Interval(1.0, 0.9, 1.1), Interval(1.05, 1.04, 1.06))] * 2)
    assert line.figure == "2 of 2 overlap, 1 cover"


def test_wide_intervals_are_judged_and_wild_numbers_are_not():
    """Not by our own opinion of them: by how far the numbers lie apart."""
    assert twice(0.5, 6, noise=0.02) == "pass"
    assert twice(0.5, 40, noise=0.15) == "undecided"
    assert twice(0.05, 40, noise=0.5) == "FAIL"


def test_false_alarms_of_right_intervals_are_rare():
    assert sum(twice(0.0196, 6, seed=seed) == "FAIL" for seed in range(500)) <= 10


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        (["pass", "pass"], "can be relied on"),
        (["pass", "undecided"], "1 of 2 lines are undecided"),
        (["undecided", "FAIL"], "1 of 2 lines failed"),
    ],
)
def test_the_last_sentence_says_what_it_means(verdicts, words):
    sentence = verdict.closing([verdict.VerdictLine("x", "x", "x", "x", each, "x") for each in verdicts])
    assert words in sentence
    assert sentence.count(".") == 1


def test_a_region_must_be_200_times_its_cost():
    assert verdict.empty_region_line("x", 1e-7, 2.1e-5).verdict == "pass"
    assert verdict.empty_region_line("x", 1e-7, 1.9e-5).verdict == "FAIL"


def test_nothing_must_not_be_graded_a():
    assert verdict.nothing_line(4e-7, seen=True).verdict == "pass"
    assert verdict.nothing_line(4e-7, seen=False).verdict == "FAIL"


def test_only_our_own_silence_is_a_failure():
    ours, theirs = (verdict.broken_line("x", "No number.", ours=mine) for mine in (True, False))
    assert (ours.verdict, theirs.verdict) == ("FAIL", "undecided")


def test_the_exit_code_is_1_for_a_failure_only():
    lines = [verdict.broken_line("x", "s", ours=mine) for mine in (False, True)]
    assert [verdict.exit_code(lines[:1]), verdict.exit_code(lines), verdict.exit_code([])] == [0, 1, 0]
