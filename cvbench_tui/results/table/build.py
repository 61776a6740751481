"""The one table of a run, which screens, terminal and exporters all show: same rows, order and rounding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cvbench_tui.core.measurement import Phase
from cvbench_tui.core.run import Run
from cvbench_tui.results.stats.comparison import ITSELF, WHOLE, compare, compared_phases, phase_of
from cvbench_tui.results.stats.equal_work import reference_of, work_of
from cvbench_tui.results.stats.phase_stats import is_published
from cvbench_tui.results.stats.row_data import RowData, row_data
from cvbench_tui.results.stats.together import together
from cvbench_tui.results.table.arrange import arranged, matches
from cvbench_tui.results.table.cell import OWN_UNITS, Cell
from cvbench_tui.results.table.columns import COLUMNS, PUBLISHED_COLUMNS, UNIT, Column
from cvbench_tui.results.table.model import REFERENCE, Row, RowGroup, Table
from cvbench_tui.results.table.scales import row_scales
from cvbench_tui.results.table.view import View
from cvbench_tui.results.text.units import Scale


def build(run: Run, view: View | None = None) -> Table:
    """The table of a run as the view asks for it.

    In both directions numbers of grade X come after all others and missing values last; equal ones stay in the
    plan's order, and names sort by their numbers (Resnet18 before Resnet101). A view sorted by a column that is not
    there without a marked row has the plan's order. Units, and what is fastest, are those of all rows, so that a filter
    changes neither. Raises SelectionError for a column that there never is.
    """
    view = view or View()
    run = together(run, view.beside)
    body = _body(run, (view.reference, view.compare))
    rows: list[Row] = list(body.rows)
    groups: tuple[RowGroup, ...] = ()
    if view.filter_text:
        rows = [row for row, data in zip(rows, body.data, strict=True) if matches(data, view.filter_text)]
    if view.sort is not None or view.group != "none":
        groups, rows = arranged(run, rows, body.columns, view)
    return Table(body.columns, tuple(rows), body.units, groups, len(body.rows), view.columns)


@dataclass(frozen=True, slots=True)
class _Body:
    """The part of a table that a view's order, groups and filter do not change."""

    data: tuple[RowData, ...]
    columns: tuple[Column, ...]
    units: tuple[str, ...]
    rows: tuple[Row, ...]


_Against = tuple[str | None, str]  # the marked row's id, and the axis that is compared along
_ALONE: _Against = (None, "")
_LAST: list[tuple[Run, _Against, _Body]] = []
"""The newest body: sorting or filtering 1,000 rows takes 2 to 15 ms of CPU time with it and 270 without. What one event
has changed is made anew, and the rest is that of before."""
_NOTHING = _Body((), (), (), ())
TERMS = ("plan", "environment", "ceilings", "ended")
"""Fields of a run that all its rows depend on, the others' outcomes apart."""


def _body(run: Run, against: _Against) -> _Body:
    """All the rows in the plan's order; as it was made before, where nothing else has been asked for since."""
    for known, key, body in tuple(_LAST):
        if known is run and key == against:
            return body
    made = _made(run, against, next(iter(tuple(_LAST)), (None, _ALONE, _NOTHING)))
    _LAST[:] = [(run, against, made)]
    return made


def _made(run: Run, against: _Against, newest: tuple[Run | None, _Against, _Body]) -> _Body:
    """The body of that run, with all rows of the newest one that are as they were."""
    then, compared_with, before = newest
    data = _read(run, then if compared_with == _ALONE else None, before)
    reference, along = against
    data = _compared(run, data, reference) if reference is not None else _compared_along(run, data, along)
    marked = any(each.versus is not None for each in data)
    every = PUBLISHED_COLUMNS if is_published(run.plan.protocol) else COLUMNS
    beside = run.plan.protocol.clean is not None
    several = bool(run.borrowed or run.figures)
    every = tuple(each for each in every if (beside or not each.clean) and (several or not each.several))
    if run.borrowed:  # whose a row is has its device, whose number means nothing on another machine
        every = tuple(each for each in every if each.key != "device")
    columns = tuple(column for column in every if marked or column.key != REFERENCE)
    known = zip(before.data, before.rows, strict=True) if before.columns == columns else ()
    old = [row if now is then or now == then else None for now, (then, row) in zip(data, known, strict=False)]
    old += [None] * (len(data) - len(old))
    reads = [column.cell for column in columns]
    cells = [
        row.cells if row is not None else tuple([read(each) for read in reads])
        for each, row in zip(data, old, strict=True)
    ]
    best = _fastest(columns, data, cells, along)
    scaled = [place for place, column in enumerate(columns) if column.scaled]
    kinds = [each.case.workload.kind for each in data]
    scales = row_scales([(kind, [row[place] for place in scaled]) for kind, row in zip(kinds, cells, strict=True)])
    units = _units(columns, cells, scales)
    unit, differ = [column.key for column in columns].index(UNIT), any(units[place] == "" for place in scaled)
    rows = []
    for place, each in enumerate(data):
        name, was = scales[place].unit if differ else None, old[place]
        same = was is not None and was.scale == scales[place] and was.cells[unit].value == name
        if was is not None and same and was.best == best[place]:
            rows.append(was)
            continue
        mine = cells[place]
        if mine[unit].value != name:
            mine = (*mine[:unit], Cell(name), *mine[unit + 1 :])
        rows.append(Row(each.case.case_id, mine, each.quality, scales[place], frozenset(best[place])))
    return _Body(tuple(data), columns, units, tuple(rows))


