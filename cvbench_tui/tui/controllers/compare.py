"""Comparing: along an axis of the run that is open, or runs of the list; it asks, a thread compares, a screen shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App

from cvbench_tui.errors import CvbenchError
from cvbench_tui.tui.background.compare_thread import compare_files, compare_sides
from cvbench_tui.tui.background.threads import BackgroundThread
from cvbench_tui.tui.controllers import Ui
from cvbench_tui.tui.controllers.run_manager import RunManager
from cvbench_tui.tui.controllers.save import SaveController
from cvbench_tui.tui.messages import Compared, NotCompared, Post
from cvbench_tui.tui.state.compare_request import CompareRequest
from cvbench_tui.tui.widgets.results_pane import ResultsPane

if TYPE_CHECKING:
    from cvbench_tui.core.run import Run
    from cvbench_tui.tui.screens.compare.screen import CompareScreen

NO_WAY = "The rows differ in no setting. H lists the saved runs: Space marks two, d compares them."
COMPARING = "Comparing..."
OTHER_RUNS = "runs"  # what the dialog of axes answers for runs of the list


@dataclass
class CompareController:
    """The key that compares, and what the compare screen asks for."""

    ui: Ui
    run_manager: RunManager
    results: ResultsPane  # along which axis its rows are compared
    save: SaveController
    page: App[Any]  # Textual's part of the app: the screens
    post: Post
    runs: Callable[[], object]  # opens the list of runs
    again: Callable[[], object]  # repeats doubtful rows
    _wanted: CompareRequest | None = field(default=None, init=False)  # the newest; answers to others are late
    _screen: CompareScreen | None = field(default=None, init=False)

    def compare(self) -> None:
        """Compare along the axis that the table is compared along, else along the only one in which rows differ; with
        several of them, ask. Without one, choose runs."""
        from cvbench_tui.results.compare.ways import ways

        run = self.run_manager.state.run
        if run is None:
            self.runs()
            return
        found, chosen = ways(run), self.results.view.compare
        if not found:
            self.ui.say(NO_WAY)
        elif chosen in found or len(found) == 1:
            self._along(run, chosen if chosen in found else found[0])
        else:
            self._choose(run, found)

    def _choose(self, run: Run, found: Sequence[str]) -> None:
        from cvbench_tui.results.compare.build import sides_along
        from cvbench_tui.tui.screens.compare.along import AlongScreen

        values = {axis: ", ".join(side.name for side in sides_along(run, axis)) for axis in found}

        def answered(axis: str | None) -> None:
            if axis == OTHER_RUNS:
                self.runs()
            elif axis is not None:
                self._along(run, axis)

        self.ui.show(AlongScreen(values, OTHER_RUNS), answered)

    def _along(self, run: Run, axis: str) -> None:
        from cvbench_tui.results.compare.build import sides_along

        try:
            self.ask(CompareRequest(sides_along(run, axis), axis))
        except CvbenchError as error:
            self.ui.refuse(error)

    def next_axis(self, request: CompareRequest) -> None:
        """The run of that request along its next axis."""
        from cvbench_tui.results.compare.ways import ways

        run = request.sides[0].run
        found = ways(run)
        self._along(run, found[(found.index(request.along) + 1) % len(found)])

    def files(self, paths: Sequence[Path]) -> None:
        """Compare the runs of these files, the baseline first."""
        self.ui.say(COMPARING)
        BackgroundThread(self.post, compare_files, paths, self._want).start()

    def ask(self, request: CompareRequest) -> None:
        """Compare; ``Compared`` or ``NotCompared`` will follow."""
        self._want(request)
        if self._screen is None:
            self.ui.say(COMPARING)
        BackgroundThread(self.post, compare_sides, request).start()

    def _want(self, request: CompareRequest) -> None:
        self._wanted = request

    def compared(self, event: Compared) -> None:
        """Show it, unless something else is wanted by now."""
        from cvbench_tui.tui.screens.compare.screen import CompareScreen

        if event.request is not self._wanted:
            return
        if self._screen is not None:
            self._screen.show(event)
            self.refresh()
            return
        self.ui.say("")
        screen = CompareScreen(event, ask=self.ask, along=self.next_axis, save=self.save.save_comparison)
        self.ui.show(screen, self._left)
        if self.page.screen is screen:  # over another dialog it is not opened
            self._screen = screen

    def refresh(self) -> None:
        """Compare what is on screen anew where its run has other outcomes or rows by now. One at a time: what comes
        during a comparison is seen after it."""
        run, screen = self.run_manager.state.run, self._screen
        if run is None or screen is None or screen.found.request is not self._wanted:
            return
        sides = screen.found.request.sides
        then = next((side.run for side in sides if side.run.id == run.id), run)
        if then.outcomes is run.outcomes and then.plan is run.plan:
            return
        now = tuple(replace(side, run=run) if side.run.id == run.id else side for side in sides)
        self.ask(replace(screen.found.request, sides=now))

    def not_compared(self, event: NotCompared) -> None:
        """Say why, where the user looks."""
        if self._screen is not None and event.request is self._wanted:
            self._wanted = self._screen.found.request
            self._screen.complain(f"{event.error.message} {event.error.hint}".strip())

    def _left(self, action: str | None) -> None:
        self._screen = None
        if action is not None:
            self.again()
