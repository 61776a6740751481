"""What keeps out of the terminal whatever it cannot show: all but ASCII, and colours.

Textual passes every line of every widget through its line filters, styled text cut to cells, before it is written. So
every widget and theme is covered, and no escape sequence has to be read again.
"""

from __future__ import annotations

from functools import lru_cache

from rich.cells import split_graphemes
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from cvbench_tui.results.text.ascii import WORDS
from cvbench_tui.terminal import Terminal

_CELLS = str.maketrans(
    {character: word for character, word in WORDS.items() if len(word) == 1}
    | {"±": "~", "…": ".", "°": "o", "→": ">", "←": "<", "⏎": "E", "⌫": "<", "✓": "+", "✔": "+", "²": "2", "³": "3"}
)
"""Characters of one cell that have a likeness of one cell; all have one cell in Textual's own table."""


class AsciiFilter(LineFilter):
    """Every character in ASCII, as wide as before; styles stay."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The line in ASCII."""
        return [each if each.text.isascii() else Segment(_in_ascii(each.text), each.style) for each in segments]


class ColourlessFilter(LineFilter):
    """No colour, not even the terminal's own (39 and 49); bold, dim, reverse, underline and links stay."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The line without colours."""
        return [Segment(text, style and _colourless(style)) for text, style, _ in segments]


def filters_for(terminal: Terminal) -> list[LineFilter]:
    """The filters that this terminal needs; none where it can show everything."""
    return [AsciiFilter()] * terminal.ascii + [ColourlessFilter()] * (not terminal.colour)


@lru_cache(1024)
def _in_ascii(text: str) -> str:
    return "".join(_cell(text[start:end], cells) for start, end, cells in split_graphemes(text)[0])


def _cell(grapheme: str, cells: int) -> str:
    """One character, with its marks, as that many cells of ASCII."""
    kept = "".join(character for character in grapheme if character.isascii())
    likeness = kept if len(kept) == cells else grapheme[0].translate(_CELLS)
    return likeness if len(likeness) == cells and likeness.isascii() else "?" * cells


@lru_cache(1024)
def _colourless(style: Style) -> Style:
    return style.without_color + Style.from_meta(style.meta)  # Rich drops the meta, by which clicks find their place
