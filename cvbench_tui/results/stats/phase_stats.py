"""From samples to statistics. Pure functions; which rounds count, estimate, modes and grade are the core's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from statistics import fmean, median

from cvbench_tui.core.environment import Fact
from cvbench_tui.core.grading.assess import assess_context
from cvbench_tui.core.grading.context import GradingContext
from cvbench_tui.core.grading.reasons import GRADES, Grade, Reason
from cvbench_tui.core.measurement import PHASES, Measurement, Phase, PhaseSamples
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.run import Run, environment_of
from cvbench_tui.core.stats.bimodality import Bimodality, find_bimodality
from cvbench_tui.core.stats.estimate import estimate
from cvbench_tui.core.stats.spread import autocorrelation, between_share, quantile
from cvbench_tui.core.stats.stop_rule import (
    counted_rounds_of,
    flags_by_visit,
)


@dataclass(frozen=True)
class Terms:
    """Inputs to the grade of a measurement, in addition to its own evidence."""

    protocol: Protocol
    peak: DevicePeak | None = None  # of its device; None when it was not measured
    facts: tuple[tuple[str, Fact], ...] = ()  # the environment's
    graded: bool = True  # False for a figure that others have published: nothing here knows how good it is

    @property
    def facts_by_name(self) -> Mapping[str, Fact]:
        """The same to look one up; made once for the rows of a run."""
        return _by_name(self.facts)


@dataclass(frozen=True)
class PhaseResult:
    """One phase of one case in numbers, from the rounds that count; seconds are per iteration."""

    median_s: float  # centre of the round medians, as ``core.stats.estimate`` has it
    low_s: float | None  # lower end of the median's 95% interval, never below zero; None from fewer than two repeats
    high_s: float | None
    relative: float | None  # half width of that interval as a share of the median; None without one
    mean_s: float
    mean_low_s: float | None  # of the mean's 95% interval, as those of the median
    mean_high_s: float | None
    mean_relative: float | None
    min_s: float
    n: int
    rounds: int
    p5_s: float | None  # 5% quantile of the samples; None from fewer than 40
    p95_s: float | None
    p99_s: float | None  # None from fewer than 500 samples
    iqr_share: float | None  # distance of the quartiles as a share of the median; None for a median of zero
    between_share: float | None
    """Share of the samples' variance that lies between rounds, 0 to 1; None from fewer than two rounds of two."""
    autocorrelation: float | None
    """Correlation of successive samples within rounds, -1 to 1; None from fewer than 20 pairs or without variance."""
    visits: int
    repeated_rounds: int  # rounds that something outside disturbed; they are in the file and in none of the numbers
    grade: Grade | None  # None for a figure that others have published
    reasons: tuple[Reason, ...]  # worst first
    modes: Bimodality | None  # the two speeds, where one number describes neither
    device_s: float | None  # the device's own time, as ``median_s``; None where nothing is queued, or it is not known
    host_s: float | None  # wall time of an iteration in a loop, as ``median_s``; None where nothing is queued
    host_bound: bool  # True where the host is the slower one by more than 5%, or the device's own time is not known
    utilisation: float | None  # share of the time in which the device worked, median of the rounds
    repeats: tuple[float, ...] = ()
    """What the interval of the reported number is made of, as ``Estimate.repeats``: what a comparison needs."""

    @property
    def valid(self) -> bool:
        """False for a number that does not describe the workload: not sorted, compared or put in bold."""
        return self.grade != "X"


_FACTS: list[tuple[tuple[tuple[str, Fact], ...], Mapping[str, Fact]]] = []
"""The newest environment's facts by name: rows of a run all have the same."""


def _by_name(facts: tuple[tuple[str, Fact], ...]) -> Mapping[str, Fact]:
    for known, made in tuple(_FACTS):
        if known is facts:
            return made
    _FACTS[:] = [(facts, dict(facts))]
    return _FACTS[0][1]


def terms_of(run: Run, case: Case) -> Terms:
    """Inputs from the run to that case's grade: its protocol, facts and measured peak."""
    run, case = run.home(case)
    environment = environment_of(run, case)
    facts = environment.facts if environment is not None else ()
    return Terms(run.plan.protocol, run.ceilings.get(case.device), facts, case.case_id not in run.figures)


def clean_of(measurement: Measurement, terms: Terms) -> tuple[Measurement, Terms] | None:
    """What was measured beside the published loop, and the inputs to its grade; None without it."""
    if measurement.clean is None or terms.protocol.clean is None:
        return None
    return measurement.clean, replace(terms, protocol=terms.protocol.clean)


