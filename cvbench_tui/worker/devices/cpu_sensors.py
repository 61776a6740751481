"""Clock and temperature of the processor, where the system tells. Another root stands for the system's in tests."""

from __future__ import annotations

from pathlib import Path

from cvbench_tui.worker.timing.counters import DeviceReading

CORE_FIELD = 36
"""Of ``/proc/thread-self/stat``, counted behind the command's name: the core that the thread ran on last."""
SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal")
"""Names that Linux's drivers give to a processor's own sensor."""


class Processor:
    """The core that the calling thread runs on."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._core = root / "proc/thread-self/stat"
        self._cores = root / "sys/devices/system/cpu"
        self._sensor = _sensor(root / "sys/class")

    def gauges(self) -> DeviceReading:
        """Clock and temperature now, each None where it is not told.

        The clock of the calling thread's own core: it alone is sure to be under load whatever the number of
        threads, while a median over the affinity would be an idle core's clock where one thread works on many cores.
        """
        clock_khz = None
        core = _core_of(self._core)
        if core is not None:
            clock_khz = _number(self._cores / f"cpu{core}/cpufreq/scaling_cur_freq")
        heat = _number(self._sensor) if self._sensor else None
        return DeviceReading(
            clock_hz=None if not clock_khz else clock_khz * 1e3,
            temperature_c=None if heat is None else heat / 1e3,
        )


def _core_of(path: Path) -> int | None:
    """Which core the thread is on; None where the system does not tell."""
    try:
        fields = path.read_text().rpartition(")")[2].split()
        return int(fields[CORE_FIELD])
    except (OSError, ValueError, IndexError):
        return None


def _sensor(classes: Path) -> Path | None:
    """The file with the processor's temperature in thousandths of a degree, the package's first."""
    for kind in sorted(classes.glob("thermal/thermal_zone*/type")):
        if file_text(kind) == "x86_pkg_temp":
            return kind.with_name("temp")
    for name in sorted(classes.glob("hwmon/hwmon*/name")):
        if file_text(name) in SENSORS:
            return name.with_name("temp1_input")
    return None


def _number(path: Path) -> float | None:
    try:
        return float(file_text(path))
    except ValueError:
        return None


def file_text(path: Path) -> str:
    """The file's text without the line's end; empty when it cannot be read."""
    try:
        return path.read_text().strip()
    except (OSError, ValueError):
        return ""
