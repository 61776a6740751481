"""From what is ticked to a run: begin, queue, add rows, again, cancel, and the words about it. No widget of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cvbench_tui.catalog.selection import to_plan
from cvbench_tui.core.plan import Plan
from cvbench_tui.core.run import Run
from cvbench_tui.errors import SelectionError
from cvbench_tui.tui.controllers.gauges import GaugesController
from cvbench_tui.tui.screens.main import ASKING
from cvbench_tui.tui.state.plan_summary import count, fit_lines

if TYPE_CHECKING:
    from cvbench_tui.tui.app import BenchApp

MAX_WARNED = 2
"""Rows without room in memory that are named when the run begins."""
HINT_AFTER_RUN = "s saves the table   y copies a row   Enter explains it   m compares with it"


class RunController:
    """The app's running side."""

    def __init__(self, app: BenchApp, clock: Callable[[], float]) -> None:
        self._app = app
        self._clock = clock
        self.gauges_controller = GaugesController(app.post_message, off=app.settings_store.settings.gauges == "off")

    def run(self) -> None:
        """Measure what is ticked, as soon as the devices are known; during a run, add what is not in it yet."""
        app = self._app
        if not app.plan_selection.workloads:
            app.say("Nothing to run: tick models (1) or layers (2) with Space, or open a preset (P).", bad=True)
            return
        if app.run_manager.environment is None:
            self._queue()
            return
        try:
            plan = to_plan(app.plan_selection.selection(), app.run_manager.environment)
        except SelectionError as error:
            app.refuse(error)
            return
        (self._add if app.run_manager.running else self._start)(plan)

    def _start(self, plan: Plan) -> None:
        app = self._app
        app.settings_store.put(last=app.plan_selection.last())
        self._warn(plan)
        app.forecast.begin(plan)
        app.run_manager.begin(plan)
        self._shown_running()

    def _warn(self, plan: Plan) -> None:
        """Name the rows that will surely run out of memory; they are tried all the same."""
        from cvbench_tui.catalog.memory import too_large

        assert self._app.run_manager.environment is not None
        lines = fit_lines(too_large(plan, self._app.run_manager.environment))
        if not lines:
            return
        more = f"And {count(len(lines) - MAX_WARNED, 'more row')}." if len(lines) > MAX_WARNED else ""
        text = " ".join([*lines[:MAX_WARNED], more]).rstrip()
        self._app.notify(text, title="Will not fit in memory", severity="warning", markup=False)

    def _shown_running(self) -> None:
        self._app.ticker.resume()
        self._app.main_screen.go_to("results")
        self.head()
        self._app.refresh_bindings()

    def _add(self, plan: Plan) -> None:
        """More rows for the run that goes on; its protocol stays."""
        app = self._app
        added, newest = app.run_manager.add(plan), app.run_manager.newest
        if newest is not None:
            cases = {case.case_id: case for case in (*newest.plan.cases, *plan.cases)}
            app.forecast.begin(Plan(newest.plan.name, tuple(cases.values()), newest.plan.protocol))
        if added:
            self._warn(plan)
            app.say(f"{count(added, 'row')} added to the run.")
        else:
            app.say("Everything that is ticked is in this run already.")

    def again(self) -> None:
        """Measure failed, skipped, cancelled and never begun rows again, in the same run."""
        app = self._app
        if app.run_manager.run is not None and app.run_manager.again():
            app.forecast.begin(app.run_manager.run.plan)
            self._shown_running()

    def _queue(self) -> None:
        """Run later, when the worker has told the devices; after a start that failed, ask again."""
        app = self._app
        app.run_manager.queued = True
        app.say("Queued: the run starts as soon as the measuring process has told which devices there are.")
        if not app.run_manager.probing:
            app.main_screen.offer_devices([ASKING])
            app.run_manager.ask()
        app.refresh_bindings()

    def cancel(self) -> None:
        """Stop measuring. The words change again only when the run has really ended."""
        if self._app.run_manager.queued:
            self._app.say("Not queued any more.")
        self._app.run_manager.cancel()
        self.tick()
        self._app.refresh_bindings()

    # -- where it is

    def tick(self) -> None:
        """Draw where the run is."""
        app, newest, now_s = self._app, self._app.run_manager.newest, self._clock()
        if not app.run_manager.running or newest is None or newest.ended is not None:
            return
        app.main_screen.strip.show_running(
            newest,
            max(0.0, now_s - app.run_manager.began_at_s),
            app.forecast.left_s(newest, now_s),
            app.forecast.share(newest),
            cancelling=app.run_manager.cancelling,
        )
        if newest.running is not None:
            self._gauge(newest.plan.case(newest.running.case_id).device)

    def ended(self, run: Run) -> None:
        """The run has ended; its word, and what to press next."""
        self._app.ticker.pause()
        self._app.main_screen.strip.show_ended(run, HINT_AFTER_RUN)
        self.head()
        self._app.refresh_bindings()
        self._gauge(None)

    def head(self) -> None:
        """Header and tabs: where the run is."""
        app, run_manager, run = self._app, self._app.run_manager, self._app.run_manager.run
        settled = f"{len(run.plan.cases) - run.pending}/{len(run.plan.cases)}" if run is not None else ""
        state = "ready"
        if run_manager.running:
            state = f"running {settled}".rstrip()
        elif run_manager.environment is None:
            state = "starting" if run_manager.probing else "no worker"
        app.main_screen.head(state, app.plan_selection.devices.ticked, run_manager.environment)
        app.main_screen.count(settled)

    def picked(self) -> None:
        """Other devices may be ticked: their gauges are shown."""
        if not self._app.run_manager.running:
            self._gauge(None)

    def _gauge(self, on: str | None) -> None:
        """Gauges of the first device that is ticked; ``on``: where a case is being measured."""
        app = self._app
        picked, environment = next(iter(app.plan_selection.devices.ticked), "cpu"), app.run_manager.environment
        device = environment.device(picked) if environment is not None else None
        self.gauges_controller.follow(device, running=app.run_manager.running, on=on)
        if self.gauges_controller.paused:
            app.main_screen.gauges.show(None, self.gauges_controller.device_id, True)
