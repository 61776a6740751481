"""What the terminal can show, from the environment alone: the app or not, ASCII or not, colours or not, near or far.

It asks the terminal nothing, changes nothing, and knows no screen.
"""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

SAMPLE = "│─█▲±µ"
"""What an encoding must be able to carry."""
_COERCED = ("C.UTF-8", "C.utf8", "UTF-8")
"""What Python itself writes into LC_CTYPE when it is started in the C locale (PEP 538)."""


@dataclass(frozen=True)
class Terminal:
    """How to draw, and how to reach the clipboard."""

    ascii: bool = False
    """Only ASCII may be written."""
    colour: bool = True
    """Colours may be written."""
    remote: bool = False
    """Over SSH: the clipboard and the screen are another machine's."""
    multiplexer: str = ""
    """``tmux`` or ``screen`` when inside one."""


def why_no_app() -> str:
    """Why the app cannot be drawn here, as a sentence; empty when it can. Textual draws on stderr."""
    if in_browser():
        return ""
    streams = {"standard input": sys.stdin, "standard output": sys.stdout, "standard error": sys.stderr}
    missing = [name for name, stream in streams.items() if stream is None or not stream.isatty()]
    if missing:
        return f"No terminal on {' and '.join(missing)}: the app cannot be drawn."
    if os.environ.get("TERM") == "dumb":
        return "TERM=dumb: this terminal cannot place text, so the app cannot be drawn."
    return ""


def in_browser() -> bool:
    """True for a process that ``cvbench-tui serve`` started for a visitor."""
    return os.environ.get("TEXTUAL_DRIVER", "").endswith(":WebDriver")


def look(environ: Mapping[str, str], ascii_setting: str = "auto", encoding: str | None = None) -> Terminal:
    """The terminal that these environment variables describe.

    ``ascii_setting`` is ``auto``, ``on`` or ``off``; ``encoding`` that of the stream that is written to, None when
    it does not matter. No locale variable at all counts as UTF-8: containers and cron have none.
    """
    automatic = not _is_utf8(_locale(environ)) or not _carries(encoding)
    return Terminal(
        ascii={"on": True, "off": False}.get(ascii_setting, automatic),
        colour=not environ.get("NO_COLOR"),
        remote=any(environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT")),
        multiplexer="tmux" if environ.get("TMUX") else "screen" if environ.get("STY") else "",
    )


def _locale(environ: Mapping[str, str]) -> str:
    """The effective locale of characters; empty when none is set."""
    if environ.get("LC_ALL"):
        return environ["LC_ALL"]
    named = environ.get("LC_CTYPE", "")
    if named in _COERCED and sys.flags.utf8_mode and environ.get("PYTHONUTF8") != "1":
        named = ""  # not the user's word but Python's, which overwrites what was there
    return named or environ.get("LANG", "")


def _is_utf8(locale: str) -> bool:
    """True for ``de_DE.UTF-8``, ``C.utf8``, macOS's bare ``UTF-8``, and for nothing."""
    name = locale.partition("@")[0]
    return not name or name.rpartition(".")[2].lower().replace("-", "") == "utf8"


def _carries(encoding: str | None) -> bool:
    """True when the encoding has the characters that the app draws with."""
    try:
        codecs.encode(SAMPLE, encoding or "utf-8")
    except (UnicodeError, LookupError, TypeError):
        return False
    return True
