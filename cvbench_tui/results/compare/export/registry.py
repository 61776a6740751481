"""The formats that comparisons are saved in, by suffix. Command line, completion, refusals and help iterate them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from cvbench_tui.base.atomic import check_destination, write_atomically

if TYPE_CHECKING:
    from cvbench_tui.results.compare.model import RunComparison

FORMATS: dict[str, str] = {
    ".md": "markdown",
    ".csv": "csv",
    ".json": "json",
    ".html": "html",
    ".svg": "svg",
}
"""The module of each, in this folder: its ``render(comparisons)`` returns the file's text."""


def check_writable(path: Path) -> None:
    """Refuse a destination that ``write_comparisons`` could not write, with a StoreError. Leaves nothing behind."""
    check_destination(path, tuple(FORMATS))


def render(comparisons: Sequence[RunComparison], suffix: str) -> str:
    """The comparisons of one baseline in the format of that suffix."""
    made: Callable[[Sequence[RunComparison]], str] = import_module(f"{__package__}.{FORMATS[suffix]}").render
    return made(comparisons)


def write_comparisons(comparisons: Sequence[RunComparison], path: Path) -> None:
    """Write them in the format of the suffix: the whole file or nothing. Raises StoreError when it cannot be."""
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        check_writable(path)  # raises: it names the suffixes
    write_atomically(path, render(comparisons, suffix))
