"""Ratio of two times with its interval, from what was repeated: pairs measured in turn, or processes of each side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Basis = Literal["pairs", "processes", "rounds", "single"]
"""What the interval is made of: pairs measured in turn; visits of each side; rounds, where there are too few visits;
nothing was repeated."""


@dataclass(frozen=True)
class Ratio:
    """How many times as fast B is as A: time per input of A over that of B, 2 is twice as fast."""

    speedup: float
    low: float | None  # ends of the 95% interval, on logarithms; None where nothing was repeated
    high: float | None
    basis: Basis
    repeats: int  # pairs; of processes or rounds those of the side that has fewer
    error: float | None = None  # standard error of the ratio's logarithm; None without an interval
    freedom: float = 1.0  # degrees of freedom of that error
