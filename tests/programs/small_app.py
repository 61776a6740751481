"""A Textual app of one line that tells its process; started by the tests of the server. ``s`` saves, ``q`` quits."""

from __future__ import annotations

import io
import os
import sys
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from cvbench_tui.tui.terminal.hangup import end_with_parent


class Small(App[None]):
    BINDINGS: ClassVar[list[BindingType]] = [("q", "quit", "Quit"), ("s", "save", "Save")]

    def compose(self) -> ComposeResult:
        yield Static(f"process {os.getpid()} of {sys.argv[1:]}, TMUX={os.environ.get('TMUX')}", markup=False)

    def action_save(self) -> None:
        self.deliver_text(io.StringIO("| a table |\n"), save_filename="table.md")


if __name__ == "__main__":
    end_with_parent()
    Small().run()
