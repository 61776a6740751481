"""A trend as a chart of characters: a line for each run, on one scale, with what changed between two runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from textwrap import wrap

from cvbench_tui.base.cells import cell_len, set_cell_size, shorten
from cvbench_tui.base.escape import one_line
from cvbench_tui.core.text import plural
from cvbench_tui.results.text.units import Scale, relative_text, scale_for
from cvbench_tui.results.trend.build import Trend, TrendPoint

DOT, BAR, LOW, HIGH, INVALID = "●", "─", "├", "┤", "○"
MIN_CHART, MAX_CHART = 20, 60  # columns
MIN_NAME, MAX_NAME = 10, 28  # columns of a run's name
INDENT = 2
CHANGED = "~"  # stands before what changed


def title(trend: Trend) -> str:
    """``Resnet18, batch 8: total per iteration on cpu AMD EPYC, 7 runs``."""
    where = f"{trend.device} {trend.device_name}".strip()
    runs = plural(len(trend.points), "run")
    return one_line(f"{trend.workload}, {trend.settings}: {trend.phase} per iteration on {where}, {runs}")


def chart(trend: Trend, width: int) -> list[str]:
    """Title, scale, a line for each run with the changes before it, and what is left to say; of ``width`` columns, or
    more where that is too few."""
    scale = scale_for([point.seconds for point in trend.points])
    times = [_time(point, scale) for point in trend.points]
    time_cells = max(map(cell_len, times))
    others = INDENT + len(moment(0.0)) + 2 + 2 + time_cells + 2
    most = width - others - MIN_CHART - len("  slower")
    names = [shorten(one_line(point.name), min(MAX_NAME, max(MIN_NAME, most))) for point in trend.points]
    name_cells = max(map(cell_len, names))
    head = others + name_cells
    room = min(MAX_CHART, max(MIN_CHART, width - head - len("  slower")))
    low_s, high_s = limits(trend)
    left, right = scale.text(low_s, digits=3), scale.text(high_s, digits=3)
    lines = [title(trend), f"{' ' * head}{left}{' ' * max(1, room - len(left) - len(right))}{right}"]
    for point, name, text in zip(trend.points, names, times, strict=True):
        lines += _folded(" ".join((CHANGED, "; ".join(map(one_line, point.changes)))), width) if point.changes else ()
        drawn = "".join(_drawn(point, low_s, high_s, room))
        padded = f"{set_cell_size(name, name_cells)}  {' ' * (time_cells - cell_len(text))}{text}"
        lines.append(f"{' ' * INDENT}{moment(point.at_s)}  {padded}  {drawn}  {point.step}".rstrip())
    return [*lines, *(line for note in notes(trend) for line in _folded(note, width))]


def moment(at_s: float) -> str:
    """Date and time of a run, UTC: ``2026-11-24 15:10``."""
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(at_s))


def limits(trend: Trend) -> tuple[float, float]:
    """Ends of the scale, seconds: of all intervals, and a little apart where all are one."""
    low_s, high_s = min(each.low_s for each in trend.points), max(each.high_s for each in trend.points)
    return (low_s, high_s) if high_s > low_s else (0.99 * low_s, 1.01 * high_s or 1.0)


def notes(trend: Trend) -> Iterator[str]:
    """Sentences below the chart."""
    if len(trend.points) == 1:
        yield "One run has measured it: a trend needs a second one."
    if any(point.step for point in trend.points):
        yield "slower, faster: than the run before, as a comparison of the two would say."
    if any(not point.valid for point in trend.points):
        yield f"{INVALID}: invalid (grade X)."
    if trend.left_out:
        yield f"{plural(trend.left_out, 'older run')} not shown: --last {len(trend.points) + trend.left_out}."
    if trend.without:
        yield f"{plural(trend.without, 'run')} measured the row without its {trend.phase}."
    if trend.others:
        more = f" and {len(trend.others) - 3} more" if len(trend.others) > 3 else ""
        yield f"Kept too: {'; '.join(trend.others[:3])}{more}."
    for problem in trend.problems:
        yield one_line(problem)


def _time(point: TrendPoint, scale: Scale) -> str:
    interval = f" {relative_text(point.relative)}" if point.relative is not None else ""
    return scale.text(point.seconds, point.relative) + interval


def _drawn(point: TrendPoint, low_s: float, high_s: float, room: int) -> Iterator[str]:
    """``room`` characters: the interval as a line with ends, the number as a dot on it."""

    def place(seconds: float) -> int:
        return round((room - 1) * (seconds - low_s) / (high_s - low_s))

    low, middle, high = place(point.low_s), place(point.seconds), place(point.high_s)
    for each in range(room):
        if each == middle:
            yield DOT if point.valid else INVALID
        elif each in (low, high):
            yield LOW if each == low else HIGH
        else:
            yield BAR if low < each < high else " "


def _folded(text: str, width: int) -> list[str]:
    lines = wrap(text, max(40, width) - INDENT - 2, break_on_hyphens=False)
    return [" " * (INDENT + (2 if number else 0)) + line for number, line in enumerate(lines)]
