"""Estimate of a phase and its 95% interval, shared by the worker's stop rule and the results.

The estimate is the Hodges-Lehmann centre of independent repeats: round medians within one visit; from three visits on
the centres of the visits, because rounds of one visit share memory layout, clock and choice of algorithm. All is
computed on logarithms: times are products of causes, and no interval reaches zero.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import accumulate, combinations
from statistics import fmean, median

T_975 = (12.706, 4.303, 3.182, 2.776)
"""97.5% quantiles of Student's t for 1 to 4 degrees of freedom (standard tables)."""
QUARTERS = 4
WALSH_SHARE = 0.8
"""Of the interval by Walsh averages, below which that by quarters never goes: four quarters may agree by chance. In
simulation (20 visits, 1,500 repeats) 96.6% of intervals contain the true value for independent normal visits and 97.1%
with a tenth of them 20 or 50% slower; 94.5 and 95.8% without the floor, 98.5 and 97.9% with all of it."""
MIN_WALSH = 6  # fewest values whose 95% interval by Walsh averages exists
MAX_EXACT = 100  # values whose signed ranks are counted exactly; no protocol has as many visits
Z_975 = 1.959964  # 97.5% quantile of the normal distribution
MIN_VISITS = 3  # from so many visits on, visits and not rounds are the independent repeats
MAX_LOG = math.asinh(1.0)  # half width of an interval on logarithms: the interval's half width is then the estimate
MAX_RELATIVE = 1.0  # half width as a share of the estimate, beyond which nothing is known


@dataclass(frozen=True)
class Estimate:
    """Estimate of a phase with its 95% interval, seconds per iteration."""

    median_s: float  # Hodges-Lehmann centre of the repeats
    low_s: float | None = None  # None for fewer than two repeats, and for samples that are no durations
    high_s: float | None = None
    repeats: tuple[float, ...] = ()
    """Logarithms of the repeats, in the order of time: of the visits, or of the rounds where there are fewer than three
    visits; none for samples that are no durations."""

    @property
    def half_width_s(self) -> float | None:
        """Half width of the interval, seconds; None without one."""
        return None if self.low_s is None or self.high_s is None else (self.high_s - self.low_s) / 2

    @property
    def relative(self) -> float | None:
        """Half width as a share of the estimate, 1 at most; None without an interval."""
        if self.half_width_s is None or self.median_s <= 0:
            return None
        return min(MAX_RELATIVE, self.half_width_s / self.median_s)


def half_widths(values: Sequence[float]) -> tuple[float, float] | None:
    """Distances of the 95% interval's ends, below and above, from the centre of ``values``, which are independent
    repeats or wander slowly, in the order of time; in their unit. None for fewer than two.

    Where times wander, successive repeats are alike, and an interval that takes them for independent is too narrow.
    Quarters of the time differ as much as whole runs do, for noise of the kind 1/f. So the interval is Student's t over
    the centres of four quarters, and at least 0.8 of Hodges and Lehmann's own by the Walsh averages. From fewer than
    four values it is Student's t over the values.
    """
    if len(values) < 2:
        return None
    if len(values) < QUARTERS:
        width = _t_width(values)
        return width, width
    quarters = [centre(each) for each in parts_of(values, QUARTERS)]
    wide = _t_width(quarters)
    below, above = walsh_widths(values) if len(values) >= MIN_WALSH else (_t_width(values),) * 2
    return max(wide, WALSH_SHARE * below), max(wide, WALSH_SHARE * above)


def _t_width(values: Sequence[float]) -> float:
    return T_975[len(values) - 2] * deviation(values) / math.sqrt(len(values))


