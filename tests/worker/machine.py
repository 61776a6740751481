"""A device, a clock and a workload made of numbers: only work moves the time, so that rules can be tested exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from cvbench_tui.core.protocol import Protocol
from cvbench_tui.worker.devices.backend import Backend
from cvbench_tui.worker.timing.counters import Snapshot
from cvbench_tui.worker.timing.stopwatch import PassResult, ProgressUpdate, Stopwatch

DEFAULT = Protocol("at one go")


class Machine(Backend):
    """Both the backend and the pass. ``iteration_s`` tells how long the n-th iteration takes."""

    clock = "perf_counter"
    region_s = 0.0
    name = "training"
    phases = ("forward", "backward", "total")

    def __init__(self, iteration_s: Callable[[int], float]) -> None:
        super().__init__(self)
        self.now = 0.0
        self.done = 0
        self.idle_cpu_share = 0.0
        self.cpu_s = 0.0
        self.waited_s = 0.0
        self.blocks: list[int] = []
        self.groups: list[int] = []
        self._iteration_s = iteration_s

    # the counters
    def read(self) -> Snapshot:
        return Snapshot(cpu_s=self.cpu_s, waited_s=self.waited_s)

    # the backend
    def now_s(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.cpu_s += seconds * self.idle_cpu_share

    def mark(self) -> float:
        return self.now

    def settle(self) -> None:
        pass

    def seconds(self, start, end) -> float:
        # the pass fills in marks of three; their ends are what a backend is asked about
        return end - start

    def flush(self) -> bool:
        return False

    def extra_bytes(self, work) -> int | None:
        work()
        return 1 << 20

    def free_bytes(self) -> int | None:
        return 1 << 30

    # the pass
    def begin(self) -> None:
        pass

    def regions(self, count: int, group: int) -> list[tuple[float, float, float]]:
        self.groups.append(group)
        self.blocks.append(count)
        return [self._region(group) for _ in range(count)]

    def _region(self, group: int) -> tuple[float, float, float]:
        seconds = sum(self._iteration_s(self.done + index) for index in range(group))
        start = self.now
        self.done += group
        self.now += seconds
        self.cpu_s += seconds
        return start, start + seconds / 3, self.now


class Pass:
    """The machine's pass, under the names the stopwatch calls; ``seconds`` means something else to a backend."""

    def __init__(self, machine: Machine) -> None:
        self.name, self.phases = machine.name, machine.phases
        self.begin, self.regions = machine.begin, machine.regions

    def seconds(self, marks: tuple[float, float, float]) -> tuple[float, ...]:
        start, between, end = marks
        return between - start, end - between, end - start


def take(
    machine: Machine, protocol: Protocol = DEFAULT, timed=None, **options
) -> tuple[PassResult, list[ProgressUpdate]]:
    """The result of a pass, and what was told meanwhile."""
    told: list[ProgressUpdate] = []
    watch = Stopwatch(timed or Pass(machine), machine, protocol, told.append, **options)
    return watch.run(), told


def with_cap(seconds: float) -> Protocol:
    """The default with another bound for the warm-up."""
    return replace(DEFAULT, warmup_cap_s=seconds)
