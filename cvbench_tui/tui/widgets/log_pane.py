"""The log: the worker's stderr, and when rows began and ended. It shows lines; it collects none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Log

from cvbench_tui.base.escape import visible
from cvbench_tui.tui.keys.bindings import hidden
from cvbench_tui.tui.messages import CopyWanted

NOTHING = ("Nothing yet.", "The output of the measuring process appears here, and when rows begin and end.")
INDENT = 9  # cells of ``12:03:44 ``: what the rest of a wrapped line is indented by, so that the times stay a column
MIN_ROOM = 10  # cells that a line is never folded below, however narrow the pane
MAX_ROWS = 4000  # rows kept: twice the lines there can be, as many are folded once


class LogPane(Vertical):
    """The newest lines at the bottom. While it is hidden it draws nothing."""

    BORDER_TITLE = "5 Log"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy_log", "Copy", id="log.copy", tooltip="Copy the log"),
        hidden("g", "edge(0)", "Top", "log.top", "To the oldest line"),
        hidden("G", "edge(1)", "Bottom", "log.bottom", "To the newest line"),
    ]
    DEFAULT_CSS = """
    LogPane { border: round $foreground 25%; border-title-color: $text; }
    LogPane:focus-within { border: round $primary; border-title-style: bold; }
    LogPane Log { height: 1fr; overflow-x: hidden; background: $background; }
    """

    _lines: Sequence[str] = ()
    _total = 0
    _shown = 0  # how many of the lines are written already
    _room = 0  # cells that what is written was folded to; 0 before anything is

    def compose(self) -> ComposeResult:
        """The framework's log: plain text, drawn line by line."""
        yield Log(max_lines=MAX_ROWS)

    def show(self, lines: list[str], total: int) -> None:
        """The newest lines; ``total`` counts all there ever were, so that only new ones are written."""
        self._lines, self._total = lines, total
        if self.region:
            self.on_show()

    def on_show(self) -> None:
        """Write what came since it was last shown; all of it anew where the width is another one."""
        log = self.query_one(Log)
        room, new = log.scrollable_content_region.width, min(self._total - self._shown, len(self._lines))
        anew, at_end, row = room != self._room, log.is_vertical_scroll_end, log.scroll_offset.y
        if not room or (new <= 0 and not anew):
            return
        if anew or not self._shown:
            log.clear()
        lines = (self._lines or NOTHING) if anew else self._lines[-new:]
        log.write_lines([row for line in lines for row in folded(visible(line), room)])
        self._room, self._shown = room, self._total
        if anew and not at_end:  # who reads further up stays about there
            log.scroll_to(y=row, animate=False, immediate=True)

    on_resize = on_show

    def action_copy_log(self) -> None:
        """All lines there are."""
        self.post_message(CopyWanted("\n".join(map(visible, self._lines)), "log"))

    def action_edge(self, end: int) -> None:
        """To the oldest line, or to the newest."""
        log = self.query_one(Log)
        (log.scroll_end if end else log.scroll_home)(animate=False)


def folded(line: str, cells: int) -> list[str]:
    """The line in rows of at most so many cells, at blanks where it has some; all but the first are indented."""
    line = line.expandtabs()
    if cell_len(line) <= cells:
        return [line]
    head, rest = line[:INDENT], line[INDENT:]
    rows = Content(rest).wrap(max(cells - max(INDENT, cell_len(head)), MIN_ROOM))
    return [(" " * INDENT if place else head) + row.plain for place, row in enumerate(rows)]
