"""Samples of many rounds in one block of memory: a float in a tuple takes 32 bytes, one in here 8."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import overload


class SampleArray(Sequence["tuple[float, ...]"]):
    """One tuple of samples per round, in the order taken; equal to a tuple of such tuples. Cannot be changed.

    The tuples are made anew whenever they are asked for: 1,000 rows hold 600,000 samples, and most are never looked at
    again once their statistics are known.
    """

    __slots__ = ("_ends", "_samples")

    def __init__(self, rounds: Iterable[Iterable[float]] = ()) -> None:
        samples, ends = array("d"), [0]
        for taken in rounds:
            samples.extend(taken)
            ends.append(len(samples))
        self._samples = samples[:]  # no longer than it has to be
        self._ends = _shared(tuple(ends))

    @overload
    def __getitem__(self, place: int) -> tuple[float, ...]: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[tuple[float, ...], ...]: ...
    def __getitem__(self, place: int | slice) -> tuple[float, ...] | tuple[tuple[float, ...], ...]:
        """The samples of that round, or of those rounds. Raises IndexError when there is no such round."""
        if isinstance(place, slice):
            return tuple(self[number] for number in range(*place.indices(len(self))))
        number = place + len(self) if place < 0 else place
        if not 0 <= number < len(self):
            raise IndexError(place)
        return tuple(self._samples[self._ends[number] : self._ends[number + 1]])

    def __len__(self) -> int:
        """How many rounds."""
        return len(self._ends) - 1

    def __iter__(self) -> Iterator[tuple[float, ...]]:
        """Round after round."""
        return (self[number] for number in range(len(self)))

    def __add__(self, later: Iterable[Iterable[float]]) -> SampleArray:
        """These rounds, then those."""
        return SampleArray((*self, *later))

    def __eq__(self, other: object) -> bool:
        """True for the same samples in the same rounds."""
        if isinstance(other, SampleArray):
            return self._ends == other._ends and self._samples == other._samples
        return tuple(self) == other if isinstance(other, tuple) else NotImplemented

    def __hash__(self) -> int:
        """That of the equal tuple."""
        return hash(tuple(self))

    def __deepcopy__(self, memo: object) -> tuple[tuple[float, ...], ...]:
        """Tuples: ``dataclasses.asdict`` copies what it does not know, and JSON knows no other form."""
        return tuple(self)

    def __repr__(self) -> str:
        """As the tuple."""
        return repr(tuple(self))


@lru_cache(maxsize=1024)
def _shared(ends: tuple[int, ...]) -> tuple[int, ...]:
    """One object for all that are equal: most rounds of a run are equally long."""
    return ends
