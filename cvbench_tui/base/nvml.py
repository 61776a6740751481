"""NVIDIA's management library (NVML). The caller hands it in: worker and parent import and start it by themselves.

A card is looked up by its identity, else by its address on the bus, never by its number: PyTorch and the driver count
in different orders. Any call may fail, on an old card or driver, in a container, in a slice of a card, on a card that
is lost in mid-run: its answer is None then, whatever it raises. Nothing is ever set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

GRAPHICS_CLOCK, SM_CLOCK = 0, 1  # nvmlClockType_t; applications' clocks are set by graphics, which the SMs follow
GPU_SENSOR = 0
POWER_INSTANT_FIELD = 186  # NVML_FI_DEV_POWER_INSTANT; ``nvmlDeviceGetPowerUsage`` is a mean over 1 s since Ampere
NOT_AVAILABLE = 2**64 - 1  # NVML_VALUE_NOT_AVAILABLE, instead of a number of bytes
NOT_FOUND = 6  # NVML_ERROR_NOT_FOUND, which stands for an empty list of samples
THROTTLES = {0x04: "power_cap", 0x08: "hardware", 0x10: "sync", 0x20: "thermal", 0x40: "thermal", 0x80: "power_brake"}
"""Clock event reasons of nvml.h. Idle (1) and clocks set by a user (2) or a display (0x100) are expected: left out."""


@dataclass
class NvmlCard:
    """One card, by the library's handle."""

    library: Any
    handle: Any

    def ask(self, function: str, *arguments: Any) -> Any:
        """Value of that function for this card; None without an answer."""
        try:
            return getattr(self.library, function)(self.handle, *arguments)
        except Exception:
            return None

    def clock_hz(self) -> float | None:
        """Clock of the compute units now."""
        return _scaled(self.ask("nvmlDeviceGetClockInfo", SM_CLOCK), per=1e-6)

    def temperature_c(self) -> float | None:
        """Degrees Celsius."""
        return _scaled(self.ask("nvmlDeviceGetTemperature", GPU_SENSOR))

    def power_w(self) -> float | None:
        """Power draw now; a mean over the last second on cards that do not give it of the moment."""
        values = self.ask("nvmlDeviceGetFieldValues", [POWER_INSTANT_FIELD])
        try:
            instant_mw = int(values[0].value.uiVal) if values[0].nvmlReturn == 0 else 0
        except (TypeError, IndexError, AttributeError):  # no answer, or one of another shape
            instant_mw = 0
        return _scaled(instant_mw or self.ask("nvmlDeviceGetPowerUsage"), per=1000)

    def energy_j(self) -> float | None:
        """Joules since the driver was loaded, memory included (Volta and later)."""
        return _scaled(self.ask("nvmlDeviceGetTotalEnergyConsumption"), per=1000)

    def throttle(self) -> tuple[str, ...]:
        """Why the clock is below what it could be, each reason once; empty when it is not, or not known."""
        bits = self.ask("nvmlDeviceGetCurrentClocksEventReasons")
        if bits is None:  # the name before driver 535
            bits = self.ask("nvmlDeviceGetCurrentClocksThrottleReasons")
        return tuple(dict.fromkeys(word for bit, word in THROTTLES.items() if (bits or 0) & bit))

    def utilisation(self) -> float | None:
        """Share of the driver's last sample in which the card computed, 0 to 1."""
        return _scaled(getattr(self.ask("nvmlDeviceGetUtilizationRates"), "gpu", None), per=100)

    def memory(self) -> Any:
        """With ``used``, ``free`` and ``total``, bytes; None when not known."""
        found = self.ask("nvmlDeviceGetMemoryInfo")
        unknown = any(getattr(found, name, 0) == NOT_AVAILABLE for name in ("used", "free", "total"))
        return None if unknown else found

    def processes(self) -> tuple[int, ...] | None:
        """Ids of the processes that have a computing context on the card, as the driver numbers them."""
        found = self.ask("nvmlDeviceGetComputeRunningProcesses")
        return None if found is None else tuple(int(process.pid) for process in found)

    def processes_since(self, since_us: int) -> frozenset[int] | None:
        """Ids of the processes that used the compute units since then (microseconds since the epoch)."""
        try:
            samples = self.library.nvmlDeviceGetProcessUtilization(self.handle, since_us)
            return frozenset(int(sample.pid) for sample in samples if sample.smUtil > 0)
        except Exception as error:
            return frozenset() if getattr(error, "value", None) == NOT_FOUND else None


def find_card(library: Any, uuid: str | None, pci_bus_id: str | None = None, *, whole: bool = False) -> NvmlCard | None:
    """The card with that identity, else with that address; None when it is not found. The library must be started.
    ``uuid`` with or without ``GPU-`` or ``MIG-`` in front; ``pci_bus_id`` like ``00000000:65:00.0``. A slice (MIG) is
    found as itself, with ``whole`` as the card it is a part of."""
    number = (uuid or "").removeprefix("GPU-").removeprefix("MIG-")
    searches = [("nvmlDeviceGetHandleByUUID", prefix + number) for prefix in ("GPU-", "MIG-") if number]
    if pci_bus_id:
        searches.append(("nvmlDeviceGetHandleByPciBusId", pci_bus_id))
    for function, key in searches:
        try:
            handle = getattr(library, function)(key)
            if whole and key.startswith("MIG-"):
                handle = library.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(handle)
        except Exception:
            continue
        return NvmlCard(library, handle)
    return None


def _scaled(value: Any, *, per: float = 1.0) -> float | None:
    """In the unit of the name; None for no answer, or one that is no number."""
    return float(value) / per if isinstance(value, (int, float)) else None
