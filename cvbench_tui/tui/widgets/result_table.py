"""The results on screen: one ``results.table.model.Table``, drawn line by line. It computes nothing itself.

A widget of its own and not the framework's: that one draws all of itself again for one cell that changed (70 to
90 ms and up to 15 kB for 120x40) and takes 0.6 s for 1,000 rows. This one draws what is seen and what differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from cvbench_tui.base.escape import visible
from cvbench_tui.results.table.view import View
from cvbench_tui.tui.keys.bindings import hidden
from cvbench_tui.tui.state.table_layout import GUTTER, Line, TableLayout, lay_out, lines_of

if TYPE_CHECKING:
    from cvbench_tui.results.table.model import Table

CURSOR, REFERENCE = "\u25b8", "*"  # in the gutter: the line of the cursor, and the row that others are compared with
MAX_NAMED = 3  # columns without room that are named below the table; more would not fit there
FAR = 100_000  # rows to either end of any table
STYLES = ("header", "cursor", "group", "ok", "warn", "bad", "run", "dim", "best")


class ResultTable(ScrollView, can_focus=True, inherit_bindings=False):
    """The table, its sort arrow and its cursor, which stays on its row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Detail", key_display="Enter", id="table.detail",
                tooltip="Everything about the row under the cursor"),
        hidden("down,j", "move(1)", "Down", "table.down", "To the next row"),
        hidden("up,k", "move(-1)", "Up", "table.up", "To the previous row"),
        hidden("pagedown,ctrl+d", "page(1)", "Page down", "table.page_down", "A page down"),
        hidden("pageup,ctrl+u", "page(-1)", "Page up", "table.page_up", "A page up"),
        hidden("home,g", f"move({-FAR})", "First row", "table.first", "To the first row"),
        hidden("end,G", f"move({FAR})", "Last row", "table.last", "To the last row"),
    ]  # fmt: skip
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"result-table--{name}" for name in STYLES}
    DEFAULT_CSS = """
    ResultTable { background: $background; overflow-x: hidden; scrollbar-gutter: auto; }
    ResultTable .result-table--header { color: $text-primary; background: $panel; text-style: bold; }
    ResultTable .result-table--cursor { color: $block-cursor-blurred-foreground;
        background: $block-cursor-blurred-background; text-style: $block-cursor-blurred-text-style; }
    ResultTable:focus .result-table--cursor { color: $block-cursor-foreground;
        background: $block-cursor-background; text-style: $block-cursor-text-style; }
    ResultTable:ansi:focus .result-table--cursor { text-style: reverse; }
    ResultTable .result-table--group { color: $text-accent; text-style: italic; }
    ResultTable .result-table--ok { color: $text-success; }
    ResultTable .result-table--warn { color: $text-warning; }
    ResultTable .result-table--bad { color: $text-error; text-style: bold; }
    ResultTable .result-table--run { color: $text-primary; text-style: bold; }
    ResultTable .result-table--dim { color: $foreground 60%; }
    ResultTable .result-table--best { text-style: bold; color: $text-accent; }
    """

    @dataclass(eq=False)
    class Opened(Message):
        """Enter, or a second click, on a row."""

        key: str

    class Highlighted(Message):
        """The cursor is on another row."""

    @dataclass(eq=False)
    class HeadingClicked(Message):
        """The heading of that column."""

        column: str

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.cursor: str | None = None  # key of the row under the cursor; None in an empty table
        self._table: Table | None = None
        self._view = View()
        self._shown = TableLayout("bare", (), ())
        self._body: list[Line] = []
        self._numbers: dict[str, int] = {}  # key of each row -> its line
        self._colours: dict[tuple[str, ...], Style] = {}

    def show(self, table: Table, view: View) -> None:
        """Show this table, which ``view`` was built with. Draws only what differs."""
        self._table, self._view = table, view
        self._arrange()

    def notify_style_update(self) -> None:
        """Another theme: the colours are asked for anew."""
        self._colours.clear()
        super().notify_style_update()

    @property
    def keys(self) -> list[str]:
        """Keys of the rows from top to bottom."""
        return list(self._numbers)

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
        old_lines, old_layout, old_numbers = self._body, self._shown, self._numbers
        self._body, self._shown = lines_of(self._table), lay_out(self._table, self._view, self.size.width)
        self._numbers = {line.key: number for number, line in enumerate(self._body) if not isinstance(line, str)}
        place = old_numbers.get(self.cursor or "")
        if self.cursor not in self._numbers:  # it stays on its row; when that is gone, on the one that has its place
            at = list(old_numbers).index(self.cursor) if self.cursor in old_numbers else 0
            self.put_cursor(list(self._numbers)[min(at, len(self._numbers) - 1)] if self._numbers else None)
        if (hidden := self._shown.hidden) != old_layout.hidden and isinstance(self.parent, Widget):
            rest = f" +{len(hidden) - MAX_NAMED}" if len(hidden) > MAX_NAMED else ""
            text = f"hidden: {', '.join(hidden[:MAX_NAMED])}{rest} (c: columns)" if hidden else ""
            self.parent.border_subtitle = Content(text)
        if self._shown != old_layout or len(self._body) != len(old_lines):
            self.virtual_size = Size(self.size.width, len(self._body) + 1)
            self.refresh()
        else:
            for number, (now, then) in enumerate(zip(self._body, old_lines, strict=True)):
                if now != then:
                    self.refresh_line(number + 1)
        if self._numbers.get(self.cursor or "") != place:
            self._bring_into_view()

    on_resize = _arrange  # columns may fit now, or no longer

    def refresh_line(self, y: int) -> None:
        """Draw that line again, the heading being line 0."""
        if self.scroll_offset.y < y < self.scroll_offset.y + self.size.height:
            self.refresh_lines(y)

    def render_line(self, y: int) -> Strip:
        """The heading, then the lines from where the table is scrolled to."""
        width, number = self.size.width, y - 1 + self.scroll_offset.y
        if y == 0:
            style = self._style("header")
            return Strip([Segment(self._shown.header, style)]).adjust_cell_length(width, style)
        if number >= len(self._body):
            return Strip.blank(width, self._style())
        return self._strip(number)

    def _strip(self, number: int) -> Strip:
        """One line below the heading."""
        line, width = self._body[number], self.size.width
        if isinstance(line, str):
            title = Strip([Segment(" " * GUTTER + visible(line), self._style("group"))])
            return title.adjust_cell_length(width, self._style())
        cursor = ("cursor",) if line.key == self.cursor else ()
        mark = (CURSOR if cursor else " ") + (REFERENCE if line.key == self._view.reference else " ")
        segments = [Segment(mark, self._style(*cursor, "run"))]
        assert self._table is not None, "there is a line"
        cells = self._shown.cells(self._table, line)
        segments += [Segment(text, self._style(*cursor, *names)) for text, names in cells]
        return Strip(segments).adjust_cell_length(width, self._style(*cursor))

    def _style(self, *names: str) -> Style:
        """The colours of these component classes, one over the other.

        On the cursor's line there is one colour, so that every text can be read; bold and underlined stay.
        """
        if names not in self._colours:
            style = self.rich_style
            for name in names:
                own = self.get_component_rich_style(f"result-table--{name}", partial=True)
                plain = Style(bold=own.bold, underline=own.underline, italic=own.italic)
                style += plain if "cursor" in names and name != "cursor" else own
            self._colours[names] = style
        return self._colours[names]

    def put_cursor(self, key: str | None) -> None:
        """Move the cursor there and bring it into view."""
        if key == self.cursor:
            return
        before, self.cursor = self.cursor, key
        for each in (before, key):
            if each in self._numbers:
                self.refresh_line(self._numbers[each] + 1)
        if key is not None:
            self._bring_into_view()
            self.post_message(self.Highlighted())

    def _bring_into_view(self) -> None:
        number, top, height = self._numbers.get(self.cursor or ""), self.scroll_offset.y, self.size.height - 1
        if number is None:
            return
        if number < top:
            above = number - 1 if number and isinstance(self._body[number - 1], str) else number
            self.scroll_to(y=above, animate=False, immediate=True)
        elif number >= top + height:
            self.scroll_to(y=number - height + 1, animate=False, immediate=True)

    def action_move(self, step: int) -> None:
        """One row, or several, down or up; it stops at the ends."""
        keys = self.keys
        if self.cursor in self._numbers:
            self.put_cursor(keys[min(max(keys.index(self.cursor) + step, 0), len(keys) - 1)])

    def action_page(self, step: int) -> None:
        """A page down or up."""
        self.action_move(step * max(1, self.size.height - 2))

    def action_open(self) -> None:
        """The row under the cursor."""
        if self.cursor is not None:
            self.post_message(self.Opened(self.cursor))

    def on_click(self, event: events.Click) -> None:
        """A heading sorts; a row takes the cursor, and on a second click opens."""
        event.stop()
        number = event.y - 1 + self.scroll_offset.y
        if event.y == 0:
            column = self._shown.column_at(event.x)
            if column is not None:
                self.post_message(self.HeadingClicked(column))
        elif number < len(self._body) and not isinstance(line := self._body[number], str):
            if line.key == self.cursor:
                self.action_open()
            self.put_cursor(line.key)
