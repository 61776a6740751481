"""What NVIDIA's management library tells of each card. Facts are named in ``core.facts``.

A card is found by its identity, else by its address on the bus, never by its number: PyTorch and the driver count in
different orders. Any call may fail, on an old card, in a container, in a slice of a card: its fact is left out then.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import psutil

from cvbench_tui.core.environment import Device, Environment, Fact, known
from cvbench_tui.core.throttle_reasons import throttle_words

COMPUTE_MODES = ("default", "exclusive thread", "prohibited", "exclusive process")
VIRTUALISATION = ("none", "passthrough", "vgpu", "host of vgpu", "host of vsga")
Reader = Callable[[Any, Any], Fact]
GRAPHICS, SM, MEMORY = 0, 1, 2
"""NVML's kinds of clock. Clocks for applications are set by graphics, which the compute units follow."""


@contextlib.contextmanager
def nvml() -> Iterator[ModuleType | None]:
    """The library, started and stopped again; None without a driver."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # not installed, no driver, or one whose version does not match its library
        yield None
        return
    try:
        yield pynvml
    finally:
        with contextlib.suppress(pynvml.NVMLError):
            pynvml.nvmlShutdown()


def driver_version(library: ModuleType) -> str | None:
    """NVIDIA's driver version; None when it does not tell."""
    return next((str(version) for _, version in known({"driver": library.nvmlSystemGetDriverVersion})), None)


def nvml_facts(library: ModuleType, environment: Environment) -> Iterator[tuple[str, Fact]]:
    """The facts of every NVIDIA card PyTorch has found, each name with the card's id in front."""
    for device in environment.usable:
        handle = _handle(library, device, environment.fact(f"{device.id}.pci_id"))
        if handle is not None:
            for name, value in known(NVML_FACTS, library, handle):
                yield f"{device.id}.{name}", value


def _handle(library: ModuleType, device: Device, pci_id: Fact) -> Any:
    """The library's handle of a card, of the whole card where PyTorch has a slice; None when it is not found."""
    if not device.id.startswith("cuda"):
        return None
    number = (device.uuid or "").removeprefix("GPU-")
    searches = [("nvmlDeviceGetHandleByUUID", prefix + number) for prefix in ("GPU-", "MIG-") if number]
    if isinstance(pci_id, str):
        searches.append(("nvmlDeviceGetHandleByPciBusId", pci_id))
    for function, key in searches:
        with contextlib.suppress(library.NVMLError, AttributeError):  # not found, or a function an old library lacks
            handle = getattr(library, function)(key)
            return library.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(handle) if key.startswith("MIG-") else handle
    return None


def _number(function: str, *arguments: int, per: float = 1) -> Reader:
    """A reader of a number of which ``per`` make one of the fact's unit: 1000 milliwatts a watt."""

    def read(library: Any, handle: Any) -> Fact:
        value = getattr(library, function)(handle, *arguments)
        return int(value) if per == 1 else float(value / per)

    return read


def _hz(function: str, kind: int) -> Reader:
    """A reader of a clock, which the library tells in MHz."""
    return lambda library, handle: int(getattr(library, function)(handle, kind)) * 10**6


def _yes(function: str) -> Reader:
    """A reader of a switch."""
    return lambda library, handle: bool(getattr(library, function)(handle))


def _first_yes(function: str) -> Reader:
    """A reader of a switch that comes as the present state and the one after the next start."""
    return lambda library, handle: bool(getattr(library, function)(handle)[0])


def _throttle(library: Any, handle: Any) -> Fact:
    """Why the clock is lowered, in words; None when it is not. The function had another name before driver 535."""
    try:
        bits = library.nvmlDeviceGetCurrentClocksEventReasons(handle)
    except (library.NVMLError, AttributeError):
        bits = library.nvmlDeviceGetCurrentClocksThrottleReasons(handle)
    return ", ".join(throttle_words(bits)) or None


def _foreign(library: Any, handle: Any) -> Fact:
    """Processes that compute on the card and were not started by this program."""
    pids = {process.pid for process in library.nvmlDeviceGetComputeRunningProcesses(handle)}
    if not pids:
        return 0
    ours = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
    return len(pids - ours)


NVML_FACTS: dict[str, Reader] = {
    "pci_id": lambda library, handle: str(library.nvmlDeviceGetPciInfo(handle).busId),
    "vbios": lambda library, handle: str(library.nvmlDeviceGetVbiosVersion(handle)),
    "power_limit_w": _number("nvmlDeviceGetEnforcedPowerLimit", per=1000),
    "power_limit_default_w": _number("nvmlDeviceGetPowerManagementDefaultLimit", per=1000),
    "power_limit_max_w": lambda library, handle: library.nvmlDeviceGetPowerManagementLimitConstraints(handle)[1] / 1000,
    "power_w": _number("nvmlDeviceGetPowerUsage", per=1000),
    "clock_application_hz": _hz("nvmlDeviceGetApplicationsClock", GRAPHICS),
    "clock_default_hz": _hz("nvmlDeviceGetDefaultApplicationsClock", GRAPHICS),
    "clock_max_hz": _hz("nvmlDeviceGetMaxClockInfo", SM),
    "clock_hz": _hz("nvmlDeviceGetClockInfo", SM),
    "memory_clock_application_hz": _hz("nvmlDeviceGetApplicationsClock", MEMORY),
    "memory_clock_max_hz": _hz("nvmlDeviceGetMaxClockInfo", MEMORY),
    "memory_clock_hz": _hz("nvmlDeviceGetClockInfo", MEMORY),
    "temperature_c": _number("nvmlDeviceGetTemperature", 0),
    "temperature_slowdown_c": _number("nvmlDeviceGetTemperatureThreshold", 1),
    "throttle": _throttle,
    "performance_state": lambda library, handle: f"P{library.nvmlDeviceGetPerformanceState(handle)}",
    "utilisation": lambda library, handle: library.nvmlDeviceGetUtilizationRates(handle).gpu / 100,
    "memory_free_bytes": lambda library, handle: int(library.nvmlDeviceGetMemoryInfo(handle).free),
    "foreign_processes": _foreign,
    "display_active": _yes("nvmlDeviceGetDisplayActive"),
    "fan_share": _number("nvmlDeviceGetFanSpeed", per=100),
    "persistence": _yes("nvmlDeviceGetPersistenceMode"),
    "compute_mode": lambda library, handle: COMPUTE_MODES[library.nvmlDeviceGetComputeMode(handle)],
    "mig": _first_yes("nvmlDeviceGetMigMode"),
    "mps": _yes("nvmlDeviceGetMPSComputeRunningProcesses"),
    "ecc": _first_yes("nvmlDeviceGetEccMode"),
    "virtualisation": lambda library, handle: VIRTUALISATION[library.nvmlDeviceGetVirtualizationMode(handle)],
    "pcie_generation": _number("nvmlDeviceGetCurrPcieLinkGeneration"),
    "pcie_generation_max": _number("nvmlDeviceGetMaxPcieLinkGeneration"),
    "pcie_width": _number("nvmlDeviceGetCurrPcieLinkWidth"),
    "pcie_width_max": _number("nvmlDeviceGetMaxPcieLinkWidth"),
}
"""Readers by the name of the fact behind the card's id."""
