"""What the parent knows of the machine that the worker, with torch alone, does not: from the system, psutil and NVML.

Everything is optional: a machine without NVML, or an NVML without a field, gives fewer facts, never an error. It is
asked at the start of each run and takes about 10 ms, and as long as NVIDIA's driver needs to answer.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import psutil

from cvbench_tui import __version__
from cvbench_tui.core.environment import Environment, Fact, known
from cvbench_tui.core.facts import FACTS, kind_name
from cvbench_tui.core.identity import identity_hash
from cvbench_tui.engine.host.linux import linux_facts
from cvbench_tui.engine.host.nvml import driver_version, nvml, nvml_facts
from cvbench_tui.engine.host.system import system_facts

PLACES = {name: place for place, name in enumerate(FACTS)}
"""Where each kind of fact stands."""


def with_host_facts(environment: Environment) -> Environment:
    """The worker's environment with this program's version, the driver, the host's facts and the identity added.

    What the worker told stays as it is: it is the one that measures.
    """
    versions = dict(environment.versions) | {"cvbench-tui": __version__}
    facts = dict(host_facts())
    with nvml() as library:
        if library is not None:
            driver = driver_version(library)
            versions |= {"driver": driver} if driver else {}
            facts |= nvml_facts(library, environment)
    facts |= dict(environment.facts)
    facts |= _card_nodes(facts)
    ordered = sorted(facts.items(), key=lambda fact: PLACES.get(kind_name(fact[0]), len(PLACES)))
    whole = replace(environment, versions=tuple(versions.items()), facts=tuple(ordered))
    return replace(whole, identity_hash=identity_hash(whole))


def host_facts() -> Iterator[tuple[str, Fact]]:
    """Machine, frequency, memory and what may disturb a measurement. Unknown facts are left out."""
    yield from known(PORTABLE_FACTS)
    if sys.platform == "linux":
        yield from system_facts()
        yield from linux_facts()
    else:
        yield from known(ELSEWHERE_FACTS)


def _card_nodes(facts: Mapping[str, Fact], root: Path = Path("/")) -> dict[str, Fact]:
    """The memory node of each card whose address on the bus is known; Linux writes -1 on a machine of one node."""
    nodes: dict[str, int] = {}
    for name, address in facts.items():
        if name.endswith(".pci_id"):
            # NVML and PyTorch write eight digits of the domain, Linux the last four.
            file = root / "sys/bus/pci/devices" / str(address)[-12:].lower() / "numa_node"
            with contextlib.suppress(OSError, ValueError):
                nodes[name.replace("pci_id", "numa_node")] = int(file.read_text())
    return {name: node for name, node in nodes.items() if node >= 0}


def _on_battery() -> Fact:
    """None on a machine without a battery."""
    battery = psutil.sensors_battery()
    return None if battery is None or battery.power_plugged is None else not battery.power_plugged


def _battery_share() -> Fact:
    battery = psutil.sensors_battery()
    return None if battery is None else round(battery.percent / 100, 2)


def _memory_page() -> Fact:
    import resource  # not on Windows

    return resource.getpagesize()


PORTABLE_FACTS: dict[str, Callable[[], Fact]] = {
    "physical_cores": lambda: psutil.cpu_count(logical=False),
    "memory_total_bytes": lambda: psutil.virtual_memory().total,
    "memory_available_bytes": lambda: psutil.virtual_memory().available,
    "swap_total_bytes": lambda: psutil.swap_memory().total,
    "swap_used_bytes": lambda: psutil.swap_memory().used,
    "page_size_bytes": _memory_page,
    "on_battery": _on_battery,
    "battery_share": _battery_share,
}
"""Readers by the name of the fact, for every system."""
ELSEWHERE_FACTS: dict[str, Callable[[], Fact]] = {
    "load_1min": lambda: round(psutil.getloadavg()[0], 2),
    "load_5min": lambda: round(psutil.getloadavg()[1], 2),
    "load_15min": lambda: round(psutil.getloadavg()[2], 2),
    "frequency_hz": lambda: round(psutil.cpu_freq().current * 1e6) or None,
    "frequency_max_hz": lambda: round(psutil.cpu_freq().max * 1e6) or None,
}
"""For systems that are not Linux, where the files that say more are missing."""
