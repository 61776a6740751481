"""A table drawn line by line, with a cursor that stays on its row: what the tables of the app share.

A widget of its own and not the framework's: that one draws all of itself again for one cell that changed (70 to
90 ms and up to 15 kB for 120x40) and takes 0.6 s for 1,000 rows. This one draws what is seen and what differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, Protocol, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from cvbench_tui.base.escape import visible
from cvbench_tui.tui.keys.bindings import hidden
from cvbench_tui.tui.state.table_layout import GUTTER

CURSOR, REFERENCE = "\u25b8", "*"  # in the gutter: the line of the cursor, and the row that others are compared with
FAR = 100_000  # rows to either end of any table
STYLES = ("header", "cursor", "group", "ok", "warn", "bad", "run", "dim", "best")


class Keyed(Protocol):
    """A line that is a row."""

    @property
    def key(self) -> str:
        """Unique in its table."""


Row = TypeVar("Row", bound=Keyed)


class LineTable(ScrollView, Generic[Row], can_focus=True, inherit_bindings=False):
    """Heading, lines, cursor. A subclass arranges the lines (``put_lines``) and says what their cells are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        hidden("down,j", "move(1)", "Down", "table.down", "To the next row"),
        hidden("up,k", "move(-1)", "Up", "table.up", "To the previous row"),
        hidden("pagedown,ctrl+d", "page(1)", "Page down", "table.page_down", "A page down"),
        hidden("pageup,ctrl+u", "page(-1)", "Page up", "table.page_up", "A page up"),
        hidden("home,g", f"move({-FAR})", "First row", "table.first", "To the first row"),
        hidden("end,G", f"move({FAR})", "Last row", "table.last", "To the last row"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"line-table--{name}" for name in STYLES}
    DEFAULT_CSS = """
    LineTable { background: $background; overflow-x: hidden; scrollbar-gutter: auto; }
    LineTable .line-table--header { color: $text-primary; background: $panel; text-style: bold; }
    LineTable .line-table--cursor { color: $block-cursor-blurred-foreground;
        background: $block-cursor-blurred-background; text-style: $block-cursor-blurred-text-style; }
    LineTable:focus .line-table--cursor { color: $block-cursor-foreground;
        background: $block-cursor-background; text-style: $block-cursor-text-style; }
    LineTable:ansi:focus .line-table--cursor { text-style: reverse; }
    LineTable .line-table--group { color: $text-accent; text-style: italic; }
    LineTable .line-table--ok { color: $text-success; }
    LineTable .line-table--warn { color: $text-warning; }
    LineTable .line-table--bad { color: $text-error; text-style: bold; }
    LineTable .line-table--run { color: $text-primary; text-style: bold; }
    LineTable .line-table--dim { color: $foreground 60%; }
    LineTable .line-table--best { text-style: bold; color: $text-accent; }
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
        self.reference: str | None = None  # key of the row that is marked in the gutter
        self._body: Sequence[Row | str] = ()  # rows, and titles of groups
        self._numbers: dict[str, int] = {}  # key of each row -> its line
        self._colours: dict[tuple[str, ...], Style] = {}

    def heading(self) -> str:
        """The line of headings."""
        raise NotImplementedError

    def cells(self, row: Row) -> Iterable[tuple[str, tuple[str, ...]]]:
        """Text and names of the styles of each cell of a row, gaps included; nothing but ``STYLES``."""
        raise NotImplementedError

    def column_at(self, x: int) -> str | None:
        """Key of the column at that cell of a line; None where there is none."""
        raise NotImplementedError

    def notify_style_update(self) -> None:
        """Another theme: the colours are asked for anew."""
        self._colours.clear()
        super().notify_style_update()

    @property
    def keys(self) -> list[str]:
        """Keys of the rows from top to bottom."""
        return list(self._numbers)

    def put_lines(self, body: Sequence[Row | str], *, anew: bool) -> None:
        """Show these lines and draw those that differ; ``anew``: all of them, since they are laid out otherwise."""
        old_lines, old_numbers, self._body = self._body, self._numbers, body
        self._numbers = {line.key: number for number, line in enumerate(body) if not isinstance(line, str)}
        place = old_numbers.get(self.cursor or "")
        if self.cursor not in self._numbers:  # it stays on its row; when that is gone, on the one that has its place
            at = list(old_numbers).index(self.cursor) if self.cursor in old_numbers else 0
            self.put_cursor(list(self._numbers)[min(at, len(self._numbers) - 1)] if self._numbers else None)
        if anew or len(body) != len(old_lines):
            self.virtual_size = Size(self.size.width, len(body) + 1)
            self.refresh()
        else:
            for number, (now, then) in enumerate(zip(body, old_lines, strict=True)):
                if now != then:
                    self.refresh_line(number + 1)
        if self._numbers.get(self.cursor or "") != place:
            self._bring_into_view()

    def refresh_line(self, y: int) -> None:
        """Draw that line again, the heading being line 0."""
        if self.scroll_offset.y < y < self.scroll_offset.y + self.size.height:
            self.refresh_lines(y)

    def render_line(self, y: int) -> Strip:
        """The heading, then the lines from where the table is scrolled to."""
        width, number = self.size.width, y - 1 + self.scroll_offset.y
        if y == 0:
            style = self._style("header")
            return Strip([Segment(self.heading(), style)]).adjust_cell_length(width, style)
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
        mark = (CURSOR if cursor else " ") + (REFERENCE if line.key == self.reference else " ")
        segments = [Segment(mark, self._style(*cursor, "run"))]
        segments += [Segment(text, self._style(*cursor, *names)) for text, names in self.cells(line)]
        return Strip(segments).adjust_cell_length(width, self._style(*cursor))

    def _style(self, *names: str) -> Style:
        """The colours of these component classes, one over the other.

        On the cursor's line there is one colour, so that every text can be read; bold and underlined stay.
        """
        if names not in self._colours:
            style = self.rich_style
            for name in names:
                own = self.get_component_rich_style(f"line-table--{name}", partial=True)
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
            column = self.column_at(event.x)
            if column is not None:
                self.post_message(self.HeadingClicked(column))
        elif number < len(self._body) and not isinstance(line := self._body[number], str):
            if line.key == self.cursor:
                self.action_open()
            self.put_cursor(line.key)
