"""NVML's view of the card that is measured: a reading for each round, and other processes on it. Optional: ``pynvml``
comes with cvbench-tui, but a foreign interpreter may lack it."""

from __future__ import annotations

import os
import time
from typing import Any

from cvbench_tui.base.nvml import NvmlCard, find_card
from cvbench_tui.worker.timing.counters import DeviceReading

try:
    import pynvml
except Exception:  # not installed, or another module of that name
    pynvml = None

RECENT_S = 2.0  # how far back another process's work on the card counts: the driver samples it about once a second


class MeasuredCard(NvmlCard):
    """One card. ``open_card`` makes it, before this process touches the device."""

    def __init__(self, library: Any, handle: Any) -> None:
        super().__init__(library, handle)
        self._before = frozenset(self.processes() or ())
        self._own: int | None = None

    def read(self) -> DeviceReading:
        """The card now. Some calls take a millisecond: not for timed lines."""
        sensors = self.clock_hz(), self.temperature_c(), self.power_w()
        return DeviceReading(*sensors, self.throttle(), self.foreign_processes())

    def foreign_processes(self) -> int | None:
        """Other processes that work on the card; None when the driver does not list them.

        In a container ids are another namespace's: only their coming and going means something. Ours is the one with
        our id, else the only one that was not there when the card was opened. One that was there but computed nothing
        for two seconds, like a forgotten notebook, does not count, where that is known. One that came later does:
        making a context is work, and what it did may not be sampled yet.
        """
        found = self.processes()
        if found is None:
            return None
        others = self._others(frozenset(found))
        if not others:
            return 0
        working = self.processes_since(int((time.time() - RECENT_S) * 1e6))
        return len(others) if working is None else len((others & working) | (others - self._before))

    def _others(self, present: frozenset[int]) -> frozenset[int]:
        """Those that are not ours."""
        new = present - self._before
        if os.getpid() in present:
            self._own = os.getpid()
        elif self._own is None and len(new) == 1:
            (self._own,) = new
        if self._own is None and new:  # several have come and none has our id: one of them is this process
            return present - {min(new)}
        return present - {self._own}


def open_card(uuid: str | None, pci_bus_id: str | None = None, library: Any = pynvml) -> MeasuredCard | None:
    """The card with that identity, else with that address; None where NVML or the card is not to be had."""
    try:
        library.nvmlInit()
    except Exception:  # no library, no driver, another version of it, no permission
        return None
    card = find_card(library, uuid, pci_bus_id)
    return None if card is None else MeasuredCard(library, card.handle)


def pci_bus_id(properties: Any) -> str | None:
    """Domain, bus and device as NVML writes them; None on a PyTorch before 2.5, which lacks them."""
    try:
        domain, bus, number = properties.pci_domain_id, properties.pci_bus_id, properties.pci_device_id
    except AttributeError:
        return None
    return f"{domain:08X}:{bus:02X}:{number:02X}.0"
