"""The detail of one row as a dialog, for terminals without room for a pane of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from cvbench_tui.core.run import Run
from cvbench_tui.tui.screens.base import Modal
from cvbench_tui.tui.widgets.detail_view import DetailView


class DetailScreen(Modal[None]):
    """A page to scroll; the arrows also go to the rows before and behind."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "close", "Close", id="detail.close", tooltip="Back to the table"),
        Binding("right,n", "move(1)", "Next row", id="detail.next", tooltip="The next row of the table"),
        Binding("left,p", "move(-1)", "Previous row", id="detail.previous", tooltip="The previous row of the table"),
    ]
    DEFAULT_CSS = """
    DetailScreen > DetailView { width: 110; max-width: 98%; height: 96%; background: $surface;
                                border: round $primary; padding: 0 1; }
    """

    def __init__(self, run: Run, case_id: str, rows: Sequence[str], moved: Callable[[str], object]) -> None:
        """``rows``: case ids in the table's order. ``moved`` is called with the id of every other row shown."""
        super().__init__()
        self._run = run
        self._rows = list(rows) if case_id in rows else [case_id]  # a filter may have hidden it meanwhile
        self._place = self._rows.index(case_id)
        self._moved = moved

    def compose(self) -> ComposeResult:
        """The view in a frame."""
        view = DetailView(id="detail")
        view.border_subtitle = Content("up/down scroll   left/right rows   y copy   c command   Escape close")
        yield view

    def on_mount(self) -> None:
        """Show the row."""
        view = self.query_one(DetailView)
        view.border_title = f"Row {self._place + 1} of {len(self._rows)}"
        view.show(self._run, self._rows[self._place])

    def action_move(self, step: int) -> None:
        """To another row; it stops at the ends."""
        self._place = min(max(self._place + step, 0), len(self._rows) - 1)
        self._moved(self._rows[self._place])
        self.on_mount()
