"""Facts of the machine that the parent reads from the system, psutil and NVML, since the worker has torch alone.

Everything is optional: a machine without NVML, or an NVML without a field, gives fewer facts, never an error. Read at
the start of each run, in about 10 ms plus the time of NVIDIA's driver.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType

import psutil

from cvbench_tui import __version__
from cvbench_tui.base.nvml import GRAPHICS_CLOCK, NvmlCard, find_card
from cvbench_tui.core.environment import Device, Environment, Fact, known
from cvbench_tui.core.facts import FACTS, identity_hash, kind_name
from cvbench_tui.engine.host import linux

POSITIONS = {name: position for position, name in enumerate(FACTS)}  # where each kind of fact stands


def with_host_facts(environment: Environment) -> Environment:
    """The worker's environment with this program's version, the driver, the host's facts and the identity added. The
    worker's own facts are kept: it is the process that measures. NVML is asked where PyTorch can use a card: a driver
    that cannot be used may hang here too."""
    versions = dict(environment.versions) | {"cvbench-tui": __version__}
    facts = dict(host_facts())
    with nvml(environment) as (library, cards):
        if library is not None:
            versions |= {name: str(text) for name, text in known({"driver": library.nvmlSystemGetDriverVersion})}
        for device, card in cards.items():
            facts |= {f"{device}.{name}": value for name, value in known(NVML_FACTS, card)}
    facts |= dict(environment.facts)
    ordered = sorted(facts.items(), key=lambda fact: POSITIONS.get(kind_name(fact[0]), len(POSITIONS)))
    whole = replace(environment, versions=tuple(versions.items()), facts=tuple(ordered))
    return replace(whole, identity_hash=identity_hash(whole))


def host_facts() -> Iterator[tuple[str, Fact]]:
    """Machine, frequency, memory and what may disturb a measurement. Unknown facts are left out."""
    yield from fixed_facts()
    yield from known(PORTABLE_FACTS)
    yield from known(linux.PRESENT_FACTS, Path("/")) if sys.platform == "linux" else known(ELSEWHERE_FACTS)


@cache
def fixed_facts() -> tuple[tuple[str, Fact], ...]:
    """What stays as it is while this program runs, read once: 0.7 of 1.2 ms."""
    return (*known(FIXED_FACTS), *(known(linux.FIXED_FACTS, Path("/")) if sys.platform == "linux" else ()))


def frequency_hz() -> float | None:
    """The first core's clock; None where not known. psutil reads every core: 256 files on a large machine."""
    return linux.frequency_hz() if sys.platform == "linux" else round(psutil.cpu_freq().current * 1e6) or None


def _on_battery() -> Fact:
    """None on a machine without a battery."""
    battery = psutil.sensors_battery()
    return None if battery is None or battery.power_plugged is None else not battery.power_plugged


FIXED_FACTS: dict[str, Callable[[], Fact]] = {
    "physical_cores": lambda: psutil.cpu_count(logical=False),
    "memory_total_bytes": lambda: psutil.virtual_memory().total,
    "page_size_bytes": lambda: os.sysconf("SC_PAGE_SIZE"),  # not on Windows
}
PORTABLE_FACTS: dict[str, Callable[[], Fact]] = {
    "memory_available_bytes": lambda: psutil.virtual_memory().available,
    "swap_used_bytes": lambda: psutil.swap_memory().used,
    "on_battery": _on_battery,
}
"""Readers by the name of the fact, for every system."""
ELSEWHERE_FACTS: dict[str, Callable[[], Fact]] = {
    "load_1min": lambda: round(psutil.getloadavg()[0], 2),
    "frequency_hz": frequency_hz,
    "frequency_max_hz": lambda: round(psutil.cpu_freq().max * 1e6) or None,
}
"""For other systems than Linux, which lack the more detailed files."""


@contextlib.contextmanager
def nvml(
    environment: Environment, devices: Collection[str] | None = None
) -> Iterator[tuple[ModuleType | None, dict[str, NvmlCard]]]:
    """The library, and by its id each NVIDIA card that PyTorch can use, of ``devices`` alone where they are named. None
    and no card where there is no such card, no library or no driver.

    The cards stay initialised until the end, whoever else leaves them: on a machine without a display and without
    persistence mode the driver otherwise begins anew with each process, 1 to 3 s a card. It is the handle that holds
    a card, starting the library does not.
    """
    wanted = [each for each in environment.usable if each.id.startswith("cuda") and each.id in (devices or (each.id,))]
    try:
        if not wanted:
            raise LookupError
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # no card, not installed, no driver, or one whose version does not match its library
        yield None, {}
        return
    try:
        yield pynvml, dict(_handles(pynvml, environment, wanted))
    finally:
        with contextlib.suppress(Exception):
            pynvml.nvmlShutdown()


def _handles(library: ModuleType, environment: Environment, wanted: Sequence[Device]) -> Iterator[tuple[str, NvmlCard]]:
    for device in wanted:
        address = environment.fact(f"{device.id}.pci_id")
        card = find_card(library, device.uuid, address if isinstance(address, str) else None, whole=True)
        if card is not None:
            yield device.id, card


def _foreign_processes(card: NvmlCard) -> Fact:
    """Processes that compute on the card and were not started by this program."""
    found = card.processes()
    if not found:
        return None if found is None else 0
    ours = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
    return len({*found} - ours)


NVML_FACTS: dict[str, Callable[[NvmlCard], Fact]] = {
    "pci_id": lambda card: str(card.ask("nvmlDeviceGetPciInfo").busId),
    "power_limit_w": lambda card: card.ask("nvmlDeviceGetEnforcedPowerLimit") / 1000,
    "power_limit_default_w": lambda card: card.ask("nvmlDeviceGetPowerManagementDefaultLimit") / 1000,
    "power_w": NvmlCard.power_w,
    "clock_application_hz": lambda card: card.ask("nvmlDeviceGetApplicationsClock", GRAPHICS_CLOCK) * 1e6,
    "clock_hz": NvmlCard.clock_hz,
    "temperature_c": NvmlCard.temperature_c,
    "throttle": lambda card: ", ".join(card.throttle()) or None,
    "utilisation": NvmlCard.utilisation,
    "memory_free_bytes": lambda card: int(card.memory().free),
    "foreign_processes": _foreign_processes,
    # switches come as the present state and the one after the next start
    "mig": lambda card: bool(card.ask("nvmlDeviceGetMigMode")[0]),
    "mps": lambda card: len(card.ask("nvmlDeviceGetMPSComputeRunningProcesses")) > 0,
    "ecc": lambda card: bool(card.ask("nvmlDeviceGetEccMode")[0]),
}
"""Readers by the name of the fact behind the card's id. One that gets no answer raises, and the fact is left out."""
