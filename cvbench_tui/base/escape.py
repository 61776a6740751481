"""Escaping of any text so that every character shows: on a terminal, and as markdown in a cell, a list or a paragraph.
The screen parses no markup, so none is escaped for it. Widths are in ``base.cells``."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"[`*\[\]<&|~$#_]")
"""What can begin something inside a line. A backslash is written as an entity, so that none stands before a pipe:
parsers disagree on what ``\\\\|`` is in a table."""
_TO_ESCAPE = re.compile(r"[\\`*\[\]<&|~$#_]|\A\s|\s\Z")  # those, and white space at an end
_BLOCK = re.compile(r"\A(?:[-+>]|[0-9]+[.)](?=\s|\Z))")
"""What can begin a list, a rule or a quotation at the start of a line, in addition to what is special anywhere."""
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe\uffff\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)
"""What a terminal executes instead of showing it, or does not show: control characters (a line feed and a tabulator
apart), marks that turn the direction of text, characters without width, line separators, half surrogate pairs, and
the two that XML forbids."""
_HALVES = re.compile(r"(\\\\|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2})|\\ud[89a-f][0-9a-f]{2}", re.IGNORECASE)
"""In JSON: a backslash or a whole surrogate pair, which stay; or half a pair."""
_WHITE = {ord("\n"): "\\n", ord("\t"): "\\t"}


def escape_start(text: str) -> str:
    """As ``escape``, for text that a line or a list's item begins with."""
    return _BLOCK.sub(lambda match: f"{match[0][:-1]}\\{match[0][-1]}", escape(text))


def escape(text: str) -> str:
    """The text as inline markdown, inside a line; parsed, it is ``visible(text)`` again."""
    if text.isprintable() and not _TO_ESCAPE.search(text):
        return text  # nearly every cell of a table: 0.4 us against 4
    text = visible(text)
    lead = len(text) - len(text.lstrip())
    end = max(lead, len(text.rstrip()))
    middle = text[lead:end].replace("\\", "\0")
    middle = _SPECIAL.sub(lambda match: _escaped(match, middle), middle).replace("\0", "&#92;")
    middle = re.sub(r"[\t\n\r]", _entity, middle)
    return re.sub(r"\s", _entity, text[:lead]) + middle + re.sub(r"\s", _entity, text[end:])


def visible(text: str) -> str:
    """The text with what cannot be seen as ``\\x1b`` or ``\\u202e``; lines stay lines."""
    return text if text.isprintable() else _UNSEEN.sub(lambda match: _code(ord(match[0])), text)


def one_line(text: str) -> str:
    """As ``visible``, with line feeds and tabulators as ``\\n`` and ``\\t``: for a cell, a title or a list's line."""
    # Every cell of a table comes here: 0.8 us where nothing has to be replaced, against 4 through the translation.
    return text if text.isprintable() else visible(text).translate(_WHITE)


def paired(json_text: str) -> str:
    """JSON in ASCII with U+FFFD for each half of a surrogate pair. Python has such a half for every byte of a name or a
    variable that is not UTF-8; readers of JSON refuse the whole line."""
    if "\\ud" not in json_text and "\\uD" not in json_text:
        return json_text
    return _HALVES.sub(lambda match: match[1] or "\\ufffd", json_text)


def _code(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _escaped(match: re.Match[str], text: str) -> str:
    """The character behind a backslash; an underscore inside a word is left alone, as in ``vgg16_bn``."""
    before, after = text[: match.start()][-1:], text[match.end() :][:1]
    if match[0] == "_" and before.isalnum() and after.isalnum():
        return "_"
    return "\\" + match[0]


def _entity(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"
