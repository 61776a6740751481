"""The help: keys, columns, grades and reasons, each from its declaration, so that it stays correct."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from cvbench_tui.core.grading.reasons import GRADE_HELP, NOTICES, REASONS, ReasonKind
from cvbench_tui.results.detail.phase import LABELS
from cvbench_tui.results.table.columns import COLUMNS
from cvbench_tui.tui.keys.bindings import hidden, shown_keys
from cvbench_tui.tui.screens.base import Modal
from cvbench_tui.tui.state.save_path import FORMATS

Places = Sequence[tuple[str, Sequence[Binding]]]  # title of a place, and the keys that it has

INTRODUCTION = (
    "Tick models, layers and devices, press r, watch the table fill, press s to save it.\n"
    "Every row is measured in a fresh process, not in this one."
)
SETTINGS = (
    ("config.toml", "Theme, columns, layout, ASCII, and every key under [keys]; docs/settings.md explains each."),
    ("methodology", "How each number is measured and graded: docs/methodology.md."),
)  # fmt: skip
PAGE_WIDTH, PAGE_SHARE = 100, 0.96
"""Cells of the page, and the share of a narrower terminal that it takes; the style sheet says the same."""
FRAME = 7  # cells of its border, margins and scroll bar
MAX_LABEL = 20  # cells of a label beyond which its text begins on the next line
MIN_CELLS = 20  # cells that a text gets in the narrowest terminal


class Page(VerticalScroll):
    """A framed text; arrows, Page Up and Page Down, Home and End scroll it as everywhere."""

    BORDER_TITLE = "Help"
    BORDER_SUBTITLE = "arrows, j k, Space scroll   Escape close"
    DEFAULT_CLASSES = "dialog page"
    BINDINGS: ClassVar[list[BindingType]] = [
        hidden("j", "scroll_down", "Down", "page.down", "Scroll down a line"),
        hidden("k", "scroll_up", "Up", "page.up", "Scroll up a line"),
        hidden("space", "page_down", "Page down", "page.next", "Scroll down a page"),
        hidden("g", "scroll_home", "Top", "page.top", "Scroll to the beginning"),
        hidden("G", "scroll_end", "End", "page.end", "Scroll to the end"),
    ]


class HelpScreen(Modal[None]):
    """A page to scroll and to close."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q,question_mark,f1", "close", "Close", id="help.close", tooltip="Back to where you were"),
    ]

    def __init__(self, places: Places) -> None:
        super().__init__()
        self._places = places

    def compose(self) -> ComposeResult:
        """One text in a box that scrolls."""
        with Page():
            yield Static(id="help", markup=False)

    def on_resize(self) -> None:
        """Fold the texts at the new width; at the first one, too."""
        width = min(PAGE_WIDTH, int(PAGE_SHARE * self.app.size.width)) - FRAME
        self.query_one("#help", Static).update(help_page(self.app, self._places, width))


def help_page(app: App[object], places: Places, width: int) -> Content:
    """Everything, folded at ``width`` cells; keys are those that ``app`` has mapped."""
    lists: list[tuple[str, Sequence[tuple[str, str]]]] = [
        *((title, [(shown_keys(app, each), each.tooltip) for each in keys if each.tooltip]) for title, keys in places),
        ("Columns", [(column.heading, column.help) for column in COLUMNS]),
        ("Grades", list(GRADE_HELP.items())),
        ("Marks behind a grade, and what to do", _kinds(REASONS)),
        ("Notices, without effect on the grade", _kinds(NOTICES)),
        ("In the detail of a row", list(LABELS.items())),
        ("Files, by their suffix", list(FORMATS.items())),
        ("Settings and manual", SETTINGS),
    ]
    return Content("\n\n").join([Content(INTRODUCTION), *(_section(*each, width) for each in lists)])


def _kinds(kinds: Mapping[str, ReasonKind]) -> list[tuple[str, str]]:
    """A mark, or a code, with its text."""
    return [
        (kind.word or code.replace("_", " "), f"{kind.meaning} {kind.remedy}".rstrip()) for code, kind in kinds.items()
    ]


def _section(title: str, entries: Sequence[tuple[str, str]], width: int) -> Content:
    """A title, and labelled texts below it; texts begin behind the longest label of at most ``MAX_LABEL`` cells."""
    indent = 4 + max((len(label) for label, _ in entries if len(label) <= MAX_LABEL), default=0)
    rows = [Content.assemble((title, "bold"))]
    for label, text in entries:
        lines = textwrap.wrap(text, max(MIN_CELLS, width - indent), break_on_hyphens=False) or [""]
        head = f"  {label}".ljust(indent)
        rows.append(Content.assemble((head, "$text-accent"), lines.pop(0) if len(head) <= indent else ""))
        rows += [Content(" " * indent + line) for line in lines]
    return Content("\n").join(rows)
