"""The app: keys in, messages in, state down to the widgets.

It measures nothing (the worker does), computes nothing (``results`` does) and writes no file itself.
"""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import App
from textual.binding import BindingType
from textual.widgets import DataTable

from cvbench_tui.catalog.selection import Selection, to_plan
from cvbench_tui.core.event import Progress, RunFinished
from cvbench_tui.engine.source import EventSource
from cvbench_tui.errors import CvbenchError, SelectionError
from cvbench_tui.results.escape import visible
from cvbench_tui.results.table import Table, build
from cvbench_tui.tui.bench_screen import ASKING, BenchScreen
from cvbench_tui.tui.checklist import Checklist
from cvbench_tui.tui.conductor import Conductor
from cvbench_tui.tui.keys import APP_KEYS
from cvbench_tui.tui.messages import Crashed, Probed, ProbeFailed, RunAdvanced, RunRefused
from cvbench_tui.tui.picks import Picks
from cvbench_tui.tui.result_table import ResultTable
from cvbench_tui.tui.saving import Saver
from cvbench_tui.tui.sorting import SortOrder
from cvbench_tui.tui.summary import plan_line, settings_line

if TYPE_CHECKING:
    from cvbench_tui.results.markdown import Layout

TICK_S = 1.0
"""How often elapsed time and ETA are drawn when no event comes, seconds."""


