"""The processor through PyTorch: how many threads it gets, an operator for all of them, and emptying its caches."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from cvbench_tui.base.cores import CORES_FOR_APP, affinity, usable_cores
from cvbench_tui.base.system_files import read_text

MAX_BYTES = 128 << 20
"""Larger buffers are not written: one region's flush would take longer than most layers' whole round."""
UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
EXERCISE = 1 << 20  # elements; PyTorch gives each thread at least 32,768 of them


def intra_op_threads(root: Path = Path("/")) -> int:
    """PyTorch's own choice (physical cores), but never more than are usable, less one for the app where there are 4."""
    usable = usable_cores(root)
    if usable >= CORES_FOR_APP:
        usable -= 1
    return max(1, min(torch.get_num_threads(), usable))


def exercise() -> bool:
    """A million additions, which PyTorch shares out to all threads."""
    with torch.inference_mode():
        torch.zeros(EXERCISE).add_(1)
    return True


class CpuCache:
    """The last cache before memory, on all cores that this process may use.

    Twice its size is written with all threads, so that every core's own caches go too.
    """

    def __init__(self, folder: Path = Path("/sys/devices/system/cpu")) -> None:
        self._folder = folder
        self._buffer: torch.Tensor | None = None

    def flush(self) -> bool:
        """Write over it. False where its size is not known, or too large."""
        if self._buffer is None:
            size = 2 * (last_cache_bytes(self._folder) or 0)
            if not 0 < size <= MAX_BYTES:
                return False
            with torch.inference_mode(False):
                self._buffer = torch.zeros(size // 4, dtype=torch.int32)
        self._buffer.add_(1)
        return True


def last_cache_bytes(folder: Path = Path("/sys/devices/system/cpu")) -> int | None:
    """Bytes of the last cache, summed over its instances that the usable cores share; None where not known."""
    sizes = {}
    for core in affinity() or range(os.cpu_count() or 1):
        caches = sorted(folder.glob(f"cpu{core}/cache/index*"), key=lambda cache: read_text(cache / "level"))
        size = _bytes(read_text(caches[-1] / "size")) if caches else None
        if size is None:
            return None
        sizes[read_text(caches[-1] / "shared_cpu_list")] = size
    return sum(sizes.values()) or None


def _bytes(text: str) -> int | None:
    """``32768K`` in bytes."""
    unit = UNITS.get(text[-1:])
    return int(text[:-1]) * unit if unit and text[:-1].isdigit() else None
