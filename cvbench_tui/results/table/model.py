"""A table as plain data: cells, rows, groups. ``results.table.build`` makes one of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from cvbench_tui.base.cells import cell_len, shorten
from cvbench_tui.base.escape import one_line
from cvbench_tui.core.grading.reasons import Grade
from cvbench_tui.results.stats.row_state import Word
from cvbench_tui.results.table.columns import Column, Value

REFERENCE = "vs_ref"
Form = Literal["text", "bare", "close"]
"""How a cell is written: with the unit of its column, without it where the heading says it, or that without blanks."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A value, and how it is written."""

    value: Value  # seconds, bytes, a count or a name; None: not available
    text: str  # all of it, for files
    bare: str  # the text without the unit of its column, for where the heading says it
    grade: Grade | None = None  # of the number in it; None for what is no timed number
    best: bool = False  # True for the fastest number among rows of the same workload, batch and image
    max_cells: int | None = None  # when it is ``written``; None: as many as it needs

    def written(self, form: Form) -> str:
        """The text in that form. Names are one line, in which everything can be seen, and shortened."""
        text = self.text if form == "text" else self.bare
        if self.max_cells is not None:
            return shorten(one_line(text), self.max_cells)
        return text.replace(" \u00b1", "\u00b1") if form == "close" else text

    @property
    def valid(self) -> bool:
        """False for a number of grade X, which is shown grey and sorted last."""
        return self.grade != "X"


@dataclass(frozen=True, slots=True)
class Row:
    """One case of the plan."""

    key: str
    cells: tuple[Cell, ...]  # one for each column, in their order
    state: Word
    grade: Grade | None = None  # that of its worst phase; None without numbers
    reference: bool = False  # True for the row that the others are compared with
    _widths: dict[Form, tuple[int, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def widths(self, form: Form) -> tuple[int, ...]:
        """Terminal cells of each of its texts; computed once, as rows outlive the tables they are in."""
        if form not in self._widths:
            self._widths[form] = tuple(cell_len(cell.written(form)) for cell in self.cells)
        return self._widths[form]


@dataclass(frozen=True)
class RowGroup:
    """Rows that belong together."""

    title: str  # one line, in which everything can be seen
    keys: tuple[str, ...]  # of its rows, from top to bottom


@dataclass(frozen=True, slots=True)
class Table:
    """The cases that a view shows, pending ones included."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    units: tuple[str, ...]
    """One for each column: ``ms`` where all of its texts are times in milliseconds; empty for other columns."""
    groups: tuple[RowGroup, ...] = ()  # in the order of the rows, which are sorted inside each; empty without groups
    total: int = 0  # rows there are without the filter
    chosen: tuple[str, ...] = ()  # keys of the columns that the view chose; none: any
    _widths: dict[Form, tuple[int, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def widths(self, form: Form) -> tuple[int, ...]:
        """Terminal cells of each column's widest text, its heading left out; 0 without rows."""
        if form not in self._widths:
            by_row = [row.widths(form) for row in self.rows] or [(0,) * len(self.columns)]
            self._widths[form] = tuple(map(max, zip(*by_row, strict=True)))
        return self._widths[form]

    def heading(self, index: int) -> str:
        """The heading of that column with its unit, to stand above bare texts."""
        return f"{self.columns[index].heading} {self.units[index]}".rstrip()

    def text(self, case_id: str, column: str) -> str:
        """What is written in that cell. Raises KeyError when there is no such row or column."""
        keys = [column.key for column in self.columns]
        for row in self.rows:
            if row.key == case_id and column in keys:
                return row.cells[keys.index(column)].text
        raise KeyError((case_id, column))
