"""The backend of CUDA and ROCm: events on the current stream, a device-wide synchronise to settle.

Every call to the card goes through ``cuda``, which is ``torch.cuda`` or an honest stand-in with the same calls:
so all that is decided here is tested without a card. Nothing assumes that there is one card, or that NVML tells of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

from cvbench_tui.core.measurement import Clock
from cvbench_tui.worker.devices.backend import Counters
from cvbench_tui.worker.devices.nvml import MeasuredCard
from cvbench_tui.worker.timing.counters import DeviceReading, SystemCounters

# Own references, taken before any workload runs: code under test that replaces them cannot bend the clock.
_clock_ns = time.perf_counter_ns
_sleep = time.sleep

CUDA_REGION_S = 1e-3
"""Shortest timed region on CUDA: events resolve about 0.5 us and leave a launch gap."""
SPIN_CYCLES = 1_000_000
"""A first spin, to learn how long one cycle takes: 0.5 to 1 ms ..."""
LONG_SPIN_CYCLES = 20_000_000
"""... and the one that is believed, 10 to 20 ms: by then an idle card's clock has begun to rise."""
MATRIX = 1024
"""Side of the matrices that keep a device busy where its PyTorch has no spin: some 0.2 ms a product."""
MAX_PRODUCTS = 2000


class CudaBackend:
    """One card."""

    clock: Clock = "cuda_event"
    region_s = CUDA_REGION_S
    queues = True

    def __init__(
        self,
        device: torch.device,
        cuda: Any = torch.cuda,
        card: MeasuredCard | None = None,
        counters: Counters | None = None,
    ) -> None:
        self._device = device
        self._cuda = cuda
        self._event = cuda.Event
        self._elapsed_ms = cuda.Event.elapsed_time
        self._synchronize = cuda.synchronize
        self.card = card
        """NVML's view of it; None where there is none."""
        self.counters: Counters = counters or SystemCounters(self.allocations, self.retries)
        self._spin: Callable[[float], None] | None = None
        self._cache: torch.Tensor | None = None

    def now_s(self) -> float:
        """The host's monotonic clock, seconds."""
        return _clock_ns() * 1e-9

    def wait(self, seconds: float) -> None:
        """Let the host sleep."""
        _sleep(seconds)

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
        """Queue a spin of about ``seconds``: PyTorch's own spin kernel, or matrix products where it has none."""
        if self._spin is None:
            self._spin = self._spin_by_kernel() if hasattr(self._cuda, "_sleep") else self._spin_by_products()
        self._spin(seconds)

    def flush(self) -> bool:
        """Write over a buffer twice the size of the card's L2 cache. Queued like any work; False without its size."""
        if self._cache is None:
            size = int(getattr(self._cuda.get_device_properties(self._device), "L2_cache_size", 0) or 0)
            if not size:
                return False
            with torch.inference_mode(False):
                self._cache = torch.empty(2 * size, dtype=torch.int8, device=self._device)
        self._cache.zero_()
        return True

    def exercise(self) -> bool:
        """None: the host's threads only launch."""
        return False

    def allocations(self) -> int | None:
        """Segments taken from the driver so far."""
        return self._statistic("num_device_alloc")

    def retries(self) -> int | None:
        """Allocations that succeeded only after the cache was given back."""
        return self._statistic("num_alloc_retries")

    def free_bytes(self) -> int | None:
        """As the driver tells."""
        return int(self._cuda.mem_get_info(self._device)[0])

    def extra_bytes(self, work: Callable[[], object]) -> int | None:
        """Peak of allocated memory over ``work``, less what was allocated before."""
        self._cuda.reset_peak_memory_stats(self._device)
        before = int(self._cuda.max_memory_allocated(self._device))
        work()
        self.settle()
        return int(self._cuda.max_memory_allocated(self._device)) - before

    def gauges(self) -> DeviceReading:
        """As NVML tells, when it is there."""
        return DeviceReading() if self.card is None else self.card.read()

    def _statistic(self, name: str) -> int | None:
        count = self._cuda.memory_stats(self._device).get(name)
        return None if count is None else int(count)

    def _spin_by_kernel(self) -> Callable[[float], None]:
        """Calibrated by this very clock; the spin counts cycles, so a clock that rises later makes it shorter."""
        sleep = self._cuda._sleep
        for cycles in (SPIN_CYCLES, LONG_SPIN_CYCLES):
            seconds = self._timed(lambda: sleep(cycles))  # noqa: B023 (called at once)
        rate = cycles / max(seconds, 1e-6)
        return lambda wanted_s: sleep(int(wanted_s * rate))

    def _spin_by_products(self) -> Callable[[float], None]:
        matrix = torch.zeros(MATRIX, MATRIX, device=self._device)
        out = torch.zeros_like(matrix)

        def product() -> None:
            torch.mm(matrix, matrix, out=out)

        self._timed(product)
        each_s = max(self._timed(product), 1e-6)

        def spin(wanted_s: float) -> None:
            for _ in range(min(MAX_PRODUCTS, int(wanted_s / each_s) + 1)):
                product()

        return spin

    def _timed(self, work: Callable[[], object]) -> float:
        """Seconds of that work on the device."""
        start = self.mark()
        work()
        end = self.mark()
        self.settle()
        return self.seconds(start, end)
