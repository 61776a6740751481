"""Clock and temperature of the processor, by Linux's files. Another root stands for the system's in tests."""

from __future__ import annotations

from pathlib import Path

from cvbench_tui.base.system_files import cpu_sensor, read_int, read_text
from cvbench_tui.worker.timing.counters import DeviceReading

CORE_FIELD = 36
"""Of ``/proc/thread-self/stat``, counted behind the command's name: the core that the thread ran on last."""


class Processor:
    """The core that the calling thread runs on."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._thread = root / "proc/thread-self/stat"
        self._cores = root / "sys/devices/system/cpu"
        self._sensor = cpu_sensor(root)

    def read(self) -> DeviceReading:
        """Clock and temperature now, each None where it is not known.

        The clock of the calling thread's own core: it alone is sure to be under load whatever the number of
        threads, while a median over the affinity would be an idle core's clock where one thread works on many cores.
        """
        fields = read_text(self._thread).rpartition(")")[2].split()
        core = fields[CORE_FIELD] if len(fields) > CORE_FIELD else None
        clock_khz = read_int(self._cores / f"cpu{core}/cpufreq/scaling_cur_freq")
        millidegrees = read_int(self._sensor) if self._sensor else None
        return DeviceReading(
            clock_hz=None if not clock_khz else clock_khz * 1e3,
            temperature_c=None if millidegrees is None else millidegrees / 1e3,
        )
