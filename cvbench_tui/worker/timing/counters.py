"""The system's counters, read before and after each round, and their difference as evidence. Judges nothing. A source
that this system lacks is None, never 0."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from cvbench_tui.base.system_files import cpu_seconds, cpu_sensor, read_head, read_int, read_text
from cvbench_tui.core.evidence import Evidence

if sys.platform != "win32":
    import resource

# Own references, taken before any workload runs: code under test that replaces time.* cannot bend them.
_process_time = time.process_time
_thread_time = time.thread_time

NANOSECOND = 1e-9
SLEEP_S = 0.1  # growth of the difference of two clocks above which the machine slept
CORE_FIELD = 36  # of ``/proc/thread-self/stat`` behind the command's name: the core that the thread ran on last


@dataclass(frozen=True)
class Snapshot:
    """Counters that only grow, at one moment. Two of them make an ``Evidence``, whose fields have the same names and
    meanings: page faults and switches are of this process, swapped pages of the machine since boot."""

    cpu_s: float | None = None
    thread_s: float | None = None
    waited_s: float | None = None
    switches: int | None = None
    major_faults: int | None = None
    busy_s: float | None = None  # of all cores of the machine, our work included, in the kernel's steps of 10 ms
    stolen_s: float | None = None
    swapped_pages: int | None = None
    collections: int = 0
    allocations: int | None = None
    retries: int | None = None
    recompiles: int | None = None
    stops: int | None = None


@dataclass(frozen=True)
class DeviceReading:
    """The device at one moment, best read while it still works. Fields as in ``Evidence``."""

    clock_hz: float | None = None
    temperature_c: float | None = None
    power_w: float | None = None
    throttle: tuple[str, ...] = ()
    foreign: int | None = None


@dataclass
class SystemCounters:
    """Reads a ``Snapshot``; 77 us with one thread where it was measured (2 cores), and 9 us more for each further one.
    ``allocations`` and ``retries`` ask the device; ``proc`` is the kernel's folder, another one in tests."""

    allocations: Callable[[], int | None] | None = None
    retries: Callable[[], int | None] | None = None
    proc: str = "/proc"

    def __post_init__(self) -> None:
        """Begin to add up waiting."""
        self._delays = RunDelay(f"{self.proc}/self/task")
        self._stops = Stops()

    def read(self) -> Snapshot:
        """All counters now."""
        waited_s = self._delays.read_s()  # first and last, so that reading them is little of the difference
        busy_s, stolen_s = cpu_seconds(f"{self.proc}/stat")
        usage = None if sys.platform == "win32" else resource.getrusage(resource.RUSAGE_SELF)
        _, swapped, rest = read_head(f"{self.proc}/vmstat").partition(b"\npswpin ")
        dynamo = sys.modules.get("torch._dynamo.utils")  # None while nothing has loaded it: loading takes a second
        compiled = getattr(dynamo, "counters", None)
        return Snapshot(
            cpu_s=_process_time(),
            thread_s=_thread_time(),
            waited_s=waited_s,
            switches=usage and usage.ru_nivcsw,
            major_faults=usage and usage.ru_majflt,
            busy_s=busy_s,
            stolen_s=stolen_s,
            swapped_pages=int(rest.split(None, 1)[0]) if swapped else None,
            collections=sum(int(generation["collections"]) for generation in gc.get_stats()),
            allocations=self.allocations and self.allocations(),
            retries=self.retries and self.retries(),
            recompiles=None if compiled is None else int(compiled["stats"]["unique_graphs"]),
            stops=self._stops.read(),
        )


