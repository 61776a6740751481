"""The backend of the processor: the host's clock, an operator for all threads, and emptying the caches."""

from __future__ import annotations

import os
import re
from pathlib import Path

import torch

from cvbench_tui.base.cores import CORES_FOR_APP, affinity, memory_limit_bytes, usable_cores
from cvbench_tui.base.system_files import read_text
from cvbench_tui.core.measurement import Clock
from cvbench_tui.worker.devices.backend import Backend, clock_ns
from cvbench_tui.worker.timing.counters import DeviceReading, Processor

MAX_BYTES = 128 << 20  # of a buffer: a larger one's flush would take longer than most layers' whole round
UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
EXERCISE = 1 << 20  # elements; PyTorch gives each thread at least 32,768 of them


def intra_op_threads(root: Path = Path("/")) -> int:
    """PyTorch's own choice (physical cores), but never more than are usable, less one for the app where there are 4."""
    usable = usable_cores(root)
    if usable >= CORES_FOR_APP:
        usable -= 1
    return max(1, min(torch.get_num_threads(), usable))


def memory_bytes(pages: str = "SC_PHYS_PAGES", root: Path = Path("/")) -> int | None:
    """Memory of the machine, by ``sysconf``, or of the container where it is limited to less; None on systems that do
    not say."""
    try:
        machine = os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
    return min(machine, memory_limit_bytes(root) or machine)


class CpuBackend(Backend):
    """The processor: every call is done when it returns."""

    clock: Clock = "perf_counter"
    region_s = 0.0
    mark = staticmethod(clock_ns)  # nanoseconds; the bare function: a mark costs 40 ns and no call of ours

    def __init__(self, cores: Path = Path("/sys/devices/system/cpu")) -> None:
        super().__init__()
        self._cores = cores
        self._processor = Processor()
        self._buffer: torch.Tensor | None = None

    def settle(self) -> None:
        """Nothing is ever outstanding."""

    def flush(self) -> bool:
        """Write twice the last caches' size with all threads, so that every core's own caches go too."""
        if self._buffer is None:
            size = 2 * (self.cache_bytes() or 0)
            if not 0 < size <= MAX_BYTES:
                return False
            with torch.inference_mode(False):
                self._buffer = torch.zeros(size // 4, dtype=torch.int32)
        self._buffer.add_(1)
        return True

    def exercise(self) -> bool:
        """A million additions, which PyTorch shares out to all threads."""
        with torch.inference_mode():
            torch.zeros(EXERCISE).add_(1)
        return True

    def free_bytes(self) -> int | None:
        """Of the machine."""
        return memory_bytes("SC_AVPHYS_PAGES")

    def cache_bytes(self) -> int | None:
        """Summed over the instances of the last cache that the usable cores share."""
        sizes = {}
        for core in affinity() or range(os.cpu_count() or 1):
            caches = self._cores.glob(f"cpu{core}/cache/index*")
            last = max(caches, key=lambda cache: read_text(cache / "level"), default=None)
            number = re.fullmatch(r"(\d+)([KMG])", read_text(last / "size")) if last else None
            if last is None or number is None:
                return None
            sizes[read_text(last / "shared_cpu_list")] = int(number[1]) * UNITS[number[2]]
        return sum(sizes.values()) or None

    def read_device(self) -> DeviceReading:
        """By the processor's own sensors."""
        return self._processor.read()
