"""Live readings of the processor, the memory and the selected card. One reading at a time, without history or thread:
the caller decides when to read. A reading wakes the processor and queries the driver, so do not read while a short case
is timed on a machine with few cores.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cvbench_tui.base.nvml import NvmlCard, find_card
from cvbench_tui.core.environment import Fact, known


@dataclass(frozen=True)
class GaugeReading:
    """One reading. None is not available here."""

    cpu_share: float | None = None  # busy time of all cores since the reading before, 0 to 1; None in the first one
    cpu_hz: float | None = None  # the first core's clock; None on a virtual machine that hides it
    load: float | None = None  # load average over one minute
    memory_used_bytes: float | None = None  # memory of the machine that is not available to a new process
    memory_total_bytes: float | None = None
    gpu_share: float | None = None  # share of the driver's last sample in which the card computed, 0 to 1
    gpu_hz: float | None = None  # clock of the compute units
    gpu_celsius: float | None = None
    gpu_watts: float | None = None
    gpu_memory_used_bytes: float | None = None
    gpu_memory_total_bytes: float | None = None


class GaugeReader:
    """Reads the machine, and the card when ``device_id`` is one of CUDA's. No method raises.

    A card is looked up by ``uuid`` or ``pci_id`` of the probe, never by CUDA's number: PyTorch and the driver
    count in different orders, and another card's figures would be worse than none.
    """

    def __init__(self, device_id: str, nvml: Any = None, *, uuid: str | None = None, pci_id: str | None = None) -> None:
        """``nvml``: the library in place of pynvml, for tests."""
        self._device_id = device_id
        self._library = nvml
        self._identity = (uuid, pci_id)
        self._card: NvmlCard | None = None
        self._searched = False
        self._started = contextlib.ExitStack()  # the driver's library
        self._before: tuple[float, float] | None = None

    def read(self) -> GaugeReading:
        """The machine now; takes 0.3 ms without a card, the first time 40 for the libraries."""
        import psutil

        from cvbench_tui.engine.host.metadata import frequency_hz

        readers: dict[str, Callable[[], Fact]] = {
            "cpu_share": self._busy_share,
            "cpu_hz": frequency_hz,
            "load": lambda: os.getloadavg()[0],  # psutil's starts a thread on Windows
            "memory_used_bytes": lambda: psutil.virtual_memory().total - psutil.virtual_memory().available,
            "memory_total_bytes": lambda: psutil.virtual_memory().total,
        }
        card = self._find_card()
        values: dict[str, Any] = dict(known(readers)) | ({} if card is None else dict(known(CARD, card)))
        return GaugeReading(**values)

    def close(self) -> None:
        """Shut the driver's library down; a later reading has no card."""
        self._searched, self._card = True, None
        with contextlib.suppress(Exception):
            self._started.close()

    def _busy_share(self) -> float | None:
        """Not psutil.cpu_percent: that one counts from the last call by any code in this process."""
        import psutil

        times = psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        # Guests' time is in user's time already on Linux.
        total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        before, self._before = self._before, (total, idle)
        if before is None or total <= before[0]:
            return None
        return min(1.0, max(0.0, 1 - (idle - before[1]) / (total - before[0])))

    def _find_card(self) -> NvmlCard | None:
        """The card with the identity or the address that is known; looked for once."""
        if not self._searched:
            self._searched = True
            with contextlib.suppress(Exception):
                if self._device_id.startswith("cuda"):
                    library = self._library or importlib.import_module("pynvml")
                    library.nvmlInit()
                    self._started.callback(lambda: library.nvmlShutdown())
                    self._card = find_card(library, *self._identity, whole=True)
            if self._card is None:
                self.close()
        return self._card


CARD: dict[str, Callable[[NvmlCard], Fact]] = {
    "gpu_share": NvmlCard.utilisation,
    "gpu_hz": NvmlCard.clock_hz,
    "gpu_celsius": NvmlCard.temperature_c,
    "gpu_watts": NvmlCard.power_w,
    "gpu_memory_used_bytes": lambda card: int(card.memory().used),
    "gpu_memory_total_bytes": lambda card: int(card.memory().total),
}
"""Readers of the card, by field."""
