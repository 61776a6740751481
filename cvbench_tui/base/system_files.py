"""Small files of the system (``/proc``, ``/sys``, powercap), which the kernel writes at the moment of reading.

A file that is missing, forbidden or of another form gives an empty text or None, never an error: every system has
others. Tests hand in a folder of their own in place of the system's.
"""

from __future__ import annotations

import os
from pathlib import Path

HEAD_BYTES = 1 << 16
"""More than any counter's file has before the last field that is used, on 256 cores as well."""


def read_text(path: Path) -> str:
    """The whole text without blanks around it; empty when it cannot be read."""
    try:
        return path.read_text(errors="replace").strip(" \t\n\0")
    except OSError:
        return ""


def read_int(path: Path, factor: int = 1) -> int | None:
    """The whole number in a file, times ``factor``; None when there is none."""
    try:
        return int(read_text(path)) * factor
    except ValueError:
        return None


def read_head(path: str | Path) -> bytes:
    """The first 64 KiB, by plain system calls: a third of ``Path.read_bytes``'s time, for what each round reads."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    try:
        return os.read(descriptor, HEAD_BYTES)
    except OSError:  # a thread that ended meanwhile
        return b""
    finally:
        os.close(descriptor)
