"""From samples to statistics. Pure functions; estimate and interval are the core's, which the worker runs too."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from weakref import WeakKeyDictionary

from cvbench_tui.core.estimate import estimate, half_width
from cvbench_tui.core.measurement import PHASES, Measurement, Phase
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol


@dataclass(frozen=True)
class PhaseResult:
    """One phase of one case in numbers; seconds are per iteration."""

    median_s: float
    """Median of the round medians."""
    low_s: float | None
    """Lower end of the median's 95% interval, never below zero; None from fewer than two repeats."""
    high_s: float | None
    """Upper end of it; None from fewer than two repeats."""
    mean_s: float
    """Mean of all samples."""
    mean_half_width_s: float | None
    """Half width of the mean's 95% interval over the round means; None from fewer than two rounds."""
    min_s: float
    """Smallest sample."""
    n: int
    """Samples."""
    rounds: int

    @property
    def relative(self) -> float | None:
        """Half width of the median's interval as a share of the median; None without an interval."""
        if self.high_s is None or self.median_s <= 0:
            return None
        return (self.high_s - self.median_s) / self.median_s

    @property
    def mean_relative(self) -> float | None:
        """Half width of the mean's interval as a share of the mean; None without an interval."""
        if self.mean_half_width_s is None or self.mean_s <= 0:
            return None
        return self.mean_half_width_s / self.mean_s


@dataclass(frozen=True)
class Histogram:
    """Samples counted into bins of equal width."""

    counts: tuple[int, ...]
    edges: tuple[float, ...]
    """Seconds, rising, one more than there are bins; the last bin holds its upper edge too."""


def phase_result(measurement: Measurement, phase: Phase) -> PhaseResult | None:
    """The statistics of one phase; None when it was not measured or has no sample."""
    rounds_by_process = measurement.rounds_by_process(phase)
    found = estimate(rounds_by_process)
    if found is None:
        return None
    rounds = [samples for rounds in rounds_by_process for samples in rounds if samples]
    samples = [sample for values in rounds for sample in values]
    median_s, width_s = found.median_s, found.half_width_s
    return PhaseResult(
        median_s=median_s,
        low_s=None if width_s is None else max(0.0, median_s - width_s),
        high_s=None if width_s is None else median_s + width_s,
        mean_s=fmean(samples),
        mean_half_width_s=half_width([fmean(values) for values in rounds]),
        min_s=min(samples),
        n=len(samples),
        rounds=len(rounds),
    )


_KNOWN: MutableMapping[Measurement, Mapping[Phase, PhaseResult]] = WeakKeyDictionary()
"""Statistics of measurements that are still in use: a table of 100 rows is built anew at every event that
settles a row, at 1.2 ms a row from its samples and 0.1 ms from here."""


def phase_results(measurement: Measurement) -> Mapping[Phase, PhaseResult]:
    """The statistics of every phase that was measured; computed once for each measurement."""
    known = _KNOWN.get(measurement)
    if known is None:
        found = {phase: phase_result(measurement, phase) for phase in PHASES}
        known = {phase: result for phase, result in found.items() if result is not None}
        _KNOWN[measurement] = known
    return known


def is_published(protocol: Protocol) -> bool:
    """True when the protocol is the original tables' method, whose number is the mean and not the median."""
    return protocol.method == "published"


def headline_s(protocol: Protocol, result: PhaseResult) -> float:
    """The one number of a phase, seconds per iteration: the median, or the mean under the published method."""
    return result.mean_s if is_published(protocol) else result.median_s


def throughput_per_s(case: Case, result: PhaseResult) -> float | None:
    """Inputs per second: the batch over the mean, because a rate is a total over a total. None for a mean of zero."""
    return case.batch / result.mean_s if result.mean_s > 0 else None


def histogram(samples: Sequence[float], bins: int) -> Histogram | None:
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
        return Histogram((len(samples),), (low, high))
    counts = [0] * bins
    for sample in samples:
        counts[min(bins - 1, int((sample - low) / width))] += 1
    return Histogram(tuple(counts), (*(low + width * edge for edge in range(bins)), high))
