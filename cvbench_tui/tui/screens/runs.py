"""The saved runs: one is opened, several are compared, they are named, deleted and brought back. It reads no file: it
shows the summaries it was given, and those that come meanwhile, and leaves the files to its keeper."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from cvbench_tui.base.cells import shorten
from cvbench_tui.base.escape import one_line
from cvbench_tui.core.text import plural
from cvbench_tui.errors import CvbenchError
from cvbench_tui.tui.screens.base import Dialog, Modal, buttons
from cvbench_tui.tui.state.run_lines import about, filter_text, line
from cvbench_tui.tui.widgets.choices import HEIGHTS, DialogList
from cvbench_tui.tui.widgets.filter_input import ListFilter

if TYPE_CHECKING:
    from cvbench_tui.results.storage.run_index import RunSummary

NONE_YET = "There are no runs yet. Close this, press r to measure what is ticked: every run is kept and listed here."
NO_MATCH = "No run matches the filter. Escape clears it."
FILTER_BY = "filter by device, workload, date, name, tag or state (/)"
WHAT_ROOMS = ((116, 44), (100, 36), (0, 28))  # least cells of the terminal, and cells of what a run is then
ABOUT_CELLS = 134  # of the sentence about the run under the cursor: two lines at 80 columns
PAGE = 200  # lines that the list has at first, and gets more when the cursor comes to its end: 10,000 take 0.6 s
MARK = "* "  # before a run that is to be compared


@dataclass(frozen=True)
class RunsChoice:
    """What is to be done with runs of the list: one is opened, or two and more are compared."""

    open: Path | None = None
    compare: tuple[Path, ...] = ()  # files, the oldest run first: it is the baseline


class Keeper(Protocol):
    """Touches the files."""

    def label(self, path: Path, name: str, tags: Sequence[str]) -> RunSummary:
        """Call a run so. Returns its new line. Raises CvbenchError."""

    def delete(self, paths: Sequence[Path]) -> int:
        """Delete these, up to the first that cannot be. Raises CvbenchError."""

    def undo(self) -> Sequence[RunSummary]:
        """Bring back what was deleted last. Raises CvbenchError."""


class RunsScreen(Modal[RunsChoice]):
    """Dismisses with what is to be opened or compared, or with None."""

    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="runs.close", tooltip="Close the runs"),
        Binding("slash", "filter", "Filter", id="runs.filter",
                tooltip="Filter by words: device, workload, date, name, tag, state"),
        Binding("space", "mark", "Mark", id="runs.mark", tooltip="Mark the run, or take its mark away"),
        Binding("d", "compare", "Compare", id="runs.compare", tooltip="Compare the marked runs, two or more"),
        Binding("n", "name", "Name", id="runs.name", tooltip="Give the run a name and tags"),
        Binding("delete", "delete", "Delete", id="runs.delete", tooltip="Delete the marked runs, or the one here"),
        Binding("u", "undo", "Undo", id="runs.undo", tooltip="Bring back what was deleted last"),
    ]  # fmt: skip
    DEFAULT_CSS = """
    RunsScreen #heading { color: $text-muted; }
    RunsScreen .buttons Button { margin: 0 1; }
    """

    def __init__(
        self,
        runs: Sequence[RunSummary],
        more: Callable[[], tuple[Sequence[RunSummary], int]] | None = None,
        keeper: Keeper | None = None,
    ) -> None:
        """``runs`` in the order they are shown: newest first, what cannot be read last. ``more`` reads for a moment, in
        a thread, and returns all that are known then and how many files are left; None: these are all. ``keeper``:
        None where runs are neither named nor deleted."""
        super().__init__()
        self._runs = runs
        self._more = more
        self._keeper = keeper
        self._changed: dict[Path, RunSummary | None] = {}  # what became of runs here; None for a deleted one
        self._texts: list[str] | None = None  # of the runs, for the filter; made when something is typed
        self._shown: Sequence[RunSummary] = ()  # those that pass the filter
        self._left = 0  # files still to be read
        self._marked: set[Path] = set()
        self._said: tuple[str, Path | None] = "", None  # what was done last, as long as the cursor stays on that run

    def compose(self) -> ComposeResult:
        """Filter, heading, list, a sentence in place of an empty one, buttons."""
        with Dialog("Saved runs", "Enter open  Space mark  d compare  n name  Delete  u undo  / filter"):
            yield ListFilter(
                placeholder="filter by device, workload, date, name, tag or state (/)", id="filter_text", compact=True
            )
            yield Static(id="heading", markup=False)
            yield DialogList(id="runs")
            yield Static(NONE_YET, id="none", markup=False)
            yield Static(id="complaint", classes="message", markup=False)
            yield buttons(open="Open", compare="Compare", name="Name", delete="Delete", close="Close")

    def on_resize(self) -> None:
        """More or fewer cells for what a run is."""
        if self.query(DialogList):  # it comes once before there is a list
            self._fill(self._current())

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
                self._left = left
                self._take(runs)

    def _take(self, runs: Sequence[RunSummary]) -> None:
        """Show these from now on, as they have become here; the cursor stays on its run."""
        by_path = {run.path: run for run in runs} | self._changed
        present = [run for run in by_path.values() if run is not None]
        present.sort(key=lambda run: (run.problem == "", run.started_at_s or 0.0, run.id), reverse=True)
        self._runs, self._texts = present, None
        self._marked &= {run.path for run in present}
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
                self._texts = [filter_text(run) for run in self._runs]
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
        for each in ("#filter_text", "#heading", "#open", "#compare", "#name", "#delete"):
            self.query_one(each).display = bool(self._runs)

    def _say_how_many(self) -> None:
        many = [f"{len(self._shown)} runs"] if self._left or len(self._shown) > PAGE else []
        many += [f"{self._left} more files to be read"] if self._left else []
        many += [f"{len(self._marked)} marked"] if self._marked else []
        heading = f"  {'began':<18}{'what':<{self._what_room}}  {', '.join(many) or 'state and rows'}"
        self.query_one("#heading", Static).update(heading)

    @property
    def _what_room(self) -> int:
        """Cells of what a run is."""
        return next(cells for least, cells in WHAT_ROOMS if self.app.size.width >= least)

    @on(OptionList.OptionHighlighted)
    def _explain(self) -> None:
        """Say all about the run under the cursor, or why it cannot be read, as its line may be too short for it; add
        lines when it has come to the last one there is."""
        listing = self.query_one(DialogList)
        there = listing.option_count
        if listing.highlighted == there - 1 and there < len(self._shown):
            listing.add_options(map(self._option, self._shown[there : there + PAGE]))
        run = self._current()
        sentence, said_of = self._said
        if sentence and said_of == (None if run is None else run.path):
            self.complain(sentence, "-remark")
            return
        self._said = "", None
        if run is None or run.problem:
            self.complain(run.problem if run is not None else "")
        else:
            self.complain(shorten(one_line(about(run)), ABOUT_CELLS), "-hint")

    def _say(self, sentence: str) -> None:
        """Say what was done, until the cursor moves."""
        run = self._current()
        self._said = sentence, None if run is None else run.path
        self.complain(sentence, "-remark")

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

    def action_name(self) -> None:
        """Ask for a name and tags of the run under the cursor."""
        from cvbench_tui.tui.screens.run_name import RunNameScreen

        run, keeper = self._current(), self._keeper
        if run is None or run.problem or keeper is None:
            self._explain()
            return

        def save(name: str, tags: Sequence[str]) -> None:
            self._changed[run.path] = keeper.label(run.path, name, tags)

        def saved(named: bool | None) -> None:
            if named:
                self._take(self._runs)
                self._say("Named: the name and its tags are in the run's file.")

        self.app.push_screen(RunNameScreen(run.label, run.tags, save), saved)

    def action_delete(self) -> None:
        """Delete the marked runs, or the one under the cursor where none is."""
        here = self._current()
        runs = [run for run in self._runs if run.path in self._marked] or ([here] if here is not None else [])
        if not runs or self._keeper is None:
            return
        problem = ""
        try:
            self._keeper.delete([run.path for run in runs])
        except CvbenchError as error:
            problem = f"{error.message} {error.hint}".strip()
        gone = [run for run in runs if not run.path.exists()]
        self._changed |= dict.fromkeys(run.path for run in gone)
        place = self.query_one(DialogList).highlighted or 0
        self._take(self._runs)
        self._go_to(place)
        self._say(problem or f"{plural(len(gone), 'run')} deleted. u brings {'it' if len(gone) == 1 else 'them'} back.")

    def action_undo(self) -> None:
        """Bring back what was deleted last."""
        try:
            back = self._keeper.undo() if self._keeper is not None else ()
        except CvbenchError as error:
            self._say(f"{error.message} {error.hint}".strip())
            return
        if not back:
            self._say("Nothing was deleted here: cvbench-tui list runs --deleted has what was deleted before.")
            return
        self._changed |= {run.path: run for run in back}
        self._take(self._runs)
        self._go_to(next((at for at, run in enumerate(self._shown) if run.path == back[0].path), 0))
        self._say(f"{plural(len(back), 'run')} back.")

    def _go_to(self, place: int) -> None:
        """Put the cursor on that line, or on the last one there is."""
        listing = self.query_one(DialogList)
        if listing.option_count:
            listing.highlighted = min(place, listing.option_count - 1)
            listing.focus()

    def action_filter(self) -> None:
        """Put the cursor into the filter."""
        if self._runs:
            self.query_one(ListFilter).focus()

    def _option(self, run: RunSummary) -> Option:
        return Option(self._prompt(run))

    def _prompt(self, run: RunSummary) -> Content:
        return Content.assemble(MARK if run.path in self._marked else " " * len(MARK), line(run, self._what_room))
