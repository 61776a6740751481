"""What NVIDIA's management library tells about one card: clock, heat, power, energy, throttling, other processes.

Optional: ``pynvml`` comes with cvbench-tui, but a foreign interpreter may lack it, and a driver may lack any call.
Every question is answered with None then, also when the card is lost in mid-run. Nothing is ever set.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import Any

from cvbench_tui.core.throttle_reasons import throttle_words
from cvbench_tui.worker.timing.counters import DeviceReading

try:
    import pynvml
except Exception:  # not installed, or another module of that name
    pynvml = None

POWER_INSTANT_FIELD = 186
"""NVML_FI_DEV_POWER_INSTANT: power now, where ``nvmlDeviceGetPowerUsage`` is a mean over 1 s (Ampere and later)."""
NOT_FOUND = 6
"""NVML_ERROR_NOT_FOUND, which stands for an empty list of samples."""
RECENT_S = 2.0
"""How far back another process's work on the card counts: the driver samples it about once a second."""


class NvmlCard:
    """One card. ``open_card`` makes it, before this process touches the device."""

    def __init__(self, library: Any, handle: Any) -> None:
        self._library = library
        self._handle = handle
        self._errors = (library.NVMLError, AttributeError, TypeError, ValueError, OSError)
        """Besides NVML's own: a call that this version lacks or wants otherwise, a value that cannot be read."""
        self._before = frozenset(self.processes() or ())
        self._own: int | None = None

    def gauges(self) -> DeviceReading:
        """The card now. Some calls take a millisecond: not for timed lines."""
        clock_mhz = self._ask("nvmlDeviceGetClockInfo", self._constant("NVML_CLOCK_SM", 1))
        heat = self._ask("nvmlDeviceGetTemperature", self._constant("NVML_TEMPERATURE_GPU", 0))
        return DeviceReading(
            clock_hz=None if clock_mhz is None else clock_mhz * 1e6,
            temperature_c=None if heat is None else float(heat),
            power_w=self.power_w(),
            throttle=self.throttle(),
            foreign=self.foreign(),
        )

    def memory_clock_hz(self) -> float | None:
        """Clock of the card's memory."""
        clock_mhz = self._ask("nvmlDeviceGetClockInfo", self._constant("NVML_CLOCK_MEM", 2))
        return None if clock_mhz is None else clock_mhz * 1e6

    def power_w(self) -> float | None:
        """Power draw now; a mean over the last second on cards that do not tell it of the moment."""
        milliwatts = self._instant_power_mw()
        if milliwatts is None:
            milliwatts = self._ask("nvmlDeviceGetPowerUsage")
        return None if milliwatts is None else milliwatts * 1e-3

    @property
    def power_is_mean(self) -> bool:
        """True when ``power_w`` lags by up to a second."""
        return self._instant_power_mw() is None

    def energy_j(self) -> float | None:
        """Joules since the driver was loaded (Volta and later)."""
        millijoules = self._ask("nvmlDeviceGetTotalEnergyConsumption")
        return None if millijoules is None else millijoules * 1e-3

    def throttle(self) -> tuple[str, ...]:
        """Why the clock is below what it could be; empty when it is not or when the driver does not tell."""
        bits = self._ask("nvmlDeviceGetCurrentClocksEventReasons")
        if bits is None:  # the name before driver 535
            bits = self._ask("nvmlDeviceGetCurrentClocksThrottleReasons")
        return throttle_words(bits or 0)

    def processes(self) -> tuple[int, ...] | None:
        """Ids of the processes that have a computing context on the card, as the driver numbers them.

        In a container these are another namespace's ids, or nobody's: only their coming and going means something.
        """
        found = self._ask("nvmlDeviceGetComputeRunningProcesses")
        return None if found is None else tuple(int(process.pid) for process in found)

    def foreign(self) -> int | None:
        """Other processes that work on the card; None when the driver does not list them.

        Ours is the one with our id, else the only one that was not there when the card was opened. One that was there
        but computed nothing for two seconds, like a forgotten notebook, does not count, where that is told. One that
        came later does: making a context is work, and what it did may not be sampled yet.
        """
        found = self.processes()
        if found is None:
            return None
        others = self._others(found)
        if not others:
            return 0
        working = self._working()
        return len(others) if working is None else len((others & working) | (others - self._before))

    def close(self) -> None:
        """Give the library back."""
        self._call("nvmlShutdown")

    def _others(self, found: Iterable[int]) -> frozenset[int]:
        """Those that are not ours."""
        present = frozenset(found)
        new = present - self._before
        if os.getpid() in present:
            self._own = os.getpid()
        elif self._own is None and len(new) == 1:
            (self._own,) = new
        if self._own is None and new:  # several have come and none has our id: one of them is us
            return present - {min(new)}
        return present - {self._own}

    def _working(self) -> frozenset[int] | None:
        """Ids of processes that used the compute units lately; None when the driver does not tell that at all."""
        since_us = int((time.time() - RECENT_S) * 1e6)
        try:
            samples = self._library.nvmlDeviceGetProcessUtilization(self._handle, since_us)
        except self._errors as error:
            return frozenset() if getattr(error, "value", None) == NOT_FOUND else None
        return frozenset(int(sample.pid) for sample in samples if sample.smUtil > 0)

    def _instant_power_mw(self) -> int | None:
        values = self._ask("nvmlDeviceGetFieldValues", [POWER_INSTANT_FIELD])
        try:
            value = values[0]
            return int(value.value.uiVal) if value.nvmlReturn == 0 and value.value.uiVal else None
        except (TypeError, IndexError, AttributeError):  # no answer, or one of another shape
            return None

    def _constant(self, name: str, value: int) -> int:
        """By name where this version has it."""
        return int(getattr(self._library, name, value))

    def _ask(self, name: str, *arguments: Any) -> Any:
        """That question about this card; None when there is no answer."""
        return self._call(name, self._handle, *arguments)

    def _call(self, name: str, *arguments: Any) -> Any:
        try:
            return getattr(self._library, name)(*arguments)
        except self._errors:
            return None


def open_card(uuid: str | None, pci_bus_id: str | None = None, library: Any = pynvml) -> NvmlCard | None:
    """The card with that identity, else with that address; None where NVML or the card is not to be had.

    ``uuid`` with or without ``GPU-`` or ``MIG-`` in front; ``pci_bus_id`` like ``00000000:65:00.0``. Never by
    index: CUDA_VISIBLE_DEVICES and CUDA's own order make NVML's index another card.
    """
    if library is None:
        return None
    try:
        library.nvmlInit()
    except Exception:  # no driver, another version of it, no permission
        return None
    handle = _handle(library, uuid, pci_bus_id)
    return None if handle is None else NvmlCard(library, handle)


def _handle(library: Any, uuid: str | None, pci_bus_id: str | None) -> Any:
    """NVML's own word for that card; None when it knows none."""
    ways: list[tuple[str, str]] = []
    if uuid:
        names = (uuid,) if uuid.startswith(("GPU-", "MIG-")) else (f"GPU-{uuid}", f"MIG-{uuid}")
        ways += [("nvmlDeviceGetHandleByUUID", name) for name in names]
    if pci_bus_id:
        ways.append(("nvmlDeviceGetHandleByPciBusId", pci_bus_id))
    for call, name in ways:
        try:
            return getattr(library, call)(name)
        except (library.NVMLError, AttributeError, TypeError, ValueError, OSError):
            continue
    return None
