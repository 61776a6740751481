"""The saved runs, to open one or to compare several. It reads no file: it shows the summaries it was given, and those
that come meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
PAGE = 200  # lines that the list has at first, and gets more when the cursor comes to its end: 10,000 take 0.6 s
HEADING = f"  {'began':<18}{'plan':<{PLAN_ROOM}}  state and rows"
MARK = "* "  # before a run that is to be compared


@dataclass(frozen=True)
class RunsChoice:
    """What is to be done with runs of the list: one is opened, or two and more are compared."""

    open: Path | None = None
    compare: tuple[Path, ...] = ()  # files, the oldest run first: it is the baseline


class RunsScreen(Modal[RunsChoice]):
    """Dismisses with what is to be opened or compared, or with None."""

    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="runs.close", tooltip="Close the runs"),
        Binding("slash", "filter", "Filter", id="runs.filter", tooltip="Filter by date, plan or state"),
        Binding("space", "mark", "Mark", id="runs.mark", tooltip="Mark the run, or take its mark away"),
        Binding("d", "compare", "Compare", id="runs.compare", tooltip="Compare the marked runs, two or more"),
    ]
    DEFAULT_CSS = "RunsScreen #heading { color: $text-muted; }"

    def __init__(
        self, runs: Sequence[RunSummary], more: Callable[[], tuple[Sequence[RunSummary], int]] | None = None
    ) -> None:
        """``runs`` in the order they are shown: newest first, what cannot be read last. ``more`` reads for a moment, in
        a thread, and returns all that are known then and how many files are left; None: these are all."""
        super().__init__()
        self._runs = runs
        self._more = more
        self._texts: list[str] | None = None  # of the runs, for the filter; made when something is typed
        self._shown: Sequence[RunSummary] = ()  # those that pass the filter
        self._left = 0  # files still to be read
        self._marked: set[Path] = set()

    def compose(self) -> ComposeResult:
        """Filter, heading, list, a sentence in place of an empty one, buttons."""
        with Dialog("Saved runs", "Enter open   Space mark   d compare   / filter   Escape close"):
            yield ListFilter(placeholder="filter by date, plan or state (/)", id="filter_text", compact=True)
            yield Static(HEADING, id="heading", markup=False)
            yield DialogList(id="runs")
            yield Static(NONE_YET, id="none", markup=False)
            yield Static(id="complaint", classes="message", markup=False)
            yield buttons(open="Open", compare="Compare", close="Close")

    def on_mount(self) -> None:
        """Fill the list."""
        self._fill()
        self.query_one(DialogList if self._runs else "#close").focus()
        if self._more is not None:
            self.run_worker(self._read_on(self._more))

    async def _read_on(self, more: Callable[[], tuple[Sequence[RunSummary], int]]) -> None:
        """Show what has been read, again and again, until it is all; the cursor stays on its run."""
        left = 1
        while left and self.is_attached:
            runs, left = await asyncio.to_thread(more)
            if self.is_attached:
                self._runs, self._texts, self._left = runs, None, left
                self._fill(self._current())

    @on(Input.Changed)
    def _filter(self) -> None:
        self._fill()

    def _fill(self, stay: RunSummary | None = None) -> None:
        """Show the lines with every word of the filter in them, and the cursor on the first or on that run."""
        words = self.query_one(ListFilter).value.casefold().split()
        self._shown = self._runs
        if words:
            if self._texts is None:
                self._texts = [_line(run).plain.casefold() for run in self._runs]
            self._shown = [
                run for run, text in zip(self._runs, self._texts, strict=True) if all(word in text for word in words)
            ]
        place = next((at for at, run in enumerate(self._shown) if stay is not None and run.path == stay.path), 0)
        listing = self.query_one(DialogList)
        listing.set_options(map(self._option, self._shown[: place + PAGE]))
        listing.highlighted = place if self._shown else None
        listing.display = bool(self._shown)
        self._explain()
        self._say_how_many()
        none = self.query_one("#none", Static)
        none.display = not self._shown
        none.update(NO_MATCH if self._runs else NONE_YET)
        for each in ("#filter_text", "#heading", "#open"):
            self.query_one(each).display = bool(self._runs)

    def _say_how_many(self) -> None:
        left = f", {self._left} more files to be read" if self._left else ""
        many = f"   {len(self._shown)} runs{left}" if left or len(self._shown) > PAGE else ""
        many += f"   {len(self._marked)} marked" if self._marked else ""
        self.query_one("#heading", Static).update(HEADING + many)

    @on(OptionList.OptionHighlighted)
    def _explain(self) -> None:
        """Say all of why the run under the cursor cannot be read, as its line may be too short for it; add lines when
        it has come to the last one there is."""
        listing = self.query_one(DialogList)
        there = listing.option_count
        if listing.highlighted == there - 1 and there < len(self._shown):
            listing.add_options(map(self._option, self._shown[there : there + PAGE]))
        run = self._current()
        self.complain(run.problem if run is not None else "")

    def _current(self) -> RunSummary | None:
        place = self.query_one(DialogList).highlighted
        return None if place is None or place >= len(self._shown) else self._shown[place]

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
            self.dismiss(RunsChoice(open=run.path))

    def action_mark(self) -> None:
        """Mark the run under the cursor, or take its mark away, and go to the next line."""
        listing, run = self.query_one(DialogList), self._current()
        if run is None or listing.highlighted is None:
            return
        if run.problem:
            self._explain()
            return
        self._marked ^= {run.path}
        listing.replace_option_prompt_at_index(listing.highlighted, self._prompt(run))
        if listing.highlighted + 1 < len(self._shown):
            listing.action_cursor_down()
        self._say_how_many()

    def action_compare(self) -> None:
        """Compare the marked runs, of which there must be two."""
        marked = [run for run in self._runs if run.path in self._marked]
        if len(marked) < 2:
            self.complain("Mark two runs or more with Space, then d compares them.")
            return
        self.dismiss(RunsChoice(compare=tuple(run.path for run in reversed(marked))))  # the list has the newest first

    def action_filter(self) -> None:
        """Put the cursor into the filter."""
        if self._runs:
            self.query_one(ListFilter).focus()

    def _option(self, run: RunSummary) -> Option:
        return Option(self._prompt(run))

    def _prompt(self, run: RunSummary) -> Content:
        return Content.assemble(MARK if run.path in self._marked else " " * len(MARK), _line(run))


def _line(run: RunSummary) -> Content:
    """A run under ``HEADING``; one that cannot be read with its problem."""
    if run.problem:
        return Content.assemble((f"{one_line(run.name)}: {one_line(run.problem)}", "$text-error"))
    return Content.assemble(
        (f"{moment(run.started_at_s):<18}", "bold"),
        f"{fitted(run.plan_name, PLAN_ROOM)}  ",
        (run.state, "" if run.ended == "finished" else "$text-warning"),
        f": {run.counts.text}",
    )
