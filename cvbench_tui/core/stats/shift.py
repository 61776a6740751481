"""How far apart two series of repeats are, on logarithms, and how well that is known.

Both series are independent of one another, each in the order of time; or they are pairs that were measured in turn.
What else was tried, with its numbers: docs/methodology.md, "Comparing".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from cvbench_tui.core.stats.estimate import MIN_WALSH, Z_975, centre, deviation, parts_of, walsh_widths
from cvbench_tui.core.stats.student import quantile

FENCE = 1.5
"""Multiple of the distance of the quartiles, beyond which a repeat counts as if it were there (Tukey's fences): one
process in ten that takes 20 or 50% longer hid a true 5% in 6% of the pairs without, and in 2% with it."""
MIN_FENCED = 5  # repeats, below which quartiles say little
PARTS = 5  # of the time, whose differences show how slowly times wander
WANDER = 1.3
"""Error of a run's centre over what ranks say, which take visits for independent: as what is expected before the parts
are looked at. It is 1 for times that do not wander, and up to 2 for those that do for longer than a visit."""
EXPECTED_FREEDOM = 8
"""Degrees of freedom that this expectation counts as, beside the 4 to 8 of the parts: five parts alone agree, or not,
by chance. Of seven simulated machines together 1.6% of two runs of the same are called different with it, and 99.6% of
a true 5% found; by the parts alone, and at least 1.1 of what ranks say, 1.8 and 98.9%."""
PAIRS_WIDER = 1.1
"""Than ranks say is the interval of pairs: a run ends when they look alike, which they do by chance, and intervals by
ranks alone held the truth in 90 to 97% where it is to be 95%."""
TWO_SIDED = 0.975


@dataclass(frozen=True)
class Shift:
    """A difference of logarithms."""

    log: float
    error: float | None  # standard error; None where one side has a single repeat
    freedom: float  # degrees of freedom of the error


def between(a: Sequence[float], b: Sequence[float]) -> Shift:
    """How far ``a`` is above ``b``: the median of the differences of all their pairs (Hodges and Lehmann's for two
    samples), which a quarter of outliers on either side does not move far.

    Its error is made of two: that of the parts of the time, of which each is laid against the whole other side, and the
    one by ranks (Mann and Whitney; Hollander and Wolfe, Nonparametric Statistical Methods, 4.3, normal approximation),
    ``WANDER`` times as large. Their squares are averaged by their degrees of freedom, as a variance that is expected is
    with one that is seen (Gelman and others, Bayesian Data Analysis, 2.6). Raises statistics.StatisticsError where a
    side has no repeat.
    """
    a, b = fenced(a), fenced(b)
    differences = sorted([one - other for one in a for other in b])
    middle = median(differences)
    if min(len(a), len(b)) < 2:
        return Shift(middle, None, 1.0)
    mine = _of_parts([_middle(part, b) for part in parts_of(a, min(PARTS, len(a)))])
    theirs = _of_parts([_middle(part, a) for part in parts_of(b, min(PARTS, len(b)))])
    seen, expected = _freedom(a, b), min(EXPECTED_FREEDOM, len(a) + len(b) - 2)
    by_ranks = WANDER * _rank_width(differences, len(a), len(b)) / Z_975
    variance = (seen * (mine**2 + theirs**2) + expected * by_ranks**2) / (seen + expected)
    return Shift(middle, math.sqrt(variance), seen + expected)


def of_pairs(differences: Sequence[float]) -> Shift:
    """The Hodges-Lehmann centre of the differences of pairs, in the order of time, and its interval by Walsh averages,
    ``PAIRS_WIDER`` times as wide; Student's t for fewer than six. What wanders slowly is the same on both sides of a
    pair, so that one pair's difference says nothing about the next. Raises statistics.StatisticsError for none."""
    values = fenced(differences)
    count = len(values)
    if count < 2:
        return Shift(centre(values), None, 1.0)
    freedom = count - 1.0
    if count < MIN_WALSH:
        return Shift(centre(values), deviation(values) / math.sqrt(count), freedom)
    below, above = walsh_widths(values)
    return Shift(centre(values), PAIRS_WIDER * (below + above) / 2 / quantile(TWO_SIDED, freedom), freedom)


def fenced(values: Sequence[float]) -> list[float]:
    """The values, those beyond Tukey's fences put onto them."""
    if len(values) < MIN_FENCED:
        return list(values)
    ordered = sorted(values)
    low, high = _quartile(ordered, 0.25), _quartile(ordered, 0.75)
    least, most = low - FENCE * (high - low), high + FENCE * (high - low)
    return [min(max(value, least), most) for value in values]


def _quartile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _middle(part: Sequence[float], whole: Sequence[float]) -> float:
    return median([one - other for one in part for other in whole])


def _of_parts(middles: Sequence[float]) -> float:
    """Standard error of their mean."""
    return deviation(middles) / math.sqrt(len(middles))


def _rank_width(ordered: Sequence[float], a: int, b: int) -> float:
    """Half width of the 95% interval by the ordered differences of so many repeats on each side."""
    skipped = max(1, math.floor(a * b / 2 - Z_975 * math.sqrt(a * b * (a + b + 1) / 12)) + 1)
    return (ordered[-skipped] - ordered[skipped - 1]) / 2


def _freedom(a: Sequence[float], b: Sequence[float]) -> float:
    """Degrees of freedom of the sum of both sides' errors, of as many parts each, by Welch and Satterthwaite; to a
    tenth, rounded down. Their weights are the variances of the repeats, since those of five parts are too few to tell
    which side is the noisier one."""
    errors = [deviation(side) ** 2 / len(side) for side in (a, b)]
    freedoms = [min(PARTS, len(side)) - 1 for side in (a, b)]
    parts = math.fsum(error**2 / freedom for error, freedom in zip(errors, freedoms))
    freedom = math.fsum(errors) ** 2 / parts if parts > 0 else float(sum(freedoms))
    return max(1.0, math.floor(10 * freedom) / 10)
