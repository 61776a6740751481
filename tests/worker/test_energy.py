"""Energy with a meter made of numbers and a virtual clock: what was put in has to come out."""

from __future__ import annotations

from itertools import pairwise

import pytest

from cvbench_tui.worker.devices.nvml import NvmlCard
from cvbench_tui.worker.extras.energy import MAX_IDLE_S, PASS_S, UPDATES, EnergyPass, RaplMeter, integral, rapl_meter

IDLE_W = 60.0
BUSY_W = 300.0
ITERATION_S = 0.004


class World:
    """Clock, device, workload and meter in one: work takes ``ITERATION_S`` and ``BUSY_W``, the rest ``IDLE_W``."""

    source = "nvml"

    def __init__(self, update_s: float = 0.02, *, power: bool = True, lag_s: float = 0.0) -> None:
        self.now = 100.0
        self.joules = 5000.0
        self.update_s = update_s
        self.shown = (self.now, self.joules)
        self.power = power
        self.lag_s = lag_s
        self.iterations = 0
        self.iteration_s = ITERATION_S
        self.busy_until = self.now
        self.lost_after: int | None = None

    def advance(self, seconds: float) -> None:
        """Time passes in small steps; the counter shows what it was at its last update."""
        until = self.now + seconds
        while self.now < until - 1e-12:
            step = min(0.0005, until - self.now)
            self.joules += step * (BUSY_W if self.now < self.busy_until else IDLE_W)
            self.now += step
            if self.update_s and self.now - self.shown[0] >= self.update_s:
                self.shown = (self.now, self.joules)

    sleep = advance

    def now_s(self) -> float:
        return self.now

    def settle(self) -> None:
        self.advance(max(0.0, self.busy_until - self.now))

    def begin(self) -> None:
        pass

    def regions(self, count: int, group: int) -> list:
        self.iterations += count * group
        self.busy_until = max(self.now, self.busy_until) + count * group * self.iteration_s
        return []

    @property
    def lost(self) -> bool:
        return self.lost_after is not None and self.iterations >= self.lost_after

    def energy_j(self) -> float | None:
        return None if self.lost or not self.update_s else self.shown[1]

    def power_w(self) -> float | None:
        if self.lost or not self.power:
            return None
        return BUSY_W if self.now < self.busy_until else IDLE_W


def take(world: World):
    return EnergyPass(world, world, world.sleep).take(world, "training", regions_per_block=12, group=1)


@pytest.mark.parametrize("update_s", [0.001, 0.02, 0.1])
def test_counter_and_integral_give_what_was_used(update_s):
    world = World(update_s)
    energy = take(world)
    assert energy.seconds >= PASS_S
    assert energy.iterations == world.iterations
    truth = energy.iterations * ITERATION_S * BUSY_W
    assert energy.counter_j == pytest.approx(truth, rel=0.005)
    assert energy.integral_j == pytest.approx(truth, rel=0.005)
    assert energy.idle_w == pytest.approx(IDLE_W, rel=0.02)
    assert (energy.name, energy.source) == ("training", "nvml")


def test_a_slow_counter_gets_a_longer_pass():
    energy = take(World(0.2))
    assert energy.seconds >= UPDATES * 0.2 * 0.95


def test_a_meter_without_power_has_no_integral():
    energy = take(World(0.001, power=False))
    assert energy.integral_j is None
    assert energy.counter_j == pytest.approx(energy.iterations * ITERATION_S * BUSY_W, rel=0.005)


def test_power_without_a_counter():
    energy = take(World(0.0))
    assert energy.counter_j is None
    assert energy.integral_j == pytest.approx(energy.iterations * ITERATION_S * BUSY_W, rel=0.005)
    assert energy.idle_w == pytest.approx(IDLE_W)


def test_a_counter_that_stands_still_is_none():
    world = World(1e9, power=False)
    assert take(world) is None
    assert world.iterations, "the search for a step ended"


def test_nothing_told_is_none():
    world = World(0.0, power=False)
    before = world.now
    assert take(world) is None
    assert world.now - before < MAX_IDLE_S + PASS_S + 0.5


def test_a_card_lost_in_the_pass_gives_what_the_readings_gave():
    world = World(0.02)
    world.lost_after = 300
    energy = take(world)
    assert energy.counter_j is None
    assert energy.integral_j > 0


