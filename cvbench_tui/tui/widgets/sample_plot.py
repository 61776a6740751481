"""The samples of one phase over time, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator

from cvbench_tui.results.stats.series import Series

RANGE = "\u2591"
"""From the least sample of a point to its largest."""
MEDIAN = ("\u2584", "\u2580")
"""The median in the lower or the upper half of a cell, so that a line of text tells two levels apart."""
BORDER = "|"
ASIDE = "x"


def plot(each: Series, height: int = 6) -> list[str]:
    """``height`` lines of one column a point, the largest sample on top.

    A dotted line marks where a round begins, unless more than half of the points begin one. When rounds were repeated,
    the lowest line marks the disturbed ones and the samples have the others. Raises ValueError for fewer than one line.
    """
    if height < 1:
        raise ValueError("a plot has at least one line")
    marked = any(each.set_aside)
    rows = max(1, height - marked)
    borders = set(each.borders) if 2 * len(each.borders) <= len(each.points) else set()
    lines = ["".join(_line(each, row, rows, borders)) for row in reversed(range(rows))]
    if marked:
        marks = "".join(ASIDE if aside else " " for aside in each.set_aside)
        lines = [*lines, marks][-height:]
    return lines


def _line(each: Series, row: int, rows: int, borders: set[int]) -> Iterator[str]:
    """What stands in every column of that line, counted from below."""
    for place, point in enumerate(each.points):
        least, middle, most = (_level(each, seconds, rows) for seconds in point)
        if middle // 2 == row:
            yield MEDIAN[middle % 2]
        elif least // 2 <= row <= most // 2:
            yield RANGE
        else:
            yield BORDER if place in borders and row % 2 == (rows - 1) % 2 else " "


def _level(each: Series, seconds: float, rows: int) -> int:
    """The half line, from below, that so many seconds stand in; the lowest when all are equal."""
    span_s = each.high_s - each.low_s
    return round((seconds - each.low_s) / span_s * (2 * rows - 1)) if span_s > 0 else 0
