"""A ratio with its interval as one line of characters, on an axis that all rows of a table share.

Every character has a likeness in ASCII (``results.text.ascii``), of one cell.
"""

from __future__ import annotations

from cvbench_tui.core.stats.ratio import Ratio
from cvbench_tui.results.compare.ratio_axis import RatioAxis, tick_sets, tick_texts

POINT, BAR, ONE, CROSSED = "\u25cf", "\u2500", "\u2502", "\u253c"
"""The ratio; its interval; where 1 is; the same inside the interval, which says that it may be 1."""
LEFT_END, RIGHT_END = "\u251d", "\u2525"
BEYOND_LEFT, BEYOND_RIGHT = "\u2190", "\u2192"  # it goes on beyond the axis
BETWEEN = 2  # cells between two names of ticks at the least


def ratio_line(axis: RatioAxis, ratio: Ratio | None, cells: int) -> str:
    """The ratio as a point, its interval as a bar, and a line where 1 is; that line alone without a ratio."""
    line = [" "] * cells
    one = _cell(axis, 1.0, cells)
    line[one] = ONE
    if ratio is None:
        return "".join(line)
    point = _cell(axis, ratio.speedup, cells)
    if ratio.low is not None and ratio.high is not None:
        low, high = _cell(axis, ratio.low, cells), _cell(axis, ratio.high, cells)
        for cell in range(low, high + 1):
            line[cell] = CROSSED if cell == one else BAR
        line[low] = LEFT_END if axis.holds(ratio.low) else BEYOND_LEFT
        line[high] = RIGHT_END if axis.holds(ratio.high) else BEYOND_RIGHT
    line[point] = POINT
    if not axis.holds(ratio.speedup):
        line[point] = BEYOND_RIGHT if ratio.speedup > 1 else BEYOND_LEFT
    return "".join(line)


def ruler(axis: RatioAxis, cells: int) -> str:
    """The names of as many ticks as there is room for, each in the middle above its place: ``0.8   1.0   1.2``."""
    most = max((_placed(axis, ticks, cells) for ticks in tick_sets(axis)), key=lambda found: found[0])
    return most[1]


def _placed(axis: RatioAxis, ticks: tuple[float, ...], cells: int) -> tuple[int, str]:
    """How many ticks there are and the line that names them; none where two of them would touch."""
    line, end = "", -BETWEEN
    for tick, text in zip(ticks, tick_texts(ticks), strict=True):
        begin = min(max(0, _cell(axis, tick, cells) - len(text) // 2), max(0, cells - len(text)))
        if begin < end + BETWEEN:
            return 0, ""
        line, end = line.ljust(begin) + text, begin + len(text)
    return len(ticks), line.ljust(cells)[:cells]


def _cell(axis: RatioAxis, ratio: float, cells: int) -> int:
    return round(axis.place(ratio) * (cells - 1))
