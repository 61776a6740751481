"""From samples and evidence to a grade with its reasons. Meanings and remedies stand in ``core.grading.reasons``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from cvbench_tui.core.environment import Fact
from cvbench_tui.core.grading import physics as grade_physics
from cvbench_tui.core.grading import samples as grade_samples
from cvbench_tui.core.grading import system as grade_system
from cvbench_tui.core.grading.context import GradingContext
from cvbench_tui.core.grading.reasons import GRADES, Assessment, Grade, Reason
from cvbench_tui.core.measurement import Measurement, Phase
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.protocol import Protocol

__all__ = ["Assessment", "Reason", "assess", "worst"]

Check = Callable[[GradingContext], Iterable[Reason]]
CHECKS: tuple[Check, ...] = (*grade_physics.CHECKS, *grade_samples.CHECKS, *grade_system.CHECKS)
"""All of them, the gravest kind first."""


def assess(
    measurement: Measurement,
    phase: Phase,
    protocol: Protocol,
    ceiling: DevicePeak | None = None,
    facts: Mapping[str, Fact] | None = None,
) -> Assessment:
    """The grade of that phase, with every reason for it, worst first.

    ``ceiling`` is the one of the case's device; ``facts`` are the environment's. What is not known, as in files of
    schema 1, cannot lower a grade. Raises KeyError when the phase was not measured.
    """
    samples = measurement.phase(phase)
    if samples is None:
        raise KeyError(phase)
    seen = GradingContext(measurement, samples, protocol, ceiling, facts or {})
    found: list[Reason] = []
    for check in CHECKS:
        found += check(seen)
        if any(reason.code == "broken_clock" for reason in found):
            break  # nothing can be computed from such samples
    return Assessment(worst(reason.grade for reason in found), tuple(sorted(found, key=_badness)))


def worst(grades: Iterable[Grade]) -> Grade:
    """The worst of those grades; A when there is none."""
    return max(grades, key=GRADES.index, default="A")


def _badness(reason: Reason) -> int:
    return -GRADES.index(reason.grade)
