"""Controls the run: start, queue, wait for an idle machine, add rows, repeat, cancel; the strip shows where it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from cvbench_tui.catalog.selection import to_plan
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.plan import Case, Plan, unique
from cvbench_tui.core.text import plural
from cvbench_tui.errors import SelectionError
from cvbench_tui.tui.controllers import Ui
from cvbench_tui.tui.controllers.run_manager import RunManager
from cvbench_tui.tui.state.forecast import Forecast
from cvbench_tui.tui.state.selection import PlanSelection
from cvbench_tui.tui.state.settings_store import SettingsStore
from cvbench_tui.tui.widgets.strips import ProgressStrip

if TYPE_CHECKING:
    from cvbench_tui.core.run import Run
    from cvbench_tui.engine.host.others import Others, Watch

MAX_WARNED = 2  # rows of which problems are expected that are named when the run begins


@dataclass
class RunController:
    """The actions that begin, change and end a run, and its progress in the strip."""

    ui: Ui
    run_manager: RunManager
    plan_selection: PlanSelection
    forecast: Forecast
    settings_store: SettingsStore
    strip: ProgressStrip
    clock: Callable[[], float]  # seconds since the epoch
    ask_for_code: Callable[[Sequence[Case], Callable[[], object]], None]
    """Calls back, after a question where the rows run code that the user has not named."""
    read_code: Callable[[], object]
    """Reads what is ticked of the user's own code, as it is now. Raises SelectionError."""
    _wanted: Callable[[], object] = field(default=lambda: None, init=False)
    """Begins the run that is wanted, once other programs have left the machine or the user does not mind them."""

    def run(self) -> None:
        """Measure what is ticked, as soon as the devices are known; during a run, add what is not in it yet. While it
        waits for other programs to leave, begin at once."""
        state = self.run_manager.state
        if state.status == "waiting":
            self._go()
            return
        if state.status == "looking":
            return
        if not self.plan_selection.workloads:
            self.ui.say("Nothing to run: tick models (1) or layers (2) with Space, or open a preset (P).", bad=True)
            return
        if state.environment is None:
            self.ui.say("Queued: the run starts as soon as the devices are known.")
            self.run_manager.ask(queued=True)
            return
        try:
            self.read_code()
            plan = to_plan(self.plan_selection.selection(), state.environment)
        except SelectionError as error:
            self.ui.refuse(error)
            return
        if state.running:
            self._add(plan, state.environment)
            return
        self.settings_store.put(last=self.plan_selection.last())
        self._look(plan, partial(self._begin, plan, state.environment))

    def _begin(self, plan: Plan, environment: Environment) -> None:
        self._warn(plan, environment)
        self.forecast.begin(plan)
        self.run_manager.begin(plan)

    def _look(self, plan: Plan, begin: Callable[[], object]) -> None:
        """Begin if no other program uses the cores and cards of that plan; else ask."""
        self._wanted = begin
        self.ui.say("Looking at what other programs use...")
        self.run_manager.look(plan)

    def looked(self, watch: Watch, others: Others) -> None:
        """A look at other programs is over."""
        if not self.run_manager.watches(watch):
            return
        if self.run_manager.state.status == "waiting":
            if others.busy:
                self.ui.say(f"{others.use}: waiting until they have left. r runs anyway, x stops waiting.")
        elif others.busy:
            from cvbench_tui.tui.screens.busy import BusyScreen

            self.ui.say(others.sentence)
            self.ui.show(BusyScreen(others.sentence), self._answered)
        else:
            self._go()

    def became_idle(self, watch: Watch) -> None:
        """Other programs have left."""
        if self.run_manager.watches(watch):
            self._go()

    def _go(self) -> None:
        """Begin what is wanted."""
        self.run_manager.stop_looking()
        self._wanted()

    def _answered(self, answer: str | None) -> None:
        """To the question of a busy machine."""
        if not self.run_manager.state.beginning:  # a saved run was opened meanwhile
            return
        if answer == "wait":
            self.run_manager.wait()
        elif answer == "anyway":
            self._go()
        else:
            self.run_manager.stop_looking()
            self.ui.say("Not begun.")

    def _warn(self, plan: Plan, environment: Environment) -> None:
        """Name a quota, and the rows that cannot be measured, be trained or fit; they are tried all the same."""
        from cvbench_tui.results.machine_warnings import quota
        from cvbench_tui.results.plan_notes import named, plan_notes

        if sentence := quota(environment):
            self.ui.notify(sentence, title="CPU quota", severity="warning", markup=False)

        if problems := plan_notes(plan, environment):
            text = " ".join(named(problems, MAX_WARNED))
            self.ui.notify(text, title="Problems expected", severity="warning", markup=False)

    def _add(self, plan: Plan, environment: Environment) -> None:
        """More rows for the running benchmark, under its protocol; none that need a pass which it does not have."""
        if lacking := self.run_manager.lacking_passes(plan):
            which, rows = ("step", "the optimizer's rows") if "step" in lacking else (lacking[0], "these rows")
            self.ui.say(f"This run measures no {which}; {rows} belong in a run of their own.", bad=True)
            return
        added, run = self.run_manager.add(plan), self.run_manager.state.run
        if run is not None:
            cases = unique((*run.plan.cases, *plan.cases))
            self.forecast.begin(Plan(run.plan.name, cases, run.plan.protocol))
        if added:
            self._warn(plan, environment)
            self.ui.say(f"{plural(added, 'row')} added to the run.")
        else:
            self.ui.say("Everything that is ticked is in this run already.")

    def again(self) -> None:
        """Measure rows again that have no numbers or poor ones, in the same run, which keeps the better ones."""
        rows, run = self.run_manager.state.repeatable, self.run_manager.state.run
        if run is None or not rows:
            return
        begin = partial(self._again, len(rows))
        if not self.run_manager.state.running:
            begin = partial(self._look, Plan(run.plan.name, rows, run.plan.protocol), begin)
        self.ask_for_code(rows, begin)

    def resume(self) -> None:
        """Go on with the run that is shown: measure the rows that it lacks, in its own file."""
        state = self.run_manager.state
        run, rows, here = state.run, state.lacking, state.environment
        if run is None:
            return
        if here is None:
            self.ui.say("The devices are not known yet; C again goes on as soon as they are.")
            return
        if not rows:
            self.ui.say("This run lacks no row." + " R repeats those that failed." * bool(run.failures))
            return
        plan = Plan(run.plan.name, rows, run.plan.protocol)
        begin = partial(self._look, plan, partial(self._resume, run, rows))
        from cvbench_tui.results.stats.repeat import another_machine  # behind the first frame

        why = another_machine(run, here, rows)
        if not why:
            self.ask_for_code(rows, begin)
            return
        from cvbench_tui.tui.screens.base import ConfirmScreen

        answer = ConfirmScreen(f"{why} Go on all the same?", "Go on")
        self.ui.show(answer, lambda wanted: self.ask_for_code(rows, begin) if wanted else None)

    def _resume(self, run: Run, rows: Sequence[Case]) -> None:
        """Unless another one was opened meanwhile."""
        if self.run_manager.state.run is run and self.run_manager.resume(rows):
            self.forecast.begin(run.plan)
            self.show_progress()
            self.ui.say(f"The run goes on with the {plural(len(rows), 'row')} it lacks.")

    def _again(self, count: int) -> None:
        if self.run_manager.again() and (run := self.run_manager.state.run) is not None:
            self.forecast.begin(run.plan)
            self.show_progress()  # what was drawn as the run began had the expectations of the one before
            self.ui.say(f"{plural(count, 'row')} measured again; the better result of each is kept.")

    def cancel(self) -> None:
        """Stop measuring. The strip shows cancelling until the run has ended."""
        if self.run_manager.state.status == "queued":
            self.ui.say("No longer queued.")
        elif self.run_manager.state.beginning:
            self.ui.say("No longer waiting.")
        self.run_manager.cancel()

    def show_progress(self) -> None:
        """Draw elapsed time, ETA and the running row, also between two events."""
        state, now_s = self.run_manager.state, self.clock()
        if not state.running or state.run is None:
            return
        share, left_s = self.forecast.progress(state.run, now_s)
        elapsed_s = max(0.0, now_s - state.began_at_s)
        self.strip.show_running(state.run, elapsed_s, left_s, share, cancelling=state.status == "cancelling")
