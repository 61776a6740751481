"""stdout and stderr in ASCII, where that is requested or the terminal takes no more.

Changes the streams themselves, below ``print`` and Rich. Files keep their encoding.
"""

from __future__ import annotations

import codecs
import io
import os
import sys

from cvbench_tui.terminal import look


def only_ascii(requested: bool = False) -> None:
    """Write readable ASCII from now on, if requested, or if the locale or a stream's encoding has no more."""
    codecs.register_error("cvbench_readable", _readable)
    for stream in (sys.stdout, sys.stderr):
        wish = "on" if requested else "auto"
        if isinstance(stream, io.TextIOWrapper) and look(os.environ, wish, stream.encoding).ascii:
            stream.reconfigure(encoding="ascii", errors="cvbench_readable")  # Rich then draws with ASCII by itself


def _readable(error: UnicodeError) -> tuple[str | bytes, int]:
    """Error handler of the codec: an ASCII replacement for characters that cannot be encoded."""
    from cvbench_tui.results.text.ascii import to_ascii

    if not isinstance(error, UnicodeEncodeError):
        raise error
    return to_ascii(error.object[error.start : error.end]), error.end
