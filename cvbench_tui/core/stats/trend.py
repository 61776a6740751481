"""Whether a series goes up or down, and by how much."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median

SIGNIFICANT = 1.96
"""Two-sided 5% point of Kendall's S in its normal approximation; for five values only a strict rise or fall passes."""
MIN_VALUES_FOR_STEP = 8
"""Four values lie all above four others by chance once in 35 times; three above three once in ten."""
MIN_VALUES = 5
"""Of four values even a strict rise is chance once in twelve times."""


def slope(values: Sequence[float]) -> float:
    """Change from the first value to the last as a share of the middle, by Theil and Sen; 0 for fewer than two.

    It is the median of the slopes of all pairs, so that one odd value cannot make it.
    """
    if len(values) < 2 or median(values) <= 0:
        return 0.0
    return median(rise / steps for rise, steps in _pairs(values)) * (len(values) - 1) / median(values)


def trend(values: Sequence[float]) -> float:
    """Change from the first value to the last as a share of the middle, or 0 where it cannot be told from noise.

    The larger of ``slope`` and of the difference of the halves, which sees a step. It is believed when Kendall's test
    finds an order, or when all of one half lie above all of the other.
    """
    count = len(values)
    if count < MIN_VALUES or median(values) <= 0:
        return 0.0
    first, second = values[: count // 2], values[-(count // 2) :]
    if not (
        _ordered(values) or (count >= MIN_VALUES_FOR_STEP and (max(first) < min(second) or min(first) > max(second)))
    ):
        return 0.0
    return max(slope(values), (fmean(second) - fmean(first)) / median(values), key=abs)


def _ordered(values: Sequence[float]) -> bool:
    """Kendall's test: more pairs are in one order than chance would have them."""
    count = len(values)
    score = sum((rise > 0) - (rise < 0) for rise, _ in _pairs(values))
    return (abs(score) - 1) / math.sqrt(count * (count - 1) * (2 * count + 5) / 18) >= SIGNIFICANT


def _pairs(values: Sequence[float]) -> list[tuple[float, int]]:
    """By how much the later value of each pair is larger, and how many steps later it stands."""
    return [
        (second - first, j - i) for i, first in enumerate(values) for j, second in enumerate(values[i + 1 :], i + 1)
    ]
