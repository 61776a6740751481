"""Opens presets, saved runs and the plan's settings; loads the palette's lists."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual.command import SimpleCommand
from textual.content import Content

from cvbench_tui.base.escape import one_line
from cvbench_tui.core.text import plural
from cvbench_tui.errors import CvbenchError
from cvbench_tui.tui.controllers import Ui
from cvbench_tui.tui.controllers.run_manager import RunManager
from cvbench_tui.tui.state.plan_summary import plan_line, protocol_line
from cvbench_tui.tui.state.run_state import moment
from cvbench_tui.tui.state.selection import PlanSelection

if TYPE_CHECKING:
    from cvbench_tui.catalog.presets import PresetEntry
    from cvbench_tui.core.plan import Plan
    from cvbench_tui.results.storage.run_index import RunSummary
    from cvbench_tui.results.storage.runs import Listing
    from cvbench_tui.tui.controllers.keep import RunKeeper
    from cvbench_tui.tui.screens.runs import RunsChoice
    from cvbench_tui.tui.state.plan_settings import PlanSettings

MAX_RUNS = 50  # saved runs that the palette offers, newest first; the dialog of runs has them all
READ_S = 0.25  # files are read for so long before what is known is shown, again and again
PALETTE_S = 1.0
STATE_WORDS = {"finished": "has failed rows", "interrupted": "was interrupted", "cancelled": "was cancelled",
               "failed": "was ended"}  # fmt: skip
RUNNING = "A benchmark is running. Saved runs can be opened when it has ended."


@dataclass
class OpenController:
    """The actions whose dialogs change what is ticked or shown."""

    ui: Ui
    run_manager: RunManager
    plan_selection: PlanSelection
    rebuild_lists: Callable[[], object]  # called when other things are ticked
    selection_changed: Callable[[], object]  # then, or when something is set
    runs_folder: Path
    expected: Callable[[Plan], Mapping[str, float]]  # seconds of each row, by case id
    compare_files: Callable[[Sequence[Path]], object]  # of two or more, the baseline first
    offered: RunSummary | None = field(default=None, init=False)  # the last run, where it lacks something
    _keeper: RunKeeper | None = field(default=None, init=False)  # of the deleted runs that can come back
    _resuming: Path | None = field(default=None, init=False)  # file that is being read in order to go on with it

    def offer(self, summary: RunSummary) -> str:
        """The sentence that offers that run."""
        self.offered = summary
        what = f"{summary.title}, {moment(summary.started_at_s)}" if summary.title else summary.name
        does = "goes on with it" if summary.ended != "finished" else "opens it, R then repeats what failed"
        return f"The last run ({one_line(what)}) {STATE_WORDS[summary.state]}: {summary.counts.text}. C {does}."

    def resume_offered(self) -> None:
        """Read the run that is offered; once it is there it goes on."""
        if self.offered is not None and not self.run_manager.state.running:
            self._resuming = self.offered.path
            self.open_run(self.offered.path)

    def opened(self, path: Path) -> bool:
        """A run was opened; no other is offered any more. True when it was read in order to go on with it."""
        resuming, self._resuming, self.offered = self._resuming, None, None
        return path == resuming

    def settings(self) -> None:
        """Ask how the plan is to be measured."""
        from cvbench_tui.tui.screens.plan_settings import SettingsScreen

        plan = self.plan_selection
        self.ui.show(SettingsScreen(plan.how, plan.samples(), self._preview), self._set)

    def _preview(self, how: PlanSettings) -> Content:
        return plan_line(self.plan_selection, self.run_manager.state.environment, expected=self.expected, how=how)

    def _set(self, settings: PlanSettings | None) -> None:
        if settings is not None:
            self.plan_selection.set_how(settings)
            self.selection_changed()

    def next_protocol(self) -> None:
        """The next protocol, and what it means."""
        self.plan_selection.next_protocol()
        self.selection_changed()
        name = self.plan_selection.protocol
        when = " for the next run" if self.run_manager.state.running else ""
        self.ui.say(f"Protocol {name}{when}: {protocol_line(name)}")

    def presets(self) -> None:
        """Open, save or delete a preset."""
        from cvbench_tui.catalog.presets import name_problem
        from cvbench_tui.tui.screens.presets import PresetsScreen

        screen = PresetsScreen(self.list_presets(), bool(self.plan_selection.workloads), name_problem)
        self.ui.show(screen, lambda choice: self.preset(*choice) if choice else None)

    def list_presets(self) -> Sequence[PresetEntry]:
        """The shipped ones, then the user's own."""
        from cvbench_tui.catalog.presets import preset_entries

        return preset_entries()

    def preset(self, what: str, name: str) -> None:
        """``open``, ``save`` or ``delete`` the preset of that name, and say so."""
        from cvbench_tui.catalog.presets import delete_preset, load_preset, save_preset

        try:
            if what == "open":
                self.plan_selection.apply(load_preset(name))
                self.rebuild_lists()
                self.selection_changed()
                self.ui.say(f"Preset {name} is ticked. r runs it.")
            elif what == "save":
                path = save_preset(name, self.plan_selection.selection())
                self.ui.say(f"Saved the preset {name} as {path}")
            else:
                delete_preset(name)
                self.ui.say(f"Deleted the preset {name}.")
        except CvbenchError as error:
            self.ui.refuse(error)

    def runs(self) -> None:
        """Choose a saved run."""
        from cvbench_tui.tui.controllers.keep import RunKeeper
        from cvbench_tui.tui.screens.runs import RunsScreen

        if self.run_manager.state.running:
            self.ui.say(RUNNING)
            return
        try:
            listing = self._listing(READ_S)
        except CvbenchError as error:
            self.ui.refuse(error)
            return

        def more() -> tuple[Sequence[RunSummary], int]:
            listing.read(READ_S)
            return listing.runs, listing.unread

        keeper = self._keeper = self._keeper or RunKeeper(self.runs_folder, self.run_manager)
        self.ui.show(RunsScreen(listing.runs, more if listing.unread else None, keeper), self.chosen)

    def chosen(self, choice: RunsChoice | None) -> None:
        """Open the run that was chosen in the list, or compare those that were marked."""
        if choice is not None and choice.compare:
            self.compare_files(choice.compare)
        elif choice is not None:
            self.open_run(choice.open)

    def list_runs(self) -> Sequence[RunSummary]:
        """The saved runs, newest first; of a folder that was never read only what a moment is enough for, what was
        written last first. Raises StoreError."""
        return self._listing(PALETTE_S).runs

    def _listing(self, seconds: float) -> Listing:
        from cvbench_tui.results.storage.runs import Listing

        listing = Listing(self.runs_folder, check=False)  # the history reads every file whole
        listing.read(seconds)
        return listing

    def open_run(self, path: Path | None) -> None:
        """Read that run; ``RunOpened`` follows. During a run it only shows why not."""
        if path is not None and self.run_manager.state.running:
            self.ui.say(RUNNING)
        elif path is not None:
            self.run_manager.read(path)

    def commands(self) -> Sequence[SimpleCommand]:
        """Presets and saved runs for the palette, in a thread; none that cannot be read: its dialog shows why."""
        commands: list[SimpleCommand] = []
        with contextlib.suppress(CvbenchError):
            for entry in self.list_presets():
                if not entry.problem:
                    name = f"Open preset {entry.name}: {entry.description}".removesuffix(": ")
                    about = f"{plural(entry.workloads, 'workload')}, {'own' if entry.own else 'shipped'}"
                    commands.append(SimpleCommand(name, partial(self.preset, "open", entry.name), about))
        with contextlib.suppress(CvbenchError):
            for run in [run for run in self.list_runs() if not run.problem][:MAX_RUNS]:
                name = f"Open run {moment(run.started_at_s)} {run.title}, {plural(run.rows, 'row')}"
                about = f"{run.counts.text}: {run.contents.text}".removesuffix(": ")
                commands.append(SimpleCommand(name, partial(self.open_run, run.path), about))
        return commands
