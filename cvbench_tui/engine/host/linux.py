"""What Linux tells of the processor, its frequency, the memory and the moment. Facts are named in ``core.facts``.

Every reader takes the root of the file system, so that a test can hand in one of its own. Files are read, nothing is
started and nothing is changed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from cvbench_tui.base.cores import memory_limit_bytes
from cvbench_tui.core.environment import Fact, known
from cvbench_tui.core.facts import count_listed

CPU = "sys/devices/system/cpu"
FREQUENCY = f"{CPU}/cpu0/cpufreq"
CPUINFO_CHARACTERS = 8192
"""Enough for the first core: 256 of them would be 400 KB, and the kernel works for each."""
CPU_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal")
"""Sensors inside the processor, which answer at once; a mainboard's may take tens of milliseconds."""


def linux_facts(root: Path = Path("/")) -> Iterator[tuple[str, Fact]]:
    """What the files of ``root`` tell; what is not there is left out."""
    yield from known(LINUX_FACTS, root)


def text(root: Path, path: str) -> str:
    """The text of a file without the line's end. Raises OSError when there is none."""
    return (root / path).read_text().strip()


def text_of(path: str) -> Callable[[Path], Fact]:
    """A reader of a file's text, None where it is empty."""
    return lambda root: text(root, path) or None


def number_of(path: str, factor: int = 1) -> Callable[[Path], Fact]:
    """A reader of a file's whole number, times ``factor``."""
    return lambda root: int(text(root, path)) * factor


def _chosen(path: str) -> Callable[[Path], Fact]:
    """A reader of the word in brackets: ``always [madvise] never``."""
    return lambda root: text(root, path).split("[", 1)[1].split("]", 1)[0]


def cpuinfo(key: str) -> Callable[[Path], str | None]:
    """A reader of one line of the first core in cpuinfo."""

    def read(root: Path) -> str | None:
        with (root / "proc/cpuinfo").open() as file:
            found = re.search(rf"^{key}\s*:\s*(.+)$", file.read(CPUINFO_CHARACTERS), re.MULTILINE)
        return found.group(1).strip() if found else None

    return read


def flags(root: Path) -> list[str]:
    """The first core's features, sorted; empty when the kernel does not tell. ARM calls them Features."""
    return sorted((cpuinfo("(?:flags|Features)")(root) or "").split())


def _flags_digest(root: Path) -> Fact:
    found = flags(root)
    return hashlib.sha256(" ".join(found).encode()).hexdigest()[:12] if found else None


def _sockets(root: Path) -> Fact:
    """Different packages among the cores."""
    return len({file.read_text() for file in (root / CPU).glob("cpu[0-9]*/topology/physical_package_id")}) or None


def _cache(level: int) -> Callable[[Path], Fact]:
    """A reader of the size in bytes of the first core's data or unified cache of a level: ``32K``, ``36M``."""

    def read(root: Path) -> Fact:
        size = text(_cache_folder(root, level), "size")
        return int(size.rstrip("KM")) * {"K": 2**10, "M": 2**20}.get(size[-1], 1)

    return read


def _cache_folder(root: Path, level: int) -> Path:
    """Where the first core's cache of a level is described. Raises StopIteration when it is not."""
    folders = sorted((root / CPU / "cpu0/cache").glob("index*"))
    return next(f for f in folders if text(f, "level") == str(level) and text(f, "type") != "Instruction")


def _numa_nodes(root: Path) -> Fact:
    return len(list((root / "sys/devices/system/node").glob("node[0-9]*"))) or None


def _smt(root: Path) -> Fact:
    return text(root, f"{CPU}/smt/active") == "1"


def _governors(root: Path) -> Fact:
    """The frequency governors of all cores, each once."""
    files = (root / CPU / "cpufreq").glob("policy*/scaling_governor")
    return ", ".join(sorted({file.read_text().strip() for file in files})) or text(
        root, f"{FREQUENCY}/scaling_governor"
    )


def _turbo(root: Path) -> Fact:
    """Whether cores may go beyond the base frequency: Intel's driver says no_turbo, all others say boost."""
    try:
        return text(root, f"{CPU}/intel_pstate/no_turbo") == "0"
    except OSError:
        return text(root, f"{CPU}/cpufreq/boost") == "1"


def _frequency_hz(root: Path) -> Fact:
    """The first core's frequency, by its driver or else by cpuinfo, where a virtual machine has a made-up figure."""
    try:
        return int(text(root, f"{FREQUENCY}/scaling_cur_freq")) * 1000
    except OSError:
        megahertz = None if "hypervisor" in flags(root) else cpuinfo("cpu MHz")(root)
        return None if megahertz is None else round(float(megahertz) * 1e6)


