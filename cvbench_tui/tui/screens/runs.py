"""The saved runs, to open one. It reads no file: it shows the summaries it was given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from cvbench_tui.base.escape import one_line
from cvbench_tui.tui.screens.base import Dialog, Modal, buttons
from cvbench_tui.tui.state.run_state import moment
from cvbench_tui.tui.widgets.choices import HEIGHTS, DialogList, fitted
from cvbench_tui.tui.widgets.filter_input import ListFilter

if TYPE_CHECKING:
    from cvbench_tui.results.storage.run_index import RunSummary

NONE_YET = "There are no runs yet. Close this, press r to measure what is ticked: every run is kept and listed here."
NO_MATCH = "No run matches the filter. Escape clears it."
PLAN_ROOM = 16  # cells of the plan's name
HEADING = f"{'began':<18}{'plan':<{PLAN_ROOM}}  rows  done  failed  state"
STATES = {"finished": "finished", "cancelled": "cancelled", "failed": "failed", None: "interrupted"}


class RunsScreen(Modal[Path]):
    """Dismisses with the file of the run to open, or with None."""

    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="runs.close", tooltip="Close the runs"),
        Binding("slash", "filter", "Filter", id="runs.filter", tooltip="Filter by date, plan or state"),
    ]
    DEFAULT_CSS = "RunsScreen #heading { color: $text-muted; }"

    def __init__(self, runs: Sequence[RunSummary]) -> None:
        """``runs`` in the order they are shown: newest first, what cannot be read last."""
        super().__init__()
        self._lines = [(run, _line(run)) for run in runs]

    def compose(self) -> ComposeResult:
        """Filter, heading, list, a sentence in place of an empty one, buttons."""
        with Dialog("Saved runs", "Enter open   / filter   Escape close"):
            yield ListFilter(placeholder="filter by date, plan or state (/)", id="filter_text", compact=True)
            yield Static(HEADING, id="heading", markup=False)
            yield DialogList(id="runs")
            yield Static(NONE_YET, id="none", markup=False)
            yield Static(id="complaint", classes="message", markup=False)
            yield buttons(open="Open", close="Close")

    def on_mount(self) -> None:
        """Fill the list."""
        self._fill()
        for each in ("#filter_text", "#heading", "#open"):
            self.query_one(each).display = bool(self._lines)
        self.query_one(DialogList if self._lines else "#close").focus()

    @on(Input.Changed)
    def _fill(self) -> None:
        """Show the lines with every word of the filter in them."""
        words = self.query_one(ListFilter).value.casefold().split()
        shown = [
            Option(line, id=str(place))
            for place, (_, line) in enumerate(self._lines)
            if all(word in line.plain.casefold() for word in words)
        ]
        listing = self.query_one(DialogList)
        listing.set_options(shown)
        listing.highlighted = 0 if shown else None
        listing.display = bool(shown)
        self._explain()
        none = self.query_one("#none", Static)
        none.display = not shown
        none.update(NO_MATCH if self._lines else NONE_YET)

    @on(OptionList.OptionHighlighted)
    def _explain(self) -> None:
        """Say all of why the run under the cursor cannot be read: its line may be too short for it."""
        run = self._current()
        self.complain(run.problem if run is not None else "")

    def _current(self) -> RunSummary | None:
        chosen = self.query_one(DialogList).highlighted_option
        return None if chosen is None or chosen.id is None else self._lines[int(chosen.id)][0]

    @on(ListFilter.Left)
    def _leave_filter(self) -> None:
        self.query_one(DialogList).focus()

    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def action_open(self) -> None:
        """Open the run under the cursor, unless it cannot be read."""
        run = self._current()
        if run is not None and run.problem:
            self._explain()
        elif run is not None:
            self.dismiss(run.path)

    def action_filter(self) -> None:
        """Put the cursor into the filter."""
        if self._lines:
            self.query_one(ListFilter).focus()


def _line(run: RunSummary) -> Content:
    """A run under ``HEADING``; one that cannot be read with its problem."""
    if run.problem:
        return Content.assemble((one_line(f"{run.id}: {run.problem}"), "$text-error"))
    return Content.assemble(
        (f"{moment(run.started_at_s):<18}", "bold"),
        f"{fitted(run.plan_name, PLAN_ROOM)}  {run.rows:>4}  {run.measured:>4}  {run.failed:>6}  ",
        (STATES[run.ended], "" if run.ended == "finished" else "$text-warning"),
    )
