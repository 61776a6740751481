"""What is opened in place of what is there: presets, runs of the past, the plan's settings, help, themes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cvbench_tui.errors import CvbenchError
from cvbench_tui.tui.background.run_files import OpenRunThread
from cvbench_tui.tui.state.plan_summary import count

if TYPE_CHECKING:
    from cvbench_tui.catalog.presets import PresetEntry
    from cvbench_tui.results.storage.runs import RunSummary
    from cvbench_tui.tui.app import BenchApp
    from cvbench_tui.tui.screens.palette import Command
    from cvbench_tui.tui.screens.plan_settings import PlanSettings

MAX_RUNS = 50
"""Saved runs that the palette offers, newest first; the dialog of runs has them all."""
RUNNING = "A run is going on; its rows have the table. Past runs can be opened when it has ended."


class OpenController:
    """The app's dialogs that change what is picked or shown."""

    def __init__(self, app: BenchApp, runs_folder: Path) -> None:
        self._app = app
        self._runs_folder = runs_folder

    # -- settings of the plan

    def settings(self) -> None:
        """Ask for protocol, batch and image size."""
        from cvbench_tui.tui.screens.plan_settings import SettingsScreen

        plan_selection = self._app.plan_selection
        self._app.show(SettingsScreen(plan_selection.protocol, plan_selection.batch, plan_selection.image), self._set)

    def _set(self, settings: PlanSettings | None) -> None:
        if settings is not None:
            plan_selection = self._app.plan_selection
            plan_selection.set_protocol(settings.protocol)
            plan_selection.batch, plan_selection.image = settings.batch, settings.image
            self._app.picked()

    def next_protocol(self) -> None:
        """The next protocol, and what it means."""
        from cvbench_tui.tui.state.plan_summary import protocol_line

        self._app.plan_selection.next_protocol()
        self._app.picked()
        self._app.say(
            f"Protocol {self._app.plan_selection.protocol}: {protocol_line(self._app.plan_selection.protocol)}"
        )

    # -- presets

    def presets(self) -> None:
        """Open, save or delete a preset."""
        from cvbench_tui.catalog.presets import name_problem
        from cvbench_tui.tui.screens.presets import PresetsScreen

        screen = PresetsScreen(self.list_presets(), bool(self._app.plan_selection.workloads), name_problem)
        self._app.show(screen, lambda choice: self.preset(choice.what, choice.name) if choice else None)

    def list_presets(self) -> Sequence[PresetEntry]:
        """The shipped ones, then the user's own."""
        from cvbench_tui.catalog.presets import preset_entries

        return preset_entries()

    def preset(self, what: str, name: str) -> None:
        """``open``, ``save`` or ``delete`` the preset of that name, and say so."""
        try:
            {"open": self._open_preset, "save": self._save_preset, "delete": self._delete_preset}[what](name)
        except CvbenchError as error:
            self._app.refuse(error)

    def _open_preset(self, name: str) -> None:
        from cvbench_tui.catalog.presets import load_preset

        self._app.plan_selection.apply(load_preset(name))
        self._app.main_screen.rebuild_lists()
        self._app.picked()
        self._app.say(f"Preset {name} is ticked. r runs it.")

    def _save_preset(self, name: str) -> None:
        from cvbench_tui.catalog.presets import save_preset

        path = save_preset(name, self._app.plan_selection.selection())
        self._app.say(f"Saved the preset {name} as {path}")

    def _delete_preset(self, name: str) -> None:
        from cvbench_tui.catalog.presets import delete_preset

        delete_preset(name)
        self._app.say(f"Deleted the preset {name}.")

    # -- runs of the past

    def runs(self) -> None:
        """Choose a run of the past."""
        from cvbench_tui.tui.screens.runs import RunsScreen

        if self._app.run_manager.running:
            self._app.say(RUNNING)
            return
        try:
            runs = self.list_runs()
        except CvbenchError as error:
            self._app.refuse(error)
            return
        self._app.show(RunsScreen(runs), self.open_run)

    def list_runs(self) -> Sequence[RunSummary]:
        """The runs of the past, newest first. Raises StoreError."""
        from cvbench_tui.results.storage.runs import list_runs

        return list_runs(self._runs_folder)

    def open_run(self, path: Path | None) -> None:
        """Read that run; ``RunOpened`` follows. During a run it only says why not."""
        if path is None:
            return
        if self._app.run_manager.running:
            self._app.say(RUNNING)
            return
        OpenRunThread(self._app.post_message, path).start()

    # -- the palette

    def commands(self) -> Sequence[Command]:
        """Presets and saved runs for the palette, in a thread; of what cannot be read, none: its dialog says why."""
        commands: list[Command] = []
        for listed in (self._preset_commands, self._run_commands):
            with contextlib.suppress(CvbenchError):
                commands += listed()
        return commands

    def _preset_commands(self) -> Iterator[Command]:
        from cvbench_tui.tui.screens.palette import Command

        for entry in self.list_presets():
            if not entry.problem:
                name = f"Open preset {entry.name}: {entry.description}".removesuffix(": ")
                about = f"{count(entry.workloads, 'workload')}, {'own' if entry.own else 'shipped'}"
                yield Command(name, about, partial(self.preset, "open", entry.name))

    def _run_commands(self) -> Iterator[Command]:
        from cvbench_tui.tui.screens.palette import Command
        from cvbench_tui.tui.screens.runs import moment

        for run in [run for run in self.list_runs() if not run.problem][:MAX_RUNS]:
            name = f"Open run {moment(run.started_at_s)} {run.plan_name}, {count(run.rows, 'row')}"
            yield Command(name, f"{run.measured} measured, {run.failed} failed", partial(self.open_run, run.path))

    # -- help

    def help(self) -> None:
        """The keys of the pane with the focus, then all others, then columns, grades and reasons."""
        from cvbench_tui.tui.places import focused_first
        from cvbench_tui.tui.screens.help import HelpScreen

        self._app.show(HelpScreen(focused_first(self._app.screen.focused), ascii=self._app.terminal.ascii))
