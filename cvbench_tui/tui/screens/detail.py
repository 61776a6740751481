"""The detail of one row as a dialog, for terminals without room for a pane of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from cvbench_tui.core.run import Run
from cvbench_tui.tui.screens.modal import Modal
from cvbench_tui.tui.widgets.detail_view import DetailView


class DetailScreen(Modal[None]):
    """A page to scroll, to leaf through and to close."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "close", "Close", id="detail.close", tooltip="Back to the table"),
        Binding("right,n", "leaf(1)", "Next row", id="detail.next", tooltip="The next row of the table"),
        Binding("left,p", "leaf(-1)", "Row before", id="detail.previous", tooltip="The row before"),
    ]
    DEFAULT_CSS = """
    DetailScreen > DetailView {
        width: 110; max-width: 98%; height: 96%; background: $surface; border: round $primary; padding: 0 1;
    }
    """

    def __init__(self, run: Run, case_id: str, rows: Sequence[str], moved: Callable[[str], object]) -> None:
        """``rows``: ids of the table's rows in its order. ``moved`` is told which one is shown after leafing."""
        super().__init__()
        self._run = run
        self._case_id = case_id
        self._rows = list(rows)
        self._moved = moved

    def compose(self) -> ComposeResult:
        """The view in a frame."""
        view = DetailView(id="detail")
        view.border_title = "Row"
        view.border_subtitle = Content("arrows scroll, leaf   y copy   c copy command   Escape close")
        yield view

    def on_mount(self) -> None:
        """The arrows scroll at once."""
        self.query_one(DetailView).focus()
        self._show()

    def _show(self) -> None:
        view = self.query_one(DetailView)
        if self._case_id in self._rows:
            view.border_title = f"Row {self._rows.index(self._case_id) + 1} of {len(self._rows)}"
        view.show(self._run, self._case_id)

    def action_leaf(self, step: int) -> None:
        """Another row."""
        if self._case_id in self._rows:
            place = min(max(self._rows.index(self._case_id) + step, 0), len(self._rows) - 1)
            self._case_id = self._rows[place]
            self._moved(self._case_id)
            self._show()

    def action_close(self) -> None:
        """Back to the table."""
        self.dismiss(None)
