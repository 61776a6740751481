"""What still fits a case's time limit: what stands beside the times must not cost the row that has them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cvbench_tui.core.evidence import PassName


class NoTimeLeft(Exception):
    """It would not fit the time limit of the case."""


@dataclass(frozen=True)
class Budget:
    """The time that is left, by the backend's clock, and what an iteration of each pass was seen to take."""

    now_s: Callable[[], float]
    deadline_s: float
    iteration_s: Mapping[PassName, float]
    """Seconds."""

    def check(self, name: PassName, iterations: int, extra_s: float = 0.0) -> None:
        """Raise NoTimeLeft unless so many iterations of that pass, and ``extra_s`` seconds, end before the deadline."""
        if self.now_s() + iterations * self.iteration_s.get(name, 0.0) + extra_s > self.deadline_s:
            raise NoTimeLeft("it would not fit the time limit of the case.")


UNLIMITED = Budget(lambda: 0.0, math.inf, {})
"""No limit."""
