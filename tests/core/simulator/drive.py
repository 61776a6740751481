"""The worker's own stopwatch, driven through a workload and a clock that are made of numbers. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from statistics import fmean

from cvbench_tui.core.evidence import PassName
from cvbench_tui.core.grading.assess import Assessment, assess
from cvbench_tui.core.measurement import Clock, Measurement, Phase
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.stats.estimate import PEEKING, estimate
from cvbench_tui.core.stats.stop_rule import counted_rounds_by_visit
from cvbench_tui.worker.devices.backend import Backend
from cvbench_tui.worker.timing.counters import Snapshot
from cvbench_tui.worker.timing.stopwatch import PassResult, Stopwatch
from tests.core.simulator.processes import Kind, Process

PHASE: Phase = "inference"


class _Waiting:
    """A system that tells how long threads waited for a core, and nothing else; a blind one not even that."""

    waited_s = 0.0

    def __init__(self, *, blind: bool) -> None:
        self._blind = blind

    def read(self) -> Snapshot:
        return Snapshot(waited_s=None if self._blind else self.waited_s)


class VirtualBackend(Backend):
    """A processor whose clock only moves when work is done."""

    clock: Clock = "perf_counter"
    region_s = 0.0

    def __init__(self, *, blind: bool) -> None:
        self.system = _Waiting(blind=blind)
        super().__init__(self.system)
        self.time_s = 0.0

    def now_s(self) -> float:
        return self.time_s

    def wait(self, seconds: float) -> None:
        self.time_s += seconds

    def mark(self) -> float:
        return self.time_s

    def settle(self) -> None:
        """Nothing is outstanding."""

    def seconds(self, start: float, end: float) -> float:
        return end - start

    def flush(self) -> bool:
        return False


class VirtualPass:
    """Iterations of a process."""

    name: PassName = "inference"
    phases: tuple[Phase, ...] = (PHASE,)

    def __init__(self, process: Process, base_s: float, backend: VirtualBackend) -> None:
        self._process = process
        self._base_s = base_s
        self._backend = backend
        self.levels: list[tuple[float, float]] = []
        """Start and level of every iteration."""

    def begin(self) -> None:
        """Nothing to prepare."""

    def regions(self, count: int, group: int) -> list[tuple[float, float]]:
        backend, process, base_s = self._backend, self._process, self._base_s
        found = []
        for _ in range(count):
            start = backend.time_s
            for _ in range(group):
                now = backend.time_s
                level = process.level(now)
                self.levels.append((now, level))
                backend.time_s = now + base_s * level * (1 + process.noise())
                if process.waits:
                    backend.system.waited_s += base_s * (level - 1)
            found.append((start, backend.time_s))
        return found

    def seconds(self, marks: tuple[float, float]) -> tuple[float, ...]:
        return (marks[1] - marks[0],)


@dataclass(frozen=True)
class Outcome:
    """One simulated measurement against its truth."""

    assessment: Assessment
    error: float
    """Estimate over truth, less one."""
    covered: bool
    covered_without_factor: bool
    """Whether the bare t-interval would have held the truth too."""
    used_s: float
    """Virtual seconds from the first call to the last."""
    rounds: int

    @property
    def codes(self) -> set[str]:
        """The reasons of the grade."""
        return {reason.code for reason in self.assessment.reasons}


def measure(kind: Kind, protocol: Protocol, base_s: float, seed: int, *, blind: bool = False) -> Outcome:
    """One repeat: drawn, measured by the worker's stopwatch, graded as the results are."""
    process = kind.draw(Random(f"{kind.name} {protocol.name} {base_s} {seed}"))
    backend = VirtualBackend(blind=blind)
    timed = VirtualPass(process, base_s, backend)
    result = Stopwatch(timed, backend, protocol, lambda _: None).run()
    measurement = as_measurement(result)
    found = estimate(counted_rounds_by_visit(measurement, PHASE, protocol))
    assert found is not None
    assert found.half_width_s is not None
    truth_s = base_s * _truth(kind, timed, result)
    return Outcome(
        assessment=assess(measurement, PHASE, protocol),
        error=found.median_s / truth_s - 1,
        covered=abs(found.median_s - truth_s) <= found.half_width_s,
        covered_without_factor=abs(found.median_s - truth_s) <= found.half_width_s / PEEKING,
        used_s=result.record.wall_s,
        rounds=len(result.phases[0].rounds),
    )


def as_measurement(result: PassResult) -> Measurement:
    """A case with this pass alone."""
    return Measurement(
        case_id=f"simulated {result.record.name}",
        phases=tuple(result.phases),
        memory_peak_bytes=None,
        parameters=None,
        first_call_s=None,
        warmup_s=result.record.warmup_s,
        wall_s=result.record.wall_s,
        threads=1,
        timed_s=result.timed_s,
        passes=(result.record,),
    )


def _truth(kind: Kind, timed: VirtualPass, result: PassResult) -> float:
    """What the number is held against, as a share of the base."""
    if kind.truth != "average":
        return kind.sustained
    return fmean(level for start, level in timed.levels if start >= result.record.warmup_s)
