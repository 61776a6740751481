"""Peak memory of each phase, in a pass of its own: nothing is timed here.

Run it after the rounds, since first calls take memory that later ones do not, and since allocators are made to give
back what they keep: what is timed afterwards needs a warm-up of its own.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Union

import torch

from cvbench_tui.base.system_files import read_text
from cvbench_tui.core.evidence import PassName
from cvbench_tui.core.measurement import Phase, PhaseMemory, largest, largest_memory
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest
from cvbench_tui.worker.workloads.training_step import TrainingStep

RESET_PEAK = "5"  # in ``clear_refs`` it makes ``VmHWM`` begin anew at the present size (proc(5); needs no privilege)
KIB = 1024


@dataclass
class CardMemoryPeaks:
    """CUDA, ROCm and XPU: the statistics of PyTorch's caching allocator, and the driver's free memory.

    The cache is emptied before each phase: reserved memory would else be what the groups of the timed rounds had
    left there, up to 64 graphs. What the driver counts is read at the phase's end, when the cache still holds the
    peak, and is the whole card's.
    """

    device: torch.device
    accelerator: Any  # ``torch.cuda``, ``torch.xpu``, or a stand-in with the same calls

    def reset(self) -> bool:
        """Begin new readings of allocated and reserved memory, from what is held now."""
        self.accelerator.empty_cache()
        self.accelerator.reset_peak_memory_stats(self.device)
        return True

    def read(self, phase: Phase) -> PhaseMemory:
        """Allocated, reserved and driver-used; the last is None where it is not known, as by older PyTorch on XPU."""
        driver = None
        with contextlib.suppress(AttributeError, RuntimeError):
            free, total = self.accelerator.mem_get_info(self.device)
            driver = int(total) - int(free)
        allocated = int(self.accelerator.max_memory_allocated(self.device))
        return PhaseMemory(phase, allocated, int(self.accelerator.max_memory_reserved(self.device)), driver)


class ResidentMemoryPeaks:
    """The CPU under Linux: growth of the process's resident memory since this was made. Without pages of program files:
    a forked process reads 19 MiB of torch's code in anew. The C library gives freed memory back first, where it can:
    without that, ResNet-18's inference at batch 8 read 126 and then 168 MiB, with it 86 to 97."""

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
        lines = read_text(self._folder / "status").splitlines()
        pairs = (line.split(":", 1) for line in lines if line.startswith(("VmRSS:", "RssFile:", "VmHWM:")))
        sizes = {name: int(rest.split()[0]) * KIB for name, rest in pairs}
        return sizes if len(sizes) == 3 else None


MemoryPeaks = Union[CardMemoryPeaks, ResidentMemoryPeaks]  # a device's peak readings; made before the workload is built


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
    """Peak memory of each phase of those passes, one iteration each; phases without a reading are left out. Total is
    the larger of its two parts. Where the peak cannot be begun anew, only total has one, the whole case's. Leaves the
    subject in the last pass's mode without gradients. Raises whatever the workload raises."""
    if peaks is None:
        return ()
    found: list[PhaseMemory] = []

    def peak_of(phase: Phase, work: Callable[[], Any]) -> Any:
        settle()
        peaks.reset()
        result = work()
        settle()
        found.append(peaks.read(phase))
        return result

    anew = peaks.reset()
    if "training" in passes:
        subject.clear()
        subject.train()
        output = peak_of("forward", subject.forward)
        peak_of("backward", partial(subject.backward, output))
        del output
        subject.clear()
        found.append(largest_memory("total", found))
    if "inference" in passes:
        subject.evaluate()
        with torch.inference_mode():
            peak_of("inference", subject.forward)
    if "step" in passes:
        subject.train()
        subject.clear()
        step = TrainingStep(subject)
        step.run()  # what the optimizer remembers is made in its first step, and stays
        peak_of("step", step.run)
        subject.clear()
    readings = [memory for memory in found if anew or memory.phase == "total"]
    return tuple(memory for memory in readings if memory != PhaseMemory(memory.phase))


def largest_bytes(memory: Sequence[PhaseMemory]) -> int | None:
    """The case's peak: of allocated memory on an accelerator, of resident growth on the CPU; None without a reading."""
    return largest(value for peak in memory for value in (peak.allocated_bytes, peak.resident_bytes))
