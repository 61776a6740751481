"""A table as plain data: rows of cells, groups. ``results.table.build`` makes one of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from cvbench_tui.base.cells import cell_len, shorten
from cvbench_tui.base.escape import one_line
from cvbench_tui.results.stats.quality import Quality
from cvbench_tui.results.table.cell import Cell, cell_text
from cvbench_tui.results.table.columns import Column
from cvbench_tui.results.text.units import Scale

REFERENCE = "vs_ref"
MAX_PLAIN = 10  # letters that take no more than the 20 cells of the narrowest column, however wide they are
Form = Literal["file", "bare", "close"]
"""How cells are written: as in files, with their unit; without the one that the heading or the row has; or that without
blanks."""


@dataclass(frozen=True, slots=True)
class Row:
    """One case of the plan."""

    key: str
    cells: tuple[Cell, ...]  # one for each column, in their order
    quality: Quality
    scale: Scale  # unit of all its times
    best: frozenset[int] = frozenset()
    """Places of the cells with the fastest number among rows of the same workload, batch, image and settings."""
    _texts: dict[object, tuple[str, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)


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
    """One for each column: the unit of all its cells, which its heading then has; empty where each has its own."""
    groups: tuple[RowGroup, ...] = ()  # in the order of the rows, which are sorted inside each; empty without groups
    total: int = 0  # rows there are without the filter
    chosen: tuple[str, ...] = ()  # keys of the columns that the view chose; none: any
    _widths: dict[Form, tuple[int, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def texts(self, row: Row, form: Form) -> tuple[str, ...]:
        """What is written in each of its cells. Names are one line, in which everything can be seen, and shortened.

        Made once for each form and choice of units, as rows outlive the tables they are in.
        """
        key = (form, self.units)
        if key not in row._texts:
            row._texts[key] = tuple(self._written(row, form))
        return row._texts[key]

    def _written(self, row: Row, form: Form) -> Iterator[str]:
        for column, cell, unit in zip(self.columns, row.cells, self.units, strict=True):
            scale = row.scale if column.scaled else None
            text = cell_text(cell, scale, unit=form == "file" or not (unit or column.scaled), close=form == "close")
            if column.max_cells is not None and form != "file" and (len(text) > MAX_PLAIN or not text.isprintable()):
                text = shorten(one_line(text), column.max_cells)
            yield text

    def widths(self, form: Form) -> tuple[int, ...]:
        """Terminal cells of each column's widest text, its heading left out; 0 without rows."""
        if form not in self._widths:
            key = (form, self.units)
            texts = [row._texts.get(key) or self.texts(row, form) for row in self.rows] or [("",) * len(self.columns)]
            self._widths[form] = tuple(map(_widest, zip(*texts, strict=True)))
        return self._widths[form]

    def heading(self, index: int) -> str:
        """The heading of that column with its unit, to stand above bare texts; none above units."""
        return "" if self.columns[index].drawn else f"{self.columns[index].heading} {self.units[index]}".rstrip()

    def text(self, case_id: str, column: str) -> str:
        """What is written in that cell. Raises KeyError when there is no such row or column."""
        keys = [column.key for column in self.columns]
        for row in self.rows:
            if row.key == case_id and column in keys:
                return self.texts(row, "file")[keys.index(column)]
        raise KeyError((case_id, column))


def _widest(texts: Sequence[str]) -> int:
    """Cells of the widest text. Of 20,000 rows and 22 columns each text by itself would take 0.2 s."""
    if all(cell_len(letter) == 1 for letter in set("".join(texts))):
        return max(map(len, texts))
    return max(map(cell_len, texts))
