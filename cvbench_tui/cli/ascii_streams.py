"""stdout and stderr in ASCII, where that is requested or the terminal takes no more.

Changes the streams themselves, below ``print`` and Rich. Files keep their encoding.
"""

from __future__ import annotations

import codecs
import io
import os
import sys

ENCODING = "ascii"
"""Encoding of the changed streams, by which Rich draws ASCII too."""
_READABLE = "cvbench_readable"


def only_ascii(requested: bool = False) -> None:
    """Write readable ASCII from now on, if requested, or if the locale or a stream's encoding has no more."""
    from cvbench_tui.terminal import look

    codecs.register_error(_READABLE, _readable)
    for stream in (sys.stdout, sys.stderr):
        if (
            isinstance(stream, io.TextIOWrapper)
            and look(os.environ, "on" if requested else "auto", stream.encoding).ascii
        ):
            stream.reconfigure(encoding=ENCODING, errors=_READABLE)


def is_ascii(encoding: str | None) -> bool:
    """True when text must be converted before its width is counted."""
    return encoding == ENCODING


def _readable(error: UnicodeError) -> tuple[str | bytes, int]:
    """Error handler of the codec: an ASCII replacement for characters that cannot be encoded."""
    from cvbench_tui.results.text.ascii import to_ascii

    if not isinstance(error, UnicodeEncodeError):
        raise error
    return to_ascii(error.object[error.start : error.end]), error.end
