"""Trend of a series: relative change from its first value to its last."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median

SIGNIFICANT = 1.96
"""Two-sided 5% point of Kendall's S, normal approximation; for five values only a strict rise or fall reaches it."""
MIN_VALUES_FOR_STEP = 8  # by chance four values are all above or below four others once in 35, three once in ten
MIN_VALUES = 5  # by chance four values rise or fall strictly once in twelve times


def slope(values: Sequence[float]) -> float:
    """Change from the first value to the last as a share of the median; 0 for fewer than two values. Theil-Sen: the
    median of the slopes of all pairs, which one outlier cannot cause."""
    if len(values) < 2 or median(values) <= 0:
        return 0.0
    return median(rise / steps for rise, steps in _pairs(values)) * (len(values) - 1) / median(values)


def trend(values: Sequence[float]) -> float:
    """Change from the first value to the last as a share of the median; 0 where it is not significant. The larger of
    ``slope`` and the difference of the halves, which a step shows in. Significant by Kendall's test, or when one half
    is wholly above the other."""
    count = len(values)
    if count < MIN_VALUES or median(values) <= 0:
        return 0.0
    first, second = values[: count // 2], values[-(count // 2) :]
    score = sum((rise > 0) - (rise < 0) for rise, _ in _pairs(values))  # Kendall's S
    ordered = (abs(score) - 1) / math.sqrt(count * (count - 1) * (2 * count + 5) / 18) >= SIGNIFICANT
    stepped = count >= MIN_VALUES_FOR_STEP and (max(first) < min(second) or min(first) > max(second))
    if not ordered and not stepped:
        return 0.0
    return max(slope(values), (fmean(second) - fmean(first)) / median(values), key=abs)


def _pairs(values: Sequence[float]) -> list[tuple[float, int]]:
    """Rise from the earlier to the later value of each pair, and the steps between them."""
    return [(later - value, j - i) for i, value in enumerate(values) for j, later in enumerate(values[i + 1 :], i + 1)]
