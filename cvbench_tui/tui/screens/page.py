"""A page to read: it scrolls by arrows and by letters, and a text too long for its line goes on below its beginning."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content

PAGE_WIDTH = 100
"""Cells of a page where the terminal has them; the style sheet says the same."""
PAGE_SHARE = 0.96
"""Share of a narrower terminal that a page takes."""
FRAME = 7
"""Cells of its border, margins and scroll bar."""
MIN_CELLS = 20
"""Cells that a text gets in the narrowest terminal."""
MARGIN = 2
"""Cells before a label, and at least as many behind it."""


class Page(VerticalScroll):
    """A framed text; arrows, Page Up and Page Down, Home and End scroll it as everywhere."""

    DEFAULT_CLASSES = "dialog page"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", id="page.down", show=False, tooltip="Scroll down a line"),
        Binding("k", "scroll_up", "Up", id="page.up", show=False, tooltip="Scroll up a line"),
        Binding("space", "page_down", "Page down", id="page.next", show=False, tooltip="Scroll down a page"),
        Binding("g", "scroll_home", "Top", id="page.top", show=False, tooltip="Scroll to the beginning"),
        Binding("G", "scroll_end", "End", id="page.end", show=False, tooltip="Scroll to the end"),
    ]


def inner_width(terminal: int) -> int:
    """Cells of a line on a page in a terminal so wide."""
    return min(PAGE_WIDTH, int(PAGE_SHARE * terminal)) - FRAME


def section(title: str, entries: Sequence[tuple[str, str]], *, width: int, widest: int) -> Content:
    """A title, and labelled texts below it, folded at ``width`` cells.

    Texts begin behind the longest label, but a label of more than ``widest`` cells gets a line of its own.
    """
    labels = [len(label) for label, _ in entries if len(label) <= widest]
    indent = MARGIN + max(labels, default=0) + MARGIN
    rows = [Content.assemble((title, "bold"))]
    for label, text in entries:
        rows += _entry(label, text, indent, width)
    return Content("\n").join(rows)


def _entry(label: str, text: str, indent: int, width: int) -> list[Content]:
    """The lines of one labelled text."""
    lines = textwrap.wrap(text, max(MIN_CELLS, width - indent), break_on_hyphens=False) or [""]
    head = (" " * MARGIN + label).ljust(indent)
    rows = [Content.assemble((head, "$text-accent"))]
    if len(head) <= indent:
        rows = [Content.assemble((head, "$text-accent"), lines.pop(0))]
    return rows + [Content(" " * indent + line) for line in lines]
