"""What the compare screen draws, as plain data: its rows as texts, its columns at a width, the lines below them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from typing import NamedTuple, TypeAlias

from rich.cells import cell_len

from cvbench_tui.base.cells import shorten
from cvbench_tui.base.escape import one_line
from cvbench_tui.core.measurement import Phase
from cvbench_tui.core.stats.ratio import Ratio
from cvbench_tui.results.compare.cells import (
    counts_text,
    interval_text,
    made_of,
    missing_line,
    phases_of,
    speedup_text,
    verdict_text,
)
from cvbench_tui.results.compare.model import ComparedRow, RunComparison, SideTime, Verdict
from cvbench_tui.results.compare.ratio_axis import RatioAxis, close_axis
from cvbench_tui.results.compare.ratio_line import ONE, ratio_line, ruler
from cvbench_tui.results.text.units import MISSING, Scale, percent_text, scale_for
from cvbench_tui.tui.state.table_layout import GUTTER, ShownColumn

VERDICT_STYLES: dict[Verdict, str] = {"faster": "ok", "slower": "bad", "same": "", "not told apart": "warn"}
FAULT = "bad"  # style of a row without two numbers
CHART = "chart"
CHART_CELLS = (18, 64)  # fewest and most of the chart
LEAST_CHART = 10  # in a terminal that is too narrow for all that stays
WORKLOAD_CELLS = (12, 34)
FAULT_CELLS = 20  # of why a row has no ratio; below the table there is all of it
GAP = "  "


class Heading(NamedTuple):
    """A column: its key, what is above it, and how early it gives way; 0 never does."""

    key: str
    title: str
    right: bool
    hide: int = 0


HEADINGS = (
    Heading("workload", "Workload", False),
    Heading("batch", "Batch", True, 1),
    Heading("a", "A", True, 2),
    Heading("b", "B", True, 2),
    Heading("speedup", "Speedup", True),
    Heading("interval", "95% CI", True, 3),
    Heading(CHART, "", False),
    Heading("verdict", "Verdict", False),
)
SCALED = ("a", "b")  # their headings have the unit


@dataclass(frozen=True)
class CompareLine:
    """One row as texts, by the columns; that of the chart is drawn where it is seen."""

    key: str
    texts: tuple[str, ...]
    ratio: Ratio | None
    style: str


Line: TypeAlias = "CompareLine | str"  # a row, or the phase of those below


@dataclass(frozen=True)
class ComparedLines:
    """A comparison with its lines, made in a thread: of 1,000 rows it takes a tenth of a second."""

    comparison: RunComparison
    scale: Scale  # of all times
    axis: RatioAxis  # of all rows
    rows: tuple[CompareLine, ...]
    widths: tuple[int, ...]  # cells of each column's widest text

    def body(self, words: tuple[str, ...] = ()) -> list[Line]:
        """The lines with all of these words in their workload; each phase under its name where there are several."""
        by_key = {row.key: row for row in self.comparison.rows}
        shown = [each for each in self.rows if all(word in each.texts[0].casefold() for word in words)]
        phases = phases_of([self.comparison])
        if len(phases) < 2:
            return list(shown)
        lines: list[Line] = []
        for phase in phases:
            some = [each for each in shown if by_key[each.key].phase == phase]
            lines += [phase, *some] if some else []
        return lines

    def row(self, key: str | None) -> ComparedRow | None:
        """The row of that key."""
        return next((row for row in self.comparison.rows if row.key == key), None)


def lines_of(comparison: RunComparison) -> ComparedLines:
    """The texts of all rows."""
    sides = [side for row in comparison.rows for side in (row.a, row.b)]
    scale = scale_for(side.seconds if side is not None else None for side in sides)
    ratios = [row.ratio for row in comparison.rows if row.ratio is not None]
    rows = tuple(_line(comparison, row, scale) for row in comparison.rows)
    columns = zip(*(row.texts for row in rows), strict=True) if rows else [()] * len(HEADINGS)
    widths = tuple(max(map(cell_len, texts), default=0) for texts in columns)
    return ComparedLines(comparison, scale, close_axis(ratios), rows, widths)


def _line(comparison: RunComparison, row: ComparedRow, scale: Scale) -> CompareLine:
    style = VERDICT_STYLES[row.verdict] if row.verdict is not None else FAULT if row.ratio is None else "dim"
    word = verdict_text(comparison, row)
    if row.ratio is None and row.sentence:
        word = shorten(one_line(row.sentence), FAULT_CELLS)
    texts = (one_line(row.label), row.batch, _time(row.a, scale), _time(row.b, scale), speedup_text(row.ratio),
             interval_text(row.ratio), "", word)  # fmt: skip
    return CompareLine(row.key, texts, row.ratio, style)


def _time(side: SideTime | None, scale: Scale) -> str:
    return MISSING if side is None else scale.number(side.seconds, side.relative)


@dataclass(frozen=True)
class CompareLayout:
    """The columns of a comparison at one width."""

    columns: tuple[ShownColumn, ...] = ()
    hidden: tuple[str, ...] = ()  # headings of the columns without room
    header: str = ""
    axis: RatioAxis = field(default_factory=lambda: RatioAxis(2.0))

    def cells(self, row: CompareLine) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Text and styles of each cell of a row, gaps included."""
        for column in self.columns:
            if column.key == CHART:
                yield from self.chart(row.ratio, row.style)
            else:
                style = row.style if column.key in ("speedup", "verdict") else ""
                text = shorten(row.texts[column.place], column.width)
                yield column.aligned(text), (style,) if style else ()

    def chart(self, ratio: Ratio | None, style: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The chart of a ratio: the line at 1 dimmed, the rest in that style."""
        width = next(column.width for column in self.columns if column.key == CHART)
        before, one, after = ratio_line(self.axis, ratio, width).partition(ONE)
        for text, name in ((before, style), (one, "dim"), (after + GAP, style)):
            yield text, (name,) if name else ()

    def column_at(self, x: int) -> str | None:
        """Key of the column at that cell of a line; None behind the last one."""
        start = GUTTER
        for column in self.columns:
            start += column.width + len(column.gap)
            if x < start:
                return column.key
        return None

    def until(self, key: str) -> int:
        """Cells of a line in front of that column."""
        before = self.columns[: [column.key for column in self.columns].index(key)]
        return GUTTER + sum(column.width + len(column.gap) for column in before)


def lay_out(lines: ComparedLines, width: int) -> CompareLayout:
    """The columns that fit into so many cells: the interval gives way first, then both times, then the batch; speedup,
    chart and verdict stay."""
    titles = [f"{each.title} {lines.scale.unit}" if each.key in SCALED else each.title for each in HEADINGS]
    sizes = [max(cell_len(title), cells) for title, cells in zip(titles, lines.widths, strict=True)]
    sizes[0] = min(sizes[0], WORKLOAD_CELLS[1])
    room = width - GUTTER
    for limit in (4, 3, 2, 1):
        shown = [place for place, each in enumerate(HEADINGS) if each.hide < limit]
        taken = sum(sizes[place] + len(GAP) for place in shown) - len(GAP)
        if taken + CHART_CELLS[0] <= room:
            break
    else:
        sizes[0] = max(WORKLOAD_CELLS[0], sizes[0] - (taken + CHART_CELLS[0] - room))
        taken = sum(sizes[place] + len(GAP) for place in shown) - len(GAP)
    chart = min(CHART_CELLS[1], max(LEAST_CHART, room - taken))
    columns, header = [], " " * GUTTER
    for place in shown:
        each, title = HEADINGS[place], titles[place]
        cells = chart if each.key == CHART else sizes[place]
        columns.append(ShownColumn(place, each.key, title, cells, each.right, GAP))
        header += ruler(lines.axis, chart) + GAP if each.key == CHART else columns[-1].aligned(title)
    left_out = sorted((each for each in HEADINGS if each.hide >= limit), key=attrgetter("hide"))
    return CompareLayout(tuple(columns), tuple(each.title for each in left_out), header, lines.axis)


Piece: TypeAlias = "tuple[str, str]"  # text, and the name of its style or nothing


def foot(lines: ComparedLines, layout: CompareLayout, cells: int) -> list[list[Piece]]:
    """The geometric mean of each phase, under the columns of the rows; then how many rows got which verdict, and what
    that means, on lines of its own where it does not fit into ``cells``."""
    comparison, found = lines.comparison, []
    for phase, ratio, count in comparison.means:
        words = f"geometric mean of {count}{_of(comparison, phase)}"
        pieces: list[Piece] = [(" " * GUTTER + words.ljust(layout.until("speedup") - GUTTER), "")]
        for column in layout.columns:
            if column.key == "speedup":
                pieces.append((column.aligned(speedup_text(ratio)), ""))
            elif column.key == "interval":
                pieces.append((column.aligned(interval_text(ratio)), ""))
            elif column.key == CHART:
                pieces += [(text, styles[0] if styles else "") for text, styles in layout.chart(ratio, "run")]
        found.append(pieces)
    counts = "; ".join(f"{counts_text(comparison, phase)}{_of(comparison, phase)}" for phase in phases_of([comparison]))
    same = f"same: within \u00b1{percent_text(comparison.bound)}"
    rest = " ".join(filter(None, (missing_line(comparison), same)))
    margin, room = " " * GUTTER, max(1, cells - GUTTER)
    if cell_len(f"{counts}.  {rest}") <= room:
        return [*found, [(f"{margin}{counts}.  ", ""), (rest, "dim")]]
    found += [[(margin + line, "")] for line in textwrap.wrap(f"{counts}.", room)]
    return found + [[(margin + line, "dim")] for line in textwrap.wrap(rest, room)]


def _of(comparison: RunComparison, phase: Phase) -> str:
    """Names the phase where there are several."""
    return f" in {phase}" if len(phases_of([comparison])) > 1 else ""


def about(lines: ComparedLines, row: ComparedRow) -> str:
    """Both times with their grades and the ratio with its interval: what a narrow screen has no columns for."""
    parts = []
    for name, side in (("A", row.a), ("B", row.b)):
        if side is None:
            parts.append(f"{name} no number")
        else:
            parts.append(f"{name} {lines.scale.text(side.seconds, side.relative)} ({side.quality.text})")
    if row.ratio is not None:
        interval = f", 95% CI {interval_text(row.ratio)}" if row.ratio.low is not None else ""
        parts.append(f"{speedup_text(row.ratio)}{interval}, of {made_of(row.ratio)}")
    return ";  ".join(parts)
