"""The one table of a run, which the screen, the terminal and markdown all show: same rows, order and rounding."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal

from cvbench_tui.core.reasons import Grade
from cvbench_tui.core.run import Run
from cvbench_tui.results.columns import Column, Value, columns_for
from cvbench_tui.results.escape import one_line, shorten
from cvbench_tui.results.fastest import Rivals, fastest, rivals
from cvbench_tui.results.grouping import Group, group_titles, grouped, matches
from cvbench_tui.results.reading import Reading, read
from cvbench_tui.results.reference import ITSELF, compare, has_numbers
from cvbench_tui.results.state import Word
from cvbench_tui.results.statistics import worst_grade
from cvbench_tui.results.units import Scale, scale_for
from cvbench_tui.results.view import View, check_column

REFERENCE = "vs_ref"
"""Key of the column that is only there while a row with numbers is marked."""
Form = Literal["text", "bare", "close"]
"""How a cell is written: with the unit of its column, without it where the heading says it, or that and close."""


@dataclass(frozen=True)
class Cell:
    """A value, and how it is written."""

    value: Value
    """Seconds, bytes, a count or a name; None: not available."""
    text: str
    """All of it, for files."""
    bare: str
    """The text without the unit of its column, for where the heading says it."""
    grade: Grade | None = None
    """Of the number in it; None for what is no timed number."""
    best: bool = False
    """True for the fastest number among rows of the same workload, batch and image."""
    most: int | None = None
    """Cells it takes at most when it is ``written``; None: as many as it needs."""

    def written(self, form: Form) -> str:
        """The text in that form: with its unit, without it, or without it and in as few cells as can be read.

        Names are one line, in which everything can be seen, and shortened.
        """
        text = self.text if form == "text" else self.bare
        if self.most is not None:
            return shorten(one_line(text), self.most)
        return text.replace(" \u00b1", "\u00b1") if form == "close" else text

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
    reference: bool = False
    """True for the row that the others are compared with."""


@dataclass(frozen=True)
class Table:
    """The cases that a view shows, those still to come included."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    units: tuple[str, ...]
    """One for each column: ``ms`` where all of its texts are times in milliseconds; empty for other columns."""
    groups: tuple[Group, ...] = ()
    """In the order of the rows, which are sorted inside each; empty without groups."""
    total: int = 0
    """Rows there are without the filter."""
    chosen: tuple[str, ...] = ()
    """Keys of the columns that the view chose; none: any."""

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


def build(run: Run, view: View | None = None, *, sort: str | None = None, descending: bool = False) -> Table:
    """The table of a run as the view asks for it; ``sort`` and ``descending`` stand for a view with no more than these.

    In both directions numbers of grade X come after all others and missing values last; equal ones stay in the
    plan's order, and names sort by their numbers (Resnet18 before Resnet101). A view sorted by a column that is not
    there without a marked row has the plan's order. Units, and what is fastest, are those of all rows, so that a filter
    changes neither. Raises SelectionError for a column that there never is.
    """
    view = view or View(sort=sort, descending=descending)
    body = _body(run, view.reference)
    rows = [row for row, reading in zip(body.rows, body.readings, strict=True) if matches(reading, view.needle)]
    groups, rows = _arranged(run, rows, body.columns, view)
    return Table(body.columns, tuple(rows), body.units, groups, len(body.rows), view.columns)


@dataclass(frozen=True)
class _Body:
    """What a view's order, groups and filter do not change."""

    readings: tuple[Reading, ...]
    columns: tuple[Column, ...]
    units: tuple[str, ...]
    rows: tuple[Row, ...]


_LAST: list[tuple[Run, str | None, _Body]] = []
"""The newest body: sorting or filtering 1,000 rows takes 2 to 15 ms of CPU time with it and 270 without."""


def _body(run: Run, reference: str | None) -> _Body:
    """All the rows in the plan's order; as it was made before, where nothing else has been asked for since."""
    for known, key, body in tuple(_LAST):
        if known is run and key == reference:
            return body
    made = _made(run, reference)
    _LAST[:] = [(run, reference, made)]
    return made


def _made(run: Run, reference: str | None) -> _Body:
    readings = _compared(run, [read(run, case) for case in run.plan.cases], reference)
    marked = any(reading.versus is not None for reading in readings)
    columns = tuple(column for column in columns_for(run.plan.protocol) if marked or column.key != REFERENCE)
    scales = [_scale(column, readings) for column in columns]
    among = rivals(readings)
    by_column = [_cells(column, readings, scale, among) for column, scale in zip(columns, scales, strict=True)]
    lines = zip(*by_column, strict=True)
    rows = tuple(_row(reading, cells, reference) for reading, cells in zip(readings, lines, strict=True))
    return _Body(tuple(readings), columns, tuple(scale.unit if scale else "" for scale in scales), rows)


def _compared(run: Run, readings: list[Reading], key: str | None) -> list[Reading]:
    """The readings with how they compare with that row; unchanged when it has no numbers, or is not there."""
    marked = next((reading for reading in readings if reading.case.case_id == key), None) if key is not None else None
    if marked is None or not has_numbers(marked.phases):
        return readings
    found = []
    for each in readings:
        versus = compare(run.plan.protocol, each.phases, each.case.batch, marked.phases, marked.case.batch)
        found.append(replace(each, versus=ITSELF if each is marked else versus))
    return found


def _row(reading: Reading, cells: tuple[Cell, ...], reference: str | None) -> Row:
    key = reading.case.case_id
    return Row(key, cells, reading.state.word, worst_grade(reading.phases), key == reference)


def _arranged(run: Run, rows: list[Row], columns: Sequence[Column], view: View) -> tuple[tuple[Group, ...], list[Row]]:
    """The groups, and the rows in their order."""
    if view.sort is not None:
        keys = [column.key for column in columns]
        if check_column(view.sort) in keys:
            rows = _sorted(rows, keys.index(view.sort), view.descending)
    groups = grouped([row.key for row in rows], group_titles(run, view.group))
    if groups:
        by_key = {row.key: row for row in rows}
        rows = [by_key[key] for group in groups for key in group.keys]
    return groups, rows


def _scale(column: Column, readings: Sequence[Reading]) -> Scale | None:
    """The scale that all times of a column share; None for a column of something else, or without any time."""
    if not column.scaled:
        return None
    seconds = [value for value in map(column.value, readings) if isinstance(value, float)]
    return scale_for(seconds) if seconds else None


def _cells(column: Column, readings: Sequence[Reading], scale: Scale | None, among: Rivals) -> list[Cell]:
    """One column from top to bottom."""
    best, written = fastest(column, readings, among), scale or scale_for([])
    texts = [column.text(reading, written) for reading in readings]
    bare = [text.replace(f" {scale.unit}", "") for text in texts] if scale else texts
    return [
        Cell(column.value(reading), texts[place], bare[place], column.grade(reading), place in best, column.most)
        for place, reading in enumerate(readings)
    ]


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
