"""One phase of a row as a comparison reads it, without the statistics of other phases: 2 s of CPU instead of 13 for
2,000 rows (``benchmarks/compare_cost.py``)."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

from cvbench_tui.core.grading.assess import assess_context, valid
from cvbench_tui.core.grading.context import GradingContext
from cvbench_tui.core.grading.reasons import Reason
from cvbench_tui.core.measurement import Measurement, Phase
from cvbench_tui.core.stats.bimodality import Bimodality, find_bimodality
from cvbench_tui.results.stats.phase_stats import Terms


@dataclass(frozen=True)
class PhaseTime:
    """The number of a phase, as ``phase_stats.reported`` has it, and what speaks against comparing it."""

    seconds: float  # per iteration
    relative: float | None  # half width of its 95% interval as a share of it; None without one
    repeats: tuple[float, ...]  # logarithms, as ``Estimate.repeats``
    visits: int
    valid: bool  # False where the phase's grade is X
    modes: Bimodality | None  # the two speeds, where one number describes neither
    reasons: tuple[Reason, ...] = ()  # all those of the phase, worst first; of an invalid one alone


def phase_time(measurement: Measurement, phase: Phase, terms: Terms) -> PhaseTime | None:
    """The number of that phase; None when it was not measured or has no sample."""
    measured = measurement.phase(phase)
    if measured is None:
        return None
    context = GradingContext(measurement, measured, terms.protocol, terms.peak, terms.facts_by_name)
    centre, means = context.estimate, context.of_means if context.published else None
    if centre is None:
        return None
    is_valid, modes = not terms.graded or valid(context), None
    reasons = () if is_valid else assess_context(context).reasons
    if terms.graded and (is_valid or any(reason.code == "bimodal" for reason in reasons)):
        modes = find_bimodality(context.samples)
    return PhaseTime(
        seconds=fmean(context.samples) if context.published or not terms.graded else centre.median_s,
        relative=context.relative if modes is None or context.published else None,
        repeats=(means or centre).repeats,
        visits=sum(1 for visit in context.groups if visit),
        valid=is_valid,
        modes=modes,
        reasons=reasons,
    )
