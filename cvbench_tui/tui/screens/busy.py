"""The question before a run on a machine that other programs use."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from cvbench_tui.base.escape import visible
from cvbench_tui.tui.screens.base import Dialog, Modal, buttons


class BusyScreen(Modal[str]):
    """Dismisses with ``wait`` or ``anyway``; with None the run does not begin."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "wait", "Wait", id="busy.wait", tooltip="Wait until other programs have left, then run"),
        Binding("r", "anyway", "Run anyway", id="busy.anyway", tooltip="Run although other programs use the machine"),
        Binding("escape", "close", "Cancel", id="busy.close", tooltip="Do not run"),
        Binding("left,right", "app.focus_next", "Other answer", show=False, id="busy.other",
                tooltip="Go to the other answer"),
    ]  # fmt: skip

    def __init__(self, sentence: str) -> None:
        """``sentence``: what other programs use."""
        super().__init__()
        self._sentence = sentence

    def compose(self) -> ComposeResult:
        """The sentence and the answers; Enter waits."""
        with Dialog("The machine is busy", "w wait   r run anyway   Escape cancel"):
            yield Static(visible(f"{self._sentence} Wait until they have left?"), markup=False)
            yield buttons(wait="Wait (w)", anyway="Run anyway (r)")

    def action_wait(self) -> None:
        """Close with that answer."""
        self.dismiss("wait")

    def action_anyway(self) -> None:
        """Close with that answer."""
        self.dismiss("anyway")
