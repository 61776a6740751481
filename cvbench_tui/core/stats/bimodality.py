"""Two speeds in one set of samples: found, so that both can be shown instead of a number that stands for neither."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import fmean, median

from cvbench_tui.core.stats.estimate import deviation

MIN_SAMPLES = 6
"""Samples in the smaller group: a few spikes that are alike by luck are no speed."""
SEPARATION = 6.0
"""Distance of the groups' means in standard deviations of the wider one. Halves of one normal distribution are 2.6
apart, of a uniform one 3.5; spikes of all sizes lie some 4 of their own above the rest."""
MINORITY = 0.08
"""The smaller group's least share: a group of 5% is outliers, and percentiles tell of them."""
SUSPECT = 0.02
"""From this share on it may still grow: rounds go on to see."""
GAP = 0.02
"""Least distance of the groups as a share: nearer ones are both within twice the default precision of the middle."""
TRIM = 0.02
"""Share of samples left out at either end before looking: a spike in a group would hide the distance between two."""


@dataclass(frozen=True)
class Bimodality:
    """Two groups of samples."""

    low_s: float
    """Centre of the faster group, seconds per iteration."""
    high_s: float
    """Centre of the slower one."""
    share_high: float
    """Share of the samples in the slower group, 0 to 1."""

    @property
    def gap(self) -> float:
        """How much slower the slower group is, as a share of the faster one."""
        return self.high_s / self.low_s - 1


def find_bimodality(samples: Sequence[float], minority: float = MINORITY) -> Bimodality | None:
    """The two groups that the samples fall into, or None when they are one.

    The best split in two of the logarithms (least squares within the groups), believed when the groups are far
    apart for their own width and the smaller one holds at least ``minority`` of the samples.
    """
    ordered = sorted(sample for sample in samples if sample > 0)
    cut = int(min(TRIM, minority / 2) * len(ordered))
    values = [math.log(sample) for sample in ordered[cut : len(ordered) - cut]]
    if len(values) < 2 * MIN_SAMPLES or values[-1] - values[0] < math.log1p(GAP):
        return None
    split = _best_split(values)
    low, high = values[:split], values[split:]
    apart = fmean(high) - fmean(low)
    if apart < math.log1p(GAP) or apart <= SEPARATION * max(_width(low), _width(high)):
        return None
    above = len(ordered) - cut - split
    if min(above, len(ordered) - above) < max(MIN_SAMPLES, minority * len(ordered)):
        return None
    return Bimodality(math.exp(median(low)), math.exp(median(high)), above / len(ordered))


def undecided(samples: Sequence[float]) -> bool:
    """True when there is a second group that is still too small to be believed, or to be dismissed."""
    return find_bimodality(samples) is None and find_bimodality(samples, SUSPECT) is not None


def _width(values: Sequence[float]) -> float:
    """Standard deviation, and what luck may have made it smaller: 1.4 standard errors of it, 1 / sqrt(2 n) each."""
    return deviation(values) * (1 + 1 / math.sqrt(len(values))) if len(values) > 1 else 0.0


def _best_split(values: Sequence[float]) -> int:
    """How many of the sorted values form the lower group, so that the sum of squares within both is the least."""
    middle, count = fmean(values), len(values)
    sums = list(accumulate(value - middle for value in values))
    between = [sums[k - 1] ** 2 / (k * (count - k)) for k in range(1, count)]
    return max(range(1, count), key=lambda k: between[k - 1])