def _load(index: int) -> Callable[[Path], Fact]:
    return lambda root: float(text(root, "proc/loadavg").split()[index])


def _running(root: Path) -> Fact:
    return int(text(root, "proc/loadavg").split()[3].split("/")[0])


def _pressure(kind: str) -> Callable[[Path], Fact]:
    """A reader of a share of the last 10 s in which some task waited: ``some avg10=1.24 ...`` in percent."""

    def read(root: Path) -> Fact:
        found = re.search(r"some avg10=([\d.]+)", text(root, f"proc/pressure/{kind}"))
        return round(float(found.group(1)) / 100, 4) if found else None

    return read


def _stolen_share(root: Path) -> Fact:
    """Of the CPU time that somebody wanted since the start, the share the hypervisor gave away. Idle time is no part
    of it: on a machine that rested for a month a theft of this hour would vanish in it.
    """
    user, nice, system, _idle, _waiting, irq, softirq, stolen = map(int, text(root, "proc/stat").split()[1:9])
    wanted = user + nice + system + irq + softirq + stolen
    return round(stolen / wanted, 4) if wanted else None


def _temperature_c(root: Path) -> Fact:
    """The hottest of the processor's own sensors."""
    sensors = [f.parent for f in (root / "sys/class/hwmon").glob("hwmon*/name") if f.read_text().strip() in CPU_SENSORS]
    readings = [int(file.read_text()) for sensor in sensors for file in sensor.glob("temp*_input")]
    return max(readings) / 1000 if readings else None


LINUX_FACTS: dict[str, Callable[[Path], Fact]] = {
    "clocksource": text_of("sys/devices/system/clocksource/clocksource0/current_clocksource"),
    "aslr": number_of("proc/sys/kernel/randomize_va_space"),
    "numa_balancing": number_of("proc/sys/kernel/numa_balancing"),
    "boot_id": text_of("proc/sys/kernel/random/boot_id"),
    "uptime_s": lambda root: float(text(root, "proc/uptime").split()[0]),
    "cpu_family": cpuinfo("cpu family"),
    "cpu_model_number": cpuinfo("model"),
    "cpu_stepping": cpuinfo("stepping"),
    "microcode": cpuinfo("microcode"),
    "cpu_flags_digest": _flags_digest,
    "sockets": _sockets,
    "smt": _smt,
    "isolated_cores": text_of(f"{CPU}/isolated"),
    "nohz_full": text_of(f"{CPU}/nohz_full"),
    "l1d_cache_bytes": _cache(1),
    "l2_cache_bytes": _cache(2),
    "l3_cache_bytes": _cache(3),
    "l3_cores": lambda root: count_listed(text(_cache_folder(root, 3), "shared_cpu_list")) or None,
    "numa_nodes": _numa_nodes,
    "governor": _governors,
    "frequency_driver": text_of(f"{FREQUENCY}/scaling_driver"),
    "pstate_mode": lambda root: next(
        text(root, f"{CPU}/{driver}/status")
        for driver in ("intel_pstate", "amd_pstate")
        if (root / CPU / driver / "status").exists()
    ),
    "energy_preference": text_of(f"{FREQUENCY}/energy_performance_preference"),
    "platform_profile": text_of("sys/firmware/acpi/platform_profile"),
    "turbo": _turbo,
    "frequency_min_hz": number_of(f"{FREQUENCY}/scaling_min_freq", 1000),
    "frequency_max_hz": number_of(f"{FREQUENCY}/scaling_max_freq", 1000),
    "frequency_hardware_max_hz": number_of(f"{FREQUENCY}/cpuinfo_max_freq", 1000),
    "frequency_base_hz": number_of(f"{FREQUENCY}/base_frequency", 1000),
    "frequency_hz": _frequency_hz,
    "idle_driver": text_of(f"{CPU}/cpuidle/current_driver"),
    "idle_governor": text_of(f"{CPU}/cpuidle/current_governor_ro"),
    "memory_limit_bytes": memory_limit_bytes,
    "thp": _chosen("sys/kernel/mm/transparent_hugepage/enabled"),
    "thp_defrag": _chosen("sys/kernel/mm/transparent_hugepage/defrag"),
    "huge_pages": number_of("proc/sys/vm/nr_hugepages"),
    "load_1min": _load(0),
    "load_5min": _load(1),
    "load_15min": _load(2),
    "running_tasks": _running,
    "pressure_cpu_share": _pressure("cpu"),
    "pressure_memory_share": _pressure("memory"),
    "pressure_io_share": _pressure("io"),
    "stolen_share": _stolen_share,
    "cpu_temperature_c": _temperature_c,
}
"""Readers by the name of the fact; frequencies are in kHz there, temperatures in thousandths of a degree."""
