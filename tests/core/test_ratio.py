"""Ratios with their intervals: what they are of, what they do not claim, and how much more it takes to tell."""

from __future__ import annotations

import math
from random import Random
from statistics import median, quantiles, variance

import pytest

from cvbench_tui.core.stats.ratio import (
    PROCESS_DEVIATION,
    Ratio,
    Repeats,
    detectable,
    geometric_mean,
    more_repeats,
    p_different,
    p_slower,
    paired,
    unpaired,
    within,
)
from cvbench_tui.core.stats.shift import between, fenced, of_pairs


def drawn(seed: int, count: int, level: float = 0.0, deviation: float = 0.01) -> list[float]:
    random = Random(seed)
    return [random.gauss(level, deviation) for _ in range(count)]


def processes(seed: int, count: int = 10, level: float = 0.0, deviation: float = 0.01) -> Repeats:
    return Repeats(drawn(seed, count, level, deviation), "processes", count)


def test_a_side_against_itself_is_exactly_as_fast():
    for count in (2, 3, 5, 10, 60):
        side = processes(1, count)
        found = unpaired(side, side)
        assert found.speedup == 1.0
        assert p_different(found) == 1.0


def test_the_other_way_round_is_the_other_way_round():
    a, b = processes(1), processes(2, 14, level=-0.05)
    one, other = unpaired(a, b), unpaired(b, a)
    assert one.speedup == pytest.approx(1 / other.speedup)
    assert (one.low, one.high) == pytest.approx((1 / other.high, 1 / other.low))
    assert p_different(one) == pytest.approx(p_different(other))


def test_95_percent_of_the_intervals_of_independent_repeats_hold_the_truth():
    for make in (lambda seed: unpaired(processes(seed), processes(-seed - 1)), lambda seed: paired(drawn(seed, 10))):
        found = [make(seed) for seed in range(400)]
        held = sum(each.low <= 1 <= each.high for each in found) / len(found)
        assert 0.93 <= held <= 0.99


def test_one_slow_process_in_ten_hides_nothing():
    a = drawn(1, 20)
    b = drawn(2, 20, level=0.05)
    b[3] += 0.4
    b[15] += 0.2
    assert unpaired(Repeats(a, "processes", 20), Repeats(b, "processes", 20)).high < 1
    assert p_different(unpaired(Repeats(a, "processes", 20), Repeats(b, "processes", 20))) < 1e-4


def test_what_is_beyond_the_fences_is_put_onto_them():
    assert fenced([1.0, 2.0, 3.0, 4.0, 100.0]) == [1.0, 2.0, 3.0, 4.0, 7.0]  # quartiles 2 and 4
    assert fenced([1.0, 2.0, 100.0]) == [1.0, 2.0, 100.0]  # too few to say


def test_times_that_wander_slowly_widen_the_interval_of_two_runs_and_not_that_of_pairs():
    drift = [0.02 * math.sin(place / 4) for place in range(20)]
    a = [level + noise for level, noise in zip(drift, drawn(1, 20, deviation=0.001), strict=True)]
    b = [level + noise for level, noise in zip(drift, drawn(2, 20, deviation=0.001), strict=True)]
    shuffled = a[:], b[:]
    for side in shuffled:
        Random(3).shuffle(side)
    assert between(a, b).error > 1.3 * between(*shuffled).error
    assert of_pairs([one - other for one, other in zip(a, b, strict=True)]).error < 0.1 * between(a, b).error


def test_rounds_of_one_process_do_not_claim_what_processes_would_differ_by():
    rounds = Repeats(drawn(1, 12, deviation=1e-4), "rounds", 1), Repeats(drawn(2, 12, 0.01, 1e-4), "rounds", 1)
    found = unpaired(*rounds)
    assert found.basis == "rounds"
    assert found.error == pytest.approx(PROCESS_DEVIATION * math.sqrt(2), rel=0.01)
    assert p_different(found) > 0.05  # 1% apart
    far = unpaired(rounds[0], Repeats(drawn(2, 12, math.log(2), 1e-4), "rounds", 1))
    assert p_different(far) < 0.01  # twice as slow
    mixed = unpaired(rounds[0], processes(3, deviation=1e-4))
    assert mixed.basis == "rounds"
    assert mixed.error == pytest.approx(PROCESS_DEVIATION, rel=0.01)


def test_nothing_repeated_has_no_interval():
    for found in (unpaired(Repeats([0.0], "rounds"), processes(1)), paired([0.1])):
        assert found.basis == "single"
        assert (found.low, found.high, found.error, found.relative) == (None, None, None, None)
        assert (p_different(found), p_slower(found, 0.0)) == (1.0, 1.0)
        assert not within(found, 10.0)
        assert more_repeats(found, 0.01) is None
        assert detectable(found) is None


def test_repeats_without_any_spread_are_certain():
    found = paired([0.0] * 10)
    assert (found.low, found.high) == (1.0, 1.0)
    assert within(found, 0.0)
    assert p_different(found) == 1.0
    assert p_slower(found, 0.01) == 0.0 or p_slower(found, 0.01) == 1.0
    assert p_slower(paired([math.log(0.9)] * 10), 0.05) == 0.0
    assert p_different(paired([math.log(0.9)] * 10)) == 0.0


