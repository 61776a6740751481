"""What every dialog is: a modal screen that is closed once.

The framework pops whatever is on top each time a screen is dismissed, so of two clicks in one moment the second would
take the screen below away.
"""

from __future__ import annotations

from typing import TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

Result = TypeVar("Result")


class Modal(ModalScreen[Result]):
    """Dismissed once, and only while it is on top."""

    _dismissed = False

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        """Close with that result; nothing when it is closed already or another dialog is above it."""
        if self._dismissed or not self.is_current:
            return AwaitComplete()
        self._dismissed = True
        return super().dismiss(result)
