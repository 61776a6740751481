"""How much memory a process may take on a device, and its peak. What exceeds it is an exception here, and not a process
that the kernel kills, a machine that swaps, or another program that finds no memory.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any, Union

import torch

from cvbench_tui.base.cores import memory_left_bytes
from cvbench_tui.base.system_files import read_text
from cvbench_tui.worker.process.failure import UnsupportedError

KIB = 1024
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
LOOK_S = 0.005
LIMIT_SHARE = 0.995
"""Of what a limit or a card leaves. The visits that follow have no limit of ours: a few MB more do not end them."""
MACHINE_SHARE = 0.9  # of the machine's own free memory: the rest is for the others, so that nothing is swapped


class ProcessRoom:
    """The CPU under Linux: the least of what the machine, the control group and the limits of this process leave. Sets
    a limit on this process's private memory (RLIMIT_DATA, setrlimit(2)): make it in a process that ends with the try,
    after the threads have been started, whose stacks count."""

    def __init__(self, root: Path = Path("/")) -> None:
        """Raises UnsupportedError on other systems."""
        if sys.platform != "linux":
            raise UnsupportedError("The largest batch of a CPU is found under Linux only; name a batch.")
        import resource

        self._root = root
        self._start = self._sizes()
        held = {resource.RLIMIT_AS: self._start["VmSize"], resource.RLIMIT_DATA: self._start["VmData"]}
        limits = [(resource.getrlimit(kind)[0], bytes_) for kind, bytes_ in held.items()]
        left = [LIMIT_SHARE * (limit - bytes_) for limit, bytes_ in limits if limit != resource.RLIM_INFINITY]
        group = memory_left_bytes(root)
        left += [LIMIT_SHARE * group] if group is not None else []
        self.bytes = max(0, int(min([MACHINE_SHARE * self._available(), *left])))
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (self._start["VmData"] + self.bytes, hard))
        self._most = self._before = self._private()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def peak_bytes(self) -> int | None:
        """Largest growth of private memory so far: as the limit counts it, from a look every few milliseconds, since
        the kernel keeps no peak of it; or of resident memory, whose peak it keeps."""
        self._over.set()
        self._thread.join()
        now = self._sizes()
        resident = now["VmHWM"] - self._start["VmRSS"] - max(0, now["RssFile"] - self._start["RssFile"])
        return max(0, resident, self._most - self._before)

    def _watch(self) -> None:
        while not self._over.wait(LOOK_S):
            self._most = max(self._most, self._private())

    def _private(self) -> int:
        """Private memory that can be written to, used or not, by ``statm`` (proc(5))."""
        fields = read_text(self._root / "proc/self/statm").split()
        return int(fields[5]) * PAGE if len(fields) > 5 else 0

    def _sizes(self) -> dict[str, int]:
        return _kib(self._root / "proc/self/status", ("VmSize", "VmData", "VmHWM", "VmRSS", "RssFile"))

    def _available(self) -> int:
        """Of the machine, caches that it can give up included."""
        return _kib(self._root / "proc/meminfo", ("MemAvailable",))["MemAvailable"]


class CardRoom:
    """A card: what PyTorch's allocator may have of the memory that is free, by its own limit."""

    def __init__(self, device: torch.device, accelerator: Any) -> None:
        """``accelerator``: ``torch.cuda``, ``torch.xpu``, or a stand-in with the same calls. Raises UnsupportedError
        where there is no such limit."""
        self._device, self._accelerator = device, accelerator
        self._start = int(accelerator.max_memory_allocated(device))
        self.bytes = self._room()
        total = int(accelerator.mem_get_info(device)[1])
        accelerator.set_per_process_memory_fraction(min(1.0, (self._start + self.bytes) / total), device)

    def peak_bytes(self) -> int | None:
        """Largest growth of allocated memory so far. Corrects the room by what libraries have loaded onto the card,
        beside the allocator, meanwhile."""
        self.bytes = min(self.bytes, self._room())
        return int(self._accelerator.max_memory_allocated(self._device)) - self._start

    def _room(self) -> int:
        free = int(self._accelerator.mem_get_info(self._device)[0])
        return int(LIMIT_SHARE * (free + int(self._accelerator.memory_reserved(self._device)) - self._start))


MemoryRoom = Union[ProcessRoom, CardRoom]


def memory_room(device: torch.device) -> MemoryRoom:
    """That of the device. Raises UnsupportedError for one whose memory cannot be limited."""
    if device.type == "cpu":
        return ProcessRoom()
    accelerator = getattr(torch, device.type)
    if not all(hasattr(accelerator, name) for name in ("mem_get_info", "set_per_process_memory_fraction")):
        raise UnsupportedError(f"PyTorch cannot limit memory on {device.type}, so no largest batch is found; name one.")
    return CardRoom(device, accelerator)


def _kib(path: Path, names: tuple[str, ...]) -> dict[str, int]:
    """Bytes of those lines of a file in KiB. Raises UnsupportedError where one is missing."""
    lines = [line.split(":", 1) for line in read_text(path).splitlines() if ":" in line]
    found = {name: int(rest.split()[0]) * KIB for name, rest in lines if name in names}
    if len(found) < len(names):
        raise UnsupportedError(f"The system does not say how much memory there is ({path}); name a batch.")
    return found
