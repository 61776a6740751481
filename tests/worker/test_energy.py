"""Energy with a meter made of numbers and a virtual clock: what was put in has to come out."""

from __future__ import annotations

import pytest

from cvbench_tui.worker.extras.energy import (
    MAX_ENERGY_S,
    PASS_S,
    STILL_S,
    EnergyMeter,
    pass_energy,
    rapl_meter,
)

IDLE_W = 60.0
BUSY_W = 300.0
ITERATION_S = 0.004


class World:
    """Clock, device and workload in one: work takes ``ITERATION_S`` and ``BUSY_W``, the rest ``IDLE_W``."""

    name = "training"

    def __init__(self, update_s: float = 0.02) -> None:
        self.now = 100.0
        self.joules = 5000.0
        self.update_s = update_s
        self.shown = (self.now, self.joules)
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

    wait = advance

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

    def energy_j(self) -> float | None:
        lost = self.lost_after is not None and self.iterations >= self.lost_after
        return None if lost or not self.update_s else self.shown[1]


def measure(world: World, *, block: int = 12):
    return pass_energy(world, world, EnergyMeter("nvml", world.energy_j), regions_per_block=block, group=1)


@pytest.mark.parametrize("update_s", [0.001, 0.02, 0.1, 0.2])
def test_the_counter_gives_what_was_used(update_s):
    world = World(update_s)
    energy = measure(world)
    assert energy.seconds >= PASS_S
    assert energy.iterations == world.iterations
    assert energy.counter_j == pytest.approx(energy.iterations * ITERATION_S * BUSY_W, rel=0.005)
    assert energy.idle_w == pytest.approx(IDLE_W, rel=0.02)
    assert (energy.name, energy.source, energy.integral_j) == ("training", "nvml", None)


def test_a_counter_that_stands_still_is_none():
    world = World(1e9)
    before = world.now
    assert measure(world) is None
    assert (world.iterations, world.now - before) == (0, pytest.approx(STILL_S, abs=0.01)), (
        "the search for a step ended"
    )


def test_no_counter_is_none():
    world = World(0.0)
    before = world.now
    assert measure(world) is None
    assert world.now == before


@pytest.mark.parametrize("lost_after", [0, 300])
def test_a_card_lost_meanwhile_has_no_energy(lost_after):
    world = World(0.02)
    world.lost_after = lost_after
    assert measure(world) is None


def test_a_counter_that_stops_in_the_pass_has_no_energy():
    world = World(0.02)
    regions = world.regions

    def stop(*sizes: int) -> list:
        world.update_s = 1e9
        return regions(*sizes)

    world.regions = stop
    assert measure(world) is None


def test_one_slow_iteration_is_a_pass():
    world = World(0.02)
    world.iteration_s = 5.0
    energy = measure(world, block=1)
    assert energy.iterations == 1
    assert energy.counter_j == pytest.approx(5.0 * BUSY_W, rel=0.005)


def test_it_lasts_no_longer_than_its_budget():
    world = World(1.9)
    before = world.now
    assert measure(world).iterations
    assert PASS_S < world.now - before < MAX_ENERGY_S


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


def test_a_package_that_may_not_be_read(tmp_path):
    assert rapl_meter(tmp_path) is None
    assert rapl_meter(tmp_path / "missing") is None
    rapl(tmp_path, "intel-rapl:0", "package-0", 1)
    rapl(tmp_path, "intel-rapl:1", "package-1", 1)
    (tmp_path / "intel-rapl:1/energy_uj").unlink()
    assert rapl_meter(tmp_path) is None