def phase_result(measurement: Measurement, phase: Phase, terms: Terms) -> PhaseResult | None:
    """The statistics of one phase; None when it was not measured or has no sample."""
    measured = measurement.phase(phase)
    if measured is None:
        return None
    context = GradingContext(measurement, measured, terms.protocol, terms.peak, terms.facts_by_name)
    centre = context.estimate
    if centre is None:
        return None
    rounds, samples = list(chain(*context.rounds_by_visit)), context.samples
    ordered = sorted(samples)  # once: sorting what is sorted takes no time
    assessment = assess_context(context) if terms.graded else None
    reasons = assessment.reasons if assessment is not None else ()
    bimodal = any(reason.code == "bimodal" for reason in reasons)
    mean = context.of_means
    mean_s = fmean(samples)
    mean_low_s, mean_high_s, mean_relative = _interval(mean_s, mean.half_width_s if mean is not None else None)
    return PhaseResult(
        median_s=centre.median_s if terms.graded else mean_s,  # as it is printed, not by way of logarithms
        low_s=centre.low_s,
        high_s=centre.high_s,
        relative=centre.relative,
        mean_s=mean_s,
        mean_low_s=mean_low_s,
        mean_high_s=mean_high_s,
        mean_relative=mean_relative,
        min_s=ordered[0],
        n=len(samples),
        rounds=len(rounds),
        p5_s=quantile(ordered, 0.05),
        p95_s=quantile(ordered, 0.95),
        p99_s=quantile(ordered, 0.99),
        iqr_share=_iqr_share(ordered, centre.median_s),
        between_share=between_share(rounds),
        autocorrelation=autocorrelation(rounds),
        visits=sum(1 for visit in context.groups if visit),
        repeated_rounds=sum(repeated(measurement, phase, terms.protocol)),
        grade=assessment.grade if assessment is not None else None,
        reasons=reasons,
        modes=find_bimodality(samples) if bimodal else None,
        device_s=_centre_s(measurement, measurement.device(phase), terms.protocol) if measurement.wall else None,
        host_s=_centre_s(measurement, measurement.wall_of(phase), terms.protocol) if measurement.wall else None,
        host_bound=measurement.host_bound(phase),
        utilisation=_median(each.utilisation for each in context.evidence),
        repeats=(mean or centre).repeats if context.published else centre.repeats,
    )


def _centre_s(measurement: Measurement, samples: PhaseSamples | None, protocol: Protocol) -> float | None:
    """Centre of those samples of a phase over the rounds that count, seconds; None without a sample."""
    centre = estimate(counted_rounds_of(measurement, samples, protocol)) if samples is not None else None
    return centre.median_s if centre is not None else None


def phase_results(measurement: Measurement, terms: Terms) -> Mapping[Phase, PhaseResult]:
    """The statistics of every phase that was measured."""
    measured = {each.phase for each in measurement.phases}
    results = {phase: phase_result(measurement, phase, terms) for phase in PHASES if phase in measured}
    return {phase: result for phase, result in results.items() if result is not None}


def _interval(centre_s: float, width_s: float | None) -> tuple[float | None, float | None, float | None]:
    """Lower end, never below zero, upper end, half width as a share of the centre; None for what there is not."""
    if width_s is None:
        return None, None, None
    return max(0.0, centre_s - width_s), centre_s + width_s, width_s / centre_s if centre_s > 0 else None


def repeated(measurement: Measurement, phase: Phase, protocol: Protocol) -> tuple[bool, ...]:
    """For every round of that phase, in the file's order, whether it was disturbed and measured again."""
    return tuple(not counted for each in flags_by_visit(measurement, phase, protocol) for counted in each)


def worst_grade(phases: Mapping[Phase, PhaseResult]) -> Grade | None:
    """The grade of a row: that of its worst phase; None without one."""
    graded = (result.grade for result in phases.values() if result.grade is not None)
    return max(graded, key=GRADES.index, default=None)


def _iqr_share(samples: Sequence[float], median_s: float) -> float | None:
    low, high = quantile(samples, 0.25), quantile(samples, 0.75)
    return None if low is None or high is None or median_s <= 0 else (high - low) / median_s


def _median(values: Iterable[float | None]) -> float | None:
    """Of what is known; None when nothing is."""
    known = [value for value in values if value is not None]
    return median(known) if known else None


def is_published(protocol: Protocol) -> bool:
    """True when the protocol is the original tables' method, whose number is the mean and not the median."""
    return protocol.method == "published"


def reported(protocol: Protocol, result: PhaseResult) -> tuple[float, float | None]:
    """The one number of a phase, seconds per iteration, and the half width of its interval as a share of it: the
    median, without an interval between two speeds; the mean under the published method."""
    if is_published(protocol):
        return result.mean_s, result.mean_relative
    return result.median_s, None if result.modes is not None else result.relative
