"""The worker's own stopwatch and the engine's schedule, driven through a workload and a clock that are made of numbers:
a case is visited in turn with others that take as long. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from random import Random
from statistics import fmean

from cvbench_tui.core.event import CaseFinished
from cvbench_tui.core.evidence import PassName, Visit
from cvbench_tui.core.grading.assess import Assessment, assess
from cvbench_tui.core.measurement import Clock, Measurement, Phase, merge
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.stats.estimate import Estimate, estimate
from cvbench_tui.core.stats.stop_rule import counted_rounds_by_visit
from cvbench_tui.core.workload import Workload
from cvbench_tui.engine.schedule import Schedule
from cvbench_tui.worker.devices.backend import Backend
from cvbench_tui.worker.timing.counters import Snapshot
from cvbench_tui.worker.timing.stopwatch import PassResult, Stopwatch
from tests.core.simulator.processes import Kind, Process

PHASE: Phase = "inference"
CASE = Case(Workload("layer", "simulated", "simulated", (1,)), "cpu", 1)
ALTERNATE = "memory_format"
OTHER = CASE.varied(**{ALTERNATE: "channels_last"})
ROWS = 12  # of the plan that the case is one of, unless told; the others take as long as it does


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
    found: Estimate
    truth_s: float
    used_s: float  # virtual seconds from the first visit to the end of the last
    visits: int

    @property
    def error(self) -> float:
        """Estimate over truth, less one."""
        return self.found.median_s / self.truth_s - 1

    @property
    def covered(self) -> bool:
        """Whether the interval holds the truth."""
        return self.found.low_s <= self.truth_s <= self.found.high_s

    @property
    def codes(self) -> set[str]:
        """The reasons of the grade."""
        return {reason.code for reason in self.assessment.reasons}


def measure(
    kind: Kind, protocol: Protocol, base_s: float, seed: int, *, blind: bool = False, rows: int = ROWS
) -> Outcome:
    """One repeat: drawn, visited as the engine does, measured by the worker's stopwatch, graded as the results are. The
    case is one of so many ``rows``."""
    process = kind.draw(Random(f"{kind.name} {protocol.name} {base_s} {seed}"))
    [(measurement, levels)] = visited(process, (CASE,), (base_s,), protocol, seed, blind=blind, rows=rows)
    found = estimate(counted_rounds_by_visit(measurement, PHASE, protocol))
    assert found is not None
    assert found.low_s is not None
    return Outcome(
        assessment=assess(measurement, PHASE, protocol),
        found=found,
        truth_s=base_s * (fmean(levels) if kind.truth == "average" else kind.sustained),
        used_s=measurement.span_s or 0.0,
        visits=measurement.visits,
    )


def in_turn(kind: Kind, protocol: Protocol, base_s: float, seed: int, larger: float) -> tuple[Measurement, Measurement]:
    """Two rows of one run that alternates them, the second longer by that share: visited one right after the other, on
    one machine whose level both meet."""
    process = kind.draw(Random(f"{kind.name} {protocol.name} {base_s} {seed} in turn"))
    sides = (base_s, base_s * (1 + larger))
    first, second = visited(process, (CASE, OTHER), sides, protocol, seed)
    return first[0], second[0]


def visited(
    process: Process,
    cases: Sequence[Case],
    bases_s: Sequence[float],
    protocol: Protocol,
    seed: int,
    *,
    blind: bool = False,
    rows: int = ROWS,
) -> list[tuple[Measurement, list[float]]]:
    """For each of the cases, which take that long, its visits as the engine makes them, and the level of every
    iteration after a warm-up. ``rows``: of the whole plan."""
    backend = VirtualBackend(blind=blind)
    plan = Plan("simulated", tuple(cases), protocol, ALTERNATE if len(cases) > 1 else "")
    schedule = Schedule(plan, rng=Random(seed))
    bases = dict(zip((case.case_id for case in cases), bases_s, strict=True))
    levels: dict[str, list[float]] = {case.case_id: [] for case in cases}
    found: dict[str, Measurement] = {}
    for visit in chain.from_iterable(schedule):
        key = visit.case.case_id
        if rows > 1:
            backend.time_s = max(backend.time_s, visit.not_before_s or 0.0)
        begun_s = backend.time_s
        process.begin(begun_s)
        timed = VirtualPass(process, bases[key], backend)
        result = Stopwatch(timed, backend, protocol, lambda _: None, check_deferred=False).run()
        took_s = backend.time_s - begun_s
        levels[key] += [level for start, level in timed.levels if start >= begun_s + result.record.warmup_s]
        new = as_measurement(result, Visit(begun_s, took_s, visit.number), key)
        schedule.record(CaseFinished(new, visit.number))
        found[key] = merge(found[key], new) if key in found else new
        if len({found[each].visits if each in found else 0 for each in bases}) == 1:
            backend.time_s += (rows - len(cases)) * took_s  # the other rows, once all of these had their turn
    return [(found[case.case_id], levels[case.case_id]) for case in cases]


def as_measurement(result: PassResult, visit: Visit, case_id: str = CASE.case_id) -> Measurement:
    """A visit with this pass alone."""
    return Measurement(
        case_id=case_id,
        phases=tuple(result.phases),
        memory_peak_bytes=None,
        parameters=None,
        first_call_s=None,
        warmup_s=result.record.warmup_s,
        wall_s=result.record.wall_s,
        threads=1,
        timed_s=result.timed_s,
        passes=(result.record,),
        visit_records=(visit,),
    )
