"""stdout and stderr in ASCII, where it is asked for or where the terminal cannot take more.

Works below everything that prints: ``print``, Rich and tables alike. Files keep their own encoding.
"""

from __future__ import annotations

import codecs
import io
import os
import sys

ENCODING = "ascii"
"""What ``encoding`` of a stream says afterwards; Rich then draws with ASCII by itself."""
_READABLE = "cvbench_readable"


def only_ascii(asked: bool = False) -> None:
    """From now on write readable ASCII, if asked, or if the locale or a stream's encoding cannot carry more."""
    from cvbench_tui.terminal import look

    codecs.register_error(_READABLE, _readable)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and look(os.environ, "on" if asked else "auto", stream.encoding).ascii:
            stream.reconfigure(encoding=ENCODING, errors=_READABLE)


def is_ascii(encoding: str | None) -> bool:
    """True when text has to be changed before its width is counted."""
    return encoding == ENCODING


def _readable(error: UnicodeError) -> tuple[str | bytes, int]:
    """What stands for the characters that cannot be written."""
    from cvbench_tui.results.text.ascii import to_ascii

    if not isinstance(error, UnicodeEncodeError):
        raise error
    return to_ascii(error.object[error.start : error.end]), error.end
