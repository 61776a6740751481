"""What a path would be written as, and what speaks against it, by looking alone: nothing is created or opened.

``results.export.registry`` has the last word when it writes; permissions say nothing on a read-only mount.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cvbench_tui.base.choices import Layout
from cvbench_tui.base.nearest import nearest
from cvbench_tui.results.export.registry import SUFFIXES as RUN_SUFFIXES

SUFFIXES = (*RUN_SUFFIXES, ".svg")
"""What can be written: a run in each of its forms, and a picture of the screen."""
FORMS = {".json": "JSON: every sample", ".csv": "CSV: a line per row", ".svg": "SVG: a picture of the screen"}


def form(path: Path, layout: Layout) -> str:
    """What would be written, in words; for another suffix, which ones there are."""
    suffix = path.suffix.lower()
    if suffix == ".md":
        return f"markdown, {layout} layout"
    return FORMS.get(suffix, "the suffix says the form: .md, .json, .csv or .svg")


def has_layout(path: Path) -> bool:
    """True for the form that there are two layouts of."""
    return path.suffix.lower() == ".md"


def problem(path: Path) -> str:
    """Why nothing can be written at ``path``, in a sentence; empty when nothing is seen against it."""
    if os.path.isdir(path):
        return f"{path} is a folder: name a file in it."
    if path.suffix.lower() not in SUFFIXES:
        return f"{path.suffix or 'No suffix'} is no form. {nearest(path.suffix, SUFFIXES, 1, 0.4) or 'See above.'}"
    try:
        return _status_problem(path)
    except (OSError, ValueError) as error:
        return f"Cannot write {path}: {getattr(error, 'strerror', None) or error}."


def exists(path: Path) -> bool:
    """True when there is a file to write over. ``Path.is_file`` raises where a folder may not be read."""
    return os.path.isfile(path)


def _status_problem(path: Path) -> str:
    """What the file, else its folder, says. Raises OSError, or ValueError for what is no file name."""
    target = Path(os.path.realpath(path))
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return _folder_problem(target.parent)
    if not stat.S_ISREG(mode):
        return f"{path} is no regular file."
    if not os.access(target, os.W_OK):
        return f"{path} is read-only: name another file."
    return _folder_problem(target.parent)


def _folder_problem(folder: Path) -> str:
    """A new file is written beside the old one first, so the folder must take one either way."""
    if not folder.is_dir():
        return f"There is no folder {folder}."
    return "" if os.access(folder, os.W_OK | os.X_OK) else f"The folder {folder} is not writable for you."
