"""The results on screen: one ``results.table.Table``, cell by cell. It formats, sorts and counts nothing itself."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import DataTable

from cvbench_tui.core.reasons import Grade
from cvbench_tui.results.columns import Column
from cvbench_tui.results.fitting import HIDE_FIRST, fitting, phases_in, telling
from cvbench_tui.results.state import Word
from cvbench_tui.results.table import Row, Table

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
GRADE_STYLES: dict[Grade, str] = {"A": "", "B": "", "C": "yellow", "X": "dim"}
"""Of the number and its letter; the letter says it without a colour."""


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
        """Which columns the pane is too narrow for, by heading, the most wanted first."""

        def __init__(self, headings: tuple[str, ...]) -> None:
            super().__init__()
            self.headings = headings

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id, cursor_type="row", zebra_stripes=True, fixed_columns=1)
        self._table: Table | None = None
        self._sort: tuple[str, bool] | None = None
        self._close = False
        """One cell between columns, in front of the text of each but the first, in place of one on either side."""
        self._layout: tuple[bool, tuple[str, ...], frozenset[str]] | None = None
        """Whether it is close, columns and rows that are shown."""
        self._texts: dict[tuple[str, str], tuple[str, str]] = {}
        """What is shown and in which style, by row and column key."""

    def show(self, table: Table, sort: tuple[str, bool] | None) -> None:
        """Show this table; ``sort`` is the column it is sorted by, and whether downwards. Changes only what differs."""
        cursor = self._cursor_key()
        self._table, self._sort = table, sort
        columns = self._fitting(table)
        keys = [row.key for row in table.rows]
        layout = (self._close, tuple(column.key for column in columns), frozenset(keys))
        if layout != self._layout:  # rows of another run too: the old ones' column widths would cut off its texts
            self.clear(columns=True)
            self.cell_padding = 0 if self._close else 1
            self._texts.clear()
            self._layout = layout
        self._put_headings(table, columns)
        self._put_cells(table, columns)
        self._put_order(keys, columns)
        if cursor in keys:
            self.move_cursor(row=keys.index(cursor), animate=False)

    @property
    def sortable(self) -> list[str]:
        """Keys of the columns that the sort keys go through: what stands beside the times only while it is shown."""
        if self._table is None:
            return []
        shown = {key.value for key in self.columns}
        return [column.key for column in self._table.columns if not column.beside or column.key in shown]

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
            texts = [
                _text(column, row, place, close=self._close) for column, place in zip(columns, places, strict=True)
            ]
            if row.key not in self.rows:
                self.add_row(*texts, key=row.key)
            for column, text in zip(columns, texts, strict=True):
                shown = (text.plain, str(text.style))
                if self._texts.get((row.key, column.key), shown) != shown:
                    self.update_cell(row.key, column.key, text, update_width=True)
                self._texts[row.key, column.key] = shown

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
        place = table.columns.index(column)
        heading = _gap(place, self._close) + table.heading(place) + arrow
        return Text(heading, justify="right" if column.alignment == "right" else "left")

    def _fitting(self, table: Table) -> list[Column]:
        """The columns there is room for, closer together where a time would have to go otherwise; the rest is named."""
        shown, close = fitting(table, self.size.width), fitting(table, self.size.width, "close")
        self._close = phases_in(table, close) > phases_in(table, shown)
        shown = close if self._close else shown
        hidden = [table.columns[place] for place in telling(table) if place not in shown]
        hidden.sort(key=lambda column: -HIDE_FIRST.index(column.key))
        self.post_message(self.Hidden(tuple(column.heading for column in hidden)))
        return [table.columns[place] for place in shown]


def _text(column: Column, row: Row, place: int, *, close: bool) -> Text:
    """The cell as styled text, never as markup."""
    cell = row.cells[place]
    style = GRADE_STYLES[cell.grade] if cell.grade is not None else ""
    if column.key == "state":
        style = STATE_STYLES.get(row.state, FAILURE_STYLE)
        if row.state == "OK" and row.grade is not None:  # precise, which may be all that is good about it
            style = GRADE_STYLES[row.grade] or style
    text = _gap(place, close) + cell.written("close" if close else "bare")
    return Text(text, style=style, justify="right" if column.alignment == "right" else "left")


def _gap(place: int, close: bool) -> str:
    return " " if close and place > 0 else ""
