"""Which columns of a table are shown: those with content, as far as the width has room."""

from __future__ import annotations

from cvbench_tui.base.cells import cell_len
from cvbench_tui.results.table.model import Form, Table
from cvbench_tui.results.table.view import ALWAYS

BETWEEN: dict[Form, int] = {"file": 2, "bare": 2, "close": 1}  # cells for the margins of a column


def visible_columns(table: Table, form: Form = "bare") -> tuple[int, ...]:
    """Indexes of the columns with content: those chosen; optional ones only where a row has a value, and another
    than the usual one. Settings in which rows differ stay whatever was chosen: the rows would look alike."""
    return tuple(
        place
        for place, column in enumerate(table.columns)
        if (
            not table.chosen
            or column.key == ALWAYS
            or column.drawn
            or column.key in table.chosen
            or _tells(table, place)
        )
        and not (column.drawn and form == "file")
        and (not column.optional or any(row.cells[place].value not in (None, column.usual) for row in table.rows))
    )


def _tells(table: Table, place: int) -> bool:
    """Whether a column of settings has several values."""
    column = table.columns[place]
    return column.identifies and column.optional and len({row.cells[place].value for row in table.rows}) > 1


def fitting(table: Table, width: int, form: Form = "bare") -> tuple[int, ...]:
    """The places of the columns that fit into ``width`` cells when they are written in that form.

    Columns are hidden by their priority until the rest fits, phases that no row has before all others once another
    phase has a time; what then fits as well comes back, the most wanted first.
    What identifies rows stays where it differs: rows must not look comparable when they are not.
    """
    columns, places = table.columns, visible_columns(table, form)
    widths = {place: column_width(table, place, form) + BETWEEN[form] for place in places}
    room = width - sum(widths.values())
    hidden: list[int] = []
    times = [place for place in places if columns[place].phase is not None]
    without = {place for place in times if all(row.cells[place].value is None for row in table.rows)}
    if len(without) == len(times):
        without = set()  # nothing is measured yet
    going = [place for place in places if columns[place].hide or place in without]
    by_priority = sorted([(place in without, columns[place].hide, place) for place in going])
    for _, _, place in reversed(by_priority):
        nothing = {None} if not columns[place].optional else set()
        values = {row.cells[place].value for row in table.rows} - nothing if columns[place].identifies else ()
        if room < 0 and len(values) < 2:
            hidden.append(place)
            room += widths[place]
    for place in reversed(hidden):
        if widths[place] <= room and not columns[place].secondary:
            hidden.remove(place)
            room -= widths[place]
    return tuple(place for place in places if place not in hidden)


def column_width(table: Table, place: int, form: Form) -> int:
    """Cells that a column takes. With room for an arrow behind its heading, so that sorting moves nothing."""
    heading = table.heading(place)
    return max(cell_len(heading) + bool(heading), table.columns[place].room, table.widths(form)[place])
