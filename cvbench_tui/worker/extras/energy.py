"""Energy of one pass: the workload repeated without a pause, between two readings of the device's energy counter.

Apart from the timed rounds, so that reading costs them nothing. Judges nothing: that the counter and the integral
of the power differ is for the results to say.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from cvbench_tui.base.system_files import read_int, read_text
from cvbench_tui.core.evidence import PassName
from cvbench_tui.core.measurement import PassEnergy
from cvbench_tui.worker.devices.nvml import NvmlCard

PASS_S = 2.0
"""Shortest sustained pass; zeus saw 187 J where 327 J were used with shorter ones (zeus #181)."""
UPDATES = 20
"""A pass lasts at least this many updates of the counter."""
MAX_PASS_S = 10.0
"""Longest pass that a slow counter may ask for."""
IDLE_S = 0.5
"""Shortest idle baseline."""
MAX_IDLE_S = 2.5
"""Longest time in which a counter must move: one that stands still is not there."""
MEAN_LAG_S = 1.0
"""How far a power reading that is a mean over one second lags behind."""
POLL_S = 0.001
"""Between two looks at a counter while nothing runs."""
READING_S = 0.05
"""Between two power readings in the pass, so at most 20 a second."""
READING_UNTIL = 0.8
"""Share of the last block's time up to which power is read while the host has nothing else to do: the next block is
then begun in time also if this one is a fifth faster."""


class EnergyMeter(Protocol):
    """A source of energy readings."""

    source: Literal["nvml", "rapl"]
    lag_s: float
    """Seconds by which ``power_w`` lags behind."""

    def energy_j(self) -> float | None:
        """Joules so far by a counter that only grows; None when it cannot be read."""

    def power_w(self) -> float | None:
        """Watts now; None where only energy is told."""


class Clock(Protocol):
    """What of a backend is needed here."""

    def now_s(self) -> float:
        """Seconds by a monotonic clock."""

    def settle(self) -> None:
        """Wait for all work on the device."""


class Repeated(Protocol):
    """What of a timed pass is needed here: ``worker.timing.timed_passes`` has two."""

    def begin(self) -> None:
        """Put the module into this pass's mode."""

    def regions(self, count: int, group: int) -> Sequence[Any]:
        """``count`` regions of ``group`` iterations, queued."""


class CardMeter:
    """A card's counter and power, through NVML."""

    source: Literal["nvml", "rapl"] = "nvml"

    def __init__(self, card: NvmlCard) -> None:
        self._card = card
        self.lag_s = MEAN_LAG_S if card.power_is_mean else 0.0

    def energy_j(self) -> float | None:
        """Of the whole card, its memory included."""
        return self._card.energy_j()

    def power_w(self) -> float | None:
        """Of the whole card."""
        return self._card.power_w()


class RaplMeter:
    """All processor packages of the machine, by Linux's powercap files. Other programs' energy is in it."""

    source: Literal["nvml", "rapl"] = "rapl"
    lag_s = 0.0

    def __init__(self, root: Path = Path("/sys/class/powercap")) -> None:
        # intel-rapl:0, not intel-rapl:0:1, which is a part of it, nor intel-rapl-mmio:0, which is the same again;
        # psys is the whole platform and holds the packages too
        self._packages = [
            _Package(folder)
            for folder in sorted(root.glob("intel-rapl:*"))
            if folder.name.count(":") == 1 and read_text(folder / "name").startswith("package")
        ]

    def energy_j(self) -> float | None:
        """Sum of the packages; None without any, or when one may not be read (most systems allow it to root only)."""
        joules = [package.energy_j() for package in self._packages]
        known = [value for value in joules if value is not None]
        return sum(known) if known and len(known) == len(joules) else None

    def power_w(self) -> float | None:
        """RAPL tells energy only."""
        return None


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


def rapl_meter(root: Path = Path("/sys/class/powercap")) -> RaplMeter | None:
    """The processor's meter; None where it cannot be read."""
    meter = RaplMeter(root)
    return None if meter.energy_j() is None else meter


@dataclass(frozen=True)
class Idle:
    """The baseline, and how often the counter moves."""

    watts: float | None
    update_s: float | None
    """Seconds between two updates of the counter; None when it stood still or is not there."""


class EnergyPass:
    """One measurement of energy. ``sleep`` is virtual in tests, as is the backend's clock."""

    def __init__(self, backend: Clock, meter: EnergyMeter, sleep: Callable[[float], None] = time.sleep) -> None:
        self._backend = backend
        self._meter = meter
        self._sleep = sleep
        self._block_s = 0.0
        """Seconds of the last block."""

    def take(self, timed: Repeated, name: PassName, regions_per_block: int, group: int) -> PassEnergy | None:
        """Idle baseline, then the pass in blocks as in the rounds; None when nothing can be read.

        A counter moves in steps, of 1 ms with RAPL and 20 to 100 ms on cards, so a plain reading misses half a
        step, 2.5% of two seconds. Here both ends wait for a step while nothing runs, and what is used between the
        end of the work and that step is taken off at the idle rate.
        Raises whatever the workload raises.
        """
        timed.begin()
        self._backend.settle()
        idle = self.idle()
        seconds = PASS_S if idle.update_s is None else min(MAX_PASS_S, max(PASS_S, UPDATES * idle.update_s))
        if self._meter.lag_s:
            self._run(timed, regions_per_block, group, self._meter.lag_s)
        first_j = self._at_step(idle)
        started = self._backend.now_s()
        blocks, powers = self._run(timed, regions_per_block, group, seconds)
        ended = self._backend.now_s()
        last_j = self._at_step(idle)
        rest_s = self._backend.now_s() - ended
        counter_j = None
        if first_j is not None and last_j is not None and idle.watts is not None and last_j > first_j:
            counter_j = round(last_j - first_j - idle.watts * rest_s, 6)
        integral_j = integral(powers, started, ended)
        if counter_j is None and integral_j is None:
            return None
        iterations = blocks * regions_per_block * group
        elapsed_s = round(ended - started, 6)
        return PassEnergy(name, self._meter.source, elapsed_s, iterations, counter_j, integral_j, idle.watts)

    def idle(self) -> Idle:
        """Half a second and more in which nothing runs, from one step of the counter to another."""
        self._sleep(self._meter.lag_s)
        started = self._backend.now_s()
        steps: list[tuple[float, float]] = []
        powers: list[tuple[float, float]] = []
        last_j = self._meter.energy_j()
        while True:
            self._sleep(POLL_S)
            joules, now = self._meter.energy_j(), self._backend.now_s()
            if joules is not None and last_j is not None and joules > last_j:
                steps.append((now, joules))
            last_j = joules
            self._read_power(powers)
            waited_s = now - started
            enough = len(steps) >= 2 and steps[-1][0] - steps[0][0] >= IDLE_S
            if enough or waited_s >= MAX_IDLE_S or (last_j is None and waited_s >= IDLE_S):
                return _idle(steps, powers)

    def _run(self, timed: Repeated, regions: int, group: int, seconds: float) -> tuple[int, list[tuple[float, float]]]:
        """Blocks for at least ``seconds``: how many, and power read while the device works on them.

        A block of one slow iteration may last a second and more: power is read all along it, not at its start only.
        """
        powers: list[tuple[float, float]] = []
        blocks, until = 0, self._backend.now_s() + seconds
        while blocks == 0 or self._backend.now_s() < until:
            begun_s = self._backend.now_s()
            timed.regions(regions, group)
            self._read_power(powers)
            while self._backend.now_s() + READING_S < begun_s + READING_UNTIL * self._block_s:
                self._sleep(READING_S)
                self._read_power(powers)
            self._backend.settle()
            self._block_s = self._backend.now_s() - begun_s
            blocks += 1
        return blocks, powers

    def _read_power(self, powers: list[tuple[float, float]]) -> None:
        """One more reading, unless the last one is too young or there is none."""
        now = self._backend.now_s()
        if powers and now - powers[-1][0] < READING_S:
            return
        watts = self._meter.power_w()
        if watts is not None:
            powers.append((now, watts))

    def _at_step(self, idle: Idle) -> float | None:
        """The counter just after it has moved; at once when it is not known to move."""
        joules = self._meter.energy_j()
        if joules is None or idle.update_s is None:
            return None
        until = self._backend.now_s() + 3 * idle.update_s + POLL_S
        before = joules
        while joules is not None and joules <= before and self._backend.now_s() < until:
            self._sleep(POLL_S)
            joules = self._meter.energy_j()
        return joules


def integral(powers: Sequence[tuple[float, float]], started: float, ended: float) -> float | None:
    """Joules by the trapezoid rule over (seconds, watts), the ends at the nearest reading's power; None without any."""
    if not powers or ended <= started:
        return None
    points = [(started, powers[0][1]), *powers, (ended, powers[-1][1])]
    areas = ((end - start) * (low + high) / 2 for (start, low), (end, high) in zip(points, points[1:]))
    return round(sum(areas), 6)


def _idle(steps: list[tuple[float, float]], powers: list[tuple[float, float]]) -> Idle:
    """Watts by the counter where it moved twice, else by the power readings."""
    if len(steps) >= 2:
        seconds = steps[-1][0] - steps[0][0]
        return Idle(round((steps[-1][1] - steps[0][1]) / seconds, 6), seconds / (len(steps) - 1))
    watts = [reading for _, reading in powers]
    return Idle(round(sum(watts) / len(watts), 6) if watts else None, None)
