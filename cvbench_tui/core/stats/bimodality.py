"""Detection of two speeds in one set of samples, so that both are shown instead of a number that is neither."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import fmean, median

from cvbench_tui.core.stats.estimate import deviation

MIN_SAMPLES = 6  # of the smaller group: a few equal spikes are no speed
MIN_SEPARATION = 6.0
"""Distance of the groups' means in standard deviations of the wider group. The halves of a normal distribution are 2.6
apart, of a uniform one 3.5; spikes of any size lie about 4 of their own above the rest."""
MIN_SHARE = 0.08  # of the smaller group: 5% are outliers, which the percentiles show
MIN_SUSPECT_SHARE = 0.02  # from this share on the smaller group may still grow, and the rounds continue
MIN_GAP = 0.02  # relative distance of the groups; nearer ones are both within twice the default precision of the middle
TRIMMED_SHARE = 0.02  # share of samples ignored at either end: a spike would hide the distance between the groups


@dataclass(frozen=True)
class Bimodality:
    """Two groups of samples."""

    low_s: float  # median of the faster group, seconds per iteration
    high_s: float  # median of the slower group
    share_high: float  # share of samples in the slower group, 0 to 1

    @property
    def gap(self) -> float:
        """Difference of the groups as a share of the faster one."""
        return self.high_s / self.low_s - 1


def find_bimodality(samples: Sequence[float], min_share: float = MIN_SHARE) -> Bimodality | None:
    """The two groups of the samples, or None when they are one. The split of the logarithms with the least squares
    within the groups, accepted when the groups are far apart for their own width and the smaller one has at least
    ``min_share`` of the samples."""
    ordered = sorted([sample for sample in samples if sample > 0])
    cut = int(min(TRIMMED_SHARE, min_share / 2) * len(ordered))
    values = list(map(math.log, ordered[cut : len(ordered) - cut]))
    if len(values) < 2 * MIN_SAMPLES or values[-1] - values[0] < math.log1p(MIN_GAP):
        return None
    split = _best_split(values)
    low, high = values[:split], values[split:]
    distance = fmean(high) - fmean(low)
    if distance < math.log1p(MIN_GAP) or any(distance <= MIN_SEPARATION * _width(group) for group in (low, high)):
        return None
    above = len(ordered) - cut - split
    if min(above, len(ordered) - above) < max(MIN_SAMPLES, min_share * len(ordered)):
        return None
    return Bimodality(math.exp(median(low)), math.exp(median(high)), above / len(ordered))


def undecided(samples: Sequence[float]) -> bool:
    """True for a second group that is still too small to be accepted, or dismissed."""
    return find_bimodality(samples) is None and find_bimodality(samples, MIN_SUSPECT_SHARE) is not None


def _width(values: Sequence[float]) -> float:
    """Standard deviation plus 1.4 of its standard errors, sd / sqrt(2 n) each, by which chance may have narrowed it."""
    return deviation(values) * (1 + 1 / math.sqrt(len(values))) if len(values) > 1 else 0.0


def _best_split(values: Sequence[float]) -> int:
    """Size of the lower group of the sorted values for which the sum of squares within both groups is least."""
    middle, count = fmean(values), len(values)
    sums = list(accumulate(value - middle for value in values))
    between = [total**2 / (k * (count - k)) for k, total in enumerate(sums[:-1], 1)]
    return 1 + between.index(max(between))