class BenchApp(App[int]):
    """The terminal app over any source of events."""

    TITLE = "cvbench-tui"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = APP_KEYS

    def __init__(
        self,
        source: EventSource,
        *,
        runs_folder: Path,
        selection: Selection | None = None,
        protocol: str | None = None,
        save_folder: Path | None = None,
        host: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``save_folder``, ``host`` and ``clock`` (seconds since the epoch) are the process's own when left out."""
        super().__init__()
        self.picks = Picks(selection, protocol)
        self.conductor = Conductor(source, runs_folder, self.post_message, clock)
        self.bench = BenchScreen(self.picks)
        self.saver = Saver(save_folder or Path.cwd(), host or platform.node(), clock)
        self._clock = clock
        self._sort = SortOrder()

    def on_mount(self) -> None:
        """Show the screen, and ask for the devices once it is drawn."""
        self.animation_level = "none"
        self.push_screen(self.bench)
        self.call_after_refresh(self._begin)
        self._ticker = self.set_interval(TICK_S, self._tick)

    def _begin(self) -> None:
        self._picked()
        self.conductor.ask()

    @on(Probed)
    def _probed(self, event: Probed) -> None:
        self.conductor.probing, self.conductor.environment = False, event.environment
        self.picks.offer(event.environment)
        self.bench.offer_devices()
        self._picked()
        if self.picks.missing:
            self._say(f"Not on this machine: {', '.join(self.picks.missing)}.", bad=True)
        if self.conductor.queued:
            self.conductor.queued = False
            self.refresh_bindings()
            self.action_run()

    @on(ProbeFailed)
    def _probe_failed(self, event: ProbeFailed) -> None:
        self.conductor.probing = self.conductor.queued = False
        self.bench.offer_devices([event.error.message, event.error.hint])
        self._refuse(event.error)

    @on(RunAdvanced)
    def _advanced(self, event: RunAdvanced) -> None:
        self.conductor.run = event.run
        if not isinstance(event.event, Progress):
            self._show_table()
        if isinstance(event.event, RunFinished):
            self.bench.strip.show_ended(event.run)
            self.refresh_bindings()
        self._ticker.reset()  # the tick is for times without events; on top of them it would be a fifth draw a second
        self._tick()

    @on(RunRefused)
    def _run_refused(self, event: RunRefused) -> None:
        self.conductor.refused()
        self._refuse(event.error)

    @on(Crashed)
    def _crashed(self, event: Crashed) -> None:
        raise event.error

    def _tick(self) -> None:
        """Draw where the run is."""
        newest = self.conductor.newest
        if self.conductor.running and newest is not None and newest.ended is None:
            self.bench.strip.show_running(
                newest, self._clock(), self.conductor.expected_s, cancelling=self.conductor.cancelling
            )

    @on(Checklist.Changed)
    def _picked(self) -> None:
        """Other things are ticked or set: the top line and the invitation say so."""
        self.bench.summarise(plan_line(self.picks, self.conductor.environment), settings_line(self.picks))
        self.bench.invite(ready=bool(self.picks.workloads))

    def _table(self) -> Table | None:
        if self.conductor.run is None:
            return None
        column, descending = self._sort.current or (None, False)
        return build(self.conductor.run, sort=column, descending=descending)

    def _show_table(self) -> None:
        table = self._table()
        if table is not None:
            self.bench.show_table(table, self._sort.current)

    def _say(self, text: str, *, bad: bool = False) -> None:
        """A sentence in the strip; beside it while a run has the strip."""
        if self.conductor.running:
            self.notify(visible(text), markup=False, severity="error" if bad else "information")
        else:
            self.bench.strip.say(text, "bold red" if bad else "")

    def _refuse(self, error: CvbenchError) -> None:
        self._say(f"{error.message} {error.hint}".strip(), bad=True)
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Run and cancel show when they can be used."""
        running = self.conductor.running
        return {"cancel": running or self.conductor.queued, "run": not running}.get(action, True)

    def action_pane(self, pane: str) -> None:
        """Go to a pane."""
        self.bench.go_to(pane)

    def action_run(self) -> None:
        """Measure what is ticked, as soon as the devices are known."""
        if not self.picks.workloads:
            self._say("Nothing to run: tick models (1) or layers (2) with Space.", bad=True)
        elif self.conductor.environment is None:
            self._queue()
        else:
            try:
                plan = to_plan(self.picks.selection(), self.conductor.environment)
            except SelectionError as error:
                self._refuse(error)
                return
            self.conductor.begin(plan)
            self.bench.go_to("results")
            self.refresh_bindings()

    def _queue(self) -> None:
        """Run later, when the worker has told the devices; after a start that failed, ask again."""
        self.conductor.queued = True
        self._say("Queued: the run starts as soon as the worker has told which devices there are.")
        if not self.conductor.probing:
            self.bench.offer_devices([ASKING])
            self.conductor.ask()
        self.refresh_bindings()

    def action_cancel(self) -> None:
        """Stop measuring. The words change again only when the run has really ended."""
        if self.conductor.queued:
            self._say("Not queued any more.")
        self.conductor.cancel()
        self._tick()
        self.refresh_bindings()

    def action_protocol(self) -> None:
        """Next protocol."""
        self.picks.next_protocol()
        self._picked()

    def action_settings(self) -> None:
        """Ask for batch and image size."""
        from cvbench_tui.tui.settings_screen import SettingsScreen

        self.push_screen(SettingsScreen(self.picks.batch, self.picks.image), self._set)

    def _set(self, sizes: tuple[int | None, int | None] | None) -> None:
        if sizes is not None:
            self.picks.batch, self.picks.image = sizes
            self._picked()

    def action_sort(self, step: int) -> None:
        """Sort by the next column on that side."""
        if self.conductor.run is not None:
            self._sort.step(self.bench.query_one(ResultTable).sortable, step)
            self._show_table()

    def action_reverse(self) -> None:
        """The other direction."""
        self._sort.reverse()
        self._show_table()

    @on(DataTable.HeaderSelected)
    def _heading_clicked(self, event: DataTable.HeaderSelected) -> None:
        self._sort.choose(str(event.column_key.value))
        self._show_table()

    @on(DataTable.RowSelected)
    def _row_chosen(self, event: DataTable.RowSelected) -> None:
        """Enter, or a second click, on a row."""
        from cvbench_tui.tui.detail_screen import DetailScreen

        if self.conductor.run is not None and event.row_key.value is not None:
            self.push_screen(DetailScreen(self.conductor.run, event.row_key.value))

    def action_save(self, at_once: bool = False) -> None:
        """Ask where to, with a good name filled in; or write under that name without asking."""
        from cvbench_tui.tui.save_screen import SaveScreen

        if self.conductor.run is None:
            self._say("Nothing to save yet: press r to run what is ticked.", bad=True)
            return
        suggestion = self.saver.suggestion(self.conductor.run)
        if not at_once:
            self.push_screen(SaveScreen(suggestion, self._write), self._told_saved)
            return
        try:
            self._write(suggestion, "wide")
            self._told_saved(suggestion)
        except CvbenchError as error:
            self._refuse(error)

    def _write(self, path: Path, layout: Layout) -> None:
        assert self.conductor.run is not None
        self.saver.write(self.conductor.run, path, layout, self._sort.current)

    def _told_saved(self, path: Path | None) -> None:
        if path is not None:
            self._say(f"Saved {path}")

    def action_help(self) -> None:
        """Keys and columns."""
        from cvbench_tui.tui.help_screen import HelpScreen

        self.push_screen(HelpScreen(APP_KEYS))

    async def action_quit(self) -> None:
        """Leave at once; in mid-run, ask once."""
        if not self.conductor.running:
            self.exit(0)
            return
        from cvbench_tui.tui.confirm_screen import ConfirmScreen

        if not isinstance(self.screen, ConfirmScreen):
            question = "A run is going on. Stop it and quit? Finished rows are kept in the run file."
            answer = ConfirmScreen(question, "Stop and quit")
            self.push_screen(answer, lambda wanted: self.exit(0) if wanted else None)


def open_app(
    source: EventSource, *, selection: Selection | None, runs_folder: Path, protocol: str | None = None
) -> int:
    """Run the app until the user quits; then end the worker and say on stderr which files there are.

    Returns the exit code.
    """
    app = BenchApp(source, runs_folder=runs_folder, selection=selection, protocol=protocol)
    try:
        app.run()
    finally:
        app.conductor.shut_down()
    for path in app.saver.saved:
        print(f"saved {path}", file=sys.stderr)  # noqa: T201
    if app.conductor.run_file is not None:
        print(f"run file {app.conductor.run_file}", file=sys.stderr)  # noqa: T201
    return app.return_code or 0
