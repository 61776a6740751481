"""What a list offers, what of it is ticked, folded and let through by the filter. Plain state: no widget."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from cvbench_tui.tui.state.fuzzy_match import Text, fold

GroupState = Literal["all", "some", "none"]


@dataclass(frozen=True)
class Item:
    """One line that can be ticked."""

    key: str
    name: str
    note: str = ""
    """Free text right of the name, wrapped where it is long."""
    group: str = ""
    """Family it belongs to; empty for a list without families."""
    words: str = ""
    """What else the filter finds it by."""
    reason: str = ""
    """Why it cannot be ticked; empty when it can."""
    columns: tuple[str, ...] = ()
    """Short texts under ``ChecklistModel.headings``, right-aligned; an empty one leaves its place free."""


@dataclass(frozen=True)
class ChecklistLine:
    """One line of the list: the heading of a family, or an item."""

    group: str
    item: Item | None = None
    """None for a heading."""


@dataclass(frozen=True)
class _Found:
    """How an item answers the filter."""

    score: int
    """More is better; only compared, never shown."""
    positions: tuple[int, ...]
    """Letters of its name that were meant."""


class ChecklistModel:
    """The ticks of one list. They belong to keys, so a filter that hides a line does not lose its tick.

    Shown is what the filter lets through. A folded family is shown, too: by its heading, which counts its ticks.
    """

    def __init__(
        self,
        items: Sequence[Item] = (),
        ticked: Iterable[str] = (),
        *,
        headings: Sequence[str] = (),
        noun: str = "line",
    ) -> None:
        """``headings`` name the items' ``columns``, the least important one first; ``noun`` names an item."""
        self.headings = tuple(headings)
        self.noun = noun
        self.folded: set[str] = set()
        self._filter_text = ""
        self._ticked = set(ticked)
        self._take(items)

    def offer(self, items: Sequence[Item], ticked: Iterable[str]) -> None:
        """Put other items in its place, with these ticked; filter and folds stay."""
        self._take(items)
        self.tick_only(ticked)

    def _take(self, items: Sequence[Item]) -> None:
        self.items: tuple[Item, ...] = tuple(items)
        self._groups: dict[str, list[Item]] = {}
        for item in self.items:
            self._groups.setdefault(item.group, []).append(item)
        self._texts: dict[str, tuple[Text, ...]] = {}
        self._search()

    # -- the filter

    @property
    def filter_text(self) -> str:
        """The filter: every word of it must be found in the name, the other words or the family of an item."""
        return self._filter_text

    @filter_text.setter
    def filter_text(self, filter_text: str) -> None:
        if filter_text != self._filter_text:
            self._filter_text = filter_text
            self._search()

    def _search(self) -> None:
        words = fold(self._filter_text).split()
        if words and not self._texts:  # not before the first letter: the first frame does not wait for it
            self._texts = {item.key: (Text(item.name), Text(item.words), Text(item.group)) for item in self.items}
        found = {item.key: self._find(item, words) for item in self.items}
        self._found: dict[str, _Found] = {key: value for key, value in found.items() if value is not None}

    def _find(self, item: Item, words: Sequence[str]) -> _Found | None:
        """A match in the name counts more than the same one elsewhere."""
        score, positions = 0, set[int]()
        for word in words:
            matches = [text.find(word) for text in self._texts[item.key]]
            ranks = [2 * match.kind + (place == 0) for place, match in enumerate(matches) if match is not None]
            if not ranks:
                return None
            score += max(ranks)
            positions.update(matches[0].positions if matches[0] is not None else ())
        return _Found(score, tuple(sorted(positions)))

    def match(self, item: Item) -> tuple[int, ...]:
        """Indexes of the letters of its name that the filter found."""
        found = self._found.get(item.key)
        return found.positions if found is not None else ()

    def score(self, item: Item) -> int:
        """How well it answers the filter: more is better, 0 without a filter."""
        found = self._found.get(item.key)
        return found.score if found is not None else 0

    @property
    def shown(self) -> tuple[Item, ...]:
        """The items the filter lets through, family by family; in folded families, too."""
        return tuple(item for items in self._groups.values() for item in items if item.key in self._found)

    @property
    def lines(self) -> tuple[ChecklistLine, ...]:
        """What the list looks like: headings, and under each its items unless it is folded."""
        lines = []
        for group in self._groups:
            items = self.members(group)
            if items and group:
                lines.append(ChecklistLine(group))
            if not self.is_folded(group):
                lines += [ChecklistLine(group, item) for item in items]
        return tuple(lines)

    # -- families

    @property
    def groups(self) -> tuple[str, ...]:
        """The families, in the order of their first item."""
        return tuple(group for group in self._groups if group)

    def members(self, group: str) -> tuple[Item, ...]:
        """The items of a family that the filter lets through."""
        return tuple(item for item in self._groups.get(group, ()) if item.key in self._found)

    def is_folded(self, group: str) -> bool:
        """True when only its heading is there. A filter shows what it finds, wherever that is."""
        return group in self.folded and not self._filter_text.strip()

    def fold(self, group: str) -> None:
        """Leave only its heading. Nothing for what is no family."""
        self.folded |= {group} & set(self.groups)

    def unfold(self, group: str) -> None:
        """Show its items again."""
        self.folded.discard(group)

    def fold_all(self, but: Iterable[str] = ()) -> None:
        """Leave only the headings, but of those families."""
        self.folded = set(self.groups) - set(but)

    def unfold_all(self) -> None:
        """Show every item again."""
        self.folded.clear()

    def ticked_of(self, group: str) -> tuple[int, int]:
        """How many of a family's items that the filter lets through are ticked, and how many could be."""
        able = [item for item in self.members(group) if not item.reason]
        return sum(1 for item in able if item.key in self._ticked), len(able)

    def group_state(self, group: str) -> GroupState:
        """Whether those are all ticked, some, or none."""
        ticked, able = self.ticked_of(group)
        return "none" if not ticked else "all" if ticked == able else "some"

    def toggle_group(self, group: str) -> None:
        """Tick all of a family that the filter lets through, or, when they all are, untick them."""
        on = self.group_state(group) != "all"
        self._flip({item.key for item in self.members(group) if self.has(item.key) != on})

    # -- ticks

    @property
    def ticked(self) -> tuple[str, ...]:
        """Keys of the ticked items, shown or not, in the list's order."""
        return tuple(item.key for item in self.items if item.key in self._ticked)

    @property
    def able(self) -> int:
        """How many items could be ticked."""
        return sum(1 for item in self.items if not item.reason)

    @property
    def hidden_ticked(self) -> int:
        """How many ticked items have no line now: the filter hides them, or their family is folded."""
        seen = {line.item.key for line in self.lines if line.item is not None}
        return len(set(self.ticked) - seen)

    def has(self, key: str) -> bool:
        """True when that item is ticked."""
        return key in self._ticked

    def tick_only(self, keys: Iterable[str]) -> None:
        """Tick these in place of what is ticked; what is not here or cannot be ticked is left out."""
        self._ticked = set(keys) & {item.key for item in self.items if not item.reason}

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