@dataclass
class RunDelay:
    """Seconds that threads of this process waited for a core, from the second field of each thread's ``schedstat``.
    Threads come and go; what an ended one had waited stays in the sum, so that it only grows. A thread that waits at
    this very moment is counted once it runs."""

    folder: str
    _last_ns: dict[str, int] = field(default_factory=dict)
    _sum_ns: int = 0

    def read_s(self) -> float | None:
        """The sum so far; None where the kernel does not count (other systems; "0 0 0" for a thread that runs)."""
        try:
            threads = os.listdir(self.folder)
        except OSError:
            return None
        now_ns: dict[str, int] = {}
        for thread in threads:
            numbers = read_head(f"{self.folder}/{thread}/schedstat").split()
            if len(numbers) == 3 and numbers[2] != b"0":
                now_ns[thread] = int(numbers[1])
        if not now_ns:
            return None
        for thread, waited_ns in now_ns.items():
            before_ns = self._last_ns.get(thread, 0)
            # less than before: the number was given to another thread, whose waiting began at 0
            self._sum_ns += waited_ns - before_ns if waited_ns >= before_ns else waited_ns
        self._last_ns = now_ns
        return self._sum_ns * NANOSECOND


class Stops:
    """How often this process was stopped: each time it goes on Linux and macOS tell it so, by a signal. And how often
    the whole machine slept, by Linux's clock that goes on meanwhile."""

    _continued: int | None = None  # of this process; None until its signal is heard

    def __init__(self) -> None:
        self._slept, self._asleep_s = 0, _asleep_s()

    def read(self) -> int | None:
        """So far; None where signals are not heard."""
        asleep_s = _asleep_s()
        self._slept += asleep_s - self._asleep_s > SLEEP_S
        self._asleep_s = asleep_s
        return None if Stops._continued is None else Stops._continued + self._slept

    @classmethod
    def hear(cls) -> None:
        """Count from now on. In the main thread only."""
        if sys.platform != "win32":
            cls._continued = 0
            signal.signal(signal.SIGCONT, cls._count)

    @classmethod
    def _count(cls, *_: object) -> None:
        cls._continued = (cls._continued or 0) + 1


def _asleep_s() -> float:
    """Seconds that the machine has slept since boot; 0 where not known."""
    if sys.platform != "linux":
        return 0.0
    # The smaller of two: between the two clocks another program may have had the core for a while.
    return min(time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC) for _ in range(2))


class Processor:
    """Sensors of the core that the calling thread runs on, by Linux's files."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._thread = root / "proc/thread-self/stat"
        self._cores = root / "sys/devices/system/cpu"
        self._sensor = cpu_sensor(root)

    def read(self) -> DeviceReading:
        """Clock and temperature now, each None where it is not known. The clock of the calling thread's own core: it
        alone is sure to be under load whatever the number of threads, while a median over the affinity would be an idle
        core's clock where one thread works on many cores."""
        fields = read_text(self._thread).rpartition(")")[2].split()
        core = fields[CORE_FIELD] if len(fields) > CORE_FIELD else None
        clock_khz = read_int(self._cores / f"cpu{core}/cpufreq/scaling_cur_freq")
        millidegrees = read_int(self._sensor) if self._sensor else None
        temperature_c = None if millidegrees is None else millidegrees / 1e3
        return DeviceReading(clock_khz * 1e3 if clock_khz else None, temperature_c)


def evidence(before: Snapshot, after: Snapshot, device: DeviceReading, **seen: Any) -> Evidence:
    """Differences of the counters between two snapshots, the device's reading at the end, and all else ``seen``."""
    deltas: dict[str, Any] = {
        each.name: _delta(getattr(before, each.name), getattr(after, each.name)) for each in fields(Snapshot)
    }
    busy_s = deltas.pop("busy_s")
    if busy_s is not None and deltas["cpu_s"] is not None:
        # the kernel's 10 ms steps can make our exact seconds the larger
        deltas["others_s"] = round(max(0.0, busy_s - deltas["cpu_s"]), 6)
    return Evidence(**deltas, **asdict(device), **seen)


def _delta(before: Any, after: Any) -> Any:
    """After less before, to the microsecond; None when either is not known, never below 0 should a kernel step back."""
    if before is None or after is None:
        return None
    return round(max(after - before, after - after), 6)
