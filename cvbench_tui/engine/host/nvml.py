"""NVML in this process: the library itself, and the facts of each card. Facts are named in ``core.facts``."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from types import ModuleType

import psutil

from cvbench_tui.base.nvml import NvmlCard, find_card
from cvbench_tui.core.environment import Environment, Fact, known


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
    """NVIDIA's driver version; None when not known."""
    return next((str(version) for _, version in known({"driver": library.nvmlSystemGetDriverVersion})), None)


def nvml_facts(library: ModuleType, environment: Environment) -> Iterator[tuple[str, Fact]]:
    """The facts of every NVIDIA card PyTorch has found, each name with the card's id in front."""
    for device in environment.usable:
        if device.id.startswith("cuda"):
            address = environment.fact(f"{device.id}.pci_id")
            card = find_card(library, device.uuid, address if isinstance(address, str) else None, whole=True)
            if card is not None:
                yield from ((f"{device.id}.{name}", value) for name, value in known(NVML_FACTS, card))


def _foreign_processes(card: NvmlCard) -> Fact:
    """Processes that compute on the card and were not started by this program."""
    found = card.processes()
    if not found:
        return None if found is None else 0
    ours = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
    return len({*found} - ours)


NVML_FACTS: dict[str, Callable[[NvmlCard], Fact]] = {
    "pci_id": NvmlCard.pci_id,
    "power_limit_w": NvmlCard.power_limit_w,
    "power_limit_default_w": NvmlCard.power_limit_default_w,
    "power_w": NvmlCard.power_w,
    "clock_application_hz": NvmlCard.clock_application_hz,
    "clock_hz": NvmlCard.clock_hz,
    "temperature_c": NvmlCard.temperature_c,
    "throttle": lambda card: ", ".join(card.throttle()) or None,
    "utilisation": NvmlCard.utilisation,
    "memory_free_bytes": lambda card: int(card.memory().free),
    "foreign_processes": _foreign_processes,
    "mig": NvmlCard.is_sliced,
    "mps": NvmlCard.is_shared,
    "ecc": NvmlCard.checks_memory,
}
"""Readers by the name of the fact behind the card's id."""
