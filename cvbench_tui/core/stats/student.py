"""Student's t distribution, for any number of degrees of freedom above 0, and Holm's correction; standard library only.

The tail is the regularised incomplete beta function (Abramowitz and Stegun, 26.7.1), by its continued fraction with
Lentz's method (Numerical Recipes, 6.4).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

PRECISION = 1e-12  # relative, of the continued fraction
MAX_TERMS = 500  # of it; 30 suffice for the degrees of freedom that occur
TINY = 1e-300  # in place of a zero in the fraction
LARGEST_T = 1e9  # beyond which no quantile is looked for


def two_sided_p(t: float, freedom: float) -> float:
    """Probability that a t of so many degrees of freedom is as far from 0, on either side."""
    if math.isinf(t):
        return 0.0
    return _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t))


def upper_p(t: float, freedom: float) -> float:
    """Probability of a t at least so large."""
    half = two_sided_p(t, freedom) / 2
    return half if t >= 0 else 1 - half


@lru_cache(maxsize=4096)
def quantile(share: float, freedom: float) -> float:
    """The t that is exceeded with probability 1 - ``share``; ``share`` is above a half."""
    low, high = 0.0, 1.0
    while upper_p(high, freedom) > 1 - share and high < LARGEST_T:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        if upper_p(middle, freedom) > 1 - share:
            low = middle
        else:
            high = middle
    return high


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values for as many tests at a time, so that with all of them at a level of 5% one true hypothesis or more
    is rejected in at most 5% of tables, however the tests depend on one another (Holm 1979, Scandinavian Journal of
    Statistics 6). None is below its own p-value, and their order stays."""
    adjusted, largest = [1.0] * len(p_values), 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Regularised incomplete beta function of x from 0 to 1."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    front = math.exp(log_front)
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    """Its continued fraction, which converges fast for x below (a + 1) / (a + b + 2)."""
    c, d = 1.0, 1.0 / _not_zero(1 - (a + b) * x / (a + 1))
    found = d
    for term in range(1, MAX_TERMS):
        even = term * (b - term) * x / ((a + 2 * term - 1) * (a + 2 * term))
        odd = -(a + term) * (a + b + term) * x / ((a + 2 * term) * (a + 2 * term + 1))
        for part in (even, odd):
            d = 1.0 / _not_zero(1 + part * d)
            c = _not_zero(1 + part / c)
            found *= c * d
        if abs(c * d - 1) < PRECISION:
            break
    return found


def _not_zero(value: float) -> float:
    return value if abs(value) > TINY else TINY
