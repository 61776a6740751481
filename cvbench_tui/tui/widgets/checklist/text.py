"""The text of a pick list, line by line, for a width in cells: boxes, names, columns, reasons. No widget, no colour.

Nothing is cut that can be left out instead: a column without room is not drawn, and only then a name ends in dots.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len, chop_cells, set_cell_size
from textual.content import Content

from cvbench_tui.base.escape import visible
from cvbench_tui.tui.state.checklist_model import ChecklistLine, ChecklistModel, Item

Role = Literal["plain", "ticked", "name", "match", "note", "heading", "reason"]
Part = tuple[Role, str]
"""A stretch of one row and what it is."""

BOXES = {"all": "[x] ", "some": "[~] ", "none": "[ ] "}
UNABLE = "[-] "
OPEN, FOLDED = "\u25be ", "\u25b8 "
BOX_CELLS = 4
"""Every row begins with a box of three and a blank; a wrapped one goes on under the name."""
MARK_CELLS = 2
AIRY_GAP = 2
"""Blanks between columns where there is room for more than one."""
DOTS = "..."
COLUMN_ROOM = 12
"""Most cells of a column: a longer text is cut."""
NAME_ROOM = 24
"""Most cells that names take from the text beside them."""
ENOUGH = 0.8
"""A column is drawn when so large a share of the names leaves it room; the lines of the other names go without. Asking
it of all would drop the parameters of 80 models for four names of 18 letters."""
_ONE_LINE = {ord(blank): " " for blank in "\t\n\r"}


@dataclass(frozen=True)
class Columns:
    """Which columns of a list are drawn, and how wide."""

    widths: tuple[int, ...]
    """Cells of each column; 0 for one that is not drawn."""
    gap: int = 1
    """Blanks before each column."""

    @classmethod
    def fitting(cls, ticks: ChecklistModel, width: int) -> Columns:
        """Those that fit into ``width`` cells beside most of the names, the least important left out first."""
        widths = [_column_cells(ticks.items, place) for place in range(len(ticks.headings))]
        names = sorted(cell_len(shown(item.name)) for item in ticks.items)
        usual = min(names[int(ENOUGH * (len(names) - 1))], NAME_ROOM) if names else 0
        room = width - BOX_CELLS - usual
        for place in range(len(widths)):
            if sum(cells + 1 for cells in widths if cells) > room:
                widths[place] = 0
        airy = sum(cells + AIRY_GAP for cells in widths if cells) <= room
        return cls(tuple(widths), AIRY_GAP if airy else 1)

    def beside(self, item: Item, room: int) -> str:
        """The columns of that item, right-aligned in as much of ``room`` as they need, or fewer where it is short."""
        text = ""
        for cells, column in zip(reversed(self.widths), reversed(item.columns), strict=False):
            if cells:
                cut = clip(shown(column), cells)
                wider = f"{' ' * (self.gap + cells - cell_len(cut))}{cut}{text}"
                if cell_len(wider) > room:
                    break
                text = wider
        return text


def rows(ticks: ChecklistModel, line: ChecklistLine, columns: Columns, width: int) -> tuple[tuple[Part, ...], ...]:
    """The rows of one line, as parts that fill ``width`` cells at the most."""
    if line.item is None:
        return (_heading(ticks, line.group, width),)
    if line.item.reason or line.item.note:
        return _wrapped(ticks, line.item, width)
    return (_columned(ticks, line.item, columns, width),)


def shown(text: str) -> str:
    """On one line, with what a terminal might obey replaced; letter for letter as long as it was."""
    return visible(text).translate(_ONE_LINE)


def clip(text: str, cells: int) -> str:
    """The text in so many cells; dots say that some of it is missing."""
    if cell_len(text) <= cells:
        return text
    dots = DOTS[: max(0, cells)]
    kept = chop_cells(text, cells - len(dots))[0] if cells > len(dots) else ""
    return kept + dots


def _heading(ticks: ChecklistModel, group: str, width: int) -> tuple[Part, ...]:
    """``[~] ▾ ResNet (2 of 5)``."""
    state = ticks.group_state(group)
    ticked, able = ticks.ticked_of(group)
    count = f" ({ticked} of {able})"
    name = clip(shown(group), width - BOX_CELLS - MARK_CELLS - len(count))
    mark = FOLDED if ticks.is_folded(group) else OPEN
    return (("plain" if state == "none" else "ticked", BOXES[state]), ("heading", mark + name), ("note", count))


def _box(ticks: ChecklistModel, item: Item) -> Part:
    if item.reason:
        return ("plain", UNABLE)
    return ("ticked", BOXES["all"]) if ticks.has(item.key) else ("plain", BOXES["none"])


def _name_role(ticks: ChecklistModel, item: Item) -> Role:
    return "name" if ticks.has(item.key) else "plain"


def _columned(ticks: ChecklistModel, item: Item, columns: Columns, width: int) -> tuple[Part, ...]:
    """``[x] Resnet18   1.8 11.7M``."""
    room = width - BOX_CELLS
    full = shown(item.name)
    right = columns.beside(item, room - cell_len(full))
    name = clip(full, room - cell_len(right))
    gap = " " * (room - cell_len(name) - cell_len(right))
    marked = _highlighted(name, ticks.match(item).positions, _name_role(ticks, item))
    return (_box(ticks, item), *marked, ("note", gap + right))


def _highlighted(name: str, found: Collection[int], role: Role) -> tuple[Part, ...]:
    """The name in stretches that the filter found and stretches that it did not."""
    parts = list[Part]()
    for at, letter in enumerate(name):
        kind: Role = "match" if at in found else role
        if parts and parts[-1][0] == kind:
            parts[-1] = (kind, parts[-1][1] + letter)
        else:
            parts.append((kind, letter))
    return tuple(parts)


def _wrapped(ticks: ChecklistModel, item: Item, width: int) -> tuple[tuple[Part, ...], ...]:
    """``[-] mps    Not a Mac.``: free text is never cut, it goes on below the name."""
    room = max(1, width - BOX_CELLS)
    usual = min(NAME_ROOM, max(cell_len(shown(each.name)) for each in ticks.items))
    name = clip(shown(item.name), room)
    head = set_cell_size(name, max(cell_len(name), min(usual, room)))
    tail: Role = "reason" if item.reason else "note"
    words = shown(item.reason or item.note)
    beside = room - cell_len(head) - 1
    if beside > 0:
        first, *more = _folded(words, beside, room)
        first = f" {first}"
    else:
        first, more = "", _folded(words, room)
    marked = _highlighted(head, ticks.match(item).positions, _name_role(ticks, item))
    indent = " " * BOX_CELLS
    return ((_box(ticks, item), *marked, (tail, first)), *(((tail, indent + line),) for line in more))


def _folded(text: str, first: int, rest: int | None = None) -> list[str]:
    """The text in lines of ``first`` cells, then of ``rest``; at least one line."""
    lines = Content(text).wrap(first)
    if rest is None or len(lines) < 2:
        return [line.plain for line in lines] or [""]
    head = lines[0].plain
    return [head, *(line.plain for line in Content(text[len(head) :].lstrip()).wrap(rest))]


def _column_cells(items: Sequence[Item], place: int) -> int:
    """Cells that a column needs; 0 when no item has a text in it."""
    texts = (shown(item.columns[place]) for item in items if place < len(item.columns))
    return min(COLUMN_ROOM, max(map(cell_len, texts), default=0))
