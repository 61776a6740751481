"""Peak memory of each phase, in a pass of its own: nothing is timed here.

Run it after the rounds, since first calls take memory that later ones do not, and since allocators are made to give
back what they keep: what is timed afterwards needs a warm-up of its own.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Protocol

import torch

from cvbench_tui.core.evidence import PassName
from cvbench_tui.core.measurement import Phase, PhaseMemory
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest

RESET_PEAK = "5"
"""Written to ``clear_refs``, it makes ``VmHWM`` begin anew at the present size (proc(5); own process, no privilege)."""
KIB = 1024


class MemoryPeaks(Protocol):
    """A device's peak readings. Made before the workload is built."""

    def reset(self) -> bool:
        """Begin a new reading; False where the peak is the whole process's and cannot be begun anew."""

    def read(self, phase: Phase) -> PhaseMemory:
        """The peak since the last reset, as that phase's."""


class CardMemoryPeaks:
    """CUDA, ROCm and XPU: the statistics of PyTorch's caching allocator, and the driver's free memory.

    The cache is emptied before each phase: reserved memory would else be what the groups of the timed rounds had
    left there, up to 64 graphs. What the driver counts is read at the phase's end, when the cache still holds the
    peak, and is the whole card's.
    """

    def __init__(self, device: torch.device, accelerator: Any) -> None:
        self._device = device
        self._accelerator = accelerator  # ``torch.cuda``, ``torch.xpu``, or a stand-in with the same calls

    def reset(self) -> bool:
        """Begin new readings of allocated and reserved memory, from what is held now."""
        self._accelerator.empty_cache()
        self._accelerator.reset_peak_memory_stats(self._device)
        return True

    def read(self, phase: Phase) -> PhaseMemory:
        """Allocated, reserved and driver-used; the last is None where it is not known, as by older PyTorch on XPU."""
        driver = None
        with contextlib.suppress(AttributeError, RuntimeError):
            free, total = self._accelerator.mem_get_info(self._device)
            driver = int(total) - int(free)
        allocated = int(self._accelerator.max_memory_allocated(self._device))
        return PhaseMemory(phase, allocated, int(self._accelerator.max_memory_reserved(self._device)), driver)


class ResidentMemoryPeaks:
    """The CPU under Linux: growth of the process's resident memory since this was made.

    Without pages of program files: a forked process reads 19 MiB of torch's code in anew. The C library gives freed
    memory back first, where it can: without that, ResNet-18's inference at batch 8 read 126 and then 168 MiB, with it
    86 to 97.
    """

    def __init__(self, folder: Path = Path("/proc/self")) -> None:
        self._folder = folder
        self._start = self._status()

    def reset(self) -> bool:
        """Begin a new peak; False where the system does not allow it."""
        with contextlib.suppress(OSError, AttributeError, TypeError):
            ctypes.CDLL(None).malloc_trim(0)  # GNU's C library only
        try:
            (self._folder / "clear_refs").write_text(RESET_PEAK)
        except OSError:
            return False
        return True

    def read(self, phase: Phase) -> PhaseMemory:
        """Growth at its peak, never below 0; None where the system has no such file."""
        now = self._status()
        if now is None or self._start is None:
            return PhaseMemory(phase)
        code = max(0, now["RssFile"] - self._start["RssFile"])
        return PhaseMemory(phase, resident_bytes=max(0, now["VmHWM"] - self._start["VmRSS"] - code))

    def _status(self) -> dict[str, int] | None:
        """Bytes of now, of program files, and at the peak; None on other systems."""
        try:
            lines = (self._folder / "status").read_text().splitlines()
        except OSError:
            return None
        pairs = (line.split(":", 1) for line in lines if line.startswith(("VmRSS:", "RssFile:", "VmHWM:")))
        sizes = {name: int(rest.split()[0]) * KIB for name, rest in pairs}
        return sizes if len(sizes) == 3 else None


def memory_peaks_for(device: torch.device) -> MemoryPeaks | None:
    """The readings of that device, None where there are none (MPS). Call it before the module is built."""
    if device.type == "cpu":
        return ResidentMemoryPeaks()
    if device.type in ("cuda", "xpu"):
        return CardMemoryPeaks(device, getattr(torch, device.type))
    return None


def phase_memory(
    subject: ModuleUnderTest,
    settle: Callable[[], None],
    peaks: MemoryPeaks | None,
    passes: Sequence[PassName] = ("training", "inference"),
) -> tuple[PhaseMemory, ...]:
    """Peak memory of each phase of those passes, one iteration each; phases without a reading are left out.

    Total is the larger of its two parts. Where the peak cannot be begun anew, only total has one, the whole case's.
    Leaves the subject in the last pass's mode without gradients. Raises whatever the workload raises.
    """
    if peaks is None:
        return ()
    anew = peaks.reset()
    phases = _training(subject, settle, peaks) if "training" in passes else []
    if "inference" in passes:
        subject.evaluate()
        with torch.inference_mode():
            phases.append(_peak_of("inference", subject.forward, settle, peaks)[0])
    readings = [memory for memory in phases if anew or memory.phase == "total"]
    return tuple(memory for memory in readings if memory != PhaseMemory(memory.phase))


def largest_bytes(memory: Sequence[PhaseMemory]) -> int | None:
    """The case's peak: of allocated memory on an accelerator, of resident growth on the CPU; None without a reading."""
    return _largest(value for peak in memory for value in (peak.allocated_bytes, peak.resident_bytes))


def _training(subject: ModuleUnderTest, settle: Callable[[], None], peaks: MemoryPeaks) -> list[PhaseMemory]:
    subject.clear()
    subject.train()
    forward, output = _peak_of("forward", subject.forward, settle, peaks)
    backward, _ = _peak_of("backward", lambda: subject.backward(output), settle, peaks)
    subject.clear()
    sizes = [field.name for field in fields(PhaseMemory) if field.name != "phase"]
    total = PhaseMemory("total", *(_largest(getattr(part, size) for part in (forward, backward)) for size in sizes))
    return [forward, backward, total]


def _peak_of(
    phase: Phase, work: Callable[[], Any], settle: Callable[[], None], peaks: MemoryPeaks
) -> tuple[PhaseMemory, Any]:
    """The phase's peak and what ``work`` returned."""
    settle()
    peaks.reset()
    result = work()
    settle()
    return peaks.read(phase), result


def _largest(sizes: Iterable[int | None]) -> int | None:
    return max((size for size in sizes if size is not None), default=None)