def parts_of(values: Sequence[float], count: int) -> list[Sequence[float]]:
    """So many successive parts of nearly equal size."""
    edges = [place * len(values) // count for place in range(count + 1)]
    return [values[begin:end] for begin, end in zip(edges, edges[1:])]


def walsh_widths(values: Sequence[float]) -> tuple[float, float]:
    """The same by order statistics of the Walsh averages (Hollander and Wolfe, Nonparametric Statistical Methods, 3.3):
    exact for any symmetric distribution, and hardly wider for one value in ten far off."""
    averages, skipped = _sorted_averages(tuple(values)), _signed_rank(len(values))
    middle = median(averages)
    return middle - averages[skipped - 1], averages[-skipped] - middle


def walsh_averages(values: Sequence[float]) -> list[float]:
    """The means of all pairs of the values, each value with itself included."""
    return [*values, *((first + second) / 2 for first, second in combinations(values, 2))]


@lru_cache(maxsize=4)
def _sorted_averages(values: tuple[float, ...]) -> list[float]:
    """Those averages in order, once for the centre and the interval of the same values."""
    return sorted(walsh_averages(values))


@cache
def _signed_rank(count: int) -> int:
    """Place of the Walsh average at the end of a 95% interval, from 1: the exact 2.5% quantile of Wilcoxon's signed
    ranks; 0 for too few values. From ``MAX_EXACT`` values on by its normal approximation, which is within one place
    there: the exact one takes the cube of the count, 3.5 s for 500 values."""
    if count > MAX_EXACT:
        ranks = count * (count + 1) / 2
        return math.floor(ranks / 2 - Z_975 * math.sqrt(ranks * (2 * count + 1) / 12)) + 1
    ways = [1] + [0] * (count * (count + 1) // 2)
    for rank in range(1, count + 1):
        for total in range(len(ways) - 1, rank - 1, -1):
            ways[total] += ways[total - rank]
    allowed = 2**count * 0.025
    return bisect_right(list(accumulate(ways)), allowed)


def deviation(values: Sequence[float]) -> float:
    """Standard deviation of at least two values, in their unit. In floating point: statistics.stdev computes with
    fractions, which took a fifth of the simulator's time."""
    middle = fmean(values)
    return math.sqrt(math.fsum([(value - middle) ** 2 for value in values]) / (len(values) - 1))


def centre(values: Sequence[float]) -> float:
    """Hodges-Lehmann centre: the median of the means of all pairs, each value with itself included.

    Like a median it ignores one outlier in five, and it needs three quarters of the values for the same precision: with
    the median of round medians the error was 1.15 times as large in simulation, and 89.5 to 93.9% of the plain
    t-intervals around it contained the true value. Raises statistics.StatisticsError for no value.
    """
    return values[0] if len(values) == 1 else median(_sorted_averages(tuple(values)))


def estimate(rounds_by_visit: Sequence[Sequence[Sequence[float]]]) -> Estimate | None:
    """Estimate from samples by visit and round, in the order of time; None without a sample."""
    return estimate_of([[median(samples) for samples in rounds if samples] for rounds in rounds_by_visit])


def estimate_of(medians_by_visit: Sequence[Sequence[float]]) -> Estimate | None:
    """The same from the median of each round, by visit."""
    by_visit = [medians for medians in medians_by_visit if medians]
    everything = [value for medians in by_visit for value in medians]
    if not everything:
        return None
    if not all(0 < value < math.inf for value in everything):
        return Estimate(median(everything))
    logs = [[math.log(value) for value in medians] for medians in by_visit]
    spread = len(logs) >= MIN_VISITS
    repeats = [centre(values) for values in logs] if spread else [value for values in logs for value in values]
    middle, widths = centre(repeats), half_widths(repeats)
    if widths is None:
        return Estimate(math.exp(middle), repeats=tuple(repeats))
    below, above = (min(width, MAX_LOG) for width in widths)
    return Estimate(math.exp(middle), math.exp(middle - below), math.exp(middle + above), tuple(repeats))


def precise(round_medians: Sequence[float], precision: float) -> bool:
    """True when the interval of the round medians is within ``precision``, and so is the difference of their halves.
    The halves detect a drift that is slow enough to keep the spread small."""
    if len(round_medians) < 2 or min(round_medians) <= 0:
        return False
    found = estimate([[(value,) for value in round_medians]])
    if found is None or found.relative is None or found.relative > precision:
        return False
    half = len(round_medians) // 2
    return abs(fmean(round_medians[:half]) - fmean(round_medians[-half:])) <= precision * found.median_s
