"""Controls the run: start, queue, add rows, repeat, cancel; shows its state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cvbench_tui.catalog.selection import to_plan
from cvbench_tui.core.plan import Plan
from cvbench_tui.core.run import Run
from cvbench_tui.core.text import plural
from cvbench_tui.errors import SelectionError
from cvbench_tui.tui.controllers import Ui
from cvbench_tui.tui.controllers.gauges import GaugesController
from cvbench_tui.tui.controllers.run_manager import RunManager
from cvbench_tui.tui.screens.main import ASKING, MainScreen
from cvbench_tui.tui.state.forecast import Forecast
from cvbench_tui.tui.state.plan_summary import fit_lines
from cvbench_tui.tui.state.selection import PlanSelection
from cvbench_tui.tui.state.settings_store import SettingsStore

MAX_WARNED = 2  # rows without room in memory that are named when the run begins
HINT_AFTER_RUN = "s saves the table   y copies a row   Enter explains it   m compares with it"


@dataclass
class RunController:
    """The actions that begin, change and end a run, and what header, strip and gauges show of it."""

    ui: Ui
    screen: MainScreen
    run_manager: RunManager
    plan_selection: PlanSelection
    forecast: Forecast
    settings_store: SettingsStore
    gauges: GaugesController
    clock: Callable[[], float]  # seconds since the epoch

    def run(self) -> None:
        """Measure what is ticked, as soon as the devices are known; during a run, add what is not in it yet."""
        if not self.plan_selection.workloads:
            self.ui.say("Nothing to run: tick models (1) or layers (2) with Space, or open a preset (P).", bad=True)
            return
        if self.run_manager.environment is None:
            self._queue()
            return
        try:
            plan = to_plan(self.plan_selection.selection(), self.run_manager.environment)
        except SelectionError as error:
            self.ui.refuse(error)
            return
        (self._add if self.run_manager.running else self._start)(plan)

    def _start(self, plan: Plan) -> None:
        self.settings_store.put(last=self.plan_selection.last())
        self._warn(plan)
        self.forecast.begin(plan)
        self.run_manager.begin(plan)
        self._show_begun()

    def _warn(self, plan: Plan) -> None:
        """Name the rows that are expected to run out of memory; they are tried all the same."""
        from cvbench_tui.catalog.memory import too_large

        assert self.run_manager.environment is not None
        lines = fit_lines(too_large(plan, self.run_manager.environment))
        if not lines:
            return
        more = f"And {plural(len(lines) - MAX_WARNED, 'more row')}." if len(lines) > MAX_WARNED else ""
        text = " ".join([*lines[:MAX_WARNED], more]).rstrip()
        self.screen.notify(text, title="Will not fit in memory", severity="warning", markup=False)

    def _show_begun(self) -> None:
        self.screen.go_to("results")
        self.show_state()
        self.screen.refresh_bindings()

    def _add(self, plan: Plan) -> None:
        """More rows for the running benchmark, under its protocol."""
        added, newest = self.run_manager.add(plan), self.run_manager.newest
        if newest is not None:
            cases = {case.case_id: case for case in (*newest.plan.cases, *plan.cases)}
            self.forecast.begin(Plan(newest.plan.name, tuple(cases.values()), newest.plan.protocol))
        if added:
            self._warn(plan)
            self.ui.say(f"{plural(added, 'row')} added to the run.")
        else:
            self.ui.say("Everything that is ticked is in this run already.")

    def again(self) -> None:
        """Measure failed, skipped, cancelled and never begun rows again, in the same run."""
        if self.run_manager.run is not None and self.run_manager.again():
            self.forecast.begin(self.run_manager.run.plan)
            self._show_begun()

    def _queue(self) -> None:
        """Run once the worker has reported the devices; after a start that failed, ask again."""
        self.run_manager.queued = True
        self.ui.say("Queued: the run starts as soon as the devices are known.")
        if not self.run_manager.probing:
            self.screen.offer_devices([ASKING])
            self.run_manager.ask()
        self.screen.refresh_bindings()

    def cancel(self) -> None:
        """Stop measuring. The strip shows cancelling until the run has ended."""
        if self.run_manager.queued:
            self.ui.say("No longer queued.")
        self.run_manager.cancel()
        self.show_progress()
        self.screen.refresh_bindings()

    # -- where it is

    def show_progress(self) -> None:
        """Draw elapsed time, ETA and the running row, also between two events."""
        newest, now_s = self.run_manager.newest, self.clock()
        if not self.run_manager.running or newest is None or newest.ended is not None:
            return
        self.screen.strip.show_running(
            newest,
            max(0.0, now_s - self.run_manager.began_at_s),
            self.forecast.left_s(newest, now_s),
            self.forecast.share(newest),
            cancelling=self.run_manager.cancelling,
        )
        if newest.running is not None:
            self.follow_device(newest.plan.case(newest.running.case_id).device)

    def show_ended(self, run: Run) -> None:
        """How the run ended, and what to press next."""
        self.screen.strip.show_ended(run, HINT_AFTER_RUN)
        self.show_state()
        self.screen.refresh_bindings()
        self.follow_device(None)

    def show_state(self) -> None:
        """Header and tabs: where the run is."""
        manager, run = self.run_manager, self.run_manager.run
        measured = f"{len(run.plan.cases) - run.pending}/{len(run.plan.cases)}" if run is not None else ""
        state = "ready"
        if manager.running:
            state = f"running {measured}".rstrip()
        elif manager.environment is None:
            state = "starting" if manager.probing else "no worker"
        self.screen.show_state(state, measured, manager.environment)

    def follow_device(self, measuring: str | None) -> None:
        """Show the gauges of the first device that is ticked; ``measuring``: the device of the running case."""
        ticked, environment = next(iter(self.plan_selection.devices.ticked), "cpu"), self.run_manager.environment
        device = environment.device(ticked) if environment is not None else None
        pci_id = str(environment.fact(f"{ticked}.pci_id") or "") if environment is not None else ""
        self.gauges.follow(device, pci_id, running=self.run_manager.running, on=measuring)
        if self.gauges.paused:
            self.screen.gauges.show(None, self.gauges.device_id, True)
