"""The one table of a run, which the screen, the terminal and markdown all show: same rows, order and rounding."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cvbench_tui.core.run import Run
from cvbench_tui.errors import SelectionError
from cvbench_tui.results.columns import COLUMNS, Column, Reading, Value, columns_for, read
from cvbench_tui.results.state import Word
from cvbench_tui.results.units import Scale, scale_for


@dataclass(frozen=True)
class Cell:
    """A value, and how it is written."""

    value: Value
    """Seconds, bytes, a count or a name; None: not available."""
    text: str
    bare: str
    """The text without the unit of its column, for where the heading says it."""


@dataclass(frozen=True)
class Row:
    """One case of the plan."""

    key: str
    """Its case id."""
    cells: tuple[Cell, ...]
    """One for each column, in their order."""
    state: Word


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

    Missing values come last in both directions, equal ones stay in the plan's order, and names sort by
    their numbers (Resnet18 before Resnet101). Raises SelectionError for a column that is not there.
    """
    columns = columns_for(run.plan.protocol)
    readings = [read(run, case) for case in run.plan.cases]
    scales = [_scale(column, readings) for column in columns]
    by_column = [_cells(column, readings, scale) for column, scale in zip(columns, scales, strict=True)]
    rows = [
        Row(reading.case.case_id, tuple(cells[index] for cells in by_column), reading.state.word)
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
    if column.unit != "s":
        return None
    seconds = [value for value in map(column.value, readings) if isinstance(value, float)]
    return scale_for(seconds) if seconds else None


def _cells(column: Column, readings: Sequence[Reading], scale: Scale | None) -> list[Cell]:
    """One column from top to bottom."""
    texts = [column.text(reading, scale or scale_for([])) for reading in readings]
    bare = [text.replace(f" {scale.unit}", "") if scale else text for text in texts]
    return list(map(Cell, map(column.value, readings), texts, bare))


def _sorted(rows: Sequence[Row], place: int, descending: bool) -> list[Row]:
    """The rows with a value sorted, then those without."""
    present = [row for row in rows if row.cells[place].value is not None]
    missing = [row for row in rows if row.cells[place].value is None]
    return sorted(present, key=lambda row: _order(row.cells[place].value), reverse=descending) + missing


def _order(value: Value) -> tuple[tuple[int, float, str], ...]:
    """What a value is compared by: numbers as such, text without case and with the numbers in it as numbers."""
    if not isinstance(value, str):
        return ((0, float(value or 0), ""),)
    parts = re.findall(r"[0-9]+|[^0-9]+", value.casefold())
    return tuple((0, float(part), "") if part.isdecimal() else (1, 0.0, part) for part in parts)
