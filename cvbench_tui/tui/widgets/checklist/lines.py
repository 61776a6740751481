"""The lines of a checklist, drawn one by one as they come into view, with a cursor. It changes no tick and no fold.

It is no OptionList: that one measures and draws every line again for one tick, and is filled anew for every letter of
a filter. Here a line costs something only while it is seen, and only changed rows are drawn again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, get_args

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from cvbench_tui.tui.state.checklist_model import ChecklistLine, ChecklistModel
from cvbench_tui.tui.widgets.checklist.text import BOX_CELLS, Columns, Part, Role, rows


class ChecklistLines(ScrollView, can_focus=True, inherit_bindings=False):
    """Shows the lines of a ``ChecklistModel``; keys are its parent's."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"tick--{name}" for name in (*get_args(Role), "cursor", "hover")}
    DEFAULT_CSS = """
    ChecklistLines {
        height: 1fr; background: $background; overflow-x: hidden; overflow-y: auto; scrollbar-gutter: stable;
        & > .tick--ticked { color: $text-success; text-style: bold; }
        & > .tick--name { text-style: bold; }
        & > .tick--match { text-style: bold underline; }
        & > .tick--note { color: $text-muted; }
        & > .tick--heading { color: $text-primary; text-style: bold; }
        & > .tick--reason { color: $text-muted; text-style: italic; }
        & > .tick--hover { background: $block-hover-background; }
        & > .tick--cursor { color: $block-cursor-blurred-foreground;
            background: $block-cursor-blurred-background; text-style: $block-cursor-blurred-text-style; }
        &:focus > .tick--cursor { color: $block-cursor-foreground;
            background: $block-cursor-background; text-style: $block-cursor-text-style; }
        &:ansi:focus > .tick--cursor { text-style: reverse; }
    }
    """

    cursor: reactive[int] = reactive(0, repaint=False)  # index of the line the cursor is on; 0 on an empty list
    hover: reactive[int | None] = reactive(None, repaint=False)  # index of the line under the mouse

    @dataclass(eq=False)
    class Clicked(Message):
        """A click on a line, which the cursor is on now."""

        on_box: bool

    def __init__(self, ticks: ChecklistModel) -> None:
        super().__init__()
        self.lines: tuple[ChecklistLine, ...] = ()
        self._ticks = ticks
        self._columns = Columns(())
        self._columns_for: object = None  # items and width that the columns are for
        self._rows: list[tuple[int, int]] = []  # row -> its line, and which row of that line it is
        self._drawn: dict[int, tuple[Part, ...]] = {}  # the rows that were drawn; ``redraw`` keeps them true

    @property
    def current(self) -> ChecklistLine | None:
        """The line under the cursor; None on an empty list."""
        return self.lines[self.cursor] if self.cursor < len(self.lines) else None

    def show(self, lines: tuple[ChecklistLine, ...], cursor: int) -> None:
        """These lines, with the cursor on that one."""
        self.lines = lines
        self.set_reactive(ChecklistLines.hover, None)
        self.set_reactive(ChecklistLines.cursor, cursor)
        self._lay_out()
        self.refresh(layout=self.styles.auto_dimensions)

    def redraw(self) -> None:
        """Draw the rows in view that are not what they were."""
        for row, before in list(self._drawn.items()):
            if not 0 <= row - self.scroll_offset.y < self.size.height or row >= len(self._rows):
                del self._drawn[row]
            elif (parts := self._parts(row)) != before:
                self._drawn[row] = parts
                self.refresh_line(row)

    def move(self, step: int) -> None:
        """Put the cursor so many lines further down, or up; it stops at the ends."""
        self.cursor = max(0, min(len(self.lines) - 1, self.cursor + step))

    def move_page(self, pages: int) -> None:
        """As ``move``, by so many pages of rows."""
        if self._rows:
            row = self.row_of(self.cursor) + pages * max(1, self.size.height - 1)
            self.cursor = self._rows[max(0, min(len(self._rows) - 1, row))][0]

    def row_of(self, line: int) -> int:
        """First row of that line; behind the last one, how many rows there are."""
        return self._rows.index((line, 0)) if line < len(self.lines) else len(self._rows)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Rows that the lines take at that width: a list of devices is as high as it needs to be."""
        return sum(self._height(line, width) for line in self.lines)

    def render_line(self, y: int) -> Strip:
        """One row of the view."""
        row = self.scroll_offset.y + y
        if row >= len(self._rows):
            return Strip.blank(self._width, self.get_component_rich_style("tick--plain"))
        if row not in self._drawn:
            self._drawn[row] = self._parts(row)
        line = self._rows[row][0]
        segments = [Segment(text, self._style(role, line)) for role, text in self._drawn[row]]
        return Strip(segments).adjust_cell_length(self._width, self._style("plain", line))

    def _parts(self, row: int) -> tuple[Part, ...]:
        """The row; empty when its text has become shorter and is to be laid out."""
        line, part = self._rows[row]
        parts = rows(self._ticks, self.lines[line], self._columns, self.virtual_size.width)
        return parts[part] if part < len(parts) else ()

    def _style(self, role: str, line: int) -> Style:
        """The cursor has one colour, so that every text on it can be read; bold and underlined stay."""
        own = self.get_component_rich_style(f"tick--{role}")
        if line == self.cursor:
            attributes = Style(bold=own.bold or None, underline=own.underline or None, italic=own.italic or None)
            return self.get_component_rich_style("tick--cursor") + attributes
        if line == self.hover:
            return own + Style(bgcolor=self.get_component_rich_style("tick--hover").bgcolor)
        return own

    @property
    def _width(self) -> int:
        return self.scrollable_content_region.width

    def update_columns(self) -> None:
        """The columns have other texts: draw the rows that differ, or all where the columns have got other widths."""
        if self._fit_columns():
            self._drawn.clear()
            self.refresh()
        else:
            self.redraw()

    def _fit_columns(self) -> bool:
        """Choose the columns for the width there is, named in the parent's border. True when they are others."""
        self._columns_for = (self._ticks.items, self._width)  # 0 while it is hidden: fitted anew once it is shown
        before, self._columns = self._columns, Columns.fitting(self._ticks, self._width)
        if self._columns != before and isinstance(self.parent, Widget):
            drawn = zip(self._ticks.headings, self._columns.widths, strict=True)
            self.parent.border_subtitle = Content("  ".join(heading for heading, cells in drawn if cells))
        return self._columns != before

    def _lay_out(self) -> None:
        """Columns and rows for the width there is."""
        if self._columns_for != (self._ticks.items, self._width):
            self._fit_columns()
        width = self._width  # asked once: it takes 0.07 ms, and there are 1,500 lines
        heights = (self._height(line, width) for line in self.lines)
        self._rows = [(line, part) for line, height in enumerate(heights) for part in range(height)]
        self._drawn.clear()
        self.virtual_size = Size(width, len(self._rows))
        self._reveal()

    def _height(self, line: ChecklistLine, width: int) -> int:
        """Rows of a line. Only free text takes more than one, so only that is laid out to be counted."""
        if line.item is None or not (line.item.reason or line.item.note):
            return 1
        return len(rows(self._ticks, line, self._columns, width))

    def _reveal(self) -> None:
        """Scroll until the cursor's line is seen, with the heading if that is right above it."""
        if not self._rows or not self.size:
            return
        above = self.cursor - 1
        top = self.row_of(above if above >= 0 and self.lines[above].item is None else self.cursor)
        region = Region(0, top, self._width, self.row_of(self.cursor + 1) - top)
        self.scroll_to_region(region, animate=False, force=True, immediate=True)

    def watch_cursor(self, before: int, now: int) -> None:
        """As for the mouse, and scroll there."""
        self.watch_hover(before, now)
        self._reveal()

    def watch_hover(self, before: int | None, now: int | None) -> None:
        """Draw the line the mouse left and the one it is on."""
        for row, (line, _) in enumerate(self._rows):
            if line in (before, now):
                self.refresh_line(row)

    def notify_style_update(self) -> None:
        """Other colours."""
        self.refresh()
        super().notify_style_update()

    def _on_resize(self, event: events.Resize) -> None:
        self._lay_out()
        self.refresh()

    def _line_at(self, event: events.MouseEvent) -> int | None:
        row = self.scroll_offset.y + event.y
        return self._rows[row][0] if 0 <= row < len(self._rows) and event.x < self._width else None

    def _on_mouse_move(self, event: events.MouseMove) -> None:
        self.hover = self._line_at(event)

    def _on_leave(self, event: events.Leave) -> None:
        self.hover = None

    async def _on_click(self, event: events.Click) -> None:
        line = self._line_at(event)
        if line is not None:
            event.stop()
            self.cursor = line
            self.post_message(self.Clicked(on_box=event.x < BOX_CELLS))
