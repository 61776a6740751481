"""Energy of one pass: the workload repeated without a pause, between two readings of the device's energy counter. Apart
from the timed rounds, so that reading costs them nothing. Where there is no counter there is no energy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cvbench_tui.base.system_files import read_int, read_text
from cvbench_tui.core.measurement import PassEnergy
from cvbench_tui.worker.devices.backend import Backend
from cvbench_tui.worker.timing.sampler import TimedPass

PASS_S = 3.0  # shortest sustained pass; zeus saw 187 J where 327 J were used with short ones (zeus #181)
IDLE_S = 0.5  # shortest idle baseline
STILL_S = 2.0  # time in which a counter must move, or it is none: RAPL moves every 1 ms, a card every 20 to 100
MAX_ENERGY_S = PASS_S + IDLE_S + 3 * STILL_S  # longest measurement but for its last block
POLL_S = 0.001  # between two looks at a counter while nothing runs


@dataclass(frozen=True)
class EnergyMeter:
    """A device's energy counter."""

    source: Literal["nvml", "rapl"]
    energy_j: Callable[[], float | None]  # joules so far, which only grow; None when it cannot be read


class _Package:
    """One package's counter, which begins again at 0 after ``max_energy_range_uj``: minutes under full load."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "energy_uj"
        self._range = read_int(folder / "max_energy_range_uj")
        self._last = read_int(self._file)
        self._sum = 0

    def energy_j(self) -> float | None:
        """Joules since this was made."""
        now = read_int(self._file)
        if now is None or self._last is None or (now < self._last and self._range is None):
            return None
        self._sum += now - self._last if now >= self._last else now + (self._range or 0) - self._last
        self._last = now
        return self._sum * 1e-6


def rapl_meter(root: Path = Path("/sys/class/powercap")) -> EnergyMeter | None:
    """All processor packages of the machine, by Linux's powercap files. Other programs' energy is in it. None without
    any, or when one may not be read (most systems allow it to root only)."""
    # intel-rapl:0, not intel-rapl:0:1, which is a part of it, nor intel-rapl-mmio:0, which is the same again;
    # psys is the whole platform and holds the packages too
    packages = [
        _Package(folder)
        for folder in sorted(root.glob("intel-rapl:*"))
        if folder.name.count(":") == 1 and read_text(folder / "name").startswith("package")
    ]

    def energy_j() -> float | None:
        joules = [package.energy_j() for package in packages]
        known = [value for value in joules if value is not None]
        return sum(known) if known and len(known) == len(joules) else None

    return None if energy_j() is None else EnergyMeter("rapl", energy_j)


def pass_energy(
    timed: TimedPass, backend: Backend, meter: EnergyMeter, regions_per_block: int, group: int
) -> PassEnergy | None:
    """Idle baseline, then the pass in blocks as in the rounds; None without a counter that moves. A counter moves in
    steps, so a plain reading misses half a step. All readings wait for a step while nothing runs, and what is used
    between the end of the work and the last step is taken off at the idle rate. Raises whatever the workload raises."""
    timed.begin()
    backend.settle()
    idle = _next_step(backend, meter)
    if idle is None:
        return None
    backend.wait(IDLE_S)
    first = _next_step(backend, meter)
    begun_s, blocks = backend.now_s(), 0
    while blocks == 0 or backend.now_s() < begun_s + PASS_S:
        timed.regions(regions_per_block, group)
        backend.settle()
        blocks += 1
    ended_s = backend.now_s()
    last = _next_step(backend, meter)
    if first is None or last is None:
        return None
    idle_w = (first[1] - idle[1]) / (first[0] - idle[0])
    counter_j = last[1] - first[1] - idle_w * (last[0] - ended_s)
    seconds, iterations = round(ended_s - begun_s, 6), blocks * regions_per_block * group
    return PassEnergy(timed.name, meter.source, seconds, iterations, round(counter_j, 6), idle_w=round(idle_w, 6))


def _next_step(backend: Backend, meter: EnergyMeter) -> tuple[float, float] | None:
    """Seconds and joules just after the counter has moved; None when it does not."""
    before_j, until_s = meter.energy_j(), backend.now_s() + STILL_S
    while before_j is not None and backend.now_s() < until_s:
        backend.wait(POLL_S)
        joules = meter.energy_j()
        if joules is None or joules > before_j:
            return None if joules is None else (backend.now_s(), joules)
    return None
