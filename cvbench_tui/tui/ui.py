"""What the controllers ask of the app: so few things that they need not know it, and can be tested without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from textual.notifications import SeverityLevel
from textual.screen import Screen

from cvbench_tui.errors import CvbenchError


class Ui(Protocol):
    """The app, as the controllers see it."""

    def say(self, text: str, *, bad: bool = False) -> None:
        """Show a sentence in the strip, or as a toast while a run has the strip."""

    def refuse(self, error: CvbenchError) -> None:
        """Say what is wrong and what to do about it."""

    def show(self, screen: Screen[Any], answer: Callable[[Any], None] | None = None) -> None:
        """Open a dialog, unless one is open; ``answer`` is called with what it was closed with."""

    def notify(
        self, message: str, *, title: str = "", severity: SeverityLevel = "information", markup: bool = True
    ) -> None:
        """Show a toast."""

    def refresh_bindings(self) -> None:
        """Ask again which actions can be used now."""
