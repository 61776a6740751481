"""The clock of each kind of device, behind the few calls that the stopwatch needs.

A *mark* is a point in the stream of work; the seconds between two marks are known once the device has
settled. On the CPU a mark is a clock reading; on CUDA an event; elsewhere a synchronise and a reading.
Nothing here knows workloads, rounds or rules.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch

from cvbench_tui.core.measurement import Clock

# Own references, taken before any workload runs: code under test that replaces time.* cannot bend the clock.
_clock_ns = time.perf_counter_ns

CUDA_REGION_S = 1e-3
"""Shortest timed region on CUDA: events resolve about 0.5 us and leave a launch gap (measurement study, 5.3)."""
HOST_REGION_S = 1e-2
"""Shortest timed region where every mark is a synchronise: one was seen to cost up to 250 us."""


class Backend(Protocol):
    """What the stopwatch asks of a device."""

    clock: Clock
    region_s: float
    """Shortest region worth timing, seconds."""

    def mark(self) -> Any:
        """A point in time, in the order of the queued work."""

    def settle(self) -> None:
        """Wait for all work on the device, whatever stream it is on."""

    def seconds(self, start: Any, end: Any) -> float:
        """Seconds between two marks; valid after ``settle``."""

    def allocations(self) -> int | None:
        """How often memory was taken from the driver so far; None when it cannot be told."""

    def reset_peak(self) -> None:
        """Begin a new peak-memory reading."""

    def peak_bytes(self) -> int | None:
        """Peak memory since ``reset_peak``; None when it cannot be told."""

    def free_bytes(self) -> int | None:
        """Memory still free on the device; None when it cannot be told."""


class CpuBackend:
    """The processor: every call is done when it returns."""

    clock: Clock = "perf_counter"
    region_s = 0.0

    def __init__(self) -> None:
        self._resident_at_start = resident_bytes("VmRSS")
        self._file_at_start = resident_bytes("RssFile")

    def mark(self) -> int:
        """The monotonic clock, nanoseconds."""
        return _clock_ns()

    def settle(self) -> None:
        """Nothing is ever outstanding."""

    def seconds(self, start: int, end: int) -> float:
        """Nanoseconds to seconds."""
        return (end - start) * 1e-9

    def allocations(self) -> int | None:
        """The C allocator does not tell."""
        return None

    def reset_peak(self) -> None:
        """The peak is the whole case's: resident memory has no counter that a process can reset."""

    def peak_bytes(self) -> int | None:
        """Growth of resident memory since this backend was made, at its peak; None where the system does not tell.

        Without pages of program files: a forked process reads 19 MiB of torch's code in anew.
        """
        peak, file = resident_bytes("VmHWM"), resident_bytes("RssFile")
        if peak is None or file is None or self._resident_at_start is None or self._file_at_start is None:
            return None
        return max(0, peak - self._resident_at_start - max(0, file - self._file_at_start))

    def free_bytes(self) -> int | None:
        """Not needed: work on the CPU is not grouped into regions that hold memory."""
        return None


class CudaBackend:
    """CUDA and ROCm: events on the current stream, a device-wide synchronise to settle."""

    clock: Clock = "cuda_event"
    region_s = CUDA_REGION_S

    def __init__(self, device: torch.device, cuda: Any = torch.cuda) -> None:
        self._device = device
        self._cuda = cuda
        """``torch.cuda``, or a stand-in with the same calls."""

    def mark(self) -> Any:
        """An event recorded on the current stream."""
        event = self._cuda.Event(enable_timing=True)
        event.record()
        return event

    def settle(self) -> None:
        """Device-wide, so that work a library put on a stream of its own is waited for as well."""
        self._cuda.synchronize(self._device)

    def seconds(self, start: Any, end: Any) -> float:
        """The event timer's milliseconds to seconds."""
        return float(start.elapsed_time(end)) * 1e-3

    def allocations(self) -> int | None:
        """Segments taken from the driver so far."""
        count = self._cuda.memory_stats(self._device).get("num_device_alloc")
        return None if count is None else int(count)

    def reset_peak(self) -> None:
        """Begin a new reading of allocated memory."""
        self._cuda.reset_peak_memory_stats(self._device)

    def peak_bytes(self) -> int | None:
        """Peak of allocated memory; what the caching allocator reserves on top is not counted."""
        return int(self._cuda.max_memory_allocated(self._device))

    def free_bytes(self) -> int | None:
        """As the driver tells."""
        return int(self._cuda.mem_get_info(self._device)[0])


class HostClockBackend:
    """Any other accelerator (MPS, XPU): the host clock around a synchronise."""

    clock: Clock = "host_synchronize"
    region_s = HOST_REGION_S

    def __init__(self, synchronize: Callable[[], None]) -> None:
        self._synchronize = synchronize

    def mark(self) -> int:
        """All queued work done, then the monotonic clock, nanoseconds."""
        self._synchronize()
        return _clock_ns()

    def settle(self) -> None:
        """Wait for all queued work."""
        self._synchronize()

    def seconds(self, start: int, end: int) -> float:
        """Nanoseconds to seconds."""
        return (end - start) * 1e-9

    def allocations(self) -> int | None:
        """Not told alike by these devices."""
        return None

    def reset_peak(self) -> None:
        """Not told alike by these devices."""

    def peak_bytes(self) -> int | None:
        """Not told alike by these devices."""
        return None

    def free_bytes(self) -> int | None:
        """Not told alike by these devices."""
        return None


def backend_for(device: torch.device) -> Backend:
    """The backend of that device."""
    if device.type == "cpu":
        return CpuBackend()
    if device.type == "cuda":
        torch.cuda.set_device(device)
        return CudaBackend(device)
    if device.type == "xpu":
        torch.xpu.set_device(device)
        return HostClockBackend(partial(torch.xpu.synchronize, device))
    return HostClockBackend(getattr(torch, device.type).synchronize)


def resident_bytes(field: str) -> int | None:
    """``VmRSS`` (now), ``RssFile`` (of program files) or ``VmHWM`` (peak) of this process in bytes.

    From /proc; None on other systems.
    """
    if sys.platform != "linux":
        return None
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    return None
