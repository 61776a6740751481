"""The results on screen: one ``results.table.Table``, cell by cell. It formats, sorts and counts nothing itself."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import DataTable

from cvbench_tui.results.columns import Column
from cvbench_tui.results.state import Word
from cvbench_tui.results.table import Row, Table

HIDE_FIRST = ("image", "memory", "throughput", "batch", "device", "backward", "inference", "total")
"""Columns that give way when the pane is too narrow, in this order ..."""
ALIKE = ("image", "batch", "device")
"""... these only where all rows have the same: rows must not look comparable when they are not."""
STATE_STYLES: dict[Word, str] = {
    "OK": "bold green",
    "BUDGET": "yellow",
    "RUNNING": "bold yellow",
    "PENDING": "dim",
    "SKIPPED": "dim",
    "CANCELLED": "yellow",
}
"""Every other word is a failure."""
FAILURE_STYLE = "bold red"
ARROWS = {False: "\u25b2", True: "\u25bc"}
"""Behind the heading of the column that the table is sorted by: upwards, downwards."""
TIME_ROOM = len("120.0 \u00b10.2%")
"""Cells counted for a time before there is one, so that no column goes when the first row is measured."""


class ResultTable(DataTable[Text]):
    """The table, its sort arrow and its cursor, which stays on its row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter",
            "select_cursor",
            "Detail",
            key_display="Enter",
            tooltip="Everything about the row under the cursor",
        ),
        Binding("full_stop", "app.sort(1)", "Sort", key_display=",.", tooltip="Sort by the column further right"),
        Binding("o", "app.reverse", "Reverse", tooltip="Reverse the order"),
        Binding("j", "cursor_down", "Down", show=False),
        Binding("k", "cursor_up", "Up", show=False),
        Binding("g", "scroll_top", "First row", show=False),
        Binding("G", "scroll_bottom", "Last row", show=False),
    ]

    class Hidden(Message):
        """Which columns the pane is too narrow for, by heading."""

        def __init__(self, headings: tuple[str, ...]) -> None:
            super().__init__()
            self.headings = headings

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id, cursor_type="row", zebra_stripes=True, fixed_columns=1)
        self._table: Table | None = None
        self._sort: tuple[str, bool] | None = None
        self._texts: dict[tuple[str, str], str] = {}
        """What is shown, by row and column key."""

    def show(self, table: Table, sort: tuple[str, bool] | None) -> None:
        """Show this table; ``sort`` is the column it is sorted by, and whether downwards. Changes only what differs."""
        cursor = self._cursor_key()
        self._table, self._sort = table, sort
        columns = self._fitting(table)
        keys = [row.key for row in table.rows]
        if [column.key for column in columns] != [str(key.value) for key in self.columns]:
            self.clear(columns=True)
            self._texts.clear()
        elif set(keys) != {key.value for key in self.rows}:
            self.clear(columns=True)  # of another run: the old rows' column widths would cut off its texts
            self._texts.clear()
        self._put_headings(table, columns)
        self._put_cells(table, columns)
        self._put_order(keys, columns)
        if cursor in keys:
            self.move_cursor(row=keys.index(cursor), animate=False)

    def on_resize(self, event: events.Resize) -> None:
        """Columns may fit now, or no longer."""
        if self._table is not None:
            self.show(self._table, self._sort)

    def _cursor_key(self) -> str | None:
        """Key of the row under the cursor; None in an empty table."""
        if not self.is_valid_row_index(self.cursor_row):
            return None
        return self.ordered_rows[self.cursor_row].key.value

    def _put_headings(self, table: Table, columns: list[Column]) -> None:
        for column in columns:
            heading = self._heading(table, column)
            found = next((mine for key, mine in self.columns.items() if key.value == column.key), None)
            if found is None:
                self.add_column(heading, key=column.key)
            else:
                found.label = heading

    def _put_cells(self, table: Table, columns: list[Column]) -> None:
        places = [list(table.columns).index(column) for column in columns]
        for row in table.rows:
            texts = [_text(column, row, place) for column, place in zip(columns, places, strict=True)]
            if row.key not in self.rows:
                self.add_row(*texts, key=row.key)
            for column, text in zip(columns, texts, strict=True):
                if self._texts.get((row.key, column.key), text.plain) != text.plain:
                    self.update_cell(row.key, column.key, text, update_width=True)
                self._texts[row.key, column.key] = text.plain

    def _put_order(self, keys: list[str], columns: list[Column]) -> None:
        """Sort by the model's order. A sort also repaints the headings."""
        if not columns:
            return
        first = columns[0].key
        place = {id(self.get_cell(key, first)): index for index, key in enumerate(keys)}
        self.sort(first, key=lambda cell: place[id(cell)])

    def _heading(self, table: Table, column: Column) -> Text:
        """The heading with its unit, and with an arrow when the table is sorted by it."""
        arrow = ""
        if self._sort is not None and self._sort[0] == column.key:
            arrow = ARROWS[self._sort[1]]
        heading = table.heading(table.columns.index(column))
        return Text(heading + arrow, justify="right" if column.alignment == "right" else "left")

    def _fitting(self, table: Table) -> list[Column]:
        """The columns there is room for; the rest is announced."""
        columns = list(table.columns)
        widths = {column.key: self._width(table, index, column) for index, column in enumerate(columns)}
        keys = [column.key for column in columns]
        hidden: list[str] = []
        values = {key: {row.cells[keys.index(key)].value for row in table.rows} - {None} for key in ALIKE}
        differ = {key for key in ALIKE if len(values[key]) > 1}
        for key in HIDE_FIRST:
            if key in differ:
                continue
            if sum(widths[column.key] for column in columns) <= self.size.width:
                break
            hidden += [column.heading for column in columns if column.key == key]
            columns = [column for column in columns if column.key != key]
        self.post_message(self.Hidden(tuple(hidden)))
        return columns

    def _width(self, table: Table, index: int, column: Column) -> int:
        """Cells the column needs, padding included."""
        least = max(len(self._heading(table, column)), TIME_ROOM if column.unit == "s" else 0)
        return max([least, *(len(_text(column, row, index)) for row in table.rows)]) + 2 * self.cell_padding


def _text(column: Column, row: Row, place: int) -> Text:
    """The cell as styled text, never as markup. A running row shows no percentage: it would repaint the table."""
    text, style = row.cells[place].bare, ""
    if column.key == "state":
        text = row.state if row.state == "RUNNING" else text
        style = STATE_STYLES.get(row.state, FAILURE_STYLE)
    return Text(text, style=style, justify="right" if column.alignment == "right" else "left")
