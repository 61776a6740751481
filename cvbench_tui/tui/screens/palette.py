"""The framework's palette, mended where it breaks: for commands and for themes."""

from __future__ import annotations

import contextlib
from typing import Any

from textual.await_complete import AwaitComplete
from textual.command import CommandPalette, SearchIcon
from textual.theme import ThemeProvider
from textual.worker import Worker

from cvbench_tui.tui.keys.palette_commands import BenchCommands

ICON = ">"
"""Before what is typed."""


class Palette(CommandPalette):
    """Closed once (see ``modal``), and a page key pressed while the list is being filled does nothing.

    In Textual 8.2.8 that raised a KeyError, for a line the list had not counted yet. Its icon is a character that
    every terminal has, in a colour that is seen: the framework's is an emoji, and black.
    """

    DEFAULT_CSS = """
    Palette SearchIcon { color: $text-muted; }
    """
    _dismissed = False

    def on_mount(self) -> None:
        """Put the icon before the field."""
        for icon in self.query(SearchIcon):  # none where it was closed at once
            icon.icon = ICON

    def dismiss(self, result: object = None) -> AwaitComplete:
        """Close; nothing when it is closed already."""
        if self._dismissed or not self.is_current:
            return AwaitComplete()
        self._dismissed = True
        return super().dismiss(result)  # type: ignore[arg-type]

    def run_worker(self, *args: Any, **options: Any) -> Worker[Any]:
        """Its search. Closed while that goes on, it looks for widgets that are gone, which ended the app."""
        return super().run_worker(*args, **{**options, "exit_on_error": False})

    def _action_command_list(self, action: str) -> None:
        with contextlib.suppress(KeyError):
            super()._action_command_list(action)


def commands() -> Palette:
    """Everything there is."""
    return Palette(providers=[BenchCommands], placeholder="Search for commands...", id="--command-palette")


def themes() -> Palette:
    """Every theme."""
    return Palette(providers=[ThemeProvider], placeholder="Search for themes...")
