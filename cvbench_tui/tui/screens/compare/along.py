"""Along which axis the rows of a run are compared, where they differ along several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from cvbench_tui.base.escape import one_line
from cvbench_tui.tui.screens.base import Dialog, Modal, buttons
from cvbench_tui.tui.terminal.theme import MUTED
from cvbench_tui.tui.widgets.choices import HEIGHTS, DialogList

OTHER = "other runs: mark them in the list with Space, d compares"


class AlongScreen(Modal[str]):
    """Dismisses with an axis, with the answer that stands for other runs, or with None."""

    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="along.close", tooltip="Close without comparing"),
    ]

    def __init__(self, values: Mapping[str, str], other: str) -> None:
        """``values``: of each axis, the baseline first. ``other``: the answer for runs of the list."""
        super().__init__()
        self._values = values
        self._answers = [*values, other]

    def compose(self) -> ComposeResult:
        """The axes, each with its values."""
        with Dialog("Compare along", "Enter compare   Escape close"):
            yield DialogList(id="axes")
            yield buttons(compare="Compare", close="Close")

    def on_mount(self) -> None:
        """The axes, then the list of runs."""
        room = max(map(len, self._values)) + 2
        lines = [
            Content.assemble((axis.replace("_", " ").ljust(room), "bold"), one_line(values))
            for axis, values in self._values.items()
        ]
        listing = self.query_one(DialogList)
        listing.set_options(map(Option, [*lines, Content.assemble((OTHER, MUTED))]))
        listing.highlighted = 0
        listing.focus()

    @on(OptionList.OptionSelected)
    def action_compare(self) -> None:
        """The line under the cursor."""
        place = self.query_one(DialogList).highlighted
        self.dismiss(None if place is None else self._answers[place])
