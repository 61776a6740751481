"""What the table's widget draws, as plain data: columns with widths, lines, cells with the names of their styles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, TypeAlias

from rich.cells import cell_len, set_cell_size

from cvbench_tui.base.escape import visible
from cvbench_tui.results.table.view import View

if TYPE_CHECKING:
    from cvbench_tui.core.grading.reasons import Grade
    from cvbench_tui.results.stats.quality import Quality
    from cvbench_tui.results.table.model import Form, Row, Table

GRADE_STYLES: dict[Grade, str] = {"A": "ok", "B": "ok", "C": "warn", "D": "bad", "X": "dim"}
WORD_STYLES = {"queued": "dim", "not begun": "dim", "skipped": "dim", "published": "dim", "cancelled": "warn"}
"""Of rows without numbers; every other word is a failure: ``bad``."""
ARROWS = {False: "\u25b2", True: "\u25bc"}
"""Behind the heading of the column that the table is sorted by: upwards, downwards."""
GUTTER = 2  # cells in front of the first column: the cursor's mark and the reference's
Line: TypeAlias = "Row | str"  # a row, or the title of a group


@dataclass(frozen=True)
class ShownColumn:
    """A column there is room for."""

    place: int  # in the table's columns
    key: str
    heading: str
    width: int  # cells
    right: bool
    gap: str  # what is behind it

    def aligned(self, text: str) -> str:
        """The text in exactly the column's cells, and the gap."""
        room = self.width - cell_len(text)
        if room < 0:
            return set_cell_size(text, self.width) + self.gap
        return (" " * room + text if self.right else text + " " * room) + self.gap


@dataclass(frozen=True)
class TableLayout:
    """The columns of a table at one width."""

    form: Form
    columns: tuple[ShownColumn, ...]
    hidden: tuple[str, ...]  # headings of the columns without room, the most wanted first
    header: str = ""  # the line of headings

    def cells(self, table: Table, row: Row) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Text and names of the styles of each cell of a row, gaps included."""
        texts = table.texts(row, self.form)
        for column in self.columns:
            cell = row.cells[column.place]
            name = quality_style(row.quality) if column.key == "quality" else "" if cell.valid else "dim"
            names = tuple(each for each in (name, "best" if column.place in row.best else "") if each)
            yield column.aligned(visible(texts[column.place])), names

    def column_at(self, x: int) -> str | None:
        """Key of the column at that cell of a line; None behind the last one."""
        start = GUTTER
        for column in self.columns:
            start += column.width + len(column.gap)
            if x < start:
                return column.key
        return None


def quality_style(quality: Quality) -> str:
    """Of a row's verdict, which says it without a colour."""
    if quality.share is not None:
        return "run"
    return WORD_STYLES.get(quality.word, "bad") if quality.letter is None else GRADE_STYLES[quality.letter]


def lay_out(table: Table, view: View, width: int) -> TableLayout:
    """The columns that fit into ``width`` cells, closer together where a time would have to go otherwise."""
    # Behind the first frame: the table brings the statistics.
    from cvbench_tui.results.table.column_fit import column_width, fitting, visible_columns

    room = width - GUTTER
    shown, close = fitting(table, room), fitting(table, room, "close")
    times = [sum(table.columns[place].scaled for place in places) for places in (shown, close)]
    form: Form = "close" if times[1] > times[0] else "bare"
    places = close if form == "close" else shown
    hidden = [table.columns[place] for place in visible_columns(table) if place not in places]
    hidden.sort(key=attrgetter("hide"))
    columns = []
    for place in places:
        column, heading = table.columns[place], table.heading(place)
        if view.sort == column.key:
            heading += ARROWS[view.descending]
        cells, gap = column_width(table, place, form), " " if form == "close" else "  "
        columns.append(ShownColumn(place, column.key, heading, cells, column.right, gap))
    header = " " * GUTTER + "".join(column.aligned(column.heading) for column in columns)
    return TableLayout(form, tuple(columns), tuple(column.heading for column in hidden), header)


def lines_of(table: Table) -> list[Line]:
    """The rows, each group under its title."""
    if not table.groups:
        return list(table.rows)
    rows = {row.key: row for row in table.rows}
    lines: list[Line] = []
    for group in table.groups:
        lines += [group.title, *(rows[key] for key in group.keys)]
    return lines
