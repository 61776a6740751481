"""Spread of samples: quantiles, variance between rounds, autocorrelation."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum
from statistics import fmean

MIN_SAMPLES_P95 = 40  # two of so many samples lie above the 95th (below the 5th) percentile
MIN_PAIRS = 20  # of successive samples, from which on their correlation says something
MIN_SAMPLES_P99 = 500  # five of so many samples lie above the 99th percentile


def quantile(samples: Sequence[float], q: float) -> float | None:
    """The ``q`` quantile (0 to 1), linear between neighbours; None for too few samples. Minimum: 500 samples outside
    0.05 to 0.95, else 40; one from quartile to quartile. Raises ValueError for another ``q``."""
    if not 0 <= q <= 1:
        raise ValueError("a quantile lies between 0 and 1")
    rare = min(q, 1 - q)
    least = 1 if rare >= 0.25 else MIN_SAMPLES_P95 if rare > 0.049 else MIN_SAMPLES_P99
    if len(samples) < least:
        return None
    values = sorted(samples)
    place = q * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (place - below) * (values[above] - values[below])


def between_share(rounds: Sequence[Sequence[float]]) -> float | None:
    """Share of the samples' variance that lies between rounds (one-way analysis of variance), 0 to 1. Near 1 a
    disturbance lasts for a round and longer, so that more samples within a round add nothing. None for fewer than two
    rounds of two samples, or without variance."""
    rounds = [samples for samples in rounds if len(samples) >= 2]
    if len(rounds) < 2:
        return None
    within = fmean([_variance(samples) for samples in rounds])
    size = fmean([len(samples) for samples in rounds])
    between = max(0.0, _variance([fmean(samples) for samples in rounds]) - within / size)
    return between / (between + within) if between + within > 0 else None


def _variance(samples: Sequence[float]) -> float:
    """Of two samples or more. That of ``statistics`` calculates with fractions: 40% of the time of grading a row."""
    middle = fmean(samples)
    return fsum((sample - middle) ** 2 for sample in samples) / (len(samples) - 1)


def autocorrelation(rounds: Sequence[Sequence[float]]) -> float | None:
    """Correlation of successive samples within rounds, -1 to 1; None for fewer than 20 pairs or without variance."""
    if sum(max(0, len(samples) - 1) for samples in rounds) < MIN_PAIRS:
        return None
    middles = [(samples, fmean(samples)) for samples in rounds if len(samples) >= 2]
    centred = [[sample - middle for sample in samples] for samples, middle in middles]
    pairs = [(first, second) for values in centred for first, second in zip(values, values[1:])]
    squares = sum(value * value for values in centred for value in values)
    if squares <= 0:
        return None
    count = sum(len(values) for values in centred)
    return (sum(first * second for first, second in pairs) / len(pairs)) / (squares / count)
