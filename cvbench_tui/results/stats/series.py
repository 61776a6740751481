"""The samples of a row reduced to what a few lines of a terminal can show: their order in time, and a histogram."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import median

from cvbench_tui.core.measurement import Measurement, PhaseSamples
from cvbench_tui.core.run import Run
from cvbench_tui.results.stats.phase_stats import repeated
from cvbench_tui.results.text.units import distinct_digits, scale_for


@dataclass(frozen=True)
class Series:
    """One phase in time. Points are in the order measured, rounds of all visits one after the other."""

    phase: str
    low: str  # the least sample as text, in the same unit as ``high``
    high: str
    low_s: float
    high_s: float
    points: tuple[tuple[float, float, float], ...]
    """Least, median and largest seconds of each slice of successive samples."""
    borders: tuple[int, ...]  # places of the points that a round begins in, 0 left out; rising, each once
    disturbed: tuple[bool, ...]  # for every point, whether a sample of it is of a disturbed round, which was repeated


def series(run: Run, case_id: str, width: int) -> tuple[Series, ...]:
    """Every measured phase in at most ``width`` points, disturbed rounds too; empty for a row without numbers, and
    for a published figure. Raises KeyError when the plan has no such case, ValueError for fewer than one point."""
    if width < 1:
        raise ValueError("a series has at least one point")
    run, case = run.home(run.plan.case(case_id))
    outcome = run.outcomes.get(case.case_id)
    if not isinstance(outcome, Measurement) or case.case_id in run.figures:
        return ()
    sampled = [phase for phase in outcome.numbers if any(map(len, phase.rounds))]
    return tuple(_series(phase, repeated(outcome, phase.phase, run.plan.protocol), width) for phase in sampled)


def _series(phase: PhaseSamples, disturbed: Sequence[bool], width: int) -> Series:
    samples = [sample for samples in phase.rounds for sample in samples]
    marks = [mark for samples, mark in zip(phase.rounds, disturbed, strict=False) for _ in samples]
    count = min(width, len(samples))
    edges = [place * len(samples) // count for place in range(count + 1)]
    low, high = min(samples), max(samples)
    scale, digits = scale_for([low, high]), distinct_digits((low, high))
    slices = [samples[start:end] for start, end in pairwise(edges)]
    starts = accumulate(len(samples) for samples in phase.rounds[:-1])
    begun = dict.fromkeys(bisect_right(edges, start) - 1 for start in starts if start < edges[-1])
    return Series(
        phase=phase.phase,
        low=scale.text(low, digits=digits),
        high=scale.text(high, digits=digits),
        low_s=low,
        high_s=high,
        points=tuple((min(each), median(each), max(each)) for each in slices),
        borders=tuple(place for place in begun if place > 0),
        disturbed=tuple(any(marks[start:end]) for start, end in pairwise(edges)),
    )


def histogram(samples: Sequence[float], bins: int) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Samples counted into bins of equal width, and the bins' edges, one more than there are bins, the last bin holding
    its upper edge too. One bin when all samples are equal. Raises ValueError for fewer than one bin, or sample."""
    if bins < 1 or not samples:
        raise ValueError("a histogram has at least one bin, and a sample")
    low, high = min(samples), max(samples)
    width = (high - low) / bins
    if width <= 0 or low + width == low:
        return (len(samples),), (low, high)
    counts = [0] * bins
    for sample in samples:
        counts[min(bins - 1, int((sample - low) / width))] += 1
    return tuple(counts), (*(low + width * edge for edge in range(bins)), high)
