"""How samples lie around their middle: percentiles, what differs between rounds, how long a disturbance lasts."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, variance

P95_SAMPLES = 40
"""From this many samples on, two of them lie beyond the 95th (below the 5th) percentile."""
P99_SAMPLES = 500
"""From this many samples on, five of them lie beyond the 99th percentile."""


def quantile(samples: Sequence[float], q: float) -> float | None:
    """The ``q`` quantile (0 to 1), linear between neighbours; None where too few samples lie beyond it.

    Outside 0.05 to 0.95 it takes 500 samples, else 40, except for the quartiles and the median: those take one.
    Raises ValueError for a ``q`` outside 0 to 1.
    """
    if not 0 <= q <= 1:
        raise ValueError("a quantile lies between 0 and 1")
    rare = min(q, 1 - q)
    least = 1 if rare >= 0.25 else P95_SAMPLES if rare > 0.049 else P99_SAMPLES
    if len(samples) < least:
        return None
    values = sorted(samples)
    place = q * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (place - below) * (values[above] - values[below])


def between_share(rounds: Sequence[Sequence[float]]) -> float | None:
    """Share of the samples' variance that lies between rounds (one-way analysis of variance), 0 to 1.

    Near 0: rounds repeat each other. Near 1: what differs stays for a round and longer, so more samples within a
    round buy nothing. None from fewer than two rounds of two samples, or without any variance.
    """
    rounds = [samples for samples in rounds if len(samples) >= 2]
    if len(rounds) < 2:
        return None
    within = fmean([variance(samples) for samples in rounds])
    size = fmean([len(samples) for samples in rounds])
    between = max(0.0, variance([fmean(samples) for samples in rounds]) - within / size)
    return between / (between + within) if between + within > 0 else None


def autocorrelation(rounds: Sequence[Sequence[float]]) -> float | None:
    """Correlation of successive samples within rounds, -1 to 1; None from fewer than 20 pairs or without variance."""
    centred = [[sample - fmean(samples) for sample in samples] for samples in rounds if len(samples) >= 2]
    pairs = [(first, second) for values in centred for first, second in zip(values, values[1:])]
    squares = sum(value * value for values in centred for value in values)
    if len(pairs) < 20 or squares <= 0:
        return None
    count = sum(len(values) for values in centred)
    return (sum(first * second for first, second in pairs) / len(pairs)) / (squares / count)
