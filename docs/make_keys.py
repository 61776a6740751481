"""The manual's tables of keys, from the keys themselves: writes them between the markers of the README.

python docs/make_keys.py README.md
"""

from __future__ import annotations

import sys
from pathlib import Path

from textual.binding import Binding

from cvbench_tui.tui.places import places

BEGIN, END = "<!-- keys -->", "<!-- /keys -->"
NAMES = {
    "comma": ",", "full_stop": ".", "slash": "/", "question_mark": "?", "semicolon": ";", "pageup": "PageUp",
    "pagedown": "PageDown", "minus": "-", "plus": "+", "enter": "Enter", "escape": "Escape", "space": "Space",
}  # fmt: skip


def key_tables() -> str:
    """A table of every place: the keys, what they do, and the name that ``config.toml`` maps them by."""
    blocks = []
    for title, bindings in places():
        rows = [f"| {_keys(binding)} | {_words(binding)} | `{binding.id}` |" for binding in bindings]
        blocks.append("\n".join([f"| {title.lower()} | what it does | name |", "|---|---|---|", *rows]))
    return "\n\n".join(blocks)


def _keys(binding: Binding) -> str:
    return " ".join(f"`{_name(key)}`" for key in binding.key.split(","))


def _name(key: str) -> str:
    *modifiers, last = key.split("+")
    shown = NAMES.get(last) or (last if len(last) == 1 else last.capitalize())
    return "+".join([*(each.capitalize() for each in modifiers), shown.upper() if modifiers else shown])


def _words(binding: Binding) -> str:
    words = binding.tooltip or binding.description
    return words[0].lower() + words[1:]


def with_tables(manual: str) -> str:
    """The manual with the tables as they are now. Raises ValueError without the markers."""
    start, end = manual.index(BEGIN), manual.index(END)
    return f"{manual[:start]}{BEGIN}\n{key_tables()}\n{manual[end:]}"


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(with_tables(page.read_text()))