def test_a_slowdown_is_held_against_the_margin():
    slower = paired([-math.log(1.06) + each for each in drawn(1, 10, deviation=0.002)])
    assert p_slower(slower, 0.05) < 0.01
    assert p_slower(slower, 0.06) > 0.2
    assert p_slower(slower, 0.07) > 0.99
    assert p_slower(paired([math.log(1.06)] * 9 + [0.07]), 0.0) > 0.99  # faster


def test_how_many_more_it_takes():
    ratio = Ratio(math.exp(0.02), 0.0, 0.0, "processes", 10, error=0.02 / 2.0, freedom=8.0)
    more = more_repeats(ratio, 0.01)
    assert more == math.ceil(10 * (2.306 / 2) ** 2) - 10 == 4
    enough = Ratio(math.exp(0.02), 0.0, 0.0, "processes", 10 + more, 0.01 * math.sqrt(10 / (10 + more)), 8.0)
    assert enough.half_width <= 0.02
    near = Ratio(1.0, 0.0, 0.0, "pairs", 10, error=0.01, freedom=9.0)
    assert more_repeats(near, 0.01) == math.ceil(10 * (2.2622 * 0.01 / math.log(1.01)) ** 2) - 10
    assert more_repeats(Ratio(1.0, 0.0, 0.0, "pairs", 10, error=0.05, freedom=9.0), 0.01) is None  # over 1,000
    assert more_repeats(Ratio(1.01, 0.0, 0.0, "pairs", 10, error=0.05, freedom=9.0), 0.01) is None  # at the bound


def test_what_cannot_be_seen_is_above_the_interval():
    ratio = Ratio(1.0, 0.0, 0.0, "processes", 10, error=0.0134, freedom=8.0)  # the half width is 3.1%
    assert ratio.relative == pytest.approx(0.031, abs=2e-4)
    assert 0.04 < detectable(ratio) < 0.045


def test_a_geometric_mean_errs_as_if_all_rows_erred_alike():
    rows = [unpaired(processes(seed), processes(seed + 50, level=-0.1 * seed)) for seed in range(1, 4)]
    mean = geometric_mean(rows)
    assert mean.log == pytest.approx(sum(row.log for row in rows) / 3)
    assert mean.error == pytest.approx(sum(row.error for row in rows) / 3)
    assert mean.freedom == min(row.freedom for row in rows)
    assert mean.low < mean.speedup < mean.high
    assert geometric_mean(rows[:1]) == rows[0]
    without = geometric_mean([*rows, paired([0.0])])
    assert (without.low, without.error, without.basis) == (None, None, "single")


def parted(values: list[float]) -> list[list[float]]:
    return [values[place * len(values) // 5 : (place + 1) * len(values) // 5] for place in range(5)]


def by_hand(a: list[float], b: list[float]) -> tuple[float, float, float]:
    """Shift, error and degrees of freedom as docs/methodology.md tells them, of ten repeats or more each."""

    def on_fences(values: list[float]) -> list[float]:
        low, _, high = quantiles(values, n=4, method="inclusive")
        return [min(max(each, low - 1.5 * (high - low)), high + 1.5 * (high - low)) for each in values]

    def shift(one: list[float], other: list[float]) -> float:
        return median(x - y for x in one for y in other)

    a, b = on_fences(a), on_fences(b)
    differences = sorted(x - y for x in a for y in b)
    n, m = len(a), len(b)
    skipped = math.floor(n * m / 2 - 1.96 * math.sqrt(n * m * (n + m + 1) / 12)) + 1
    ranks = 1.3 * (differences[-skipped] - differences[skipped - 1]) / 2 / 1.96
    parts = sum(variance([shift(part, two) for part in parted(one)]) / 5 for one, two in ((a, b), (b, a)))
    errors = variance(a) / n, variance(b) / m
    freedom = math.floor(10 * sum(errors) ** 2 / (errors[0] ** 2 / 4 + errors[1] ** 2 / 4)) / 10
    error = math.sqrt((freedom * parts + 8 * ranks**2) / (freedom + 8))
    return shift(a, b), error, freedom + 8


def test_the_shift_of_two_samples_is_that_of_the_methodology():
    for seed in range(20):
        a, b = drawn(seed, 10), drawn(seed + 50, 15, level=0.03, deviation=0.02)
        found = between(a, b)
        assert (found.log, found.error, found.freedom) == pytest.approx(by_hand(a, b), rel=1e-4)


def test_pairs_have_an_interval_a_tenth_wider_than_ranks_say():
    values = [0.01 * each for each in (1, 2, 3, 4, 5, 6)]
    found = paired(values)  # of six, no Walsh average is left out: the interval reaches from end to end
    assert found.log == pytest.approx(0.035)
    assert found.half_width == pytest.approx(1.1 * 0.025)


def test_two_processes_are_half_as_uncertain_as_one_and_little_is_known_of_either():
    rounds = drawn(1, 12, deviation=1e-5), drawn(2, 12, deviation=1e-5)
    found = unpaired(Repeats(rounds[0], "rounds", 2), Repeats(rounds[1], "rounds", 2))
    assert found.error == pytest.approx(0.01, rel=0.01)  # the root of 1% squared, by two, of two sides
    assert found.freedom == pytest.approx(2.0, abs=0.1)


def test_within_means_the_whole_interval():
    ratio = Ratio(1.0, 0.98, 1.02, "processes", 10, error=0.01, freedom=10.0)
    assert not within(ratio, 0.01)
    assert within(ratio, 0.03)
