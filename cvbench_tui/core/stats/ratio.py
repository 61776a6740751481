"""Ratio of two times with its interval, from what was repeated: pairs measured in turn, or processes of each side.

All is computed on logarithms: the ratio of A to B then errs as much as that of B to A, and no interval reaches zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from cvbench_tui.core.stats.estimate import MAX_LOG, MIN_VISITS, QUARTERS, centre, half_widths
from cvbench_tui.core.stats.student import quantile, two_sided_p, upper_p

Basis = Literal["pairs", "processes", "rounds", "single"]
"""What the interval is made of: pairs measured in turn; visits of each side; rounds, where there are too few visits;
nothing was repeated."""
BASES: tuple[Basis, ...] = ("pairs", "processes", "rounds", "single")  # the surest first
LEVEL = 0.05  # chance that is taken of calling rows different that are alike
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
        return None if self.error is None else quantile(1 - LEVEL / 2, self.freedom) * self.error

    @property
    def relative(self) -> float | None:
        """Half width as a share of the speedup; None without an interval."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2 / self.speedup


@dataclass(frozen=True)
class Centre:
    """One side: the logarithm of its time per input, and how well it is known."""

    log: float
    error: float | None  # standard error; None where nothing was repeated
    freedom: float
    basis: Basis
    repeats: int  # visits, or rounds


def of_interval(
    seconds: float, low_s: float | None, high_s: float | None, visits: int, rounds: int, inputs: int
) -> Centre:
    """A side from its estimate and interval by ``core.stats.estimate``, which is Student's t over four quarters of the
    visits, or over the values where there are fewer than four. ``inputs``: the batch, whose time ``seconds`` are."""
    basis: Basis = "processes" if visits >= MIN_VISITS else "rounds"
    repeats = visits if basis == "processes" else rounds
    log = math.log(seconds / inputs)
    if low_s is None or high_s is None or repeats < 2 or low_s <= 0:
        return Centre(log, None, 1.0, "single", repeats)
    freedom = float(min(repeats, QUARTERS) - 1)
    return Centre(log, math.log(high_s / low_s) / 2 / quantile(1 - LEVEL / 2, freedom), freedom, basis, repeats)


def of_sides(a: Centre, b: Centre) -> Ratio:
    """B against A, measured independently: half widths add in quadrature, and so do errors."""
    basis, repeats = max(a.basis, b.basis, key=BASES.index), min(a.repeats, b.repeats)
    if a.error is None or b.error is None:
        return _ratio(a.log - b.log, None, 1.0, "single", repeats)
    both, freedom = math.hypot(a.error, b.error), welch((a.error, a.freedom), (b.error, b.freedom))
    return _ratio(a.log - b.log, both, freedom, basis, repeats)


def of_pairs(log_ratios: Sequence[float]) -> Ratio:
    """From the logarithms of A's over B's time per input, of each pair in the order of time. Raises
    statistics.StatisticsError for none."""
    widths = half_widths(log_ratios)
    if widths is None:
        return _ratio(centre(log_ratios), None, 1.0, "single", len(log_ratios))
    freedom = float(min(len(log_ratios), QUARTERS) - 1)
    return _ratio(
        centre(log_ratios), sum(widths) / 2 / quantile(1 - LEVEL / 2, freedom), freedom, "pairs", len(log_ratios)
    )


def welch(*errors: tuple[float, float]) -> float:
    """Degrees of freedom of a sum of independent terms with these errors and degrees of freedom (Welch and
    Satterthwaite), to a tenth and rounded down."""
    total = math.fsum(error**2 for error, _ in errors) ** 2
    parts = math.fsum(error**4 / freedom for error, freedom in errors)
    freedom = total / parts if parts > 0 else min(freedom for _, freedom in errors)
    return max(1.0, math.floor(10 * freedom) / 10)


def _ratio(log: float, error: float | None, freedom: float, basis: Basis, repeats: int) -> Ratio:
    if error is None:
        return Ratio(math.exp(log), None, None, basis, repeats)
    width = min(MAX_LOG, quantile(1 - LEVEL / 2, freedom) * error)
    return Ratio(math.exp(log), math.exp(log - width), math.exp(log + width), basis, repeats, error, freedom)


def p_different(ratio: Ratio) -> float:
    """Probability of a ratio at least so far from 1, on either side, where both are equally fast; 1 without an
    interval."""
    if ratio.error is None or ratio.log == 0:
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
    return (
        ratio.low is not None
        and ratio.high is not None
        and -math.log1p(bound) <= math.log(ratio.low) <= math.log(ratio.high) <= math.log1p(bound)
    )


def more_repeats(ratio: Ratio, bound: float) -> int | None:
    """How many more pairs, or processes of each side, it would take to tell: to have the interval beside 1 where the
    difference is larger than ``bound``, else within the bound. Errors fall with the root of the number. None where it
    is more than anybody would add, or nothing was repeated."""
    width = ratio.half_width
    if width is None:
        return None
    difference = abs(ratio.log)
    room = difference if difference > math.log1p(bound) else math.log1p(bound) - difference
    if room <= 0:
        return None
    more = math.ceil(ratio.repeats * (width / room) ** 2) - ratio.repeats
    return max(1, more) if more <= MOST_MORE else None


def detectable(ratio: Ratio) -> float | None:
    """The least difference, as a share, that such an error finds in 80% of repeats; None without an interval."""
    width = ratio.half_width
    return None if width is None or ratio.error is None else math.expm1(width + POWER_T * ratio.error)


def geometric_mean(ratios: Sequence[Ratio]) -> Ratio:
    """Of rows of the same two sides. Their errors are added up as if all rows erred in the same direction: rows of a
    run share the machine's hour, and an interval that took them for independent would claim what nobody knows.
    Without an interval where one of them has none. Raises statistics.StatisticsError for no ratio."""
    log = fmean(each.log for each in ratios)
    basis: Basis = max((each.basis for each in ratios), key=BASES.index)
    repeats = min(each.repeats for each in ratios)
    errors = [each.error for each in ratios if each.error is not None]
    if len(errors) < len(ratios):
        return _ratio(log, None, 1.0, basis, repeats)
    return _ratio(log, fmean(errors), min(each.freedom for each in ratios), basis, repeats)
