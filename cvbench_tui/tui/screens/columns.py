"""Which columns the table has. It changes nothing itself: it returns the choice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from cvbench_tui.results.table.columns import Column
from cvbench_tui.results.table.view import ALWAYS
from cvbench_tui.tui.screens.base import Dialog, Modal, buttons
from cvbench_tui.tui.widgets.choices import HEIGHTS, DialogList


class ColumnsScreen(Modal[tuple[str, ...]]):
    """Dismisses with the keys in the table's order, with an empty tuple for the automatic choice, or with None."""

    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="columns.close", tooltip="Close without changes"),
        Binding("space", "tick", "Tick", id="columns.tick", tooltip="Show or hide the column under the cursor"),
        Binding("a", "automatic", "Automatic", id="columns.automatic", tooltip="Show as many as fit, and close"),
    ]
    DEFAULT_CSS = """
    ColumnsScreen.-usual DialogList { max-height: 8; }
    ColumnsScreen #about { height: 5; margin-top: 1; color: $text-muted; }
    """

    def __init__(self, columns: Sequence[Column], chosen: tuple[str, ...]) -> None:
        """``chosen``: keys of columns; none of them: as many as fit."""
        super().__init__()
        self._columns = list(columns)
        keys = [column.key for column in columns]
        self._ticked = {key for key in keys if key in chosen or not chosen} | {ALWAYS}
        self._automatic = not chosen

    def compose(self) -> ComposeResult:
        """How many, the list, what the column under the cursor holds, buttons."""
        with Dialog("Columns", "Space tick   Enter use   a automatic   Escape close"):
            yield Static(id="count", markup=False)
            yield DialogList(id="columns", ticking=True)
            yield Static(id="about", markup=False)
            yield buttons(use="Use", tick="Tick", automatic="Automatic", close="Close")

    def on_mount(self) -> None:
        """Fill the list."""
        listing = self.query_one(DialogList)
        listing.add_options([Option(self._line(column), id=column.key) for column in self._columns])
        listing.highlighted = 0
        self._recount()

    @on(OptionList.OptionHighlighted)
    def _explain(self) -> None:
        self.query_one("#about", Static).update(self._current().help)

    def action_tick(self) -> None:
        """Show or hide the column under the cursor."""
        column = self._current()
        if column.key == ALWAYS:
            self.query_one("#about", Static).update(f"{column.heading} is always shown.")
            return
        self._ticked ^= {column.key}
        self._automatic = False
        self.query_one(DialogList).replace_option_prompt(column.key, self._line(column))
        self._recount()

    @on(OptionList.OptionSelected)
    def action_use(self) -> None:
        """Close with what is ticked."""
        keys = tuple(column.key for column in self._columns if column.key in self._ticked)
        self.dismiss(() if self._automatic else keys)

    def action_automatic(self) -> None:
        """Close with the automatic choice."""
        self.dismiss(())

    def _current(self) -> Column:
        return self._columns[self.query_one(DialogList).highlighted or 0]

    def _recount(self) -> None:
        text = "Automatic: as many as fit, the most important ones first."
        some = f"{len(self._ticked)} of {len(self._columns)} columns."
        self.query_one("#count", Static).update(text if self._automatic else some)

    def _line(self, column: Column) -> Content:
        """``[x] Forward``, as in the lists of what can be ticked."""
        if column.key in self._ticked:
            return Content.assemble(("[x] ", "$text-success bold"), (column.heading, "bold"))
        return Content.assemble("[ ] ", column.heading)
