"""A tiny app that shows one dialog, and what is seen of it; the real app's style, nothing else of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from textual.app import App
from textual.screen import Screen
from textual.widgets import Static

import cvbench_tui.tui as tui

SIZES = ((80, 24), (120, 40))
LOW = 22
"""Rows that a dialog may have at 80x24."""
UNTOUCHED = "not closed"


class DialogApp(App[None]):
    """Shows the dialog at once and keeps what it is closed with."""

    CSS_PATH = Path(tui.__file__).parent / "app.tcss"

    def __init__(self, dialog: Screen) -> None:  # type: ignore[type-arg]
        super().__init__()
        self.dialog = dialog
        self.result: object = UNTOUCHED

    def on_mount(self) -> None:
        self.animation_level = "none"
        self.push_screen(self.dialog, self.close)

    def close(self, result: object) -> None:
        self.result = result


def seen(app: App[None]) -> str:
    """The screen's characters, line by line."""
    return "\n".join("".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips())


def said(app: App[None], selector: str = "#complaint") -> str:
    return str(app.screen.query_one(selector, Static).visual)


def rows_of(app: App[None]) -> int:
    """Rows of the dialog with its frame."""
    return app.screen.query_one(".dialog").outer_size.height


@dataclass(frozen=True)
class Preset:
    """As ``catalog.presets.PresetEntry``."""

    name: str
    description: str = ""
    own: bool = False
    workloads: int = 2
    problem: str = ""
