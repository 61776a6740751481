"""Labelled texts on a page that scrolls: a text too long for its line goes on below its own beginning."""

from __future__ import annotations

import textwrap

from rich.text import Text

PAGE_WIDTH = 100
"""Cells of a page where the terminal has them; the style sheet says the same."""
PAGE_SHARE = 0.96
"""Share of a narrower terminal that a page takes."""
FRAME = 7
"""Cells of its border, margins and scroll bar."""
LEAST = 20
"""Cells that a text gets in the narrowest terminal."""


def inner_width(terminal: int) -> int:
    """Cells of a line on a page in a terminal so wide."""
    return min(PAGE_WIDTH, int(PAGE_SHARE * terminal)) - FRAME


def append_entry(page: Text, label: str, text: str, *, indent: int, width: int) -> None:
    """``label`` in colour, ``text`` from ``indent`` cells behind the margin on, folded at ``width`` cells."""
    page.append("  " + label.ljust(indent), style="not bold cyan")
    lines = textwrap.wrap(text, max(LEAST, width - indent - 2), break_on_hyphens=False) or [""]
    page.append(("\n" + " " * (indent + 2)).join(lines) + "\n", style="not bold")
