"""Inputs to the grading checks for one phase, computed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean, median
from typing import Any

from cvbench_tui.core.environment import Fact
from cvbench_tui.core.evidence import Evidence, PassRecord
from cvbench_tui.core.measurement import PASS_OF, WHOLE_PHASE, Measurement, PhaseSamples
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.stats.estimate import Estimate, estimate_of
from cvbench_tui.core.stats.stop_rule import counted_evidence_by_visit, counted_rounds_by_visit, flags_by_visit


def of_means(rounds_by_visit: Sequence[Sequence[Sequence[float]]]) -> Estimate | None:
    """The interval of the mean, by the same rule over round means in place of round medians."""
    return estimate_of([[fmean(samples) for samples in rounds if samples] for rounds in rounds_by_visit])


@dataclass
class GradingContext:
    """One phase of one case with the protocol it was measured by."""

    measurement: Measurement
    phase_samples: PhaseSamples
    protocol: Protocol
    peak: DevicePeak | None
    facts: Mapping[str, Fact]

    def __post_init__(self) -> None:
        """Compute what several checks need."""
        measurement, protocol = self.measurement, self.protocol
        self.phase = phase = self.phase_samples.phase
        self.whole_phase = WHOLE_PHASE[PASS_OF[phase]]  # spans a whole iteration of this pass
        self.published = protocol.method == "published"
        self.host_bound = measurement.host_bound(phase)
        self.device_clock = self.phase_samples.clock == "cuda_event" and not self.host_bound
        """True when the number is the device's own time, or a loop's within 5% of it: no delay of the host is in it."""
        self.groups = groups = counted_rounds_by_visit(measurement, phase, protocol)
        self.rounds_by_visit = [[samples for samples in rounds if samples] for rounds in groups if any(rounds)]
        self.medians_by_visit = [[median(samples) for samples in rounds] for rounds in self.rounds_by_visit]
        self.samples = [sample for rounds in self.rounds_by_visit for samples in rounds for sample in samples]

    @cached_property
    def records(self) -> tuple[PassRecord, ...]:
        """One for each visit; empty in files of schema 1."""
        return self.measurement.passes_of(self.phase)

    @cached_property
    def evidence_by_visit(self) -> tuple[tuple[Evidence, ...], ...]:
        """That of the rounds that count."""
        return counted_evidence_by_visit(self.measurement, self.phase, self.protocol)

    @cached_property
    def evidence(self) -> list[Evidence]:
        """The same of all visits."""
        return [each for evidence in self.evidence_by_visit for each in evidence]

    @cached_property
    def wall_s(self) -> float:
        """Of these rounds."""
        return sum(each.wall_s for each in self.evidence)

    @cached_property
    def repeated(self) -> list[Evidence]:
        """Evidence of the disturbed rounds that do not count, as the rest is of those that do."""
        flags = flags_by_visit(self.measurement, self.phase, self.protocol)
        pairs = zip(self.measurement.evidence_by_visit(self.phase), flags)
        return [each for both in pairs for each, counts in zip(*both) if not counts]

    @cached_property
    def estimate(self) -> Estimate | None:
        """Estimate and interval; None without a sample."""
        return estimate_of(self.medians_by_visit)

    @cached_property
    def of_means(self) -> Estimate | None:
        """The interval of the mean; None without a sample."""
        return of_means(self.rounds_by_visit)

    @cached_property
    def relative(self) -> float | None:
        """Half width of the interval as a share of the number, which is the mean under the published method; None
        without one."""
        if not self.published:
            return self.estimate.relative if self.estimate is not None else None
        found = self.of_means
        width_s = found.half_width_s if found is not None else None
        return None if width_s is None else width_s / fmean(self.samples)

    def total(self, counter: str) -> Any:
        """Sum of that field of the evidence; where it is not known it adds nothing."""
        return sum(getattr(each, counter) or 0 for each in self.evidence)
