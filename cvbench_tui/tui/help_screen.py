"""The help: keys from the bindings themselves and columns from their declarations, so that it cannot go stale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from cvbench_tui.results.columns import COLUMNS
from cvbench_tui.tui.checklist import Checklist, Filter
from cvbench_tui.tui.result_table import ResultTable

KEY_NAMES = {"comma": ",", "full_stop": ".", "slash": "/", "question_mark": "?"}
INTRODUCTION = (
    "Tick models, layers and devices, press r, watch the table fill, press s to save it. "
    "Every number is measured in a process of its own, not in this one."
)


class HelpScreen(ModalScreen[None]):
    """A page to scroll and to close."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,q,question_mark,f1", "close", "Close")]

    def __init__(self, app_keys: Sequence[BindingType]) -> None:
        super().__init__()
        self._app_keys = app_keys

    def compose(self) -> ComposeResult:
        """One text in a box that scrolls."""
        with VerticalScroll(classes="dialog page") as page:
            page.border_title = "Help"
            page.border_subtitle = "arrows scroll   Escape close"
            yield Static(self._page(), id="help")

    def on_mount(self) -> None:
        """The arrows scroll at once."""
        self.query_one(VerticalScroll).focus()

    def action_close(self) -> None:
        """Back to where the user was."""
        self.dismiss(None)

    def _page(self) -> Text:
        page = Text(INTRODUCTION + "\n")
        places = (
            ("Anywhere", self._app_keys),
            ("In a list", Checklist.BINDINGS),
            ("In its filter", Filter.BINDINGS),
            ("In the table", ResultTable.BINDINGS),
        )
        for title, bindings in places:
            page.append(f"\n{title}\n", style="bold")
            for binding in bindings:
                if isinstance(binding, Binding):
                    _entry(page, key_names(binding), binding.tooltip or binding.description, 12)
        page.append("\nColumns\n", style="bold")
        for column in COLUMNS:
            _entry(page, column.heading, column.help, 16)
        return page


def key_names(binding: Binding) -> str:
    """``r F5`` for ``r,f5``."""
    return " ".join(_key_name(key) for key in binding.key.split(","))


def _key_name(key: str) -> str:
    """Letters as they are typed, named keys with a capital."""
    return key if len(key) == 1 else KEY_NAMES.get(key) or key.capitalize()


def _entry(page: Text, left: str, right: str, width: int) -> None:
    page.append("  " + left.ljust(width), style="cyan")
    page.append(right + "\n")
