"""Capabilities of the terminal by environment variables: the app, ASCII, colours, SSH, multiplexer; whose size it is.

Sends nothing to the terminal.
"""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

SAMPLE = "│─█▲±µ"  # characters that the app draws with
_COERCED = ("C.UTF-8", "C.utf8", "UTF-8")
"""Values that Python itself writes into LC_CTYPE when it is started in the C locale (PEP 538)."""


@dataclass(frozen=True)
class Terminal:
    """Capabilities of the terminal."""

    ascii: bool = False  # write ASCII only
    colour: bool = True  # write colours
    remote: bool = False  # over SSH, so that clipboard and screen are another machine's
    multiplexer: str = ""  # ``tmux``, ``screen``, or empty


def why_no_app() -> str:
    """Why the app cannot run here, as a sentence; empty when it can. Textual draws on stderr."""
    if in_browser():
        return ""
    streams = {"standard input": sys.stdin, "standard output": sys.stdout, "standard error": sys.stderr}
    missing = [name for name, stream in streams.items() if stream is None or not stream.isatty()]
    if missing:
        return f"No terminal on {' and '.join(missing)}: the app cannot run."
    if os.environ.get("TERM") == "dumb":
        return "TERM=dumb: this terminal cannot move its cursor, so the app cannot run."
    return ""


def prefer_own_size() -> None:
    """Forget COLUMNS and LINES where a terminal tells its own size. Some shells export those of the moment, and
    Textual, Rich and ``shutil`` believe them for ever, whatever the window's size becomes."""
    for number in (1, 2):
        with suppress(OSError):
            if os.get_terminal_size(number).columns > 0:
                for name in ("COLUMNS", "LINES"):
                    os.environ.pop(name, None)


def in_browser() -> bool:
    """True for a process that ``cvbench-tui serve`` started for a page."""
    return os.environ.get("TEXTUAL_DRIVER", "").endswith(":WebDriver")


def look(environ: Mapping[str, str], ascii_setting: str = "auto", encoding: str | None = None) -> Terminal:
    """The terminal that these environment variables describe.

    ``ascii_setting`` is ``auto``, ``on`` or ``off``; ``encoding`` is the output stream's, None for UTF-8. Without any
    locale variable, as in containers and cron, UTF-8 is assumed.
    """
    automatic = not _is_utf8(_locale(environ)) or not _can_encode(encoding)
    return Terminal(
        ascii={"on": True, "off": False}.get(ascii_setting, automatic),
        colour=not environ.get("NO_COLOR"),
        remote=any(environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT")),
        multiplexer="tmux" if environ.get("TMUX") else "screen" if environ.get("STY") else "",
    )


def _locale(environ: Mapping[str, str]) -> str:
    """Effective locale of characters; empty when none is set."""
    if environ.get("LC_ALL"):
        return environ["LC_ALL"]
    named = environ.get("LC_CTYPE", "")
    if named in _COERCED and sys.flags.utf8_mode and environ.get("PYTHONUTF8") != "1":
        named = ""  # set by Python, which overwrote the user's value
    return named or environ.get("LANG", "")


def _is_utf8(locale: str) -> bool:
    """True for ``de_DE.UTF-8``, ``C.utf8``, macOS's bare ``UTF-8``, and for nothing."""
    name = locale.partition("@")[0]
    return not name or name.rpartition(".")[2].lower().replace("-", "") == "utf8"


def _can_encode(encoding: str | None) -> bool:
    try:
        codecs.encode(SAMPLE, encoding or "utf-8")
    except (UnicodeError, LookupError, TypeError):
        return False
    return True
