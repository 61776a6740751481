"""The measured peak: how the fastest is found, on a clock of our own; then once on the CPU that is here."""

from __future__ import annotations

import math

import pytest

from cvbench_tui.worker.timing.counters import DeviceReading, Snapshot

pytestmark = pytest.mark.torch


class Clock:
    """A device whose every call takes what it is told, in time that only passes there."""

    region_s = 0.0

    def __init__(self, waited_s=0.0, free=None):
        self.time_s = 0.0
        self.counters = self
        self._waited_s, self._free = waited_s, free
        self._snapshots = 0

    def read(self):
        self._snapshots += 1
        return Snapshot(waited_s=self._waited_s if self._snapshots > 1 else 0.0)

    def read_device(self):
        return DeviceReading()

    def now_s(self):
        return self.time_s

    def mark(self):
        return self.time_s

    def settle(self):
        pass

    def free_bytes(self):
        return self._free

    def cache_bytes(self):
        return None

    def seconds(self, start, end):
        return end - start


def work_of(clock, durations):
    """Calls that take those seconds, the last one for ever."""
    left = list(durations)

    def work():
        clock.time_s += left.pop(0) if len(left) > 1 else left[0]

    return work


def test_the_fastest_of_repeats_counts_and_is_sure_when_it_was_reached_twice():
    from cvbench_tui.worker.extras.peak import MAX_REPEATS, fastest

    clock = Clock()
    best = fastest(clock, work_of(clock, [9.0, 0.012, 0.010, 0.013, 0.0101, 0.02]), 1.0)
    assert best.seconds == pytest.approx(0.010)
    assert best.reproduced
    assert clock.time_s < 9.1 + 0.02 * (MAX_REPEATS + 1)
    clock = Clock()
    assert not fastest(clock, work_of(clock, [0.02, 0.02, 0.010, 0.02]), 1.0).reproduced


def test_short_work_is_repeated_until_the_region_is_long_enough():
    from cvbench_tui.worker.extras.peak import REGION_S, fastest

    clock = Clock()
    calls = []

    def work():
        calls.append(1)
        clock.time_s += 1e-4

    best = fastest(clock, work, 0.0)
    assert best.seconds == pytest.approx(1e-4)
    assert len(calls) == pytest.approx(2 + 3 * REGION_S / 1e-4, abs=3)


def test_slow_work_is_done_the_fewest_times():
    from cvbench_tui.worker.extras.peak import MIN_REPEATS, fastest

    clock = Clock()
    assert fastest(clock, work_of(clock, [1.0]), 0.1).seconds == 1.0
    assert clock.time_s == 2 + MIN_REPEATS


@pytest.mark.parametrize("broken", [0.0, -1.0, math.nan])
def test_a_clock_that_gives_no_durations_gives_no_peak(broken):
    from cvbench_tui.worker.extras.peak import fastest

    class Broken(Clock):
        def seconds(self, start, end):
            return broken

    clock = Broken()
    assert fastest(clock, work_of(clock, [0.01]), 0.1) is None


def with_matmuls(monkeypatch, clock, rate, sides):
    """Products that take 2 n^3 / ``rate`` by that clock; ``sides`` notes which were asked for."""
    from cvbench_tui.worker.extras import peak

    def product(side, dtype, device):
        sides.append(side)

        def work():
            clock.time_s += 2 * side**3 / rate

        return work

    monkeypatch.setattr(peak, "_matmul", product)


@pytest.mark.parametrize(("rate", "largest"), [(1e9, 256), (1e11, 1024), (1e15, 8192)])
def test_matrices_grow_as_far_as_the_time_allows(monkeypatch, rate, largest):
    import torch

    from cvbench_tui.worker.extras import peak

    clock, sides = Clock(), []
    with_matmuls(monkeypatch, clock, rate, sides)
    found, sure = peak._matmul_rate(torch.device("cuda:0"), "float32", clock, 0.75)
    assert found == pytest.approx(rate)
    assert sure == (rate > 1e9), "three sides tell where the rate ends, one does not"
    assert max(sides) == largest
    assert clock.time_s < 1.5


def test_matrices_grow_as_far_as_the_memory_allows(monkeypatch):
    import torch

    from cvbench_tui.worker.extras import peak

    clock, sides = Clock(free=8 * 3 * 1024 * 1024 * 4), []
    with_matmuls(monkeypatch, clock, 1e15, sides)
    peak._matmul_rate(torch.device("cuda:0"), "float32", clock, 0.75)
    assert max(sides) == 1024


