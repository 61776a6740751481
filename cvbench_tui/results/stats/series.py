"""The samples of a row in the order taken, reduced to what a line of a terminal can show. Drawing is the screen's."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import median

from cvbench_tui.core.measurement import Measurement, PhaseSamples
from cvbench_tui.core.run import Run
from cvbench_tui.results.stats.phase_stats import set_aside, terms_of
from cvbench_tui.results.text.units import scale_for, telling_apart


@dataclass(frozen=True)
class Series:
    """One phase in time. Points are in the order taken, rounds of all processes one after the other."""

    phase: str
    """As in ``PHASES``."""
    low: str
    """The least sample as text, in the same unit as ``high``."""
    high: str
    """The largest one."""
    low_s: float
    """The least sample, seconds."""
    high_s: float
    """The largest one, seconds."""
    points: tuple[tuple[float, float, float], ...]
    """Least, median and largest seconds of each slice of successive samples."""
    borders: tuple[int, ...]
    """Places of the points that a round begins in, 0 left out; rising, each once."""
    set_aside: tuple[bool, ...]
    """For every point, whether a sample of it is of a round that was set aside."""


def series(run: Run, case_id: str, width: int) -> tuple[Series, ...]:
    """Every measured phase in at most ``width`` points; empty for a row without numbers.

    Rounds that were set aside are there, and marked. Raises KeyError when the plan has no such case, ValueError for
    fewer than one point.
    """
    if width < 1:
        raise ValueError("a series has at least one point")
    case = run.plan.case(case_id)
    outcome = run.outcomes.get(case_id)
    if not isinstance(outcome, Measurement):
        return ()
    protocol = terms_of(run, case).protocol
    found = (_series(each, set_aside(outcome, each.phase, protocol), width) for each in outcome.phases)
    return tuple(each for each in found if each is not None)


def _series(phase: PhaseSamples, aside: Sequence[bool], width: int) -> Series | None:
    """One phase; None without a sample."""
    samples = [sample for samples in phase.rounds for sample in samples]
    if not samples:
        return None
    marks = [mark for samples, mark in zip(phase.rounds, aside, strict=False) for _ in samples]
    count = min(width, len(samples))
    edges = [place * len(samples) // count for place in range(count + 1)]
    low, high = min(samples), max(samples)
    scale, digits = scale_for([low, high]), telling_apart((low, high))
    return Series(
        phase=phase.phase,
        low=scale.text(low, digits),
        high=scale.text(high, digits),
        low_s=low,
        high_s=high,
        points=tuple(_point(samples[start:end]) for start, end in pairwise(edges)),
        borders=_borders(phase, edges),
        set_aside=tuple(any(marks[start:end]) for start, end in pairwise(edges)),
    )


def _point(samples: Sequence[float]) -> tuple[float, float, float]:
    return min(samples), median(samples), max(samples)


def _borders(phase: PhaseSamples, edges: Sequence[int]) -> tuple[int, ...]:
    """The points with the first sample of a round in them."""
    total = edges[-1]
    starts = accumulate(len(samples) for samples in phase.rounds[:-1])
    places = (bisect_right(edges, start) - 1 for start in starts if start < total)
    return tuple(place for place in dict.fromkeys(places) if place > 0)
