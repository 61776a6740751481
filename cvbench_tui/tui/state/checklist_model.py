"""What a list offers, what of it is ticked, folded and let through by the filter. Plain state: no widget."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from textual.fuzzy import FuzzySearch

WORD = re.compile(r"[^\W\d_]+|\d+")
MIN_SHARE = 0.5
"""Share of the best name's score that another name needs: ``resnet18`` is 40 in Resnet18, 16 in resnext101_32x8d."""
MAX_LETTERS = 40  # letters of a name that are searched: Textual tries every way to align them


@dataclass(frozen=True)
class Item:
    """One line that can be ticked."""

    key: str
    name: str
    note: str = ""  # free text right of the name, wrapped where it is long
    group: str = ""  # family it belongs to; empty for a list without families
    words: str = ""  # what else the filter finds it by
    reason: str = ""  # why it cannot be ticked; empty when it can
    columns: tuple[str, ...] = ()
    """Short texts under ``ChecklistModel.headings``, right-aligned; an empty one leaves its place free."""
    aside: bool = False  # the columns are not fitted to its name, which may be far longer than the others


@dataclass(frozen=True)
class ChecklistLine:
    """One line of the list: the heading of a family, or an item."""

    group: str
    item: Item | None = None  # None for a heading


@dataclass(frozen=True)
class Match:
    """How an item matches the filter."""

    score: float = 0.0  # more is better; only compared, never shown
    positions: frozenset[int] = frozenset()  # indexes of the letters of its name that were found


UNMATCHED = Match()
NOWHERE: tuple[float, tuple[int, ...]] = (0.0, ())


class NameSearch(FuzzySearch):
    """Textual's search, with digits as the beginning of a word, so that ``rn18`` is Resnet18 before regnet_y_128gf."""

    @classmethod
    @lru_cache(maxsize=8192)
    def get_first_letters(cls, candidate: str) -> frozenset[int]:
        """Indexes of what counts double: where a word or a number begins."""
        return frozenset(match.start() for match in WORD.finditer(candidate))

    def matches(self, query: str, names: Mapping[str, str]) -> dict[str, tuple[float, Sequence[int]]]:
        """Score and indexes of the names in which its letters are in this order, by their keys; none for no letter.
        ``names``: as ``searched`` makes them."""
        query, found = searched(query), {}
        for key, name in names.items():
            at = 0
            for letter in query:  # quicker than Textual's by ten times where the letters are not there
                at = name.find(letter, at) + 1
                if not at:
                    break
            if at:
                found[key] = self.match(query, name)
        return found


def searched(text: str) -> str:
    """What names are compared by: an underscore matches a blank, capitals their small letters."""
    return text.replace("_", " ")[:MAX_LETTERS].lower()


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
        self.times: Mapping[str, str] | None = None  # texts of a last column by key; they change, the items do not
        self.noun = noun
        self.folded: set[str] = set()  # families of which only the heading is there
        self.filter_text = ""
        self._search = NameSearch()
        self.offer(items, ticked)

    def offer(self, items: Sequence[Item], ticked: Iterable[str]) -> None:
        """Put other items in place of these, with those ticked; filter and folds stay."""
        self.items = tuple(items)
        self._names = {item.key: searched(item.name) for item in items}
        self._words = {item.key: f"{item.words} {item.group}".casefold() for item in items}
        self.able = {item.key for item in items if not item.reason}  # what can be ticked
        self._groups: dict[str, list[Item]] = {}
        for item in items:
            self._groups.setdefault(item.group, []).append(item)
        self.tick_only(ticked)
        self.search(self.filter_text)

    def search(self, filter_text: str) -> None:
        """Filter by every word of the text: letter by letter in the names, whole in the other words and families."""
        self.filter_text, text = filter_text, filter_text.strip()
        queries = dict.fromkeys((text, *text.split()))
        found = {query: self._search.matches(query, self._names) for query in queries}
        # A name that has the words side by side is meant before one that has them anywhere: ``convnext t``.
        whole = found[text]
        matches = {key: Match(whole[key][0]) if key in whole else UNMATCHED for key in self._names}
        for word in text.split():
            names, folded = found[word], word.casefold()
            enough = MIN_SHARE * max((score for score, _ in names.values()), default=0.0)
            before, matches = matches, {}
            for key, match in before.items():
                score, positions = names.get(key, NOWHERE)
                if score < enough or not score:
                    score, positions = (len(word), ()) if folded in self._words[key] else NOWHERE
                if score:
                    matches[key] = Match(match.score + score, match.positions.union(positions))
        self._matches = matches

    def match(self, item: Item) -> Match:
        """How an item that is shown matches the filter."""
        return self._matches.get(item.key, Match())

    @property
    def shown(self) -> tuple[Item, ...]:
        """The items the filter lets through, family by family; in folded families, too."""
        return tuple(item for group in self._groups for item in self.members(group))

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

    def columns(self, item: Item) -> tuple[str, ...]:
        """The texts under ``headings``."""
        return item.columns if self.times is None else (*item.columns, self.times.get(item.key, ""))

    @property
    def groups(self) -> tuple[str, ...]:
        """The families, in the order of their first item."""
        return tuple(group for group in self._groups if group)

    def members(self, group: str) -> tuple[Item, ...]:
        """The items of a family that the filter lets through."""
        return tuple(item for item in self._groups[group] if item.key in self._matches)

    def is_folded(self, group: str) -> bool:
        """True when only its heading is there. A filter shows what it finds, wherever that is."""
        return bool(group) and group in self.folded and not self.filter_text.strip()

    def ticked_of(self, group: str) -> tuple[int, int]:
        """How many of a family's items that the filter lets through are ticked, and how many could be."""
        able = {item.key for item in self.members(group)} & self.able
        return len(able & self.ticked_keys), len(able)

    @property
    def ticked(self) -> tuple[str, ...]:
        """Keys of the ticked items, shown or not, in the list's order."""
        return tuple(item.key for item in self.items if item.key in self.ticked_keys)

    @property
    def hidden_ticked(self) -> int:
        """How many ticked items have no line now: the filter hides them, or their family is folded."""
        return len(self.ticked_keys - {line.item.key for line in self.lines if line.item is not None})

    def tick_only(self, keys: Iterable[str]) -> None:
        """Tick these in place of what is ticked; what is not here or cannot be ticked is left out."""
        self.ticked_keys = self.able & set(keys)  # shown or not

    def toggle(self, key: str) -> None:
        """Tick it, or take the tick away. Nothing for an item that cannot be ticked."""
        self.ticked_keys ^= self.able & {key}

    def toggle_group(self, group: str) -> None:
        """Tick all of a family that the filter lets through, or, when they all are, untick them."""
        ticked, able = self.ticked_of(group)
        self._tick(self.members(group), ticked < able)

    def tick_shown(self, on: bool | None) -> None:
        """Tick, or untick, everything that is shown; None swaps its ticks. The rest keeps its own."""
        self._tick(self.shown, on)

    def _tick(self, items: Iterable[Item], on: bool | None) -> None:
        keys = self.able & {item.key for item in items}
        now = self.ticked_keys
        self.ticked_keys = now ^ keys if on is None else now | keys if on else now - keys
