"""Which columns of a table are shown: those with content, as far as the width has room."""

from __future__ import annotations

from collections.abc import Sequence

from cvbench_tui.base.cells import cell_len
from cvbench_tui.results.table.model import Form, Table
from cvbench_tui.results.table.view import ALWAYS

HIDE_FIRST = (
    "samples", "first_call", "bandwidth", "compute", "energy", "image", "memory", "throughput", "batch", "device",
    "grade", "backward", "inference", "forward", "vs_ref",
)  # fmt: skip
"""Columns that give way when there is too little room, in this order ..."""
ALIKE = ("image", "batch", "device")
"""... these only where all rows have the same: rows must not look comparable when they are not."""
ARROW = "^"  # stands for the arrow behind the heading of the column that the table is sorted by
BETWEEN: dict[Form, int] = {"text": 2, "bare": 2, "close": 1}  # cells for the margins of a column


def visible_columns(table: Table) -> tuple[int, ...]:
    """Indexes of the columns with content: those chosen; optional ones only where a row has a value."""
    return tuple(
        place
        for place, column in enumerate(table.columns)
        if (not table.chosen or column.key == ALWAYS or column.key in table.chosen)
        and (not column.optional or any(row.cells[place].value is not None for row in table.rows))
    )


def fitting(table: Table, width: int, form: Form = "bare") -> tuple[int, ...]:
    """The places of the columns that fit into ``width`` cells when they are written in that form.

    Columns are hidden by ``HIDE_FIRST`` until the rest fits; what then fits as well comes back, the most
    wanted first.
    """
    places = {table.columns[place].key: place for place in visible_columns(table)}
    widths = {key: _width(table, place, form) + BETWEEN[form] for key, place in places.items()}
    room = width - sum(widths.values())
    hidden: list[str] = []
    for key in HIDE_FIRST:
        if room >= 0:
            break
        if key in places and not (key in ALIKE and _differs(table, places[key])):
            hidden.append(key)
            room += widths[key]
    for key in reversed(hidden):
        if widths[key] <= room and not table.columns[places[key]].secondary:
            hidden.remove(key)
            room -= widths[key]
    return tuple(place for key, place in places.items() if key not in hidden)


def phases_in(table: Table, places: Sequence[int]) -> int:
    """How many of those columns are times."""
    return sum(table.columns[place].scaled for place in places)


def _differs(table: Table, place: int) -> bool:
    return len({row.cells[place].value for row in table.rows} - {None}) > 1


def _width(table: Table, place: int, form: Form) -> int:
    column = table.columns[place]
    heading = column.heading if form == "text" else table.heading(place) + ARROW
    return max(cell_len(heading), column.room, table.widths(form)[place])
