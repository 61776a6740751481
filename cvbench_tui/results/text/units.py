"""Formatting of all numbers: the only place where seconds and bytes become ms and GiB.

``None`` is not available and becomes a dash.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

MISSING = "-"  # text for a missing number
DIGITS = 4  # significant digits of a time, a rate or a count at most
UNSURE_DIGITS = 3  # of a number whose interval is not known
MIN_DIGITS = 2
SMALLEST_SHARE = 0.0005  # that is written in percent with a digit behind the point
LARGEST_SHARE = 9.995  # from here on a share is not written: ``25386%`` says no more than that it is none
SEPARATED = 10_000  # from here on thousands are separated: ``17,780``

_KIB, _MIB, _GIB = 2**10, 2**20, 2**30


@dataclass(frozen=True)
class Scale:
    """The unit a whole column of times is written in, so that its cells can be compared by eye."""

    unit: str
    per_second: float  # how many of the unit make a second

    def number(self, seconds: float | None, relative: float | None = None, *, digits: int = 0) -> str:
        """The number alone: ``24.5``, digits by its interval unless they are given."""
        if seconds is None:
            return MISSING
        value = seconds * self.per_second
        return significant(value, digits) if digits else rounded(value, relative)

    def text(self, seconds: float | None, relative: float | None = None, *, digits: int = 0) -> str:
        """With its unit: ``24.5 ms``."""
        return MISSING if seconds is None else f"{self.number(seconds, relative, digits=digits)} {self.unit}"

    def both(self, low: float, high: float) -> str:
        """Two speeds, the faster one first: ``24.5/31.2 ms``."""
        return f"{self.number(low)}/{self.text(high)}"


PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
SECONDS, MILLISECONDS, MICROSECONDS = Scale("s", 1.0), Scale("ms", 1e3), Scale("\u00b5s", 1e6)
SCALES = (SECONDS, MILLISECONDS, MICROSECONDS, Scale("ns", 1e9))  # largest unit first


def scale_for(seconds: Iterable[float | None]) -> Scale:
    """The scale that suits the middle of the values, by ratio: a column of 0.1 ms to 6 s is written in ms."""
    positive = [value for value in seconds if value is not None and value > 0]
    if not positive:
        return SCALES[1]
    middle = math.sqrt(min(positive) * max(positive))
    return next((scale for scale in SCALES if middle * scale.per_second >= 1), SCALES[-1])


def _written(write: Callable[[float], str]) -> Callable[[float | None], str]:
    """A number as ``write`` has it, None as a dash."""
    return lambda value: MISSING if value is None else write(value)


share_text = _written(lambda share: f"{math.floor(min(1.0, max(0.0, share)) * 100)}%")
"""A share in whole percent, rounded down so that 100% is only ever the end: ``37%``."""
times_text = _written(lambda ratio: f"{significant(ratio, 3)}x")  # one time over another: ``2.31x``, ``0.134x``
watts_text = _written(lambda watts: f"{significant(watts)} W")  # power: ``71.23 W``
hertz_text = _written(lambda hz: f"{hz / 1e6:.0f} MHz")  # a clock: ``1980 MHz``
celsius_text = _written(lambda degrees: f"{degrees:.0f} \u00b0C")  # a temperature: ``61 °C``


def utc_text(at_s: float | None) -> str:
    """A moment, given in seconds since the epoch: ``2026-11-24 15:30:12 UTC``."""
    return MISSING if at_s is None else time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at_s))


def seconds_text(seconds: float | None, half_width_s: float | None = None) -> str:
    """A time on its own, in the unit that suits it: ``24.51 ms``; with its interval: ``24.5 ms ±1.2%``."""
    scale = scale_for([seconds])
    if seconds is None or half_width_s is None or seconds <= 0:
        return scale.text(seconds, digits=DIGITS)
    relative = half_width_s / seconds
    return f"{scale.text(seconds, relative)} {relative_text(relative)}"


def relative_text(share: float | None) -> str:
    """A half width as a share of its number: ``±1.2%``; ``±<0.1%`` where it would round to nothing."""
    return MISSING if share is None else f"\u00b1{percent_number(share)}%"


def percent_number(share: float) -> str:
    """A share in percent, without the sign: ``1.2``, ``37``; ``<0.1`` where it would round to nothing, or ``>999``."""
    if share < SMALLEST_SHARE:
        return "<0.1"
    if share >= LARGEST_SHARE:
        return ">999"
    percent = share * 100
    return f"{percent:.0f}" if percent >= 9.95 else f"{percent:.1f}"


def percent_text(share: float) -> str:
    """A limit as percent, as short as possible: ``1%``, ``0.5%``."""
    return f"{share * 100:g}%"


def bytes_text(size_bytes: int | None) -> str:
    """Memory in binary units: ``1.23 GiB``, ``456 MiB``, ``12.3 MiB``, ``64 KiB``."""
    return MISSING if size_bytes is None else " ".join(bytes_parts(size_bytes))


def bytes_parts(size_bytes: int) -> tuple[str, str]:
    """The number and the unit of it."""
    if size_bytes >= 0.9995 * _GIB:  # 1023.6 MiB would be rounded to 1024
        return f"{size_bytes / _GIB:.2f}", "GiB"
    if size_bytes >= 0.9995 * _MIB:
        return f"{size_bytes / _MIB:.{0 if size_bytes >= 100 * _MIB else 1}f}", "MiB"
    return f"{size_bytes / _KIB:.0f}", "KiB"


def count_text(count: float | None, noun: str) -> str:
    """An amount or a rate in decimal units: ``3.648 GFLOP``, ``512 B``, ``12.34 GB/s``."""
    return MISSING if count is None else " ".join(prefixed(count, noun, digits=DIGITS))


def part_text(share: float | None) -> str:
    """A share that was measured: ``0.4%``, ``<0.1%``, ``37%``."""
    return MISSING if share is None else f"{percent_number(share)}%" if share else "0%"


def parameters_text(count: int | None) -> str:
    """A number of parameters: ``11.7 M``, ``525 k``, ``0``."""
    return MISSING if count is None else " ".join(prefixed(count, digits=3)).rstrip() if count >= 1000 else str(count)


def prefixed(value: float, unit: str = "", relative: float | None = None, *, digits: int = 0) -> tuple[str, str]:
    """A number, and its unit with a decimal prefix: ``1.23``, ``TFLOP/s``. Digits as ``Scale.number`` has them."""
    size, prefix = next((each for each in PREFIXES if value >= each[0]), (1.0, ""))
    value /= size
    return significant(value, digits) if digits else rounded(value, relative), f"{prefix}{unit}"


def duration_text(seconds: float | None) -> str:
    """A stretch of time as a clock shows it: ``0:48``, ``1:02:03``."""
    if seconds is None:
        return MISSING
    minutes, left = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def rough_duration_text(seconds: float | None) -> str:
    """A guess, in few digits: ``40 s``, ``2 min``, ``1.5 h``."""
    if seconds is None:
        return MISSING
    if seconds < 55:
        return f"{max(1, round(seconds / 5) * 5)} s"
    return f"{max(1, round(seconds / 60))} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def distinct_digits(edges: Sequence[float]) -> int:
    """Significant digits that rising, evenly spaced values need to differ, four at least."""
    step = (edges[-1] - edges[0]) / max(1, len(edges) - 1)
    if step <= 0:
        return DIGITS
    return max(DIGITS, math.ceil(math.log10(abs(edges[-1]) / step)) + 1)


def significant(value: float, digits: int = DIGITS) -> str:
    """A number to so many significant digits, never in powers of ten; whole digits are never cut: ``6602``."""
    return f"{value:.{max(0, digits - 1 - _exponent(value, digits))}f}" if value else "0"


def rounded(value: float, relative: float | None = None) -> str:
    """A number with the digits that its interval supports: ``24.5``, ``57``, ``17,780``.

    ``relative``: half width of the interval as a share of the value. Rounding moves the number by a quarter of the
    half width at most: \u00b15% of 24.51 is 1.2, so it is 24.5; \u00b17.7% of 57.43 is 4.4, so it is 57. At least two
    significant digits, at most four; three without an interval.
    """
    if not value:
        return "0"
    digits = UNSURE_DIGITS
    if relative is not None:
        supported = _exponent(value) - _exponent(value * relative / 2) + 1 if relative > 0 else DIGITS
        digits = min(DIGITS, max(MIN_DIGITS, supported))
    decimals = digits - 1 - _exponent(value, digits)
    value = round(value, decimals)
    return f"{value:,.0f}" if abs(value) >= SEPARATED else f"{value:.{max(0, decimals)}f}"


def _exponent(value: float, digits: int = 16) -> int:
    """Power of ten of the first digit of a number that is rounded to so many: 9.996 to three has that of 10."""
    return math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
