"""The details of two rows that are compared, side by side, or one above the other where the terminal is narrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content

from cvbench_tui.base.escape import one_line
from cvbench_tui.core.run import Run
from cvbench_tui.tui.screens.base import Modal
from cvbench_tui.tui.widgets.detail_view import DetailView

WIDTHS = [(0, "-narrow"), (100, "-wide")]


class BothDetails(Modal[None]):
    """Two pages to scroll; Tab goes from one to the other."""

    HORIZONTAL_BREAKPOINTS = WIDTHS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "close", "Close", id="details.close", tooltip="Back to the comparison"),
        Binding("tab,left,right", "app.focus_next", "Other side", id="details.other", tooltip="Go to the other side"),
    ]
    DEFAULT_CSS = """
    BothDetails #both { layout: horizontal; width: 98%; height: 96%; }
    BothDetails.-narrow #both { layout: vertical; }
    BothDetails DetailView { width: 1fr; height: 1fr; background: $surface; border: round $foreground 25%;
                             padding: 0 1; }
    BothDetails DetailView:focus { border: round $primary; border-title-style: bold; }
    """

    def __init__(self, sides: Sequence[tuple[str, Run, str]]) -> None:
        """``sides``: what A is called, its run and its row's case id, then B's."""
        super().__init__()
        self._sides = sides

    def compose(self) -> ComposeResult:
        """A view for each side."""
        with Container(id="both"):
            for name in ("a", "b"):
                yield DetailView(id=f"detail_{name}")

    def on_mount(self) -> None:
        """Show both rows; the keys go to A's."""
        for name, (called, run, case_id) in zip("ab", self._sides, strict=True):
            view = self.query_one(f"#detail_{name}", DetailView)
            view.border_title = Content(f"{name.upper()}: {one_line(called)}")
            view.border_subtitle = Content("Tab other side   y copy   Escape close")
            view.show(run, case_id)
        self.query_one("#detail_a").focus()
