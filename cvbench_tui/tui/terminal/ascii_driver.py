"""Drivers that keep things out of the terminal: whatever is not ASCII, and colours.

They work on what Textual has already drawn, cell for cell, so every widget and theme is covered. They decide
nothing: which of them is used is for the app to say, after looking at ``cvbench_tui.terminal``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from rich.cells import split_graphemes
from textual.driver import Driver

from cvbench_tui.results.text.ascii import WORDS
from cvbench_tui.terminal import Terminal

_CELLS = str.maketrans(
    {character: word for character, word in WORDS.items() if len(word) == 1}
    | {"±": "~", "…": ".", "°": "o", "→": ">", "←": "<", "⏎": "E", "⌫": "<", "✓": "+", "✔": "+", "²": "2", "³": "3"}
)
"""Characters of one cell that have a likeness of one cell; all have one cell in Textual's own table."""
_ESCAPE = re.compile(
    r"\x1b(?:"
    r"\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, modes
    r"|[\]][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC: title, clipboard
    r"|[PX^_].*?\x1b\\"  # DCS and the like: up to the string terminator
    r"|[ -/]*[0-OQ-WYZ\\`-~]"  # two characters, or charset selection
    r")",
    re.DOTALL,
)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_](?:[^\x1b\x07]|\x1b(?!\\))*|[ -/]*)\Z")
"""A sequence whose end comes with the next write: on Windows a frame is written in pieces of 8192 characters."""
_OTHER = re.compile("[^\x00-\x7f]+")
_CONTROL = re.compile(r"([\x00-\x1f\x7f]+)")
_SGR = re.compile(r"\x1b\[([0-9;:]*)m")
_PALETTE = frozenset(
    str(code) for span in ((30, 38), (39, 48), (49, 50), (90, 98), (100, 108)) for code in range(*span)
)  # fmt: skip
"""Codes that set a colour by themselves; 39 and 49, the terminal's own, are not needed when there is no other."""
_EXTENDED = {"38", "48", "58"}
"""Codes that are followed by a colour: ``5;N`` or ``2;R;G;B``."""


def ascii_driver(base: type[Driver]) -> type[Driver]:
    """A driver like ``base`` that writes ASCII only: as many cells, escape sequences as they are."""
    return _filtered(base, _in_ascii)


def colourless_driver(base: type[Driver]) -> type[Driver]:
    """A driver like ``base`` that writes no colour; bold, dim, reverse, underline and the rest stay."""
    return _filtered(base, lambda data: _SGR.sub(_without_colour, data))


def driver_for(base: type[Driver], terminal: Terminal) -> type[Driver]:
    """The driver for what the terminal can show; ``base`` itself when that is everything."""
    if terminal.ascii:
        base = ascii_driver(base)
    return base if terminal.colour else colourless_driver(base)


def _filtered(base: Any, change: Callable[[str], str]) -> type[Driver]:
    """A subclass whose ``write`` changes what is written; it sees whole escape sequences only."""

    class Filtered(base):  # type: ignore[misc]
        """Nothing but ``write`` differs."""

        _waiting = ""

        def write(self, data: str) -> None:
            """Write what may be written."""
            data = self._waiting + data
            unfinished = _UNFINISHED.search(data)
            self._waiting = unfinished[0] if unfinished else ""
            super().write(change(data[: len(data) - len(self._waiting)]))

    Filtered.__name__ = Filtered.__qualname__ = base.__name__
    return Filtered


def _in_ascii(data: str) -> str:
    """Text and sequences in ASCII. What Textual draws by itself needs one pass over the characters."""
    if "\u200d" not in data and "\ufe0f" not in data:
        data = _OTHER.sub(lambda found: found[0].translate(_CELLS), data)
    if data.isascii():
        return data
    parts, end = [], 0
    for match in _ESCAPE.finditer(data):
        parts += [_cells(data[end : match.start()]), match[0].encode("ascii", "replace").decode("ascii")]
        end = match.end()
    return "".join([*parts, _cells(data[end:])])


def _cells(text: str) -> str:
    """The text in ASCII, as wide as before; line ends and the like are no part of any character."""
    if text.isascii():
        return text
    return "".join(
        piece if piece.isascii() else "".join(_cell(piece[start:end], cells) for start, end, cells in _spans(piece))
        for piece in _CONTROL.split(text)
    )


def _spans(text: str) -> list[tuple[int, int, int]]:
    """Start, end and cells of every character with its marks, as Textual counts them."""
    return split_graphemes(text)[0]


def _cell(grapheme: str, cells: int) -> str:
    """One character, with its marks, as that many cells."""
    kept = "".join(character for character in grapheme if character.isascii())
    if kept and (cells == 0 or len(kept) == cells):
        return kept
    likeness = grapheme[0].translate(_CELLS) if cells == 1 else ""
    return likeness if likeness.isascii() and likeness else "?" * cells


def _without_colour(found: re.Match[str]) -> str:
    """A sequence that sets styles, less its colours; empty when it set nothing else."""
    if not found[1]:
        return found[0]
    kept: list[str] = []
    codes = iter(found[1].split(";"))
    for code in codes:
        head = code.partition(":")[0].lstrip("0")
        if head in _EXTENDED:
            if ":" not in code:
                _skip_colour(codes)
        elif head not in _PALETTE:
            kept.append(code)
    return f"\x1b[{';'.join(kept)}m" if kept else ""


def _skip_colour(codes: Iterator[str]) -> None:
    """Take what belongs to an extended colour from the iterator."""
    following = {"5": 1, "2": 3}.get(next(codes, ""), 0)
    for _ in range(following):
        next(codes, None)
