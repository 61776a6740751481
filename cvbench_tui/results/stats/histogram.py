"""Samples counted into bins. Drawing them is the screen's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Bins:
    """Samples counted into bins of equal width."""

    counts: tuple[int, ...]
    edges: tuple[float, ...]
    """Seconds, rising, one more than there are bins; the last bin holds its upper edge too."""


def count(samples: Sequence[float], bins: int) -> Bins | None:
    """Samples in ``bins`` bins of equal width; one bin when all are equal; None when there is no sample.

    Raises ValueError for fewer than one bin.
    """
    if bins < 1:
        raise ValueError("a histogram has at least one bin")
    if not samples:
        return None
    low, high = min(samples), max(samples)
    width = (high - low) / bins
    if width <= 0 or low + width == low:
        return Bins((len(samples),), (low, high))
    counts = [0] * bins
    for sample in samples:
        counts[min(bins - 1, int((sample - low) / width))] += 1
    return Bins(tuple(counts), (*(low + width * edge for edge in range(bins)), high))
