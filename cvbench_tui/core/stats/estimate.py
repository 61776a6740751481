"""Estimate of a phase and its 95% interval, shared by the worker's stop rule and the results.

The estimate is the Hodges-Lehmann centre of independent repeats: round medians within one process; from three processes
on the centres of the processes, because rounds of one process share memory layout, clock and choice of algorithm. The
interval is Student's t over the same repeats, widened because the stop rule looks at it after every round.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean, median

T_975 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
"""97.5% quantiles of Student's t for 1 to 30 degrees of freedom (standard tables)."""

Z_975 = 1.959964  # 97.5% quantile of the normal distribution

PEEKING = 1.10
"""Factor on Student's t. Rounds end as soon as the interval is narrow enough, which is sooner where chance made the
spread too small: without the factor 92.0 to 94.8% of intervals contain the true value instead of 95% (independent
normal rounds of 0.2 to 6 times the precision, 5 to 12 looks), with it 94.4 to 96.4%. It also covers the correlation of
successive rounds: at 0.1 it is 92.3 to 95.0%, without the factor 89.6 to 93.0%."""

MIN_PROCESSES = 3  # from so many processes on, processes and not rounds are the independent repeats


@dataclass(frozen=True)
class Estimate:
    """Estimate of a phase with its interval."""

    median_s: float  # Hodges-Lehmann centre of the repeats, seconds per iteration
    half_width_s: float | None  # half width of the 95% interval, seconds; None for fewer than two repeats

    @property
    def relative(self) -> float | None:
        """Half width as a share of the estimate; None without an interval."""
        if self.half_width_s is None or self.median_s <= 0:
            return None
        return self.half_width_s / self.median_s


def t_975(degrees: int) -> float:
    """97.5% quantile of Student's t; beyond the table by the first Cornish-Fisher term, within 0.1%."""
    if degrees < 1:
        raise ValueError("at least one degree of freedom")
    if degrees <= len(T_975):
        return T_975[degrees - 1]
    return Z_975 + (Z_975**3 + Z_975) / (4 * degrees)


def half_width(values: Sequence[float]) -> float | None:
    """Half width of the 95% interval of the centre of ``values``, in their unit; None for fewer than two."""
    if len(values) < 2:
        return None
    return PEEKING * t_975(len(values) - 1) * deviation(values) / math.sqrt(len(values))


def deviation(values: Sequence[float]) -> float:
    """Standard deviation of at least two values, in their unit. In floating point: statistics.stdev computes with
    fractions, which took a fifth of the simulator's time."""
    middle = fmean(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1))


def centre(values: Sequence[float]) -> float:
    """Hodges-Lehmann centre: the median of the means of all pairs, each value with itself included.

    Like a median it ignores one outlier in five, and it needs three quarters of the values for the same precision: with
    the median of round medians the error was 1.15 times as large in simulation, and 89.5 to 93.9% of the plain
    t-intervals around it contained the true value. Raises statistics.StatisticsError for no value.
    """
    return median([*values, *((first + second) / 2 for first, second in combinations(values, 2))])


def estimate(rounds_by_process: Sequence[Sequence[Sequence[float]]]) -> Estimate | None:
    """Estimate from samples by process and round; None without a sample."""
    by_process = [[median(samples) for samples in rounds if samples] for rounds in rounds_by_process]
    by_process = [medians for medians in by_process if medians]
    if len(by_process) >= MIN_PROCESSES:
        repeats = [centre(medians) for medians in by_process]
    else:
        repeats = [value for medians in by_process for value in medians]
    return Estimate(centre(repeats), half_width(repeats)) if repeats else None


def precise(round_medians: Sequence[float], precision: float) -> bool:
    """True when the interval of the round medians is within ``precision``, and so is the difference of their halves.
    The halves detect a drift that is slow enough to keep the spread small."""
    width = half_width(round_medians)
    middle_s = centre(round_medians) if round_medians else 0.0
    if width is None or middle_s <= 0 or width > precision * middle_s:
        return False
    half = len(round_medians) // 2
    return abs(fmean(round_medians[:half]) - fmean(round_medians[-half:])) <= precision * middle_s
