"""The text of a checklist, line by line, for a width in cells: boxes, names, columns, reasons. No widget, no colour.

Nothing is cut that can be left out instead: a column without room is not drawn, and only then a name ends in dots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from cvbench_tui.base.cells import shorten
from cvbench_tui.base.escape import visible
from cvbench_tui.tui.state.checklist_model import ChecklistLine, ChecklistModel, Item

Role = Literal["plain", "ticked", "name", "match", "note", "heading", "reason"]
Part = tuple[Role, str]  # a stretch of one row and what it is

ALL: Part = ("ticked", "[x] ")
SOME: Part = ("ticked", "[~] ")
NONE: Part = ("plain", "[ ] ")
UNABLE: Part = ("plain", "[-] ")
OPEN, FOLDED = "\u25be ", "\u25b8 "
BOX_CELLS = 4  # every row begins with a box of three and a blank; a wrapped one continues under the name
MARK_CELLS = 2
AIRY_GAP = 2  # blanks between columns where there is room for more than one
COLUMN_ROOM = 12  # most cells of a column: a longer text is cut
NAME_ROOM = 24  # maximum cells that names take from the columns
ENOUGH = 0.8
"""A column is drawn when so large a share of the names leaves it room; the lines of the other names go without. Asking
it of all would drop the parameters of 80 models for four names of 18 letters."""
_ONE_LINE = {ord(blank): " " for blank in "\t\n\r"}


@dataclass(frozen=True)
class Columns:
    """Which columns of a list are drawn, and how wide."""

    widths: tuple[int, ...]  # cells of each column; 0 for one that is not drawn
    gap: int = 1  # blanks before each column

    @classmethod
    def fitting(cls, ticks: ChecklistModel, width: int) -> Columns:
        """Those that fit into ``width`` cells beside most of the names, the least important left out first."""
        widths = [0] * len(ticks.headings)  # an item may have fewer columns
        for item in ticks.items:
            for place, text in enumerate(ticks.columns(item)):
                widths[place] = max(widths[place], min(COLUMN_ROOM, cell_len(shown(text))))
        names = sorted(cell_len(shown(item.name)) for item in ticks.items if not item.aside)
        usual = min(names[int(ENOUGH * (len(names) - 1))], NAME_ROOM) if names else 0
        room = width - BOX_CELLS - usual
        for place in range(len(widths)):
            if sum(cells + 1 for cells in widths if cells) > room:
                widths[place] = 0
        airy = sum(cells + AIRY_GAP for cells in widths if cells) <= room
        return cls(tuple(widths), AIRY_GAP if airy else 1)

    def text(self, texts: Sequence[str], room: int) -> str:
        """An item's columns, right-aligned in as much of ``room`` as they need, or fewer where it is short."""
        text = ""
        for cells, column in zip(reversed(self.widths), reversed(texts), strict=False):
            if cells:
                cut = shorten(shown(column), cells)
                wider = f"{' ' * (self.gap + cells - cell_len(cut))}{cut}{text}"
                if cell_len(wider) > room:
                    break
                text = wider
        return text


def rows(ticks: ChecklistModel, line: ChecklistLine, columns: Columns, width: int) -> tuple[tuple[Part, ...], ...]:
    """The rows of one line, as parts that fill ``width`` cells at the most."""
    item = line.item
    if item is None:
        return (_heading(ticks, line.group, width),)
    if item.reason or item.note:
        return _wrapped(ticks, item, width)
    room, full = width - BOX_CELLS, shown(item.name)
    right = columns.text(ticks.columns(item), room - cell_len(full))
    name = shorten(full, room - cell_len(right))
    gap = " " * (room - cell_len(name) - cell_len(right))
    return ((*_named(ticks, item, name), ("note", gap + right)),)


def shown(text: str) -> str:
    """On one line, with control characters replaced; letter for letter as long as it was."""
    return visible(text).translate(_ONE_LINE)


def _heading(ticks: ChecklistModel, group: str, width: int) -> tuple[Part, ...]:
    """``[~] ▾ ResNet (2 of 5)``."""
    ticked, able = ticks.ticked_of(group)
    count = f" ({ticked} of {able})"
    name = shorten(shown(group), width - BOX_CELLS - MARK_CELLS - len(count))
    box = ALL if ticked and ticked == able else SOME if ticked else NONE
    return (box, ("heading", (FOLDED if ticks.is_folded(group) else OPEN) + name), ("note", count))


def _named(ticks: ChecklistModel, item: Item, name: str) -> tuple[Part, ...]:
    """The box, and the name in stretches that the filter found and stretches that it did not."""
    ticked, found = item.key in ticks.ticked_keys, ticks.match(item).positions
    role: Role = "name" if ticked else "plain"
    stretches = groupby(range(len(name)), found.__contains__)
    parts = [("match" if match else role, "".join(name[at] for at in places)) for match, places in stretches]
    return (UNABLE if item.reason else ALL if ticked else NONE, *parts)


def _wrapped(ticks: ChecklistModel, item: Item, width: int) -> tuple[tuple[Part, ...], ...]:
    """``[-] mps    Not a Mac.``: free text is never cut, it continues below the name."""
    room = max(1, width - BOX_CELLS)
    usual = min(NAME_ROOM, room, max(cell_len(shown(each.name)) for each in ticks.items))
    name = shorten(shown(item.name), room)
    head = set_cell_size(name, max(cell_len(name), usual))
    tail: Role = "reason" if item.reason else "note"
    first, *more = (line.plain for line in Content(f"{head} {shown(item.reason or item.note)}").wrap(room))
    named = _named(ticks, item, first[: len(head)])
    return ((*named, (tail, first[len(head) :])), *(((tail, " " * BOX_CELLS + line),) for line in more))
