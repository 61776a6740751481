"""The log: what the worker says on stderr, and when rows began and ended. It shows lines; it collects none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Log

from cvbench_tui.results.escape import visible
from cvbench_tui.tui.requests import CopyWanted

NOTHING = ("Nothing yet.", "Here stands what the measuring process says, and when rows begin and end.")


class LogPane(Vertical):
    """The newest lines at the bottom. While it is not in front it draws nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy_log", "Copy", id="log.copy", tooltip="Copy the log"),
        Binding("g", "edge(0)", "Top", show=False, id="log.top", tooltip="To the oldest line"),
        Binding("G", "edge(1)", "Bottom", show=False, id="log.bottom", tooltip="To the newest line"),
    ]
    DEFAULT_CSS = """
    LogPane { border: round $foreground 25%; border-title-color: $text; }
    LogPane:focus-within { border: round $primary; border-title-style: bold; }
    LogPane Log { height: 1fr; background: $background; }
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.jump_key = "5"
        self._lines: Sequence[str] = ()
        self._total = 0
        self._shown = 0
        """How many of the lines are written already."""

    def compose(self) -> ComposeResult:
        """The framework's log: plain text, drawn line by line."""
        yield Log(max_lines=2000)

    def on_mount(self) -> None:
        """Say what will be here."""
        self.border_title = Content("5 Log")
        self.query_one(Log).write_lines(NOTHING)

    def focus_inside(self) -> None:
        """Put the focus on the lines."""
        self.query_one(Log).focus()

    def show(self, lines: Sequence[str], total: int) -> None:
        """The newest lines; ``total`` counts all there ever were, so that only new ones are written."""
        self._lines, self._total = lines, total
        if self.region:
            self.on_show()

    def on_show(self) -> None:
        """Write what came since it was last in front."""
        new = min(self._total - self._shown, len(self._lines))
        if new <= 0:
            return
        log = self.query_one(Log)
        if not self._shown:
            log.clear()
        log.write_lines([visible(line) for line in list(self._lines)[-new:]])
        self._shown = self._total

    def action_copy_log(self) -> None:
        """All lines there are."""
        self.post_message(CopyWanted("\n".join(map(visible, self._lines)), "log"))

    def action_edge(self, end: int) -> None:
        """To the oldest line, or to the newest."""
        log = self.query_one(Log)
        (log.scroll_end if end else log.scroll_home)(animate=False)
