"""The one table of a run, which the screen, the terminal and markdown all show: same rows, order and rounding."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from cvbench_tui.core.reasons import Grade
from cvbench_tui.core.run import Run
from cvbench_tui.errors import SelectionError
from cvbench_tui.results.columns import COLUMNS, Column, Value, columns_for
from cvbench_tui.results.reading import Reading, read
from cvbench_tui.results.state import Word
from cvbench_tui.results.statistics import worst_grade
from cvbench_tui.results.units import Scale, scale_for

Form = Literal["text", "bare", "close"]
"""How a cell is written: with the unit of its column, without it where the heading says it, or that and close."""


@dataclass(frozen=True)
class Cell:
    """A value, and how it is written."""

    value: Value
    """Seconds, bytes, a count or a name; None: not available."""
    text: str
    bare: str
    """The text without the unit of its column, for where the heading says it."""
    grade: Grade | None = None
    """Of the number in it; None for what is no timed number."""

    def written(self, form: Form) -> str:
        """The text in that form: with its unit, without it, or without it and in as few cells as can be read."""
        return self.text if form == "text" else self.bare if form == "bare" else self.bare.replace(" \u00b1", "\u00b1")

    @property
    def valid(self) -> bool:
        """False for a number of grade X, which is shown grey and stands behind all others."""
        return self.grade != "X"


@dataclass(frozen=True)
class Row:
    """One case of the plan."""

    key: str
    """Its case id."""
    cells: tuple[Cell, ...]
    """One for each column, in their order."""
    state: Word
    grade: Grade | None = None
    """That of its worst phase; None without numbers."""


@dataclass(frozen=True)
class Table:
    """All the plan's cases, those still to come included."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    units: tuple[str, ...]
    """One for each column: ``ms`` where all of its texts are times in milliseconds; empty for other columns."""

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


def build(run: Run, *, sort: str | None = None, descending: bool = False) -> Table:
    """The table of a run, sorted by the column of that key; without one, in the plan's order.

    In both directions numbers of grade X come after all others and missing values last; equal ones stay in the
    plan's order, and names sort by their numbers (Resnet18 before Resnet101). Raises SelectionError for a column that
    is not there.
    """
    columns = columns_for(run.plan.protocol)
    readings = [read(run, case) for case in run.plan.cases]
    scales = [_scale(column, readings) for column in columns]
    by_column = [_cells(column, readings, scale) for column, scale in zip(columns, scales, strict=True)]
    rows = [
        Row(
            reading.case.case_id,
            tuple(cells[index] for cells in by_column),
            reading.state.word,
            worst_grade(reading.phases),
        )
        for index, reading in enumerate(readings)
    ]
    if sort is not None:
        place = check_column(sort)
        rows = _sorted(rows, place, descending)
    return Table(columns, tuple(rows), tuple(scale.unit if scale else "" for scale in scales))


def check_column(key: str) -> int:
    """The place of the column of that key, from 0. Raises SelectionError, naming the nearest, when there is none."""
    keys = [column.key for column in COLUMNS]
    if key in keys:
        return keys.index(key)
    nearest = difflib.get_close_matches(key.lower(), keys, 1)
    hint = f"Nearest: {nearest[0]}. " if nearest else ""
    raise SelectionError(f"There is no column '{key}'.", f"{hint}Columns: {', '.join(keys)}.")


def _scale(column: Column, readings: Sequence[Reading]) -> Scale | None:
    """The scale that all times of a column share; None for a column of something else, or without any time."""
    if not column.scaled:
        return None
    seconds = [value for value in map(column.value, readings) if isinstance(value, float)]
    return scale_for(seconds) if seconds else None


def _cells(column: Column, readings: Sequence[Reading], scale: Scale | None) -> list[Cell]:
    """One column from top to bottom."""
    texts = [column.text(reading, scale or scale_for([])) for reading in readings]
    bare = [text.replace(f" {scale.unit}", "") if scale else text for text in texts]
    return list(map(Cell, map(column.value, readings), texts, bare, map(column.grade, readings)))


def _sorted(rows: Sequence[Row], place: int, descending: bool) -> list[Row]:
    """The rows with a valid value sorted, then those with one of grade X, then those without."""
    valid = [row for row in rows if row.cells[place].value is not None and row.cells[place].valid]
    invalid = [row for row in rows if row.cells[place].value is not None and not row.cells[place].valid]
    missing = [row for row in rows if row.cells[place].value is None]
    parts = (
        sorted(part, key=lambda row: _order(row.cells[place].value), reverse=descending) for part in (valid, invalid)
    )
    return [*chain.from_iterable(parts), *missing]


def _order(value: Value) -> tuple[tuple[int, float, str], ...]:
    """What a value is compared by: numbers as such, text without case and with the numbers in it as numbers."""
    if not isinstance(value, str):
        return ((0, float(value or 0), ""),)
    parts = re.findall(r"[0-9]+|[^0-9]+", value.casefold())
    return tuple((0, float(part), "") if part.isdecimal() else (1, 0.0, part) for part in parts)
