"""From rounds to an estimate and its interval: the very code that the worker's stop rule runs.

The estimate is the median of the round medians. Its 95% interval is Student's t over independent
repeats: round medians within one process, process medians when there are three processes or more,
because rounds of one process share its luck (memory layout, clock, algorithm choice).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev

T_975 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
"""97.5% quantiles of Student's t for 1 to 30 degrees of freedom (any statistics table)."""

Z_975 = 1.959964
"""97.5% quantile of the normal distribution."""

MIN_PROCESSES = 3
"""From this many processes on, processes and not rounds are the independent repeats."""


@dataclass(frozen=True)
class Estimate:
    """A number with how sure it is."""

    median_s: float
    """Seconds per iteration."""
    half_width_s: float | None
    """Half width of the 95% interval, seconds; None from fewer than two repeats."""

    @property
    def relative(self) -> float | None:
        """Half width as a share of the median; None when there is no interval."""
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
    """Half width of the 95% t-interval for the mean of ``values``, in their unit; None from fewer than two."""
    if len(values) < 2:
        return None
    return t_975(len(values) - 1) * stdev(values) / math.sqrt(len(values))


def estimate(rounds_by_process: Sequence[Sequence[Sequence[float]]]) -> Estimate | None:
    """Median and interval from samples by process and round; None when there is no sample."""
    by_process = [[median(samples) for samples in rounds if samples] for rounds in rounds_by_process]
    by_process = [medians for medians in by_process if medians]
    rounds = [value for medians in by_process for value in medians]
    if not rounds:
        return None
    repeats = [median(medians) for medians in by_process] if len(by_process) >= MIN_PROCESSES else rounds
    return Estimate(median(rounds), half_width(repeats))


def precise(round_medians: Sequence[float], precision: float) -> bool:
    """True when the interval of the round medians is within ``precision`` and both halves of them agree to it.

    The halves guard against a drift that is slow enough to keep the spread small.
    """
    width = half_width(round_medians)
    centre = fmean(round_medians) if round_medians else 0.0
    if width is None or centre <= 0 or width > precision * centre:
        return False
    middle = len(round_medians) // 2
    first, second = round_medians[:middle], round_medians[-middle:]
    return abs(fmean(first) - fmean(second)) <= precision * centre
