"""What the parent knows of the machine that the worker, with torch alone, does not: psutil's and NVML's facts.

Everything is optional: a machine without NVML, or an NVML without a field, gives fewer facts, never an error.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil

from cvbench_tui import __version__
from cvbench_tui.core.environment import Environment, Fact


def with_host_facts(environment: Environment) -> Environment:
    """The worker's environment with this program's version, the driver and the host's state added."""
    versions = (*environment.versions, ("cvbench-tui", __version__), *_driver())
    return replace(environment, versions=versions, facts=(*environment.facts, *host_facts()))


def host_facts() -> Iterator[tuple[str, Fact]]:
    """Load, memory, governor, battery: what may disturb a measurement. Unknown facts are left out."""
    yield "physical_cores", psutil.cpu_count(logical=False)
    yield "memory_available_bytes", psutil.virtual_memory().available
    if hasattr(os, "getloadavg"):
        yield "load_1min", round(os.getloadavg()[0], 2)
    yield from _governor()
    with contextlib.suppress(Exception):  # psutil raises its own and OSError where a container hides the sensor
        battery = psutil.sensors_battery()
        if battery is not None:
            yield "on_battery", not battery.power_plugged


def _governor(path: str = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") -> Iterator[tuple[str, Fact]]:
    """The CPU's frequency governor, where Linux tells."""
    with contextlib.suppress(OSError):
        yield "governor", Path(path).read_text().strip()


def _driver() -> Iterator[tuple[str, str]]:
    """NVIDIA's driver version, when there is a driver."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return
    with contextlib.suppress(pynvml.NVMLError):
        yield "driver", str(pynvml.nvmlSystemGetDriverVersion())
    with contextlib.suppress(pynvml.NVMLError):
        pynvml.nvmlShutdown()
