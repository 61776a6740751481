"""The selftest's own statistics, kept apart from the estimate that they judge. Pure functions.

Ratios are handled as logarithms, so that twice as long and half as long are equally far from equal. Intervals are those
of the sign test: right for any distribution, and not moved by one disturbed run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

SURE = 0.95  # least probability with which an interval holds the true median
MIN_PAIRS = 6  # fewest values with a 95% sign interval: all of six lie on one side of the median in 3.1% of cases
NORMAL = 1.4826  # standard deviation over median absolute deviation, for a normal distribution


@dataclass(frozen=True)
class RatioEstimate:
    """One side against the other, from runs that alternated."""

    ratio: float  # median of the pairs' ratios
    low: float | None  # lower end of its 95% interval; None from fewer than six pairs
    high: float | None
    scatter: float
    """Standard deviation of one pair's ratio, as a share, by the median absolute deviation: one bad run does not move
    it. Infinite from fewer than two pairs: nothing is known then."""
    pairs: int


@dataclass(frozen=True)
class Point:
    """A workload of known duration, and what was measured."""

    programmed_s: float
    measured_s: float
    half_width_s: float  # of the 95% interval of the measurement
    min_s: float | None = None  # the shortest sample: interruptions lengthen samples, so a right clock shows here

    @property
    def shortest(self) -> Point:
        """The same with the shortest sample as what was measured."""
        return replace(self, measured_s=self.measured_s if self.min_s is None else self.min_s)


@dataclass(frozen=True)
class Fit:
    """The straight line through points, with the half widths that the points' intervals give it."""

    slope: float
    slope_half_width: float
    intercept_s: float
    intercept_half_width_s: float


def median_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """The 95% interval of the median by the sign test (two order statistics); None from fewer than six values."""
    count = len(values)
    if count < MIN_PAIRS:
        return None
    outside = 0.0
    rank = 0
    while outside + 2 * math.comb(count, rank) / 2**count <= 1 - SURE:
        outside += 2 * math.comb(count, rank) / 2**count
        rank += 1
    ordered = sorted(values)
    return ordered[rank - 1], ordered[count - rank]


def compare(ours: Sequence[float], theirs: Sequence[float]) -> RatioEstimate:
    """Ours over theirs, pair by pair in the order taken. Raises ValueError for none, or for unequal numbers."""
    if not ours or len(ours) != len(theirs):
        raise ValueError("as many runs of one side as of the other, at least one")
    logs = [math.log(a / b) for a, b in zip(ours, theirs, strict=True)]
    interval = median_interval(logs)
    low, high = map(math.exp, interval) if interval else (None, None)
    middle = median(logs)
    scatter = math.expm1(NORMAL * median(abs(each - middle) for each in logs)) if len(logs) > 1 else math.inf
    return RatioEstimate(math.exp(middle), low, high, scatter, len(logs))


def fit(points: Sequence[Point]) -> Fit:
    """Least squares with each point weighed by 1 / duration squared, since errors grow with the duration. The long
    points then settle the slope and the short ones the intercept. Raises ValueError for fewer than two different
    durations."""
    if len({point.programmed_s for point in points}) < 2:
        raise ValueError("a line needs two different durations")
    weights = [(point.programmed_s**-2, point) for point in points]
    total = sum(weight for weight, _ in weights)
    centre = sum(weight * point.programmed_s for weight, point in weights) / total
    spread = sum(weight * (point.programmed_s - centre) ** 2 for weight, point in weights)
    towards_slope = [(weight * (point.programmed_s - centre) / spread, point) for weight, point in weights]
    both = zip(weights, towards_slope, strict=True)
    towards_intercept = [(weight / total - centre * share, point) for (weight, point), (share, _) in both]
    return Fit(*_combined(towards_slope), *_combined(towards_intercept))


def _combined(shares: Sequence[tuple[float, Point]]) -> tuple[float, float]:
    """Weighted sum of independent measurements, and its half width."""
    value = sum(share * point.measured_s for share, point in shares)
    return value, math.sqrt(sum((share * point.half_width_s) ** 2 for share, point in shares))


def at_least(count: int, trials: int, chance: float) -> float:
    """Probability of ``count`` or more among ``trials``, each with ``chance`` (binomial)."""
    terms = (math.comb(trials, k) * chance**k * (1 - chance) ** (trials - k) for k in range(count, trials + 1))
    return min(1.0, sum(terms))
