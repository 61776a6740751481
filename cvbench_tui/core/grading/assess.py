"""Grade of a phase with its reasons, from samples and evidence. ``core.grading.reasons`` has meanings and remedies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from cvbench_tui.core.environment import Fact
from cvbench_tui.core.grading import physics, samples, system
from cvbench_tui.core.grading.context import GradingContext
from cvbench_tui.core.grading.reasons import GRADES, Assessment, Grade, Reason
from cvbench_tui.core.measurement import Measurement, Phase
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.protocol import Protocol

__all__ = ["Assessment", "Reason", "assess", "worst"]

Check = Callable[[GradingContext], Iterable[Reason]]
CHECKS: tuple[Check, ...] = (*physics.CHECKS, *samples.CHECKS, *system.CHECKS)  # in order of severity


def assess(
    measurement: Measurement,
    phase: Phase,
    protocol: Protocol,
    peak: DevicePeak | None = None,
    facts: Mapping[str, Fact] | None = None,
) -> Assessment:
    """Grade of that phase with all its reasons, worst first. ``peak`` is that of the case's device; ``facts`` are the
    environment's. What is unknown, as in files of schema 1, does not lower a grade, save that CPU times whose waiting
    for a core is not reported are B. Raises KeyError when the phase was not measured."""
    phase_samples = measurement.phase(phase)
    if phase_samples is None:
        raise KeyError(phase)
    context = GradingContext(measurement, phase_samples, protocol, peak, facts or {})
    reasons: list[Reason] = []
    for check in CHECKS:
        reasons += check(context)
        if any(reason.code == "broken_clock" for reason in reasons):
            break  # no statistic can be computed from such samples
    reasons.sort(key=lambda reason: -GRADES.index(reason.grade))
    return Assessment(worst(reason.grade for reason in reasons), tuple(reasons))


def worst(grades: Iterable[Grade]) -> Grade:
    """The worst of those grades; A for none."""
    return max(grades, key=GRADES.index, default="A")
