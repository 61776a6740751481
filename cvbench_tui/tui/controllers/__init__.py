"""What keys do: run, save, open; the gauges, and the settings at the start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from textual.notifications import SeverityLevel
from textual.screen import Screen

from cvbench_tui.errors import CvbenchError


class Ui(Protocol):
    """What the controllers call on the app, so that they need not import it."""

    def say(self, text: str, *, bad: bool = False) -> None:
        """Show a sentence in the strip, or as a toast while a run has the strip."""

    def refuse(self, error: CvbenchError) -> None:
        """Say what is wrong and what to do about it."""

    def show(self, dialog: Screen[Any], answer: Callable[[Any], None] | None = None) -> None:
        """Open a dialog; ``answer`` gets what it is dismissed with."""

    def notify(
        self, message: str, *, title: str = "", severity: SeverityLevel = "information", markup: bool = True
    ) -> None:
        """Show a toast."""
