"""The results on screen: one ``results.table.model.Table``, drawn line by line. It computes nothing itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from cvbench_tui.results.table.view import View
from cvbench_tui.tui.state.table_layout import TableLayout, lay_out, lines_of
from cvbench_tui.tui.widgets.line_table import LineTable

if TYPE_CHECKING:
    from cvbench_tui.results.table.model import Row, Table

MAX_NAMED = 3  # columns without room that are named below the table; more would not fit there


class ResultTable(LineTable["Row"]):
    """The table, its sort arrow and its cursor, which stays on its row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Detail", key_display="Enter", id="table.detail",
                tooltip="Everything about the row under the cursor"),
    ]  # fmt: skip

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._table: Table | None = None
        self._view = View()
        self._shown = TableLayout("bare", (), ())

    def show(self, table: Table, view: View) -> None:
        """Show this table, which ``view`` was built with. Draws only what differs."""
        self._table, self._view = table, view
        self._arrange()

    @property
    def sortable(self) -> list[str]:
        """Keys of the columns that the sort keys go through: secondary metrics and settings only while shown."""
        if self._table is None:
            return []
        shown = {column.key for column in self._shown.columns}
        columns = (each for each in self._table.columns if not each.drawn)
        return [column.key for column in columns if not (column.secondary or column.optional) or column.key in shown]

    def _arrange(self) -> None:
        """Choose the columns, put the lines in order and draw those that differ."""
        if self._table is None or not self.size.width:
            return
        before, self._shown = self._shown, lay_out(self._table, self._view, self.size.width)
        if (hidden := self._shown.hidden) != before.hidden and isinstance(self.parent, Widget):
            rest = f" +{len(hidden) - MAX_NAMED}" if len(hidden) > MAX_NAMED else ""
            text = f"hidden: {', '.join(hidden[:MAX_NAMED])}{rest} (c: columns)" if hidden else ""
            self.parent.border_subtitle = Content(text)
        other = self.reference != self._view.reference
        self.reference = self._view.reference
        self.put_lines(lines_of(self._table), anew=other or self._shown != before)

    on_resize = _arrange  # columns may fit now, or no longer

    def heading(self) -> str:
        """The line of headings."""
        return self._shown.header

    def cells(self, row: Row) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Text and names of the styles of each cell."""
        assert self._table is not None, "there is a line"
        return self._shown.cells(self._table, row)

    def column_at(self, x: int) -> str | None:
        """Key of the column there."""
        return self._shown.column_at(x)
