"""Any text as markdown that shows it letter for letter: in a table's cell, a list, a heading or a paragraph."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"[`*\[\]<&|~$#_]")
"""What can begin something inside a line. A backslash is written as an entity, so that none stands before a pipe:
parsers disagree on what ``\\\\|`` is in a table."""
_BLOCK = re.compile(r"\A(?:[-+>]|[0-9]+[.)](?=\s|\Z))")
"""What can begin a list, a rule or a quotation at the start of a line, beside what is special anywhere."""
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters and halves of surrogate pairs: no markdown can hold them, and a terminal might obey them."""
_REPLACEMENT = "\ufffd"


def escape_start(text: str) -> str:
    """As ``escape``, for text that a line or a list's item begins with."""
    return _BLOCK.sub(lambda match: f"{match[0][:-1]}\\{match[0][-1]}", escape(text))


def escape(text: str) -> str:
    """The text as inline markdown, inside a line; parsed, it is ``visible(text)`` again."""
    text = visible(text)
    lead = len(text) - len(text.lstrip())
    end = max(lead, len(text.rstrip()))
    middle = text[lead:end].replace("\\", "\0")
    middle = _SPECIAL.sub(lambda match: _escaped(match, middle), middle).replace("\0", "&#92;")
    middle = re.sub(r"[\t\n\r]", _entity, middle)
    return re.sub(r"\s", _entity, text[:lead]) + middle + re.sub(r"\s", _entity, text[end:])


def visible(text: str) -> str:
    """The text with what cannot be shown replaced by U+FFFD."""
    return _UNPRINTABLE.sub(_REPLACEMENT, text)


def _escaped(match: re.Match[str], text: str) -> str:
    """The character behind a backslash; an underscore inside a word is left alone, as in ``vgg16_bn``."""
    before, after = text[: match.start()][-1:], text[match.end() :][:1]
    if match[0] == "_" and before.isalnum() and after.isalnum():
        return "_"
    return "\\" + match[0]


def _entity(match: re.Match[str]) -> str:
    """White space that markdown would trim or break a line at."""
    return f"&#{ord(match[0])};"
