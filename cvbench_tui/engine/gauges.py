"""What the machine is doing this moment: processor, memory, and the card that is picked. One reading at a time.

It keeps no history, has no thread and decides nothing: when to read is the caller's. Reading wakes the processor and
asks the driver, so nobody should read while a short case is being timed on a machine with few cores.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cvbench_tui.core.environment import Device


@dataclass(frozen=True)
class GaugeReading:
    """One reading. None is not available here."""

    cpu_share: float | None = None
    """Busy time of all cores since the reading before, 0 to 1; None in the first one."""
    cpu_hz: float | None = None
    """The first core's clock; a virtual machine tells none."""
    load: float | None = None
    """Load average over one minute."""
    memory_used_bytes: float | None = None
    """Memory of the machine that is not available to a new process."""
    memory_total_bytes: float | None = None
    gpu_share: float | None = None
    """Share of the driver's last sample in which the card computed, 0 to 1."""
    gpu_hz: float | None = None
    """Clock of the compute units."""
    gpu_celsius: float | None = None
    gpu_watts: float | None = None
    gpu_memory_used_bytes: float | None = None
    gpu_memory_total_bytes: float | None = None


class GaugeReader:
    """Reads the machine, and the card when ``device_id`` is one of CUDA's. No method raises.

    A card is found by ``uuid`` or ``pci_id``, as the probe told them. Without either, by CUDA's number, and then only
    where the numbers of PyTorch and of the driver cannot differ: one card, cards of one kind, CUDA_DEVICE_ORDER set
    to PCI_BUS_ID, or CUDA_VISIBLE_DEVICES naming cards by identity. Another card's numbers would be worse than none.
    """

    def __init__(self, device_id: str, nvml: Any = None, *, uuid: str | None = None, pci_id: str | None = None) -> None:
        """``nvml``: the library in place of pynvml, for tests."""
        self.device_id = device_id
        self._library = nvml
        self._identity = (uuid, pci_id)
        self._card: Any = None
        self._searched = False
        self._begun = False
        self._before: tuple[float, float] | None = None

    def read(self) -> GaugeReading:
        """The machine now; takes 0.3 ms without a card, the first time 40 for the libraries."""
        values = dict(self._host())
        if self._found():
            values |= self._of_card()
        return GaugeReading(**values)

    def close(self) -> None:
        """Let the driver's library go; a later reading has no card."""
        self._searched, self._card = True, None
        if self._begun:
            self._begun = False
            with contextlib.suppress(Exception):
                self._library.nvmlShutdown()

    def _host(self) -> Iterator[tuple[str, float]]:
        """Fields of the machine that can be read."""
        with contextlib.suppress(Exception):
            yield from self._busy_share()
        with contextlib.suppress(Exception):
            yield from _frequency()
        with contextlib.suppress(Exception):
            yield "load", os.getloadavg()[0]  # psutil's starts a thread on Windows
        with contextlib.suppress(Exception):
            import psutil

            memory = psutil.virtual_memory()
            yield "memory_used_bytes", float(memory.total - memory.available)
            yield "memory_total_bytes", float(memory.total)

    def _busy_share(self) -> Iterator[tuple[str, float]]:
        """Not psutil.cpu_percent: that one counts from the last call of anybody in this process."""
        import psutil

        times = psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        # Guests' time is in user's time already on Linux.
        total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        before, self._before = self._before, (total, idle)
        if before is not None and total > before[0]:
            yield "cpu_share", min(1.0, max(0.0, 1 - (idle - before[1]) / (total - before[0])))

    def _found(self) -> bool:
        """True when there is a card to read; it is looked for once."""
        if not self._searched:
            self._searched = True
            with contextlib.suppress(Exception):
                self._card = self._search()
            if self._card is None:
                self.close()
        return self._card is not None

    def _search(self) -> Any:
        """The library's handle of the card; None when it is not found for sure."""
        if not self.device_id.startswith("cuda"):
            return None
        if self._library is None:
            import pynvml

            self._library = pynvml
        self._library.nvmlInit()
        self._begun = True
        uuid, pci_id = self._identity
        if uuid is None and pci_id is None:
            uuid = _uuid_by_number(self._library, int(self.device_id.partition(":")[2] or 0))
        from cvbench_tui.engine.host.nvml import _handle

        return _handle(self._library, Device(self.device_id, "", uuid=uuid), pci_id)

    def _of_card(self) -> dict[str, float]:
        """Fields of the card that can be read."""
        from cvbench_tui.engine.host.nvml import NVML_FACTS

        values: dict[str, float] = {}
        for field, fact in CARD_FACTS.items():
            with contextlib.suppress(Exception):
                value = NVML_FACTS[fact](self._library, self._card)
                values |= {} if value is None else {field: float(value)}
        with contextlib.suppress(Exception):
            memory = self._library.nvmlDeviceGetMemoryInfo(self._card)
            values["gpu_memory_used_bytes"] = float(memory.used)
            values["gpu_memory_total_bytes"] = float(memory.total)
        return values


CARD_FACTS = {"gpu_share": "utilisation", "gpu_hz": "clock_hz", "gpu_celsius": "temperature_c", "gpu_watts": "power_w"}
"""Fields that the environment's facts have readers for, and the facts' names."""


def _frequency() -> Iterator[tuple[str, float]]:
    """The first core's clock: psutil asks every core, which took 256 files on a large machine."""
    from cvbench_tui.engine.host.linux import CPU, LINUX_FACTS
    from cvbench_tui.engine.host.metadata import ELSEWHERE_FACTS

    on_linux = (Path("/") / CPU).is_dir()
    value = LINUX_FACTS["frequency_hz"](Path("/")) if on_linux else ELSEWHERE_FACTS["frequency_hz"]()
    if value:
        yield "cpu_hz", float(value)


def _uuid_by_number(library: Any, number: int) -> str | None:
    """The identity of PyTorch's card of that number, without its prefix; None where that is not sure."""
    handles = [library.nvmlDeviceGetHandleByIndex(place) for place in range(library.nvmlDeviceGetCount())]
    identities = [str(library.nvmlDeviceGetUUID(handle)) for handle in handles]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    chosen = visible.split(",")[number].strip() if visible is not None else str(number)
    if not chosen.isdigit():  # CUDA takes any beginning that only one card has
        fitting = [name for name in identities if name.startswith(chosen)] if chosen.startswith("GPU-") else []
        whole = fitting[0] if len(fitting) == 1 else chosen if chosen.startswith("MIG-") else ""
        return whole[4:] or None
    names = {str(library.nvmlDeviceGetName(handle)) for handle in handles}
    ordered = os.environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID" or len(names) == 1
    return identities[int(chosen)][4:] if ordered else None
