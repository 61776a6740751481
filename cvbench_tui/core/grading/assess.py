"""Grade of a phase with its reasons, from samples and evidence. ``core.grading.reasons`` has meanings and remedies."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from cvbench_tui.core.environment import Fact
from cvbench_tui.core.grading import physics, samples, system
from cvbench_tui.core.grading.bounds import surely_valid
from cvbench_tui.core.grading.context import GradingContext
from cvbench_tui.core.grading.reasons import GRADES, WIDTHS, Assessment, Grade, Reason
from cvbench_tui.core.measurement import Measurement, Phase
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.protocol import Protocol

__all__ = ["Assessment", "Reason", "assess", "rank", "worst"]

Check = Callable[[GradingContext], Iterable[Reason]]
CHECKS: tuple[Check, ...] = (*physics.CHECKS, *samples.CHECKS, *system.CHECKS, samples.processes)
"""In order of severity: where two reasons have one grade, the first is the mark of the row."""
INVALIDATING: tuple[Check, ...] = (*physics.CHECKS, system.contention, system.stolen_time)
"""Those that can give an X, the clock's first."""
_WITHOUT_EVIDENCE: tuple[Check, ...] = (
    *physics.CHECKS, *samples.CHECKS, *system.WITHOUT_EVIDENCE, samples.processes,
)  # fmt: skip


def assess(
    measurement: Measurement,
    phase: Phase,
    protocol: Protocol,
    peak: DevicePeak | None = None,
    facts: Mapping[str, Fact] | None = None,
) -> Assessment:
    """Grade of that phase with all its reasons, worst first: the letter of its interval, or a worse one that a reason
    caps it at. ``peak`` is that of the case's device; ``facts`` are the environment's. What is unknown, as in files of
    schema 1, does not lower a grade, save that CPU times whose waiting for a core is not reported are B. Raises
    KeyError when the phase was not measured."""
    phase_samples = measurement.phase(phase)
    if phase_samples is None:
        raise KeyError(phase)
    return assess_context(GradingContext(measurement, phase_samples, protocol, peak, facts or {}))


def assess_context(context: GradingContext) -> Assessment:
    """The same of a phase whose rounds have been looked at."""
    reasons: list[Reason] = []
    for check in CHECKS if context.evidence or context.repeated else _WITHOUT_EVIDENCE:
        found = list(check(context))
        reasons += found
        if found and any(reason.code == "broken_clock" for reason in found):
            break  # no statistic can be computed from such samples
    reasons.sort(key=lambda reason: -GRADES.index(reason.grade))
    return Assessment(worst((_letter(context), *(reason.grade for reason in reasons))), tuple(reasons))


def valid(context: GradingContext) -> bool:
    """Whether that grade is not X: most checks can only say how good a number is, and are left out."""
    checks = (physics.same_result, physics.rates) if surely_valid(context) else INVALIDATING
    return not any(reason.grade == "X" for check in checks for reason in check(context))


def _letter(context: GradingContext) -> Grade:
    """By the width of the interval alone, whatever the protocol asked for."""
    width = context.relative
    return next((grade for grade, limit in WIDTHS if width is not None and width <= limit), "D")


def rank(
    measurement: Measurement, protocol: Protocol, peak: DevicePeak | None, facts: Mapping[str, Fact]
) -> tuple[float, float]:
    """How good its numbers are, the larger the better: by its worst grade, then by its widest interval."""
    if not measurement.phases:
        return -math.inf, -math.inf
    contexts = [GradingContext(measurement, each, protocol, peak, facts) for each in measurement.numbers]
    found = [assess_context(context) for context in contexts]
    widths = [context.estimate for context in contexts]
    widest = max((each.relative if each and each.relative is not None else 1.0 for each in widths), default=1.0)
    return -float(GRADES.index(worst(each.grade for each in found))), -widest


def worst(grades: Iterable[Grade]) -> Grade:
    """The worst of those grades; A for none."""
    return max(grades, key=GRADES.index, default="A")
