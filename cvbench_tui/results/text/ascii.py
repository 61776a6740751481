"""Any text in ASCII, still readable: for files and lines that a terminal without UTF-8 prints.

A text may become longer; the app's screen, where every cell counts, has ``tui.terminal.filters``.
"""

from __future__ import annotations

import re

# ruff: noqa: RUF001 - characters that look like others are what this is about

_WORDS = {
    "±": "+-", "×": "x", "÷": "/", "·": "*", "−": "-", "≤": "<=", "≥": ">=", "≠": "!=", "≈": "~", "∞": "inf",
    "µ": "u", "μ": "u", "°": "deg", "²": "^2", "³": "^3", "½": "1/2", "¼": "1/4", "¾": "3/4", "Ω": "Ohm", "Δ": "delta",
    "…": "...", "–": "-", "—": "-", "‐": "-", "‑": "-", "‒": "-", "•": "*", "●": "*", "○": "o", "«": "<<", "»": ">>",
    "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "‚": "'", "′": "'", "″": '"', "√": "sqrt", "✗": "x", "✘": "x",
    "→": "->", "←": "<-", "↑": "^", "↓": "v", "↔": "<->", "⇒": "=>", "⇐": "<=", "▲": "^", "▼": "v", "▶": ">", "◀": "<",
    "▸": ">", "▾": "v", "✓": "ok", "✔": "ok", "⏎": "Enter", "⌫": "Backspace",
    "⁰": "^0", "¹": "^1", "⁴": "^4", "⁵": "^5", "⁶": "^6", "⁷": "^7", "⁸": "^8", "⁹": "^9",
    "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u2007": " ", "\u200b": "", "\u00ad": "", "\ufeff": "", "\ufffd": "?",
}  # fmt: skip
DRAWN: dict[str, str] = {
    **dict.fromkeys(map(chr, range(0x2500, 0x2580)), "+"),
    **dict.fromkeys("─┄┅┈┉╌╍═╴╶╸╺╼╾", "-"),
    **dict.fromkeys("│┃┆┇┊┋╎╏║╵╷╹╻╽╿", "|"),
    "━": "=",
    "╱": "/",
    "╲": "\\",
    "╳": "X",  # a heavy line is a full bar, a light one an empty one
    **dict.fromkeys(map(chr, range(0x2580, 0x25A0)), "#"),
    **dict.fromkeys("▉▊▋▌▍▎▏▐▕", "|"),
    **dict(zip("▁▂▃▄▅▆▇█▀▔░▒▓■□▪", "_.-=+*%#=-.:##o*", strict=True)),
}
"""Lines, corners, blocks, heights of a sparkline and shades: one character for one."""

WORDS: dict[str, str] = {**_WORDS, **DRAWN}  # everything with a readable form

_TABLE = str.maketrans(WORDS)
_OTHER = re.compile("[^\x00-\x7f]")


def to_ascii(text: str) -> str:
    """The text with ``±`` as ``+-``, ``µ`` as ``u``, arrows, dashes and boxes in ASCII, and the rest as ``\\uXXXX``."""
    if text.isascii():
        return text
    return _OTHER.sub(lambda match: _code(ord(match[0])), text.translate(_TABLE))


def _code(code: int) -> str:
    """As Python and JSON write it."""
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
