"""Limits of secondary metrics, so that they cannot fail the row: a time budget, and notices in place of exceptions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from cvbench_tui.core.evidence import PassName
from cvbench_tui.core.measurement import Notice
from cvbench_tui.worker.process.failure import UnsupportedError

Result = TypeVar("Result")


class NoTimeLeft(Exception):
    """It would not fit the time limit of the case."""


@dataclass(frozen=True)
class Budget:
    """The time that is left, by the backend's clock, and what an iteration of each pass was seen to take."""

    now_s: Callable[[], float]
    deadline_s: float
    iteration_s: Mapping[PassName, float]  # seconds

    def check(self, name: PassName, iterations: int, extra_s: float = 0.0) -> None:
        """Raise NoTimeLeft unless so many iterations of that pass, and ``extra_s`` seconds, end before the deadline."""
        if self.now_s() + iterations * self.iteration_s.get(name, 0.0) + extra_s > self.deadline_s:
            raise NoTimeLeft("it does not fit the time limit of the case.")


UNLIMITED = Budget(lambda: 0.0, math.inf, {})  # no limit


def attempt(metric: str, notices: list[Notice], measure: Callable[[], Result], otherwise: Result) -> Result:
    """The result of ``measure``. What it raises becomes a notice, since the row has its times already."""
    try:
        return measure()
    except (NoTimeLeft, UnsupportedError) as error:
        notices.append(not_measured(metric, str(error)))
    except Exception as error:  # a workload, or a driver, may raise anything
        text = next(iter(str(error).splitlines()), "") or "no message"
        notices.append(not_measured(metric, f"{type(error).__name__}: {text}"))
    return otherwise


def not_measured(metric: str, reason: str) -> Notice:
    """The notice of a secondary metric that could not be had."""
    return Notice(f"{metric}_failed", f"Not measured ({metric}): {reason}")
