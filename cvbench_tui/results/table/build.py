"""The one table of a run, which the screen, the terminal and markdown all show: same rows, order and rounding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cvbench_tui.core.run import Run
from cvbench_tui.results.stats.comparison import ITSELF, compare, has_numbers
from cvbench_tui.results.stats.phase_stats import worst_grade
from cvbench_tui.results.stats.row_data import RowData, row_data
from cvbench_tui.results.table.arrange import arranged, matches
from cvbench_tui.results.table.columns import Column, columns_for
from cvbench_tui.results.table.model import REFERENCE, Cell, Row, Table
from cvbench_tui.results.table.view import View
from cvbench_tui.results.text.units import Scale, scale_for


def build(run: Run, view: View | None = None) -> Table:
    """The table of a run as the view asks for it.

    In both directions numbers of grade X come after all others and missing values last; equal ones stay in the
    plan's order, and names sort by their numbers (Resnet18 before Resnet101). A view sorted by a column that is not
    there without a marked row has the plan's order. Units, and what is fastest, are those of all rows, so that a filter
    changes neither. Raises SelectionError for a column that there never is.
    """
    view = view or View()
    body = _body(run, view.reference)
    rows = [row for row, reading in zip(body.rows, body.readings, strict=True) if matches(reading, view.filter_text)]
    groups, rows = arranged(run, rows, body.columns, view)
    return Table(body.columns, tuple(rows), body.units, groups, len(body.rows), view.columns)


@dataclass(frozen=True, slots=True)
class _Body:
    """The part of a table that a view's order, groups and filter do not change."""

    readings: tuple[RowData, ...]
    columns: tuple[Column, ...]
    scales: tuple[Scale | None, ...]
    rows: tuple[Row, ...]

    @property
    def units(self) -> tuple[str, ...]:
        """One for each column."""
        return tuple(scale.unit if scale else "" for scale in self.scales)


_LAST: list[tuple[Run, str | None, _Body]] = []
"""The newest body: sorting or filtering 1,000 rows takes 2 to 15 ms of CPU time with it and 270 without. What one event
has changed is made anew, and the rest is that of before."""


def _body(run: Run, reference: str | None) -> _Body:
    """All the rows in the plan's order; as it was made before, where nothing else has been asked for since."""
    for known, key, body in tuple(_LAST):
        if known is run and key == reference:
            return body
    made = _made(run, reference, next((body for _, _, body in tuple(_LAST)), _NOTHING))
    _LAST[:] = [(run, reference, made)]
    return made


EqualWork = Sequence[Sequence[int]]  # places of rows of equal work, as far as there are several
_ANY_SCALE = scale_for([])
_NOTHING = _Body((), (), (), ())


def _made(run: Run, reference: str | None, before: _Body) -> _Body:
    """The body of that run, with all of the one before that is as it was."""
    readings = _kept(_compared(run, [row_data(run, case) for case in run.plan.cases], reference), before.readings)
    marked = any(reading.versus is not None for reading in readings)
    columns = tuple(column for column in columns_for(run.plan.protocol) if marked or column.key != REFERENCE)
    scales = tuple(_scale(column, readings) for column in columns)
    equal_work = _equal_work(readings)
    old = before if before.columns == columns else _NOTHING
    by_column = [
        _cells(column, readings, scales[place], equal_work, _old_cells(readings, scales[place], old, place))
        for place, column in enumerate(columns)
    ]
    lines = zip(*by_column, strict=True)
    rows = tuple(
        row if row is not None and row.cells == cells else _row(reading, cells, reference)
        for row, reading, cells in zip(_old_rows(readings, reference, old), readings, lines, strict=True)
    )
    return _Body(tuple(readings), columns, scales, rows)


def _kept(readings: Sequence[RowData], before: Sequence[RowData]) -> list[RowData]:
    """The readings, those as objects of before that are equal to what had their place."""
    kept = [old if old == new else new for old, new in zip(before, readings, strict=False)]
    return [*kept, *readings[len(kept) :]]


def _old_cells(readings: Sequence[RowData], scale: Scale | None, old: _Body, place: int) -> list[Cell | None]:
    """For every row its cell of before in that column; None where something of it has changed."""
    same = bool(old.scales) and old.scales[place] == scale
    known = zip(readings, old.readings, old.rows, strict=False) if same else ()
    kept = [row.cells[place] if now is then else None for now, then, row in known]
    return kept + [None] * (len(readings) - len(kept))


def _old_rows(readings: Sequence[RowData], reference: str | None, old: _Body) -> list[Row | None]:
    """For every row that of before; None where its reading or its mark has changed."""
    kept = [
        row if now is then and row.reference == (row.key == reference) else None
        for now, then, row in zip(readings, old.readings, old.rows, strict=False)
    ]
    return kept + [None] * (len(readings) - len(kept))


def _compared(run: Run, readings: list[RowData], key: str | None) -> list[RowData]:
    """The readings with how they compare with that row; unchanged when it has no numbers, or is not there."""
    marked = next((reading for reading in readings if reading.case.case_id == key), None) if key is not None else None
    if marked is None or not has_numbers(marked.phases):
        return readings
    compared = []
    for each in readings:
        versus = compare(run.plan.protocol, each.phases, each.case.batch, marked.phases, marked.case.batch)
        compared.append(replace(each, versus=ITSELF if each is marked else versus))
    return compared


def _row(reading: RowData, cells: tuple[Cell, ...], reference: str | None) -> Row:
    key = reading.case.case_id
    return Row(key, cells, reading.state.word, worst_grade(reading.phases), key == reference)


def _scale(column: Column, readings: Sequence[RowData]) -> Scale | None:
    """The scale that all times of a column share; None for a column of something else, or without any time."""
    if not column.scaled:
        return None
    seconds = [value for value in map(column.value, readings) if isinstance(value, float)]
    return scale_for(seconds) if seconds else None


def _cells(
    column: Column, readings: Sequence[RowData], scale: Scale | None, equal_work: EqualWork, old: Sequence[Cell | None]
) -> list[Cell]:
    best = _fastest(column, readings, equal_work)
    return [
        cell
        if cell is not None and cell.best == (place in best)
        else _cell(column, readings[place], scale, place in best)
        for place, cell in enumerate(old)
    ]


def _cell(column: Column, reading: RowData, scale: Scale | None, best: bool) -> Cell:
    text = column.text(reading, scale or _ANY_SCALE)
    bare = text.replace(f" {scale.unit}", "") if scale else text
    return Cell(column.value(reading), text, bare, column.grade(reading), best, column.max_cells)


def _equal_work(readings: Sequence[RowData]) -> EqualWork:
    """Which rows have the same workload, batch and image, and can be compared if their numbers can."""
    places: dict[object, list[int]] = {}
    for place, reading in enumerate(readings):
        if reading.phases:
            places.setdefault((reading.case.workload, reading.case.batch), []).append(place)
    return [each for each in places.values() if len(each) > 1]


def _fastest(column: Column, readings: Sequence[RowData], equal_work: EqualWork) -> set[int]:
    """The places with the fastest number of that column, or of several that are equally fast, wherever at least two can
    be compared. Empty for a column that ranks nothing."""
    best: set[int] = set()
    if column.phase is None:
        return best
    for places in equal_work:
        comparable = [place for place in places if readings[place].comparable(column.phase)]
        values = {place: column.value(readings[place]) for place in comparable}
        numbers = {place: value for place, value in values.items() if isinstance(value, (int, float))}
        if len(numbers) > 1:
            fastest = (min if column.fastest == "least" else max)(numbers.values())
            best |= {place for place, value in numbers.items() if value == fastest}
    return best
