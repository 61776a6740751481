"""Does a word of a filter occur in a text, how well, and at which letters? Pure; it ranks nothing and draws nothing.

Textual's own matcher tries every alignment there is: ``aaaaaaaa`` against 30 times ``a`` is 5.8 million of them. This
one tries a fixed few, so that a keystroke over 130 items costs a few milliseconds at the worst.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

START, INSIDE, PIECES, SCATTERED = 4, 3, 2, 1
"""How well a word matches: in one piece at the start of a word, in one piece elsewhere, in pieces that each begin a
word (``effb0`` in ``efficientnet_b0``), or in pieces of which the first does (``rn18`` in ``Resnet18``)."""
MAX_SKIPPED = {PIECES: 12, SCATTERED: 4}
"""Letters that may lie between the pieces: a match that spans a whole long text is none. ``effb0`` skips ten."""
MAX_LETTERS = 400
"""Letters of a text that are looked at."""

_WORD = re.compile(r"[^\W\d_]+|\d+")
_LOWER_TO_UPPER = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True)
class Match:
    """Where a word was found."""

    kind: int
    """``START`` to ``SCATTERED``; more is better."""
    positions: tuple[int, ...]
    """Indexes of the matched letters, rising."""


class Text:
    """A text that is searched many times."""

    def __init__(self, text: str) -> None:
        text = text[:MAX_LETTERS]
        self._letters = fold(text)
        self._starts = {match.start() for match in _WORD.finditer(text)}
        self._starts |= {match.start() for match in _LOWER_TO_UPPER.finditer(text)}

    def find(self, word: str) -> Match | None:
        """The best match of ``word`` (already through ``fold``), or None."""
        whole = self._whole(word)
        if whole is not None or len(word) < 2 or not self._has_in_order(word):
            return whole
        return self._pieces(word) or self._scattered(word)

    def _whole(self, word: str) -> Match | None:
        """In one piece, at the start of a word if possible."""
        first = at = self._letters.find(word)
        while at >= 0:
            if at in self._starts:
                return Match(START, tuple(range(at, at + len(word))))
            at = self._letters.find(word, at + 1)
        return Match(INSIDE, tuple(range(first, first + len(word)))) if first >= 0 else None

    def _has_in_order(self, word: str) -> bool:
        """Cheap: rules out nearly every text before the dear part."""
        at = -1
        return all((at := self._letters.find(letter, at + 1)) >= 0 for letter in word)

    def _pieces(self, word: str) -> Match | None:
        """Every piece at the start of a word. ``ways``: last index -> all indexes, the closest way to get there."""
        ways: dict[int, tuple[int, ...]] = {at: (at,) for at in self._starts if self._letters[at] == word[0]}
        for letter in word[1:]:
            before, ways = ways, {}
            nearest: tuple[int, ...] | None = None
            for at in range(len(self._letters)):
                way = before.get(at - 1) or (nearest if at in self._starts else None)
                if way is not None and self._letters[at] == letter:
                    ways[at] = (*way, at)
                nearest = before.get(at - 1, nearest)
        return _closest(PIECES, list(ways.values()))

    def _scattered(self, word: str) -> Match | None:
        """From every start of a word, each next letter where it comes first."""
        found = []
        for at in self._starts:
            if self._letters[at] == word[0]:
                way = [at]
                for letter in word[1:]:
                    way.append(self._letters.find(letter, way[-1] + 1))
                    if way[-1] < 0:
                        break
                else:
                    found.append(tuple(way))
        return _closest(SCATTERED, found)


def fold(text: str) -> str:
    """Lower case, letter for letter: what would become two letters stays, so that indexes keep their meaning."""
    folded = text.casefold()
    if len(folded) == len(text):
        return folded
    return "".join(lower if len(lower := letter.casefold()) == 1 else letter for letter in text)


def _closest(kind: int, ways: list[tuple[int, ...]]) -> Match | None:
    """The way that skips the fewest letters, if those are few enough."""
    best = min(ways, key=_skipped, default=None)
    return Match(kind, best) if best is not None and _skipped(best) <= MAX_SKIPPED[kind] else None


def _skipped(way: tuple[int, ...]) -> int:
    return way[-1] - way[0] + 1 - len(way)
