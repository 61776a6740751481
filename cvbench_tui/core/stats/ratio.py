"""Ratio of two times with its interval, from what was repeated: pairs measured in turn, or processes of each side.

All is computed on logarithms: the ratio of A to B then errs as much as that of B to A, and no interval reaches zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from cvbench_tui.core.stats.estimate import MAX_LOG
from cvbench_tui.core.stats.shift import TWO_SIDED, Shift, between, of_pairs
from cvbench_tui.core.stats.student import quantile, two_sided_p, upper_p

Basis = Literal["pairs", "processes", "rounds", "single"]
"""What the interval is made of: pairs measured in turn; visits of each side; rounds, where there are too few visits;
nothing was repeated."""
BASES: tuple[Basis, ...] = ("pairs", "processes", "rounds", "single")  # the surest first
LEVEL = 0.04
"""Chance that is taken of calling anything different in a table in which all is alike. Of the simulated machines of one
speed together 1.6% of two runs of the same are called different with 4%, and 1.9% with 5%, where 2% are allowed."""
PROCESS_DEVIATION = 0.01
"""Standard deviation that is taken for that of fresh processes of one row, by memory layout and choice of algorithms,
where too few of them were measured to see it: the simulator's ``layout``."""
PROCESS_FREEDOM = 2.0  # degrees of freedom of what is so little known
POWER_T = 0.85  # standard errors beyond the interval's end, where a true difference is found in 80% of repeats
MOST_MORE = 100  # repeats that anybody would add


@dataclass(frozen=True)
class Ratio:
    """How many times as fast B is as A: time per input of A over that of B, 2 is twice as fast."""

    speedup: float
    low: float | None  # ends of the 95% interval, on logarithms; None where nothing was repeated
    high: float | None
    basis: Basis
    repeats: int  # pairs; of processes or rounds those of the side that has fewer
    error: float | None = None  # standard error of the ratio's logarithm; None without an interval
    freedom: float = 1.0  # degrees of freedom of that error

    @property
    def log(self) -> float:
        """Logarithm of the speedup."""
        return math.log(self.speedup)

    @property
    def half_width(self) -> float | None:
        """Of the interval, on logarithms; None without one."""
        return None if self.error is None else min(MAX_LOG, quantile(TWO_SIDED, self.freedom) * self.error)

    @property
    def relative(self) -> float | None:
        """Half width as a share of the speedup; None without an interval."""
        width = self.half_width
        return None if width is None else math.sinh(width)


@dataclass(frozen=True)
class Repeats:
    """One side: logarithms of its time per input, in the order of time."""

    logs: Sequence[float]
    basis: Basis  # ``processes`` for visits, else ``rounds``
    visits: int = 1  # that the rounds are of


def unpaired(a: Repeats, b: Repeats) -> Ratio:
    """B against A, measured independently. Where a side was measured in one process or two, what fresh processes may
    differ by is added to its error. Raises statistics.StatisticsError for a side without a repeat."""
    found, repeats = between(a.logs, b.logs), min(len(a.logs), len(b.logs))
    if found.error is None:
        return _ratio(found, "single", repeats)
    basis = max(a.basis, b.basis, key=BASES.index)
    unseen = math.fsum(PROCESS_DEVIATION**2 / side.visits for side in (a, b) if side.basis == "rounds")
    if unseen:
        error = math.hypot(found.error, math.sqrt(unseen))
        parts = found.error**4 / found.freedom + unseen**2 / PROCESS_FREEDOM
        found = Shift(found.log, error, math.floor(10 * error**4 / parts) / 10)
    return _ratio(found, basis, repeats)


def paired(log_ratios: Sequence[float]) -> Ratio:
    """From the logarithms of A's over B's time per input, of each pair in the order of time. Raises
    statistics.StatisticsError for none."""
    return _ratio(of_pairs(log_ratios), "pairs" if len(log_ratios) > 1 else "single", len(log_ratios))


def _ratio(found: Shift, basis: Basis, repeats: int) -> Ratio:
    speedup = math.exp(found.log)
    if found.error is None:
        return Ratio(speedup, None, None, basis, repeats)
    width = min(MAX_LOG, quantile(TWO_SIDED, found.freedom) * found.error)
    return Ratio(
        speedup, speedup * math.exp(-width), speedup * math.exp(width), basis, repeats, found.error, found.freedom
    )


def p_different(ratio: Ratio) -> float:
    """Probability of a ratio at least so far from 1, on either side, where both are equally fast; 1 without an
    interval."""
    if ratio.error is None:
        return 1.0
    return two_sided_p(_distance(ratio.log, ratio.error), ratio.freedom)


def p_slower(ratio: Ratio, margin: float) -> float:
    """Probability of a B so slow, or slower, where it takes longer by ``margin`` (a share of A's time) and no more; 1
    without an interval."""
    if ratio.error is None:
        return 1.0
    return upper_p(_distance(-ratio.log - math.log1p(margin), ratio.error), ratio.freedom)


def _distance(difference: float, error: float) -> float:
    """In standard errors; a difference without any error is certain."""
    return difference / error if error > 0 else math.copysign(math.inf, difference) if difference else 0.0


def within(ratio: Ratio, bound: float) -> bool:
    """Whether the whole interval is within ``bound``, a share of the time, on either side of 1."""
    width = ratio.half_width
    return width is not None and abs(ratio.log) + width <= math.log1p(bound)


def more_repeats(ratio: Ratio, bound: float) -> int | None:
    """How many more pairs, or processes of each side, it would take to tell: to have the interval beside 1 where the
    difference is larger than ``bound``, else within the bound. Errors fall with the root of the number. None where it
    is more than anybody would add, or nothing was repeated."""
    width = ratio.half_width
    if width is None:
        return None
    difference, bound = abs(ratio.log), math.log1p(bound)
    room = difference if difference > bound else bound - difference
    needed = ratio.repeats * (width / room) ** 2 if room > 0 else math.inf
    return max(1, math.ceil(needed) - ratio.repeats) if needed <= ratio.repeats + MOST_MORE else None


def detectable(ratio: Ratio) -> float | None:
    """The least difference, as a share, that such an error finds in 80% of repeats; None without an interval."""
    width = ratio.half_width
    return None if width is None or ratio.error is None else math.expm1(width + POWER_T * ratio.error)


def geometric_mean(ratios: Sequence[Ratio]) -> Ratio:
    """Of rows of the same two sides. Their errors are added up as if all rows erred in the same direction: rows of a
    run share the machine's hour, and an interval that took them for independent would claim what nobody knows.
    Without an interval where one of them has none. Raises statistics.StatisticsError for no ratio."""
    log = fmean(each.log for each in ratios)
    basis = max((each.basis for each in ratios), key=BASES.index)
    errors = [each.error for each in ratios if each.error is not None]
    error = fmean(errors) if len(errors) == len(ratios) else None
    return _ratio(Shift(log, error, min(each.freedom for each in ratios)), basis, min(each.repeats for each in ratios))
