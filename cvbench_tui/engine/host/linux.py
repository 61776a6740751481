"""Facts of the machine, the processor, the memory and the present load, from Linux's files. Facts are named in
``core.facts``.

Every reader takes the root of the file system, so that a test can hand in one of its own. Files are read, nothing is
started and nothing is changed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from cvbench_tui.base.cores import memory_limit_bytes
from cvbench_tui.base.system_files import cpu_seconds, cpu_sensor, cpuinfo, read_int, read_text
from cvbench_tui.core.environment import Fact

CPU = "sys/devices/system/cpu"
FREQUENCY = f"{CPU}/cpu0/cpufreq"
DMI = "sys/class/dmi/id"
VIRTUAL = re.compile(r"QEMU|KVM|VMware|VirtualBox|Virtual Machine|Xen|HVM domU|Parallels|Bochs|OpenStack")
"""Makers and products that exist as virtual machines only."""
CONTAINER_SIGNS = {"run/.containerenv": "podman", ".dockerenv": "docker"}


def _text(path: str) -> Callable[[Path], Fact]:
    """A reader of a file's text."""
    return lambda root: read_text(root / path) or None


def _found(path: str, pattern: str) -> Callable[[Path], Fact]:
    """A reader of what a pattern finds in a file; where it finds nothing it raises, and the fact is left out."""
    return lambda root: str(re.findall(pattern, read_text(root / path), re.MULTILINE)[0])


def _product(root: Path) -> str:
    """Maker and product; a board with a device tree has its model there."""
    words = (read_text(root / DMI / name) for name in ("sys_vendor", "product_name"))
    return " ".join(words).strip() or read_text(root / "proc/device-tree/model")


def _virtual_machine(root: Path) -> Fact:
    """None where a hypervisor need not show: only x86 processors have a flag for it."""
    flags = cpuinfo("flags", root).split()
    if "hypervisor" in flags or read_text(root / "sys/hypervisor/type") or VIRTUAL.search(_product(root)):
        return True
    return False if flags else None


def _container(root: Path) -> Fact:
    """By the files and variables that container programs leave."""
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return "kubernetes"
    signs = (name for sign, name in CONTAINER_SIGNS.items() if (root / sign).exists())
    return read_text(root / "run/systemd/container") or next(signs, None)


def _governors(root: Path) -> Fact:
    """The frequency governors of all cores, each once."""
    files = [*(root / CPU / "cpufreq").glob("policy*/scaling_governor"), root / FREQUENCY / "scaling_governor"]
    return ", ".join(sorted({read_text(file) for file in files} - {""})) or None


def _turbo(root: Path) -> Fact:
    """Whether cores may go beyond the base frequency: Intel's driver has a file no_turbo, all others boost."""
    off, boost = read_int(root / CPU / "intel_pstate/no_turbo"), read_int(root / CPU / "cpufreq/boost")
    return off == 0 if off is not None else None if boost is None else boost == 1


def frequency_hz(root: Path = Path("/")) -> float | None:
    """The first core's frequency, by its driver or else by cpuinfo, where a virtual machine has a made-up figure."""
    by_driver = read_int(root / FREQUENCY / "scaling_cur_freq", 1000)
    if by_driver is not None or "hypervisor" in cpuinfo("flags", root).split():
        return by_driver
    megahertz = cpuinfo("cpu MHz", root)
    return round(float(megahertz) * 1e6) if megahertz else None


def _pressure(kind: str) -> Callable[[Path], Fact]:
    """A reader of a share of the last 10 s in which some task waited: ``some avg10=1.24 ...`` in percent."""
    percent = _found(f"proc/pressure/{kind}", r"some avg10=([\d.]+)")
    return lambda root: round(float(percent(root) or 0) / 100, 4)


def _stolen_share(root: Path) -> Fact:
    """Share of the CPU time requested since boot that the hypervisor gave to others. Without idle time, in which
    recently stolen time would vanish on a machine that was idle for a month.
    """
    busy_s, stolen_s = cpu_seconds(root / "proc/stat")
    return round(stolen_s / (busy_s + stolen_s), 4) if busy_s is not None and stolen_s is not None else None


def _temperature_c(root: Path) -> Fact:
    sensor = cpu_sensor(root)
    millidegrees = read_int(sensor) if sensor else None
    return None if millidegrees is None else millidegrees / 1000


FIXED_FACTS: dict[str, Callable[[Path], Fact]] = {
    "distribution": _found("etc/os-release", r'^PRETTY_NAME="?([^"\n]+)'),
    "machine_product": lambda root: _product(root) or None,
    "virtual_machine": _virtual_machine,
    "container": _container,
    "microcode": lambda root: cpuinfo("microcode", root) or None,
    "numa_nodes": lambda root: len(list((root / "sys/devices/system/node").glob("node[0-9]*"))) or None,
    "memory_limit_bytes": memory_limit_bytes,
}
"""Readers, by the name of the fact, of what stays as it is while this program runs."""
PRESENT_FACTS: dict[str, Callable[[Path], Fact]] = {
    "clocksource": _text("sys/devices/system/clocksource/clocksource0/current_clocksource"),
    "governor": _governors,
    "energy_preference": _text(f"{FREQUENCY}/energy_performance_preference"),
    "platform_profile": _text("sys/firmware/acpi/platform_profile"),
    "turbo": _turbo,
    "frequency_max_hz": lambda root: read_int(root / FREQUENCY / "scaling_max_freq", 1000),
    "frequency_hz": frequency_hz,
    # the word in brackets: always [madvise] never
    "thp": lambda root: read_text(root / "sys/kernel/mm/transparent_hugepage/enabled").split("[")[1].split("]")[0],
    "load_1min": lambda root: float(read_text(root / "proc/loadavg").split()[0]),
    "pressure_cpu_share": _pressure("cpu"),
    "pressure_memory_share": _pressure("memory"),
    "stolen_share": _stolen_share,
    "cpu_temperature_c": _temperature_c,
}
"""Of what may be another at the next run; frequencies are in kHz in the files, temperatures in thousandths of a
degree."""
