"""stdout and stderr in ASCII, where it is asked for or where the terminal cannot take more.

It works below everything that prints: ``print``, Rich and tables alike. Files keep their own encoding.
"""

from __future__ import annotations

import codecs
import io
import os
import sys


def only_ascii(asked: bool = False) -> None:
    """From now on write readable ASCII, if asked, or if the locale or a stream's encoding cannot carry more."""
    from cvbench_tui.terminal import look

    codecs.register_error("cvbench_readable", _readable)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and look(os.environ, "on" if asked else "auto", stream.encoding).ascii:
            stream.reconfigure(encoding="ascii", errors="cvbench_readable")  # Rich then draws with ASCII by itself


def is_ascii(encoding: str | None) -> bool:
    """True after ``only_ascii``: text has to be changed before its width is counted."""
    return encoding == "ascii"


def _readable(error: UnicodeError) -> tuple[str | bytes, int]:
    """What stands for the characters that cannot be written."""
    from cvbench_tui.results.text.ascii import to_ascii

    if not isinstance(error, UnicodeEncodeError):
        raise error
    return to_ascii(error.object[error.start : error.end]), error.end
