"""The logarithmic axis that ratios are drawn on: a half is as far from 1 as a double."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cvbench_tui.core.stats.ratio import Ratio

LEAST = 1.05  # an axis of rows that are all the same is not blown up to their noise
MOST = 100.0  # what is beyond is drawn at the edge
_STEPS = (1.01, 1.02, 1.05, 1.1, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0)
MOST_TICKS = 3  # to each side of 1
_LINEAR = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # distances of ticks of a short axis
_MANY = 30  # ticks that no line has room for
CLOSE_LEAST = 1.02  # of an axis that is chosen for its rows: they differ by more, or hardly
USUAL = 0.75  # share of the rows that such an axis holds at the least
SPARE = 1.5  # times as far as the farthest of those


@dataclass(frozen=True)
class RatioAxis:
    """From ``1 / most`` to ``most``, or from ``least``."""

    most: float
    least: float = 0.0  # left end; 0: as far to the left as to the right

    @property
    def left(self) -> float:
        """The ratio at the left end."""
        return self.least or 1 / self.most

    def place(self, ratio: float) -> float:
        """Where on the axis it is: 0 at the left end, 1 at the right end; beyond them, at the end."""
        if ratio <= 0:
            return 0.0
        span = math.log(self.most) - math.log(self.left)
        return min(1.0, max(0.0, (math.log(ratio) - math.log(self.left)) / span))

    def holds(self, ratio: float) -> bool:
        """False for a ratio beyond one of its ends."""
        return self.left * (1 - 1e-9) <= ratio <= self.most * (1 + 1e-9)

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


def close_axis(ratios: Iterable[Ratio]) -> RatioAxis:
    """An axis that makes the most of little room: no wider on either side of 1 than is needed, and no wider than suits
    the usual row, so that one that is ten times as fast does not press the others together; it then lies beyond."""
    ends = [(math.log(low), math.log(high)) for low, high in map(_ends, ratios)]
    reaches = sorted(max(-low, high) for low, high in ends)
    usual = reaches[math.ceil(USUAL * len(reaches)) - 1] if reaches else 0.0
    farthest, least = max(math.log(LEAST), SPARE * usual), math.log(CLOSE_LEAST)
    left = min(farthest, max([least, *(-low for low, _ in ends)]))
    right = min(farthest, max([least, *(high for _, high in ends)]))
    return RatioAxis(math.exp(right), math.exp(-left))


def _ends(ratio: Ratio) -> tuple[float, float]:
    """Ends of its interval; the ratio itself where it has none."""
    values = [value for value in (ratio.speedup, ratio.low, ratio.high) if value is not None and 0 < value < math.inf]
    return (min(values), max(values)) if values else (1.0, 1.0)


def tick_sets(axis: RatioAxis) -> Iterator[tuple[float, ...]]:
    """Ratios that could be named on the axis, rising and with 1 among them, from many to few."""
    for step in _LINEAR:
        first, last = math.ceil((axis.left - 1) / step - 1e-9), math.floor((axis.most - 1) / step + 1e-9)
        if last - first <= _MANY:
            yield tuple(round(1 + step * number, 4) for number in range(first, last + 1) if 1 + step * number > 0)
    for digits in ((1, 2, 5), (1,)):
        tens = range(math.floor(math.log10(axis.left)), math.ceil(math.log10(axis.most)) + 1)
        values = (round(digit * 10.0**power, 6) for power in tens for digit in digits)
        yield tuple(value for value in values if axis.holds(value))
    yield (1.0,)


def tick_texts(ticks: Iterable[float]) -> list[str]:
    """``0.8``, ``1.0``, ``1.2``: all with as many digits behind the point as one of them needs; from 10 on none."""
    ticks = list(ticks)
    digits = max((len(f"{tick:g}".partition(".")[2]) for tick in ticks), default=0)
    return [f"{tick:g}" if tick >= 10 else f"{tick:.{digits}f}" for tick in ticks]


def tick_text(ratio: float) -> str:
    """``0.83``, ``1``, ``1.2``."""
    return f"{ratio:.3g}" if ratio >= 0.1 else f"{ratio:.2g}"
