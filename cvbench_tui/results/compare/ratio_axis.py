"""The logarithmic axis that ratios are drawn on, as wide to both sides of 1: how far a half is as fast as a double."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from cvbench_tui.core.stats.ratio import Ratio

LEAST = 1.05  # an axis of rows that are all the same is not blown up to their noise
MOST = 100.0  # what is beyond is drawn at the edge
_STEPS = (1.01, 1.02, 1.05, 1.1, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0)
MOST_TICKS = 3  # to each side of 1


@dataclass(frozen=True)
class RatioAxis:
    """From ``1 / most`` to ``most``."""

    most: float

    def place(self, ratio: float) -> float:
        """Where on the axis it is: 0 at the left end, 0.5 at a ratio of 1, 1 at the right end."""
        if ratio <= 0:
            return 0.0
        return min(1.0, max(0.0, 0.5 + 0.5 * math.log(ratio) / math.log(self.most)))

    @property
    def ticks(self) -> tuple[float, ...]:
        """Ratios to be named, rising, 1 among them."""
        right = [step for step in _STEPS if step <= self.most * (1 + 1e-9)][-MOST_TICKS:]
        return (*(1 / step for step in reversed(right)), 1.0, *right)


def axis_for(ratios: Iterable[Ratio]) -> RatioAxis:
    """The narrowest axis with room for all of these and their intervals."""
    far = LEAST
    for ratio in ratios:
        for value in (ratio.speedup, ratio.low, ratio.high):
            if value is not None and 0 < value < math.inf:
                far = max(far, value, 1 / value)
    return RatioAxis(next((step for step in _STEPS if step >= far), MOST))


def tick_text(ratio: float) -> str:
    """``0.83``, ``1``, ``1.2``."""
    return f"{ratio:.3g}" if ratio >= 0.1 else f"{ratio:.2g}"
