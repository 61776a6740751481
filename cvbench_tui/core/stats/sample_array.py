"""Samples of all rounds in one block of memory: 8 bytes for a float, which takes 32 in a tuple."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import overload

_shared = lru_cache(maxsize=1024)(tuple[int, ...])  # one object for equal ends: most rounds are alike


class SampleArray(Sequence["tuple[float, ...]"]):
    """One tuple of samples per round, in order; equal to a tuple of such tuples. Immutable. The tuples are made at each
    access: of the 600,000 samples of 1,000 rows most are not read again once their statistics are known."""

    __slots__ = ("_ends", "_samples")

    def __init__(self, rounds: Iterable[Iterable[float]] = ()) -> None:
        samples, ends = array("d"), [0]
        for round_ in rounds:
            samples.extend(round_)
            ends.append(len(samples))
        self._samples = samples[:]  # without the spare room of an array that grew
        self._ends = _shared(tuple(ends))

    @overload
    def __getitem__(self, place: int) -> tuple[float, ...]: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[tuple[float, ...], ...]: ...
    def __getitem__(self, place: int | slice) -> tuple[float, ...] | tuple[tuple[float, ...], ...]:
        """Samples of that round, or of those rounds. Raises IndexError."""
        samples, ends = self._samples, self._ends
        if isinstance(place, slice):
            every = tuple(samples)  # one object for each sample, however many parts they are cut into
            return tuple([every[begin:end] for begin, end in list(zip(ends, ends[1:]))[place]])
        number = place + len(self) if place < 0 else place
        if not 0 <= number < len(self):
            raise IndexError(place)
        return tuple(samples[ends[number] : ends[number + 1]])

    def __iter__(self) -> Iterator[tuple[float, ...]]:
        """The samples round by round."""
        return iter(self[:])

    def __len__(self) -> int:
        """Number of rounds."""
        return len(self._ends) - 1

    @property
    def extremes(self) -> tuple[float, float] | None:
        """The shortest and the longest sample; None without any."""
        return (min(self._samples), max(self._samples)) if self._samples else None

    def within(self, low: float, high: float) -> bool:
        """True when every sample is a number from ``low`` to ``high``."""
        samples = self._samples  # three passes in C; a sum shows what is not a number, for which no comparison holds
        return not samples or (not math.isnan(sum(samples)) and low <= min(samples) and max(samples) <= high)

    def __eq__(self, other: object) -> bool:
        """Same samples in the same rounds."""
        if isinstance(other, SampleArray):
            return self._ends == other._ends and self._samples == other._samples
        return tuple(self) == other if isinstance(other, tuple) else NotImplemented

    def __hash__(self) -> int:
        """Hash of the equal tuple."""
        return hash(tuple(self))

    def __deepcopy__(self, memo: object) -> tuple[tuple[float, ...], ...]:
        """Tuples, because ``dataclasses.asdict`` deep-copies what it does not know and json writes tuples."""
        return tuple(self)

    def __repr__(self) -> str:
        """Repr of the equal tuple."""
        return repr(tuple(self))
