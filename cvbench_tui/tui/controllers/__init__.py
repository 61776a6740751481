"""What keys do: run, save, open; the gauges, and the settings at the start."""

from __future__ import annotations

from typing import Protocol

from cvbench_tui.errors import CvbenchError


class Ui(Protocol):
    """Protocol of what the controllers call on the app beyond the main screen, so that they need not import it."""

    def say(self, text: str, *, bad: bool = False) -> None:
        """Show a sentence in the strip, or as a toast while a run has the strip."""

    def refuse(self, error: CvbenchError) -> None:
        """Say what is wrong and what to do about it."""
