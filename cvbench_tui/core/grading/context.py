"""All that is known of one phase of one case, gathered once for the checks that grade it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from cvbench_tui.core.environment import Fact
from cvbench_tui.core.evidence import Evidence, PassRecord
from cvbench_tui.core.measurement import PASS_OF, Measurement, Phase, PhaseSamples
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.stats.estimate import Estimate, estimate
from cvbench_tui.core.stats.stop_rule import counted_evidence_by_process, counted_rounds_by_process, flags_by_process

PUBLISHED_PRECISION = 0.05
"""What drift is compared with under the published method, which has no goal of its own: it neither warms up nor
stops by precision, and its tables were read to two digits."""


@dataclass(frozen=True)
class GradingContext:
    """One phase of one case under the protocol that took it."""

    measurement: Measurement
    samples_of: PhaseSamples
    protocol: Protocol
    ceiling: DevicePeak | None
    facts: Mapping[str, Fact]

    @property
    def phase(self) -> Phase:
        """Which phase it is."""
        return self.samples_of.phase

    @property
    def goal(self) -> float | None:
        """The precision asked for, a share; None under the published method."""
        return None if self.protocol.method == "published" else self.protocol.precision

    @property
    def tolerance(self) -> float:
        """The share by which rounds or processes may differ before it is worth a word."""
        return PUBLISHED_PRECISION if self.goal is None else self.goal

    @property
    def headline(self) -> Phase:
        """The phase that spans a whole iteration of this phase's pass."""
        return "total" if PASS_OF[self.phase] == "training" else "inference"

    @property
    def device_clock(self) -> bool:
        """True when the device itself told the times, whatever the host did meanwhile."""
        return self.samples_of.clock == "cuda_event"

    @cached_property
    def records(self) -> tuple[PassRecord, ...]:
        """How the pass went, process by process; empty in files of schema 1."""
        return self.measurement.passes_of(self.phase)

    @cached_property
    def rounds_by_process(self) -> tuple[tuple[tuple[float, ...], ...], ...]:
        """The rounds that count, without empty ones."""
        groups = counted_rounds_by_process(self.measurement, self.phase, self.protocol)
        return tuple(tuple(samples for samples in rounds if samples) for rounds in groups if any(rounds))

    @cached_property
    def evidence_by_process(self) -> tuple[tuple[Evidence, ...], ...]:
        """The evidence of the rounds that count."""
        return counted_evidence_by_process(self.measurement, self.phase, self.protocol)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The same, of all processes in one."""
        return tuple(evidence for each in self.evidence_by_process for evidence in each)

    @cached_property
    def set_aside(self) -> tuple[Evidence, ...]:
        """The evidence of the rounds that were set aside."""
        flags = flags_by_process(self.measurement, self.phase, self.protocol)
        rounds = zip(self.measurement.evidence_by_process(self.phase), flags)
        return tuple(evidence for both in rounds for evidence, counts in zip(*both) if not counts)

    @cached_property
    def medians_by_process(self) -> tuple[tuple[float, ...], ...]:
        """Medians of the rounds that count, seconds per iteration."""
        return tuple(tuple(median(samples) for samples in rounds) for rounds in self.rounds_by_process)

    @cached_property
    def samples(self) -> tuple[float, ...]:
        """All samples that count, in the order taken."""
        return tuple(sample for rounds in self.rounds_by_process for samples in rounds for sample in samples)

    @cached_property
    def estimate(self) -> Estimate | None:
        """Median and interval; None without a sample."""
        return estimate(self.rounds_by_process)

    @property
    def wall_s(self) -> float:
        """Wall seconds of the rounds that count."""
        return sum(evidence.wall_s for evidence in self.evidence)


def percent(share: float) -> str:
    """``12%``, ``3.4%``, ``0.25%``: two digits that matter."""
    return f"{100 * share:.2g}%" if abs(share) < 0.995 else f"{100 * share:.0f}%"
