"""The backend of CUDA and ROCm: events on the current stream, a device-wide synchronise to settle.

Every call to the card goes through ``cuda``, which is ``torch.cuda`` or a stand-in with the same calls: so all
that is decided here is tested without a card. Nothing assumes that there is one card, or that NVML knows it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from cvbench_tui.core.measurement import Clock
from cvbench_tui.worker.devices.backend import Backend
from cvbench_tui.worker.devices.nvml import MeasuredCard
from cvbench_tui.worker.timing.counters import DeviceReading, SystemCounters

CUDA_REGION_S = 1e-3  # shortest timed region on CUDA: events resolve about 0.5 us and leave a launch gap
SPIN_CYCLES = 1_000_000  # a first spin, to learn how long one cycle takes: 0.5 to 1 ms ...
LONG_SPIN_CYCLES = 20_000_000  # ... and the one used, 10 to 20 ms: an idle card's clock has begun to rise by then


class CudaBackend(Backend):
    """One card."""

    clock: Clock = "cuda_event"
    region_s = CUDA_REGION_S
    queues = True

    def __init__(self, device: torch.device, cuda: Any = torch.cuda, card: MeasuredCard | None = None) -> None:
        super().__init__(SystemCounters(self.allocations, lambda: self._statistic("num_alloc_retries")))
        self._device = device
        self._cuda = cuda
        self.leads = hasattr(cuda, "_sleep")  # a PyTorch without its spin kernel gives no lead, and rows say so
        self._event = cuda.Event
        self._elapsed_ms = cuda.Event.elapsed_time
        self._synchronize = cuda.synchronize
        self.card = card  # NVML's view of it; None where there is none
        self._spin: Callable[[float], None] | None = None
        self._cache: torch.Tensor | None = None

    def mark(self) -> Any:
        """An event recorded on the current stream."""
        event = self._event(enable_timing=True)
        event.record()
        return event

    def settle(self) -> None:
        """Device-wide, so that work a library put on a stream of its own is waited for as well."""
        self._synchronize(self._device)

    def seconds(self, start: Any, end: Any) -> float:
        """The event timer's milliseconds to seconds."""
        return float(self._elapsed_ms(start, end)) * 1e-3

    def lead(self, seconds: float) -> None:
        """Queue PyTorch's spin kernel for about ``seconds``."""
        if self._spin is None:
            self._spin = self._calibrated_spin() if self.leads else lambda _seconds: None
        self._spin(seconds)

    def flush(self) -> bool:
        """Write over a buffer twice the size of the card's L2 cache. Queued like any work; False without its size."""
        if self._cache is None:
            size = self.cache_bytes()
            if size is None:
                return False
            with torch.inference_mode(False):
                self._cache = torch.empty(2 * size, dtype=torch.int8, device=self._device)
        self._cache.zero_()
        return True

    def allocations(self) -> int | None:
        """Segments allocated from the driver so far."""
        return self._statistic("num_device_alloc")

    def free_bytes(self) -> int | None:
        """By the driver."""
        return int(self._cuda.mem_get_info(self._device)[0])

    def cache_bytes(self) -> int | None:
        """Of the L2 cache."""
        return int(getattr(self._cuda.get_device_properties(self._device), "L2_cache_size", 0) or 0) or None

    def extra_bytes(self, work: Callable[[], object]) -> int | None:
        """Peak of allocated memory over ``work``, less what was allocated before."""
        self._cuda.reset_peak_memory_stats(self._device)
        before = int(self._cuda.max_memory_allocated(self._device))
        work()
        self.settle()
        return int(self._cuda.max_memory_allocated(self._device)) - before

    def read_device(self) -> DeviceReading:
        """By NVML, when it is there."""
        return DeviceReading() if self.card is None else self.card.read()

    def _statistic(self, name: str) -> int | None:
        count: int | None = self._cuda.memory_stats(self._device).get(name)
        return count

    def _calibrated_spin(self) -> Callable[[float], None]:
        """By this very clock; the spin counts cycles, so a clock that rises later makes it shorter."""
        sleep = self._cuda._sleep
        for cycles in (SPIN_CYCLES, LONG_SPIN_CYCLES):
            start = self.mark()
            sleep(cycles)
            end = self.mark()
            self.settle()
        cycles_per_s = LONG_SPIN_CYCLES / max(self.seconds(start, end), 1e-6)
        return lambda wanted_s: sleep(int(wanted_s * cycles_per_s))