def test_a_precision_that_the_device_refuses_is_left_out(monkeypatch):
    import torch

    from cvbench_tui.worker.extras import peak

    def matmul_rate(device, precision, backend, share_s):
        if precision == "bfloat16":
            raise RuntimeError("not here")
        return 1e12, True

    monkeypatch.setattr(peak, "_precisions", lambda device: ["float32", "bfloat16"])
    monkeypatch.setattr(peak, "_matmul_rate", matmul_rate)
    monkeypatch.setattr(peak, "_memory_rates", lambda *arguments: (2e10, 3e10, True))
    found = peak.measure(torch.device("cpu"), Clock(), "key")
    assert found.flops_per_s == (("float32", 1e12),)
    assert (found.bytes_per_s, found.most_bytes_per_s, found.sure) == (2e10, 3e10, True)


def test_a_cold_start_is_over_before_the_time_is_shared_out(monkeypatch):
    import torch

    from cvbench_tui.worker.extras import peak

    clock, sides = Clock(), []
    with_matmuls(monkeypatch, clock, 1e12, sides)
    steady, cold = peak._matmul, [5.0]

    def product(side, dtype, device):
        work = steady(side, dtype, device)

        def first_is_slow():
            clock.time_s += cold.pop() if cold else 0.0
            work()

        return first_is_slow

    monkeypatch.setattr(peak, "_matmul", product)
    monkeypatch.setattr(peak, "_memory_rates", lambda *arguments: (2e10, 3e10, True))
    found = peak.measure(torch.device("cpu"), clock, "key")
    assert found.flops("float32") == pytest.approx(1e12)
    assert found.sure
    assert max(sides) >= 1024


def test_it_is_not_sure_where_the_card_was_hot(monkeypatch):
    import torch

    from cvbench_tui.worker.extras import peak

    class Hot(Clock):
        def read_device(self):
            return DeviceReading(throttle=("thermal",))

    monkeypatch.setattr(peak, "_matmul_rate", lambda *arguments: (1e12, True))
    monkeypatch.setattr(peak, "_memory_rates", lambda *arguments: (2e10, 3e10, True))
    assert not peak.measure(torch.device("cpu"), Hot(), "key").sure


def test_it_is_not_sure_where_threads_had_to_wait(monkeypatch):
    import torch

    from cvbench_tui.worker.extras import peak

    clock = Clock(waited_s=1.0)

    def matmul_rate(*arguments):
        clock.time_s += 1.0
        return 1e12, True

    monkeypatch.setattr(peak, "_matmul_rate", matmul_rate)
    monkeypatch.setattr(peak, "_memory_rates", lambda *arguments: (2e10, 3e10, True))
    assert not peak.measure(torch.device("cpu"), clock, "key").sure


def test_short_types_are_asked_for_only_where_the_processor_has_it(tmp_path):
    from cvbench_tui.worker.extras.peak import NATIVE_BFLOAT16, NATIVE_FLOAT16, computes_by

    info = tmp_path / "proc/cpuinfo"
    info.parent.mkdir()
    info.write_text("processor : 0\nflags : fpu avx2 avx512f\n")
    assert not computes_by(NATIVE_BFLOAT16, tmp_path)
    info.write_text("processor : 0\nflags : fpu avx512f avx512_bf16 amx_tile\n")
    assert computes_by(NATIVE_BFLOAT16, tmp_path)
    info.write_text("processor : 0\nFeatures : fp asimd bf16\n")
    assert computes_by(NATIVE_BFLOAT16, tmp_path)
    assert not computes_by(NATIVE_BFLOAT16, tmp_path / "missing")
    assert not computes_by(NATIVE_FLOAT16, tmp_path)
    info.write_text("processor : 0\nFeatures : fp asimd asimdhp\n")
    assert computes_by(NATIVE_FLOAT16, tmp_path)


def test_tf32_is_switched_for_the_product_and_put_back():
    import torch

    from cvbench_tui.worker.extras.peak import _tf32

    before = torch.backends.cuda.matmul.allow_tf32
    for allowed in (True, False):
        with _tf32(torch.device("cuda:1"), allowed):
            assert torch.backends.cuda.matmul.allow_tf32 is allowed
    assert torch.backends.cuda.matmul.allow_tf32 is before


def test_this_processors_peak():
    import torch

    from cvbench_tui.worker.devices.select import backend_for
    from cvbench_tui.worker.extras.peak import measure

    device = torch.device("cpu")
    found = measure(device, backend_for(device), "key")
    assert (found.device, found.key) == ("cpu", "key")
    assert found.flops("float32") > 0
    assert 0 < found.bytes_per_s <= found.most_bytes_per_s