def _read(run: Run, then: Run | None, before: _Body) -> list[RowData]:
    """The rows of the run. Those that had the same outcome under the same terms are taken from ``before``, which was
    made of ``then``: of 20,000 one event changes one, and to read the others again takes 80 ms."""
    cases = run.plan.cases
    if then is None or any(getattr(run, name) is not getattr(then, name) for name in TERMS):
        return [row_data(run, case) for case in cases]
    moving = {each.running.case_id for each in (run, then) if each.running is not None}
    past, now = then.outcomes, run.outcomes
    keys = (case.case_id for case in cases)
    same = [past.get(key) is now.get(key) and key not in moving for key in keys]
    return [each if kept else row_data(run, case) for each, kept, case in zip(before.data, same, cases, strict=True)]


def _units(columns: Sequence[Column], cells: Sequence[Sequence[Cell]], scales: Sequence[Scale]) -> tuple[str, ...]:
    """For each column the unit that all its cells have; empty where they differ, or where the number sets it."""
    units = []
    for place, column in enumerate(columns):
        names = {each.unit for each in scales} if column.scaled else {row[place].unit for row in cells}
        unit = names.pop() if len(names) == 1 else ""
        units.append(unit if column.scaled or unit not in OWN_UNITS else "")
    return tuple(units)


def _compared(run: Run, data: list[RowData], key: str, order: Sequence[Phase] = WHOLE) -> list[RowData]:
    """The rows with how they compare with that one; unchanged when it has no numbers, or is not there."""
    marked = next((each for each in data if each.case.case_id == key), None)
    if marked is None or marked.phases.keys().isdisjoint(order):
        return data
    compared = []
    for each in data:
        versus = compare(run.plan.protocol, each.phases, each.case.batch, marked.phases, marked.case.batch, order)
        compared.append(replace(each, versus=ITSELF if each is marked else versus))
    return compared


def _compared_along(run: Run, data: list[RowData], along: str) -> list[RowData]:
    """The rows with how each compares with the one of them that differs in that axis only and has its default, or what
    comes first; unchanged without an axis."""
    if not along:
        return data
    order, only = compared_phases(along), phase_of(along)
    groups: dict[object, list[RowData]] = {}
    for each in data:
        groups.setdefault((each.case.device, each.case.framework, work_of(each.case, along)), []).append(each)
    compared = dict[str, RowData]()
    for rows in (rows for rows in groups.values() if len(rows) > 1):
        marked = reference_of(rows, along)
        if not any(result.valid for phase, result in marked.phases.items() if only in (None, phase)):
            continue  # nothing can be said against it, and another row in its place would be another comparison
        compared |= {each.case.case_id: each for each in _compared(run, rows, marked.case.case_id, order)}
    return [compared.get(each.case.case_id, each) for each in data]


def _fastest(
    columns: Sequence[Column], data: Sequence[RowData], cells: Sequence[Sequence[Cell]], along: str
) -> list[set[int]]:
    """For each row the places with the fastest number, or with one of several that are equally fast, wherever at least
    two rows can be compared: of the same workload, batch, image and settings, except for the axis ``along``. Where
    batch or image differ, only what counts inputs is ranked; along an axis of one phase, only that phase."""
    best: list[set[int]] = [set() for _ in data]
    only = phase_of(along)
    equal_work: dict[object, list[int]] = {}
    for row, each in enumerate(data):
        equal_work.setdefault(work_of(each.case, along), []).append(row)
    for rows in (rows for rows in equal_work.values() if len(rows) > 1):
        one_size = len({(data[row].case.batch, data[row].case.workload) for row in rows}) == 1
        for place, column in enumerate(columns):
            if (not one_size and column.fastest == "least") or only not in (None, column.phase):
                continue
            values = {row: _ranked(column, data[row], cells[row][place]) for row in rows}
            numbers = {row: value for row, value in values.items() if value is not None}
            if len(numbers) > 1:
                fastest = (min if column.fastest == "least" else max)(numbers.values())
                for row in (row for row, value in numbers.items() if value == fastest):
                    best[row].add(place)
    return best


def _ranked(column: Column, row: RowData, cell: Cell) -> float | None:
    """The number that a column ranks rows of equal work by; None where it ranks nothing, or not this row."""
    if column.phase is None or not row.comparable(column.phase) or not isinstance(cell.value, (int, float)):
        return None
    return cell.value
