"""One metric of a benchmark program: repeats, their limit, a baseline of the same run, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Metric:
    """Repeats of one quantity. Smaller is better."""

    name: str
    values: Sequence[float]
    unit: str
    bar: float | None = None
    """Its limit; None where it is only reported."""
    baseline: Sequence[float] = ()
    """The same of bare Textual, or of bare Python, in the same run."""
    baseline_name: str = "bare"

    @property
    def verdict(self) -> str:
        """``met``; ``missed`` when no repeat reached the bar; ``noisy`` when some did and the median did not.

        ``noisy`` too on a machine whose baseline misses the bar.
        """
        if self.bar is None:
            return "-"
        if median(self.values) <= self.bar:
            return "met"
        undecided = min(self.values) <= self.bar or (bool(self.baseline) and median(self.baseline) > self.bar)
        return "noisy" if undecided else "missed"

    def line(self) -> str:
        """For printing."""
        bar = f"bar {self.bar:g}" if self.bar is not None else ""
        base = f"{self.baseline_name} {spread(self.baseline)}" if self.baseline else ""
        return f"{self.verdict:<7} {self.name:<44} {spread(self.values):>24} {self.unit:<7} {bar:<9} {base}".rstrip()


def spread(values: Sequence[float]) -> str:
    """Median, and in brackets smallest and largest: ``1.47 (1.40 to 1.61)``."""
    return f"{_short(median(values))} ({_short(min(values))} to {_short(max(values))})"


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 or value == 0 else f"{value:.3g}"
