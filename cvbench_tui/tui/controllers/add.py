"""Adds to what can be ticked: models of the user's own code, and layers of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from cvbench_tui.base.escape import one_line
from cvbench_tui.catalog.layers import LayerEntry
from cvbench_tui.catalog.models import ModelEntry
from cvbench_tui.catalog.own_code import FAMILY, IMAGE, own_model, reference
from cvbench_tui.core.plan import Case
from cvbench_tui.tui import messages
from cvbench_tui.tui.controllers import Ui
from cvbench_tui.tui.controllers.run_manager import RunManager
from cvbench_tui.tui.state.selection import PlanSelection

NOT_NOW = "The layers of a model are listed when the run has ended."
NOT_YET = "The devices are not known yet; Enter again lists the layers as soon as they are."


@dataclass
class AddController:
    """``named``: models of the user's own code that may be run in this session; he has said so for each."""

    ui: Ui
    run_manager: RunManager
    plan_selection: PlanSelection
    named: list[ModelEntry]
    changed: Callable[[], object]  # called when other things can be ticked

    def own_code(self) -> None:
        """Ask for a model of the user's own."""
        from cvbench_tui.tui.screens.own_code import OwnCodeScreen

        find = lambda text: own_model(text, self.named)  # noqa: E731
        self.ui.show(OwnCodeScreen(find, lambda entry: question([entry])), self._add_model)

    def _add_model(self, entry: ModelEntry | None) -> None:
        if entry is not None:
            self.allow([entry])
            self.plan_selection.add_model(entry)
            self.changed()
            self.ui.say(f"{one_line(entry.name)} is ticked, in the family {FAMILY}. r runs it.")

    def allow(self, entries: Iterable[ModelEntry]) -> None:
        """Let that code be run. What it was before it changed may not be any more."""
        for entry in entries:
            self.named[:] = [each for each in self.named if each.op != entry.op] + [entry]

    def read_code(self) -> None:
        """What is ticked of the user's own code as it is now: he has named the file, and may have changed it since.
        Raises SelectionError where it is no such code any more."""
        for entry in [each for each in self.plan_selection.selection().models if each.params]:
            now = replace(entry, params=own_model(reference(entry.workload)).params)
            if now != entry:
                self.allow([now])
                self.plan_selection.add_model(now)

    def ask_for_code(self, cases: Iterable[Case], then: Callable[[], object]) -> None:
        """Do it, after a question where these rows of a run run code that the user has not named yet."""
        codes = [case.workload.code for case in cases]
        wanted = {(code.op, code.params): code for code in codes if code is not None}
        known = {(entry.op, entry.params) for entry in self.named}
        asked = [
            ModelEntry(code.name, code.op, FAMILY, None, IMAGE, None, None, params=code.params)
            for key, code in wanted.items()
            if key not in known
        ]
        if not asked:
            then()
            return
        from cvbench_tui.tui.screens.base import ConfirmScreen

        def answered(wanted: bool | None) -> None:
            if wanted:
                self.allow(asked)
                then()

        self.ui.show(ConfirmScreen(question(asked), "Run it"), answered)

    def list_layers(self, name: str) -> None:
        """List the layers of that model; ``LayersListed`` follows."""
        model = self.plan_selection.model(name)
        if model is None:
            return
        if self.run_manager.state.running:
            self.ui.say(NOT_NOW)
        elif self.run_manager.state.environment is None:
            self.ui.say(NOT_YET)
        else:
            self.ui.say(f"Listing the layers of {one_line(model.name)}...")
            self.run_manager.list_layers(model, self.plan_selection.images)

    def layers_listed(self, event: messages.LayersListed) -> None:
        """They are known: let the user tick some."""
        from cvbench_tui.tui.screens.layers import LayersScreen

        self.ui.say("")
        ticked = set(self.plan_selection.layers.ticked)
        self.ui.show(LayersScreen(event.model.name, event.layers, ticked), lambda chosen: self._tick(event, chosen))

    def _tick(self, event: messages.LayersListed, chosen: tuple[LayerEntry, ...] | None) -> None:
        if chosen is not None:
            self.plan_selection.add_layers(event.layers, chosen)
            self.changed()
            self.ui.say(f"{len(chosen)} of {len(event.layers)} layers of {one_line(event.model.name)} are ticked.")


def question(entries: Iterable[ModelEntry]) -> str:
    """Whether that code may be run."""
    places = ", ".join(dict.fromkeys(one_line(reference(entry.workload)) for entry in entries))
    return f"Run the code of {places}? It can do whatever you can: run only code that you trust."
