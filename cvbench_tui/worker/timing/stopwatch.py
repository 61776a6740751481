"""One pass of a case: warm up until settled, then rounds until precise. Reasons: docs/methodology.md. Needs no torch:
the tests' simulator drives this very code with a backend and a workload made of numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import compress

from cvbench_tui.core.event import Stage
from cvbench_tui.core.evidence import Evidence, PassRecord
from cvbench_tui.core.measurement import SLOWER, Phase, PhaseSamples, Stop, loop_over_device
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.stats import stop_rule
from cvbench_tui.core.stats.estimate import Estimate, estimate
from cvbench_tui.worker.devices.backend import Backend
from cvbench_tui.worker.timing.counters import DeviceReading, evidence
from cvbench_tui.worker.timing.deferred_work import deferred_share
from cvbench_tui.worker.timing.pacing import Pacing
from cvbench_tui.worker.timing.sampler import Sampler, TimedPass, samples
from cvbench_tui.worker.timing.warmup import WarmUp

WARMUP_SHARE = 1 / 3  # of the time to the deadline for the warm-up: of a slow workload some rounds must be had as well


@dataclass(frozen=True)
class ProgressUpdate:
    """Where a pass is, between rounds."""

    stage: Stage
    rounds: int  # rounds so far, repeated ones included
    max_rounds: int
    phase: Phase | None = None  # the phase with the widest interval so far: the rounds go on until it is narrow enough
    estimate: Estimate | None = None  # of that phase, over the rounds that count


ProgressCallback = Callable[[ProgressUpdate], None]


@dataclass
class PassResult:
    """What one pass gives to the measurement."""

    phases: list[PhaseSamples]
    record: PassRecord
    timed_s: float  # seconds inside timed regions, repeated rounds included
    wall: tuple[PhaseSamples, ...] = ()  # the wall time without a lead, where the device queues
    regions_per_block: int = 10  # regions to queue back to back before the device is waited for


@dataclass
class Stopwatch:
    """Times one pass (training or inference) of one workload under one protocol. ``deadline_s``, by the backend's
    clock: no round is begun that would end after it; the rounds so far are the result. ``max_group`` limits the
    iterations of a region; ``check_deferred``: look for work that outlives its calls; ``wall``: sample the wall time
    without a lead as well, where the device queues."""

    timed: TimedPass
    backend: Backend
    protocol: Protocol
    on_progress: ProgressCallback
    deadline_s: float = math.inf
    max_group: int | None = None
    check_deferred: bool = True
    wall: bool = True
    take_turn: Callable[[], None] = lambda: None  # waits until no other process measures, before each round

    def __post_init__(self) -> None:
        """Begin without a round."""
        self._sampler = Sampler(self.timed, self.backend)
        self._rounds: list[list[tuple[float, ...]]] = [[] for _ in self.timed.phases]
        self.wall = self.wall and self.backend.queues
        self._walls: list[list[tuple[float, ...]]] = [[] for _ in self.timed.phases] if self.wall else []
        self._evidence: list[Evidence] = []
        self._timed_s = 0.0

    def run(self) -> PassResult:
        """Warm-up, rounds, check. Raises ClockError for a clock without durations, and what the workload raises."""
        backend, timed = self.backend, self.timed
        started_s = backend.now_s()
        timed.begin()
        heartbeat = partial(self.on_progress, ProgressUpdate("warming up", 0, self.protocol.max_rounds))
        heartbeat()
        until_s = started_s + WARMUP_SHARE * (self.deadline_s - started_s)
        limits = until_s, self.max_group, self.wall
        warm = WarmUp(timed, self._sampler, backend, self.protocol, heartbeat, *limits)
        pacing = warm.run()
        warmup_s = backend.now_s() - started_s
        stop = self._run_rounds(pacing)
        wall_s = backend.now_s() - started_s
        # after one more call; where one takes long, after the last call of the last round
        last_call = partial(timed.regions, min(1, pacing.discard), pacing.group)
        record = PassRecord(
            name=timed.name,
            evidence=tuple(self._evidence),
            settled=warm.settled,
            warmup_s=round(warmup_s, 6),
            warmup_windows_s=tuple(warm.windows_s),
            busy_s=round(self._sampler.busy_s, 6),
            wall_s=round(wall_s, 6),
            empty_region_s=warm.costs.empty_region_s,
            group=pacing.group,
            region_floor_s=backend.region_s,
            lead_s=round(pacing.lead_s * backend.leads, 6) if backend.queues else None,
            deferred_share=deferred_share(backend, last_call) if self.check_deferred else None,
        )
        per_sample = pacing.group * pacing.regions_per_sample
        phases, wall = (
            [
                PhaseSamples(phase, tuple(rounds), per_sample, backend.clock, stop)
                for phase, rounds in zip(timed.phases, each)
            ]
            for each in (self._rounds, self._walls)
        )
        block = pacing.wall_regions or pacing.regions_per_block
        return PassResult(phases, record, round(self._timed_s, 6), tuple(wall), block)

    def _run_rounds(self, pacing: Pacing) -> Stop:
        """Rounds until one of the rules says why they end; looked at between rounds only."""
        while True:
            self.take_turn()
            begun_s = self.backend.now_s()
            self._round(pacing)
            self._report_rounds()
            stop = stop_rule.stop(self._number(), self._evidence, self.protocol, self._timed_s)
            if stop is not None:
                return stop
            now_s = self.backend.now_s()
            if now_s + (now_s - begun_s) > self.deadline_s:
                return "budget"

    def _round(self, pacing: Pacing) -> None:
        """One round: its samples by phase, and the system's counters around it."""
        backend = self.backend
        before, begun_s = backend.counters.read(), backend.now_s()
        host_s = self._sampler.discard(pacing)
        # Work that became slow must not overrun the budget: the rounds still needed for an interval share what is left.
        left_s = (self.protocol.budget_s - self._timed_s) / max(1, self.protocol.min_rounds - len(self._evidence))
        until_s = backend.now_s() + max(self.protocol.round_s, left_s)
        led, unled = pacing.shares(pacing.regions) if self.wall else (pacing.regions, 0)
        wall = self._sampler.sample_wall(unled, pacing, until_s=until_s, read_device=True) if unled else None
        sampled = self._sampler.sample(led, pacing, until_s=until_s, read_device=wall is None)
        timed_s = sum(sampled.values[-1]) * pacing.group
        timed_s += sum(wall.values[-1]) * pacing.group if wall else 0.0
        wall = wall or sampled
        ended_s, after = backend.now_s(), backend.counters.read()
        self._timed_s += timed_s
        for rounds, values in zip((*self._rounds, *self._walls), (*sampled.values, *wall.values)):
            rounds.append(samples(values, pacing.regions_per_sample))
        seen = {"wall_s": round(ended_s - begun_s, 6), "timed_s": round(timed_s, 6), "outran": sampled.outran}
        seen |= {"host_s": sampled.host_s if host_s is None else host_s, "utilisation": sampled.utilisation}
        self._evidence.append(evidence(before, after, wall.device or DeviceReading(), **seen))

    def _number(self) -> list[list[tuple[float, ...]]]:
        """Of device and wall time the one that is the number so far, by phase and round: ``Measurement.phase``."""
        slower = self.wall and loop_over_device(self._rounds[-1], self._walls[-1], self._evidence) > SLOWER
        return self._walls if slower else self._rounds

    def _report_rounds(self) -> None:
        """With the estimate of the phase the rounds go on for."""
        flags = stop_rule.counted(self._evidence, self.protocol.max_repeats)
        estimates = [estimate([list(compress(rounds, flags))]) for rounds in self._number()]
        known = [(phase, so_far) for phase, so_far in zip(self.timed.phases, estimates) if so_far]
        worst = max(reversed(known), key=lambda each: each[1].relative or 0.0, default=(None, None))
        self.on_progress(ProgressUpdate("measuring", len(self._evidence), self.protocol.max_rounds, *worst))
