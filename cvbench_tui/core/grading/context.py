"""Inputs to the grading checks for one phase, computed once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from cvbench_tui.core.environment import Fact
from cvbench_tui.core.evidence import Evidence, PassRecord
from cvbench_tui.core.measurement import PASS_OF, WHOLE_PHASE, Measurement, Phase, PhaseSamples
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.stats.estimate import Estimate, estimate
from cvbench_tui.core.stats.stop_rule import counted_evidence_by_process, counted_rounds_by_process, flags_by_process

PUBLISHED_PRECISION = 0.05
"""Tolerated drift under the published method, which neither warms up nor stops by precision: its tables have two
digits."""


@dataclass(frozen=True)
class GradingContext:
    """One phase of one case with the protocol it was measured by."""

    measurement: Measurement
    phase_samples: PhaseSamples
    protocol: Protocol
    peak: DevicePeak | None
    facts: Mapping[str, Fact]

    @property
    def phase(self) -> Phase:
        """The phase to grade."""
        return self.phase_samples.phase

    @property
    def goal(self) -> float | None:
        """Precision that the protocol asks for, a share; None under the published method."""
        return None if self.protocol.method == "published" else self.protocol.precision

    @property
    def tolerance(self) -> float:
        """Relative difference of rounds or processes above which there is a reason."""
        return PUBLISHED_PRECISION if self.goal is None else self.goal

    @property
    def whole_phase(self) -> Phase:
        """The phase that spans a whole iteration of this pass."""
        return WHOLE_PHASE[PASS_OF[self.phase]]

    @property
    def device_clock(self) -> bool:
        """True when the device recorded the times, so that the host's delays are not in them."""
        return self.phase_samples.clock == "cuda_event"

    @cached_property
    def records(self) -> tuple[PassRecord, ...]:
        """Records of the pass, one for each process; empty in files of schema 1."""
        return self.measurement.passes_of(self.phase)

    @cached_property
    def rounds_by_process(self) -> tuple[tuple[tuple[float, ...], ...], ...]:
        """Rounds that count, without empty ones."""
        groups = counted_rounds_by_process(self.measurement, self.phase, self.protocol)
        return tuple(tuple(samples for samples in rounds if samples) for rounds in groups if any(rounds))

    @cached_property
    def evidence_by_process(self) -> tuple[tuple[Evidence, ...], ...]:
        """Evidence of the rounds that count."""
        return counted_evidence_by_process(self.measurement, self.phase, self.protocol)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The same of all processes together."""
        return tuple(evidence for each in self.evidence_by_process for evidence in each)

    @cached_property
    def repeated(self) -> tuple[Evidence, ...]:
        """Evidence of the disturbed rounds that were repeated and do not count."""
        flags = flags_by_process(self.measurement, self.phase, self.protocol)
        rounds = zip(self.measurement.evidence_by_process(self.phase), flags)
        return tuple(evidence for both in rounds for evidence, counts in zip(*both) if not counts)

    @cached_property
    def medians_by_process(self) -> tuple[tuple[float, ...], ...]:
        """Medians of the rounds that count, seconds per iteration."""
        return tuple(tuple(median(samples) for samples in rounds) for rounds in self.rounds_by_process)

    @cached_property
    def samples(self) -> tuple[float, ...]:
        """Samples of the rounds that count, in order."""
        return tuple(sample for rounds in self.rounds_by_process for samples in rounds for sample in samples)

    @cached_property
    def estimate(self) -> Estimate | None:
        """Estimate and interval; None without a sample."""
        return estimate(self.rounds_by_process)

    @property
    def wall_s(self) -> float:
        """Wall seconds of the rounds that count."""
        return sum(evidence.wall_s for evidence in self.evidence)