def test_a_mean_power_reading_is_given_time_to_rise():
    world = World(0.02, lag_s=1.0)
    energy = take(world)
    assert world.iterations - energy.iterations == pytest.approx(1.0 / ITERATION_S, rel=0.1)
    assert energy.counter_j == pytest.approx(energy.iterations * ITERATION_S * BUSY_W, rel=0.005)


def test_one_slow_iteration_is_a_pass():
    world = World(0.02)
    world.iteration_s = 5.0
    energy = EnergyPass(world, world, world.sleep).take(world, "inference", regions_per_block=1, group=1)
    assert energy.iterations == 1
    assert energy.counter_j == pytest.approx(5.0 * BUSY_W, rel=0.005)


@pytest.mark.parametrize("swings", [1, 4])
def test_power_is_read_all_along_a_slow_block(swings):
    """A block of one second whose power falls by half within it: its start alone would give a third too much."""
    world = World(0.0)
    world.iteration_s = 1.0
    begun = []
    regions, world.regions = world.regions, lambda *sizes: (begun.append(world.now), regions(*sizes))[1]

    def power_w() -> float:
        if world.now >= world.busy_until:
            return IDLE_W
        return BUSY_W if int(2 * swings * (world.now - begun[-1])) % 2 == 0 else BUSY_W / 2

    world.power_w = power_w
    energy = EnergyPass(world, world, world.sleep).take(world, "inference", regions_per_block=1, group=1)
    second_j = 0.75 * BUSY_W
    assert energy.iterations >= 2
    assert energy.integral_j - BUSY_W == pytest.approx(second_j * (energy.iterations - 1), rel=0.15)
    assert energy.seconds == pytest.approx(energy.iterations, rel=0.01)


def test_power_is_read_at_most_twenty_times_a_second():
    world = World(0.02)
    readings: list[float] = []
    tell = world.power_w
    world.power_w = lambda: (readings.append(world.now), tell())[1]
    take(world)
    gaps = [later - earlier for earlier, later in pairwise(readings)]
    assert sum(gap < 0.049 for gap in gaps) <= 2, "only where one part of the measurement ends and the next begins"


def test_the_integral_is_trapezoids():
    assert integral([(1.0, 100.0), (2.0, 200.0)], 0.0, 3.0) == 100.0 + 150.0 + 200.0
    assert integral([], 0.0, 3.0) is None
    assert integral([(1.0, 100.0)], 3.0, 3.0) is None


def rapl(root, name: str, label: str, microjoules: int, most: int = 1_000_000) -> None:
    folder = root / name
    folder.mkdir(exist_ok=True)
    (folder / "name").write_text(label + "\n")
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    (folder / "max_energy_range_uj").write_text(f"{most}\n")


def test_packages_are_summed_and_wrap(tmp_path):
    rapl(tmp_path, "intel-rapl:0", "package-0", 900_000)
    rapl(tmp_path, "intel-rapl:1", "package-1", 0)
    rapl(tmp_path, "intel-rapl:0:0", "core", 5)
    rapl(tmp_path, "intel-rapl:2", "psys", 5)
    rapl(tmp_path, "intel-rapl-mmio:0", "package-0", 5)
    meter = rapl_meter(tmp_path)
    assert meter.energy_j() == 0.0
    rapl(tmp_path, "intel-rapl:0", "package-0", 100_000)
    rapl(tmp_path, "intel-rapl:1", "package-1", 50_000)
    assert meter.energy_j() == pytest.approx(0.25)
    rapl(tmp_path, "intel-rapl:1", "package-1", 60_000)
    assert meter.energy_j() == pytest.approx(0.26)
    assert meter.power_w() is None


def test_a_package_that_may_not_be_read(tmp_path):
    assert rapl_meter(tmp_path) is None
    assert rapl_meter(tmp_path / "missing") is None
    rapl(tmp_path, "intel-rapl:0", "package-0", 1)
    rapl(tmp_path, "intel-rapl:1", "package-1", 1)
    (tmp_path / "intel-rapl:1/energy_uj").unlink()
    assert rapl_meter(tmp_path) is None
    assert RaplMeter(tmp_path).energy_j() is None


def test_a_card_is_a_meter():
    from cvbench_tui.worker.extras.energy import CardMeter

    class Told(NvmlCard):
        def __init__(self) -> None:
            pass

        def energy_j(self):
            return 7.0

        def power_w(self):
            return 8.0

        power_is_mean = True

    meter = CardMeter(Told())
    assert (meter.energy_j(), meter.power_w(), meter.lag_s, meter.source) == (7.0, 8.0, 1.0, "nvml")
