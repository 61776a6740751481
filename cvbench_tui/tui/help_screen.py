"""The help: keys, columns, grades and reasons, each from its declaration, so that it cannot go stale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from cvbench_tui.core.reasons import GRADE_HELP, NOTICES, REASONS, ReasonKind
from cvbench_tui.results.columns import COLUMNS
from cvbench_tui.results.detail_phase import LABELS
from cvbench_tui.tui.checklist import Checklist, Filter
from cvbench_tui.tui.page import append_entry, inner_width
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
            yield Static(help_page(self._app_keys, inner_width(self.app.size.width)), id="help")

    def on_mount(self) -> None:
        """The arrows scroll at once."""
        self.query_one(VerticalScroll).focus()

    def action_close(self) -> None:
        """Back to where the user was."""
        self.dismiss(None)


def help_page(app_keys: Sequence[BindingType], width: int) -> Text:
    """Everything, folded at ``width`` cells."""
    page = Text(INTRODUCTION + "\n")
    places = (
        ("Anywhere", app_keys),
        ("In a list", Checklist.BINDINGS),
        ("In its filter", Filter.BINDINGS),
        ("In the table", ResultTable.BINDINGS),
    )
    for title, bindings in places:
        entries = [binding for binding in bindings if isinstance(binding, Binding)]
        texts = [(key_names(binding), binding.tooltip or binding.description) for binding in entries]
        _list(page, title, texts, indent=12, width=width)
    _list(page, "Columns", [(column.heading, column.help) for column in COLUMNS], indent=19, width=width)
    _list(page, "Grades", list(GRADE_HELP.items()), indent=3, width=width)
    _list(page, "Reasons for a grade, and what to do", _kinds(REASONS), indent=19, width=width)
    _list(page, "Notices, which cost no grade", _kinds(NOTICES), indent=20, width=width)
    _list(page, "In the detail of a row", list(LABELS.items()), indent=19, width=width)
    return page


def _kinds(kinds: Mapping[str, ReasonKind]) -> list[tuple[str, str]]:
    """Code and what there is to say of it."""
    return [(code.replace("_", " "), f"{kind.meaning} {kind.remedy}".rstrip()) for code, kind in kinds.items()]


def _list(page: Text, title: str, entries: Sequence[tuple[str, str]], *, indent: int, width: int) -> None:
    """A title, and what stands under it."""
    page.append(f"\n{title}\n", style="bold")
    for label, text in entries:
        append_entry(page, label, text, indent=indent, width=width)


def key_names(binding: Binding) -> str:
    """``r F5`` for ``r,f5``."""
    return " ".join(_key_name(key) for key in binding.key.split(","))


def _key_name(key: str) -> str:
    """Letters as they are typed, named keys with a capital."""
    return key if len(key) == 1 else KEY_NAMES.get(key) or key.capitalize()
