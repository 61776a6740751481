"""One pass of a case: warm up until settled, then rounds until precise. Reasons: docs/methodology.md.

Needs no torch: the tests' simulator drives this very code with a backend and a workload made of numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from cvbench_tui.core.event import Stage
from cvbench_tui.core.evidence import Evidence, PassRecord
from cvbench_tui.core.measurement import Phase, PhaseSamples, Stop
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.stats import stop_rule as rounds
from cvbench_tui.core.stats.estimate import Estimate, estimate
from cvbench_tui.worker.devices.backend import Backend
from cvbench_tui.worker.timing.counters import DeviceReading, evidence
from cvbench_tui.worker.timing.deferred_work import deferred_share
from cvbench_tui.worker.timing.pacing import Pacing
from cvbench_tui.worker.timing.sampler import Sampler, TimedPass, samples
from cvbench_tui.worker.timing.warmup import WarmUp, WarmUpResult

WARMUP_SHARE = 1 / 3
"""Share of the time to the deadline that the warm-up may take: of a slow workload some rounds must be had as well."""


@dataclass(frozen=True)
class ProgressUpdate:
    """Where a pass is, told between rounds."""

    stage: Stage
    rounds: int
    """Rounds taken, those set aside included."""
    most: int
    phase: Phase | None = None
    """The phase with the widest interval so far: the rounds go on until it is narrow enough."""
    estimate: Estimate | None = None
    """Of that phase, over the rounds that count."""


ProgressCallback = Callable[[ProgressUpdate], None]


@dataclass
class PassResult:
    """What one pass gives to the measurement."""

    phases: list[PhaseSamples]
    record: PassRecord
    timed_s: float
    """Seconds inside timed regions, set-aside rounds included."""
    regions_per_block: int = 10
    """Regions that were queued before the device was waited for."""


class Stopwatch:
    """Takes one pass (training or inference) of one workload under one protocol.

    ``deadline_s``, by the backend's clock: no round is begun that would end after it; what was had by then is the
    result. ``most_group`` limits the iterations of a region; ``looks``: see afterwards whether the workload goes on.
    """

    def __init__(
        self,
        timed: TimedPass,
        backend: Backend,
        protocol: Protocol,
        tell: ProgressCallback,
        deadline_s: float = math.inf,
        *,
        most_group: int | None = None,
        looks: bool = True,
    ) -> None:
        self._timed = timed
        self._backend = backend
        self._protocol = protocol
        self._tell = tell
        self._deadline_s = deadline_s
        self._most_group = most_group
        self._looks = looks
        self._taker = Sampler(timed, backend)
        self._rounds: list[list[tuple[float, ...]]] = [[] for _ in timed.phases]
        self._evidence: list[Evidence] = []
        self._timed_s = 0.0

    def run(self) -> PassResult:
        """Warm-up, rounds, rest. Raises ClockError for a clock that is none, and whatever the workload raises."""
        started_s = self._backend.now_s()
        self._timed.begin()
        self._tell_warming()
        until_s = started_s + WARMUP_SHARE * (self._deadline_s - started_s)
        warming = WarmUp(self._timed, self._taker, self._backend, self._protocol, self._tell_warming, until_s)
        warm = warming.run(self._most_group)
        warmup_s = self._backend.now_s() - started_s
        stop = self._take_rounds(warm.sizes)
        wall_s = self._backend.now_s() - started_s
        phases = [
            PhaseSamples(phase, tuple(taken), _per_sample(warm.sizes), self._backend.clock, stop)
            for phase, taken in zip(self._timed.phases, self._rounds)
        ]
        record = self._record(warm, warmup_s, wall_s)
        return PassResult(phases, record, round(self._timed_s, 6), warm.sizes.regions_per_block)

    def _take_rounds(self, sizes: Pacing) -> Stop:
        """Rounds until one of the rules says why they end; looked at between rounds only."""
        while True:
            begun_s = self._backend.now_s()
            self._round(sizes)
            self._tell_measuring()
            stop = rounds.stop(self._rounds, self._evidence, self._protocol, self._timed_s)
            if stop is not None:
                return stop
            now_s = self._backend.now_s()
            if now_s + (now_s - begun_s) > self._deadline_s:
                return "budget"

    def _round(self, sizes: Pacing) -> None:
        """One round: its samples by phase, and what the system did meanwhile."""
        backend = self._backend
        before, begun_s = backend.counters.read(), backend.now_s()
        host_s = self._taker.discard(sizes)
        taken = self._taker.take(sizes.regions, sizes, until_s=self._latest_end_s(sizes), gauged=True)
        ended_s, after = backend.now_s(), backend.counters.read()
        timed_s = sum(taken.values[-1]) * sizes.group
        self._timed_s += timed_s
        for found, values in zip(self._rounds, taken.values):
            found.append(samples(values, sizes.regions_per_sample))
        self._evidence.append(
            evidence(
                before,
                after,
                taken.gauges or DeviceReading(),
                wall_s=round(ended_s - begun_s, 6),
                timed_s=round(timed_s, 6),
                host_s=taken.host_s if host_s is None else host_s,
                utilisation=taken.utilisation,
                outran=taken.outran,
            )
        )

    def _latest_end_s(self, sizes: Pacing) -> float:
        """When this round has to end although it is not full: work that became slow must not overrun the budget.

        What is left of the budget is shared by the rounds that are still needed for an interval.
        """
        missing = max(1, self._protocol.min_rounds - len(self._evidence))
        left_s = (self._protocol.budget_s - self._timed_s) / missing
        return self._backend.now_s() + max(self._protocol.round_s, left_s)

    def _tell_warming(self) -> None:
        self._tell(ProgressUpdate("warming up", 0, self._protocol.max_rounds))

    def _tell_measuring(self) -> None:
        """The estimate that the final one will be made of: that of the phase the rounds go on for."""
        flags = rounds.counted(self._evidence, self._protocol.max_repeats)
        widest: tuple[float, Phase, Estimate] | None = None
        for phase, taken in zip(self._timed.phases, self._rounds):
            found = estimate([[each for each, counts in zip(taken, flags) if counts]])
            width = (found.relative or 0.0) if found else 0.0
            if found and (widest is None or width >= widest[0]):
                widest = width, phase, found
        phase_told, so_far = (widest[1], widest[2]) if widest else (None, None)
        self._tell(ProgressUpdate("measuring", len(self._evidence), self._protocol.max_rounds, phase_told, so_far))

    def _record(self, warm: WarmUpResult, warmup_s: float, wall_s: float) -> PassRecord:
        return PassRecord(
            name=self._timed.name,
            evidence=tuple(self._evidence),
            settled=warm.settled,
            warmup_s=round(warmup_s, 6),
            warmup_windows_s=warm.windows_s,
            busy_s=round(self._taker.busy_s, 6),
            wall_s=round(wall_s, 6),
            empty_region_s=warm.empty_region_s,
            group=warm.sizes.group,
            region_floor_s=self._backend.region_s,
            lead_s=round(warm.sizes.lead_s, 6) if self._backend.queues else None,
            deferred_share=self._deferred_share(warm.sizes) if self._looks else None,
        )

    def _deferred_share(self, sizes: Pacing) -> float | None:
        """What goes on after a call; where one takes long, after the last call of the last round."""
        return deferred_share(self._backend, lambda: self._timed.regions(min(1, sizes.discard), sizes.group))


def _per_sample(sizes: Pacing) -> int:
    return sizes.group * sizes.regions_per_sample
