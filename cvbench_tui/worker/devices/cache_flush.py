"""Emptying the processor's caches: twice their size is written with all threads, so that every core's own goes too."""

from __future__ import annotations

import os
from pathlib import Path

import torch

MAX_BYTES = 128 << 20
"""Larger buffers are not written: one region's flush would take longer than most layers' whole round."""
UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class CpuCache:
    """The last cache before memory, on all cores that this process may use."""

    def __init__(self, folder: Path = Path("/sys/devices/system/cpu")) -> None:
        self._folder = folder
        self._buffer: torch.Tensor | None = None

    def flush(self) -> bool:
        """Write over it. False where its size is not told, or too large."""
        if self._buffer is None:
            size = 2 * (last_cache_bytes(self._folder) or 0)
            if not 0 < size <= MAX_BYTES:
                return False
            with torch.inference_mode(False):
                self._buffer = torch.zeros(size // 4, dtype=torch.int32)
        self._buffer.add_(1)
        return True


def last_cache_bytes(folder: Path = Path("/sys/devices/system/cpu")) -> int | None:
    """Bytes of the last cache, summed over its instances that the usable cores share; None where it is not told."""
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    instances = {}
    for core in cores:
        indices = sorted(folder.glob(f"cpu{core}/cache/index*"), key=lambda index: _text(index / "level"))
        size = _bytes(_text(indices[-1] / "size")) if indices else None
        if size is None:
            return None
        instances[_text(indices[-1] / "shared_cpu_list")] = size
    return sum(instances.values()) or None


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _bytes(text: str) -> int | None:
    """``32768K`` in bytes."""
    unit = UNITS.get(text[-1:])
    return int(text[:-1]) * unit if unit and text[:-1].isdigit() else None
