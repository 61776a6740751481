"""How many cells of a terminal a text takes, by rich's tables: what is fitted is measured as it will be drawn. The one
module outside of ``tui`` and ``cli`` that imports rich, and of it ``rich.cells`` alone."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

__all__ = ["cell_len", "set_cell_size", "shorten"]

_ENDING = "..."


def shorten(text: str, cells: int) -> str:
    """The text in at most so many cells, ending in ``...`` when some of it had to go; wide letters are not halved."""
    if cell_len(text) <= cells:
        return text
    return set_cell_size(text, max(0, cells - len(_ENDING))).rstrip() + _ENDING[: max(0, cells)]
