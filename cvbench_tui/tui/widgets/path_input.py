"""Completing a path from the folders and files there are. It reads folders only, and never in the app's own thread."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection
from itertools import islice
from pathlib import Path
from typing import ClassVar

from textual.binding import BindingType
from textual.suggester import Suggester
from textual.widgets import Input

from cvbench_tui.tui.keys.bindings import hidden
from cvbench_tui.tui.state.save_path import FORMATS

MAX_ENTRIES = 5000  # entries of a folder that are looked at: a larger one is no place to choose from by completion


class PathSuggester(Suggester):
    """Suggests the first folder, else the first file that can be written over, that begins with the text."""

    def __init__(self, folder: Path, suffixes: Collection[str] = tuple(FORMATS)) -> None:
        """``folder``: where a relative path begins; files are suggested that end so."""
        super().__init__(use_cache=False, case_sensitive=True)
        self._folder = folder
        self._suffixes = suffixes

    async def get_suggestion(self, value: str) -> str | None:
        """The whole path, written as it was begun; None when nothing begins so."""
        return await asyncio.to_thread(suggestion, self._folder, value, self._suffixes)


class PathInput(Input):
    """Right, End and Tab take the suggestion; without one, Tab goes to the next field."""

    BINDINGS: ClassVar[list[BindingType]] = [
        hidden("tab", "complete", "Complete", "save.complete",
               "Take the suggested path; without one, go to the next field"),
    ]  # fmt: skip

    def action_complete(self) -> None:
        """The suggestion, or the next field."""
        if self.cursor_at_end and self._suggestion:
            self.action_cursor_right()
        else:
            self.screen.focus_next()

    def action_end(self, select: bool = False) -> None:
        """To the end; there, the suggestion."""
        if not select and self.cursor_at_end and self._suggestion:
            self.action_cursor_right()
        else:
            super().action_end(select)


def suggestion(folder: Path, text: str, suffixes: Collection[str] = tuple(FORMATS)) -> str | None:
    """How ``text`` could go on; folders end in a slash. None too where a folder cannot be read."""
    if text == "~":
        return "~/"
    begun, slash, stem = text.rpartition("/")
    begun += slash
    try:
        with os.scandir(os.path.join(folder, os.path.expanduser(begun))) as entries:
            names = [_name(entry, suffixes) for entry in islice(entries, MAX_ENTRIES) if entry.name.startswith(stem)]
    except (OSError, ValueError):
        return None
    names = [name for name in names if len(name) > len(stem) and (stem or not name.startswith("."))]
    best = min(names, key=lambda name: (not name.endswith("/"), name), default=None)
    return None if best is None else begun + best


def _name(entry: os.DirEntry[str], suffixes: Collection[str]) -> str:
    """The entry as text; empty for a file of another kind."""
    if entry.is_dir():
        return f"{entry.name}/"
    return entry.name if os.path.splitext(entry.name)[1].lower() in suffixes else ""
