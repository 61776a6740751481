"""The clock of each kind of device, behind the few calls that the stopwatch needs. Needs no torch.

A *mark* is a point in the stream of work; the seconds between two marks are known once the device has
settled. On the CPU a mark is a clock reading; on CUDA an event (``worker.devices.cuda``); elsewhere a synchronise and a
reading. Independent of workloads, rounds and rules.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from cvbench_tui.core.measurement import Clock
from cvbench_tui.worker.timing.counters import DeviceReading, SystemCounters

# Own references, taken before any workload runs: code under test that replaces time.* cannot bend the clock.
clock_ns = time.perf_counter_ns
_sleep = time.sleep

HOST_REGION_S = 1e-2  # shortest timed region where every mark is a synchronise: one was seen to cost up to 250 us


class ClockError(Exception):
    """The clock gave a value that cannot be a duration: negative, zero, or not a number."""


class Backend:
    """Interface of a device for the stopwatch. Defaults: the host's clock, and nothing that a device may lack."""

    clock: Clock
    region_s: float  # shortest region worth timing, seconds; 0 where iterations keep marks of their own however short
    queues = False  # True when calls return before their work is done, so that the host can run ahead
    leads = False  # True when ``lead`` keeps the device busy

    def __init__(self, counters: SystemCounters | None = None) -> None:
        self.counters = counters or SystemCounters()

    def now_s(self) -> float:
        """The host's monotonic clock, seconds."""
        return clock_ns() * 1e-9

    def wait(self, seconds: float) -> None:
        """Let the host sleep."""
        _sleep(seconds)

    def mark(self) -> Any:
        """A point in time, in the order of the queued work."""
        raise NotImplementedError

    def settle(self) -> None:
        """Wait for all work on the device, whatever stream it is on."""
        raise NotImplementedError

    def seconds(self, start: Any, end: Any) -> float:
        """Seconds between two marks; valid after ``settle``. May be no duration at all: the caller checks."""
        return (end - start) * 1e-9

    def lead(self, seconds: float) -> None:
        """Keep the device busy for about so long, so that the host can queue what follows. Only where it queues."""

    def flush(self) -> bool:
        """Empty the caches of what the workload left there; False where that cannot be done."""
        return False

    def exercise(self) -> bool:
        """A short operator on all threads of the host that an operator may use; False where there is none."""
        return False

    def allocations(self) -> int | None:
        """Memory segments allocated from the driver so far; None where not known, as by the C allocator."""
        return None

    def free_bytes(self) -> int | None:
        """Memory still free on the device; None where not known."""
        return None

    def cache_bytes(self) -> int | None:
        """Size of the last cache before memory; None where not known."""
        return None

    def extra_bytes(self, work: Callable[[], object]) -> int | None:
        """Memory that ``work`` takes at its peak beyond what was held before; None, and not run, where not known."""
        return None

    def read_device(self) -> DeviceReading:
        """Clock, temperature and the like at this moment."""
        return DeviceReading()


class HostClockBackend(Backend):
    """Any other accelerator (MPS, XPU): the host clock around a synchronise."""

    clock: Clock = "host_synchronize"
    region_s = HOST_REGION_S

    def __init__(self, synchronize: Callable[[], None]) -> None:
        super().__init__()
        self._synchronize = synchronize

    def mark(self) -> int:
        """All queued work done, then the monotonic clock, nanoseconds."""
        self._synchronize()
        return clock_ns()

    def settle(self) -> None:
        """Wait for all queued work."""
        self._synchronize()
