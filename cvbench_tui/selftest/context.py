"""Context of a check: our engine on one side, other harnesses on the other, and the time it may take."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from cvbench_tui.core.environment import Environment, Fact
from cvbench_tui.core.event import CaseFailed, CaseFinished, EnvironmentProbed
from cvbench_tui.core.measurement import Measurement, Phase, merge
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.workload import Workload
from cvbench_tui.engine.source import EventSource
from cvbench_tui.results.stats.phase_stats import PhaseResult, Terms, phase_results
from cvbench_tui.selftest.figures import Point
from cvbench_tui.selftest.reference import Reference, ReferenceResult
from cvbench_tui.selftest.verdict import Interval

Result = TypeVar("Result")

SHORT = Protocol(
    "selftest",
    precision=0.02,
    max_rounds=8,
    round_s=0.04,
    round_iterations=5,
    budget_s=1.0,
    warmup_window_s=0.03,
    warmup_iterations=3,
    warmup_agreement=0.015,
    warmup_cap_s=0.5,
    max_repeats=2,
    timeout_s=120.0,
    silence_s=60.0,
)
"""One visit at one go, in a third of the time of ``quick``: for what is compared pair by pair, many short fresh
processes are worth more than few long ones, and another side's turn must not wait for a span of time."""
INFERENCE_ONLY = replace(SHORT, passes=("inference",))


class CheckFailed(Exception):
    """Our own side gave no number where it should have; the text is one sentence."""


@dataclass(frozen=True)
class Scope:
    """How much is run."""

    pairs: int = 8  # alternated runs of each side; the time limit may come first ...
    min_pairs: int = 1  # ... but not before so many
    limit_s: float = 40.0  # seconds after which an alternation ends with the pairs it has
    loop_s: float = 0.3  # seconds that another harness measures in each mode
    durations_s: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # programmed durations
    workloads: int = 2  # how many of the selftest's workloads are compared with other harnesses


_MANY_DURATIONS_S = (1e-4, 2e-4, 5e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)
QUICK = Scope(pairs=6, limit_s=25.0, durations_s=(1e-4, 1e-3, 1e-2, 1e-1), workloads=1)
"""Without the duration of a second, on which the bare loop alone spends 37 s."""
THOROUGH = Scope(pairs=24, limit_s=300.0, loop_s=1.0, durations_s=_MANY_DURATIONS_S, workloads=6)


@dataclass(frozen=True)
class OurResult:
    """One of our measurements with its statistics and grades."""

    measurement: Measurement
    results: Mapping[Phase, PhaseResult]

    def result(self, phase: Phase) -> PhaseResult:
        """The statistics of that phase. Raises CheckFailed when it was not measured."""
        if phase not in self.results:
            raise CheckFailed(f"No number for {phase} of {self.measurement.case_id}.")
        return self.results[phase]

    def device_s(self, phase: Phase) -> float:
        """The device's own time where it is known, else the number. Raises CheckFailed as ``result``."""
        result = self.result(phase)
        return result.median_s if result.device_s is None else result.device_s

    def interval(self, phase: Phase) -> Interval:
        """As it would stand in a table."""
        result = self.result(phase)
        low_s = 0.0 if result.low_s is None else result.low_s
        return Interval(result.median_s, low_s, math.inf if result.high_s is None else result.high_s)

    def point(self, phase: Phase, programmed_s: float) -> Point:
        """With the duration that it should have."""
        interval = self.interval(phase)
        return Point(programmed_s, interval.median_s, interval.high_s - interval.median_s, self.result(phase).min_s)


@dataclass
class CheckContext:
    """Both sides and the device under test."""

    source: EventSource
    reference: Reference
    environment: Environment
    device: str
    threads: int  # threads that the worker would choose
    scope: Scope = field(default_factory=Scope)
    clock: Callable[[], float] = time.monotonic

    @property
    def on_cuda(self) -> bool:
        """True when the device has events and streams."""
        return self.device.startswith("cuda")

    def case(self, workload: Workload, *, batch: int = 1, threads: int | None = None) -> Case:
        """That workload on the device under test. Threads are always named: then no peak is measured for it."""
        case = Case(workload, self.device, batch)
        return case.varied(threads=str(threads or self.threads)) if self.device == "cpu" else case

    def layer(self, op: str, **params: float) -> Case:
        """One of the worker's traps, on one thread."""
        return self.case(Workload("layer", op, op, (8,), tuple(sorted(params.items()))), threads=1)

    def measure(self, case: Case, protocol: Protocol = SHORT) -> OurResult:
        """One measurement, by ``SHORT`` in one fresh process. Raises CheckFailed when there is none, and WorkerError
        without a worker."""
        return self.measure_all((case,), protocol)[0]

    def measure_all(self, cases: Sequence[Case], protocol: Protocol) -> list[OurResult]:
        """All of them in one plan, in order, each from all of its visits. Raises as ``measure``."""
        facts: tuple[tuple[str, Fact], ...] = ()
        found: dict[str, Measurement] = {}
        plan = Plan("selftest", tuple(cases), protocol)
        for event in self.source.events(plan):
            if isinstance(event, EnvironmentProbed):
                facts = event.environment.facts
            elif isinstance(event, CaseFailed):
                name = plan.case(event.failure.case_id).workload.name
                raise CheckFailed(f"{name} was not measured: {event.failure.sentence}")
            elif isinstance(event, CaseFinished):
                visit = event.measurement
                found[visit.case_id] = merge(found[visit.case_id], visit) if visit.case_id in found else visit
        for case in cases:
            if case.case_id not in found:
                raise CheckFailed(f"{case.workload.name} was not measured.")
        measured = [found[case.case_id] for case in cases]
        return [OurResult(each, phase_results(each, Terms(protocol, None, facts))) for each in measured]

    def ask(self, case: Case, method: str, *phases: Phase, **options: bool) -> ReferenceResult:
        """The same case by another harness with equal threads, in a fresh process. Raises ReferenceFailed."""
        seconds, threads = self.scope.loop_s, case.threads or self.threads
        return self.reference.ask(case, method, seconds=seconds, threads=threads, phases=list(phases), **options)

    def alternate(self, sides: Mapping[str, Callable[[], Result]]) -> dict[str, list[Result]]:
        """Each side in turn, another one first in every round, until there are enough or the time is over. Only whole
        rounds are kept, so that all sides have equally many."""
        names = list(sides)
        runs: dict[str, list[Result]] = {name: [] for name in names}
        started = self.clock()
        for number in range(max(self.scope.pairs, self.scope.min_pairs)):
            first = number % len(names)
            one = {name: sides[name]() for name in names[first:] + names[:first]}
            for name in names:
                runs[name].append(one[name])
            if number + 1 >= self.scope.min_pairs and self.clock() - started > self.scope.limit_s:
                break
        return runs
