"""Which rows a view shows, in which order, and under which titles."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cvbench_tui.base.cells import shorten
from cvbench_tui.base.escape import one_line
from cvbench_tui.core import axes, row_names
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.results.stats.equal_work import order
from cvbench_tui.results.stats.row_data import RowData
from cvbench_tui.results.table.cell import Value
from cvbench_tui.results.table.columns import QUALITY, Column
from cvbench_tui.results.table.model import Row, RowGroup
from cvbench_tui.results.table.view import View, check_column

TITLES = {"model": "Models", "layer": "Layers"}
TITLE_CELLS = 60  # at most: a device's name is text from outside


def arranged(
    run: Run, rows: list[Row], columns: Sequence[Column], view: View
) -> tuple[tuple[RowGroup, ...], list[Row]]:
    """The groups, and the rows in their order. Raises SelectionError for a column that there never is."""
    if view.sort is not None:
        keys = [column.key for column in columns]
        if (key := check_column(view.sort)) in keys:
            rows = _in_order(rows, keys.index(key), view.descending, columns[keys.index(key)])
    if view.group == "none":
        return (), rows
    titles = {case.case_id: _title(run, case, view.group) for case in run.plan.cases}
    ranks = {titles[case.case_id]: order(case, view.group) for case in run.plan.cases}
    by_title: dict[str, list[Row]] = {title: [] for title in sorted(ranks, key=ranks.__getitem__)}
    for row in rows:
        by_title[titles[row.key]].append(row)
    groups = tuple(RowGroup(title, tuple(row.key for row in mine)) for title, mine in by_title.items() if mine)
    return groups, [row for mine in by_title.values() for row in mine]


def matches(reading: RowData, filter_text: str) -> bool:
    """True when every word of the filter is in name, device, batch, settings or quality, in any case."""
    case = reading.case
    settings = (text for name, value in case.settings for text in (name, value))
    fields = (case.workload.name, case.device, str(case.batch), reading.quality.text, reading.origin, *settings)
    text = "\n".join(fields).casefold()
    return all(word in text for word in filter_text.casefold().split())


def _title(run: Run, case: Case, by: str) -> str:
    """``Resnet18``, ``Layers``, ``cuda:0, NVIDIA H100``, ``Precision amp-bf16``."""
    if by == "kind":
        return TITLES[case.workload.kind]
    name = case.workload.name
    if by == "device":
        device = run.device_of(case)
        name = f"{case.device}, {device.name}" if device is not None and device.name else case.device
    elif by in row_names.SIZES:
        name = row_names.SIZES[by](case).capitalize() or f"No {by}"
    elif axis := axes.axis(by):
        name = f"{axis.title} {case.setting(by)}"
    return shorten(one_line(name), TITLE_CELLS)


def _in_order(rows: Sequence[Row], place: int, descending: bool, column: Column) -> list[Row]:
    """The rows with a valid value sorted, then those with one of grade X, then those without."""
    valid: list[Row] = []
    invalid: list[Row] = []
    missing: list[Row] = []
    orders: dict[str, Value] = {}
    for row in rows:
        cell = row.cells[place]
        value: Value = cell.value
        if column.key == QUALITY:
            value = row.quality.order
        elif column.axis is not None and value is not None:
            value = column.axis.order(str(value))
        orders[row.key] = value
        (missing if value is None else valid if cell.valid else invalid).append(row)
    for part in (valid, invalid):
        part.sort(key=lambda row: _order(orders[row.key]), reverse=descending)
    return [*valid, *invalid, *missing]


def _order(value: Value) -> tuple[tuple[int, float, str], ...]:
    """What a value is compared by: numbers as such, text without case and with the numbers in it as numbers."""
    if not isinstance(value, str):
        return ((0, float(value or 0), ""),)
    parts = re.findall(r"[0-9]+|[^0-9]+", value.casefold())
    return tuple((0, float(part), "") if part.isdecimal() else (1, 0.0, part) for part in parts)
