"""Variants: phases timed once more in another way, after the timed rounds: alone, with emptied caches, from a CUDA
graph. A variant that cannot be had is a notice, never a failed row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from statistics import median

from cvbench_tui.core.measurement import PASS_OF, PHASES, Notice, Variant, VariantKind, leads_lasted
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.worker.devices.backend import Backend
from cvbench_tui.worker.extras.budget import UNLIMITED, Budget, attempt, not_measured
from cvbench_tui.worker.timing import recorded
from cvbench_tui.worker.timing.passes import PhasePass
from cvbench_tui.worker.timing.recorded import GraphPass
from cvbench_tui.worker.timing.sampler import TimedPass
from cvbench_tui.worker.timing.stopwatch import Stopwatch
from cvbench_tui.worker.workloads.compiler import is_compiled
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest

ROUNDS = 5  # rounds of a variant: as many as an interval needs
ROUND_S = 0.06  # seconds, half a round of `quick`: a variant is read as a ratio, to a percent or two
FLUSHED_ROUND_S = 0.03  # seconds of a flushed round, most of them spent on flushing: writing 64 MiB takes some 8 ms
FLUSHED_ITERATIONS = 3
ITERATIONS = 12  # fewest iterations of a variant: three first calls, windows, five rounds, what is run unrecorded


@dataclass
class VariantTimer:
    """Times the variants of one case. ``heartbeat`` is called while it does."""

    case: Case
    subject: ModuleUnderTest
    backend: Backend
    protocol: Protocol
    heartbeat: Callable[[], None]
    budget: Budget = UNLIMITED
    notices: list[Notice] = field(default_factory=list)
    variants: list[Variant] = field(default_factory=list)

    def run(self) -> list[Variant]:
        """Those that the protocol asks for and the device allows. None of a row that is replayed from graphs itself."""
        if recorded.replayed(self.case):
            return []
        extras, passes = self.protocol.extras, self.protocol.passes
        self._phases = [phase for phase in PHASES if PASS_OF[phase] in passes]
        if "alone" in extras:
            attempt("alone", self.notices, self._alone, None)
        if "flushed" in extras and self.case.workload.kind == "layer":
            attempt("flushed", self.notices, self._flushed, None)
        if "device_only" in extras and self.backend.clock == "cuda_event" and "inference" in passes:
            attempt("device_only", self.notices, self._device_only, None)
        return self.variants

    def _alone(self) -> None:
        """Forward, backward and total each by itself. Inference and step always are."""
        for phase in self._phases:
            if phase not in ("inference", "step"):
                self._time("alone", PhasePass(self.subject, self.backend, phase), _short(self.protocol))

    def _flushed(self) -> None:
        """Each phase alone, the caches emptied before every region, outside of it; then the same regions without that:
        the phase's own are grouped on a card, where single ones of 3 us show 16% more with no cache playing a part."""
        costs_s = []
        for _ in range(3):
            started_s = self.backend.now_s()
            if not self.backend.flush():
                self.notices.append(not_measured("flushed", "the caches' size is not known, or too large."))
                return
            self.backend.settle()
            costs_s.append(self.backend.now_s() - started_s)
        # as many regions as fit a round with their flushes, at least three; every region is a sample of its own
        iterations = min(100, max(FLUSHED_ITERATIONS, round(FLUSHED_ROUND_S / max(median(costs_s), 1e-6))))
        protocol = replace(_short(self.protocol), round_s=0.0, round_iterations=iterations, sample_s=0.0)
        protocol = replace(protocol, warmup_window_s=0.0, warmup_cap_s=0.0)
        for phase in self._phases:
            timed = PhasePass(self.subject, self.backend, phase, before=self.backend.flush)
            self._time("flushed", timed, protocol, max_group=1)
            self._time("warm", PhasePass(self.subject, self.backend, phase), protocol, max_group=1)

    def _device_only(self) -> None:
        """Inference replayed from a recorded graph: what the device needs, without the host's launches."""
        self._time("device_only", GraphPass(self.subject, self.backend), _short(self.protocol))

    def _time(self, kind: VariantKind, timed: TimedPass, protocol: Protocol, max_group: int | None = None) -> None:
        self.budget.check(timed.name, ITERATIONS)
        if is_compiled(self.case):
            timed.segments = False
        limits = self.budget.deadline_s, max_group or recorded.max_group(self.case)
        watch = Stopwatch(
            timed, self.backend, protocol, lambda _: self.heartbeat(), *limits, check_deferred=False, wall=False
        )
        result = watch.run()
        if not leads_lasted(result.record.evidence):
            self.notices.append(not_measured(kind, "an iteration has more launches than the card's queue holds."))
            return
        self.variants += [Variant(kind, samples) for samples in result.phases]


def _short(protocol: Protocol) -> Protocol:
    """Five short rounds after one or two windows: the workload is warm already."""
    return replace(
        protocol,
        min_rounds=ROUNDS,
        max_rounds=ROUNDS,
        round_s=ROUND_S,
        round_iterations=min(3, protocol.round_iterations),
        budget_s=min(2.0, protocol.budget_s),
        warmup_window_s=ROUND_S / 2,
        warmup_iterations=1,
        warmup_cap_s=ROUND_S,
        max_repeats=0,
    )
