"""Small files of the system (``/proc``, ``/sys``, powercap), which the kernel writes at the moment of reading.

A file that is missing, forbidden or of another form gives an empty text or None, never an error: every system has
others. Tests hand in a folder of their own in place of the system's.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

CPU_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal")
"""Names of a processor's own sensor in Linux's drivers: it answers at once, a mainboard's may take tens of ms."""
HEAD_BYTES = 1 << 16  # more than any counter's file has before the last field that is used, on 256 cores as well
CPUINFO_CHARACTERS = 8192  # enough for the first core: 256 of them would be 400 KB, and the kernel works for each


def read_text(path: Path) -> str:
    """The whole text without blanks around it; empty when it cannot be read."""
    try:
        return path.read_text(errors="replace").strip(" \t\n\0")
    except OSError:
        return ""


def read_int(path: Path, factor: int = 1) -> int | None:
    """The whole number in a file, times ``factor``; None when there is none."""
    try:
        return int(read_text(path)) * factor
    except ValueError:
        return None


def read_head(path: str | Path) -> bytes:
    """The first 64 KiB, by plain system calls: a third of ``Path.read_bytes``'s time, for what each round reads."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    try:
        return os.read(descriptor, HEAD_BYTES)
    except OSError:  # a thread that ended meanwhile
        return b""
    finally:
        os.close(descriptor)


def cpuinfo(key: str, root: Path = Path("/")) -> str:
    """What ``/proc/cpuinfo`` says of the first core under that key; empty when it is not there."""
    try:
        with (root / "proc/cpuinfo").open(errors="replace") as file:
            found = re.search(rf"^{key}\s*:\s*(.+)$", file.read(CPUINFO_CHARACTERS), re.MULTILINE)
    except OSError:
        return ""
    return found.group(1).strip() if found else ""


def cpu_seconds(path: str | Path) -> tuple[float | None, float | None]:
    """CPU seconds that all cores worked, and those stolen by the hypervisor, since boot, by ``/proc/stat``. From the
    line ``cpu``: user, nice, system, interrupts and soft interrupts; guests are part of user. None where not known, as
    in a sandbox that shows only zeros."""
    fields = read_head(path).split(b"\n", 1)[0].split()
    if len(fields) < 9 or fields[0] != b"cpu":
        return None, None
    user, nice, system, idle, waiting, interrupts, soft, stolen = (int(field) for field in fields[1:9])
    if not user + nice + system + idle + waiting:
        return None, None
    ticks_per_s = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + interrupts + soft) / ticks_per_s, stolen / ticks_per_s


def cpu_sensor(root: Path) -> Path | None:
    """The file with the processor's temperature in thousandths of a degree, the package's first."""
    for kind in sorted(root.glob("sys/class/thermal/thermal_zone*/type")):
        if read_text(kind) == "x86_pkg_temp":
            return kind.with_name("temp")
    for name in sorted(root.glob("sys/class/hwmon/hwmon*/name")):
        if read_text(name) in CPU_SENSORS:
            return name.with_name("temp1_input")
    return None


def oom_kills(root: Path = Path("/")) -> int:
    """How often the kernel has killed a process for want of memory since boot; 0 where not known."""
    lines = read_text(root / "proc/vmstat").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
