"""What a list offers, what of it is ticked and what the filter shows. Plain state: no widget, no catalog."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """One line that can be ticked."""

    key: str
    name: str
    note: str = ""
    """Shown dim, right of the name."""
    group: str = ""
    """Heading it stands under; empty for a list without headings."""
    words: str = ""
    """What else the filter finds it by."""
    reason: str = ""
    """Why it cannot be ticked; empty when it can."""


class Ticks:
    """The ticks of one list. They belong to keys, so a filter that hides a line does not lose its tick."""

    def __init__(self, items: Sequence[Item] = (), ticked: Iterable[str] = ()) -> None:
        self.items: tuple[Item, ...] = tuple(items)
        self.needle = ""
        self._ticked = set(ticked)

    def offer(self, items: Sequence[Item], ticked: Iterable[str]) -> None:
        """Put other items in its place, with these ticked."""
        self.items = tuple(items)
        self._ticked = set(ticked) & {item.key for item in items if not item.reason}

    @property
    def shown(self) -> tuple[Item, ...]:
        """The items the filter lets through: every word of it occurs somewhere in the item."""
        words = self.needle.casefold().split()
        return tuple(item for item in self.items if all(word in _haystack(item) for word in words))

    @property
    def ticked(self) -> tuple[str, ...]:
        """Keys of the ticked items, shown or not, in the list's order."""
        return tuple(item.key for item in self.items if item.key in self._ticked)

    def has(self, key: str) -> bool:
        """True when that item is ticked."""
        return key in self._ticked

    def toggle(self, key: str) -> None:
        """Tick it, or take the tick away. Nothing for an item that cannot be ticked."""
        self._flip({key})

    def invert_shown(self) -> None:
        """Swap the ticks of what is shown; the rest keeps its own."""
        self._flip({item.key for item in self.shown})

    def tick_shown(self, on: bool) -> None:
        """Tick, or untick, everything that is shown; the rest keeps its own."""
        self._flip({item.key for item in self.shown if self.has(item.key) != on})

    def _flip(self, keys: set[str]) -> None:
        self._ticked ^= keys & {item.key for item in self.items if not item.reason}


def _haystack(item: Item) -> str:
    return f"{item.name} {item.words} {item.group}".casefold()
