"""All that is decided about CUDA, against a stand-in: the rules have to hold without a card."""

from __future__ import annotations

import random
from dataclasses import replace
from statistics import median
from types import SimpleNamespace

import pytest
import torch

from cvbench_tui.core.grading.assess import assess
from cvbench_tui.core.measurement import Measurement
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.worker.devices import select as devices
from cvbench_tui.worker.devices.cpu import CpuBackend
from cvbench_tui.worker.devices.cuda import CudaBackend
from cvbench_tui.worker.timing.counters import DeviceReading
from cvbench_tui.worker.timing.stopwatch import Stopwatch
from tests.worker.fake_cuda import FakeCuda, FakeCudaBackend, FakePass

pytestmark = pytest.mark.torch
DEFAULT = PROTOCOLS["default"]
CARD = SimpleNamespace(uuid="ab-cd", pci_domain_id=0, pci_bus_id=0x65, pci_device_id=0)


def measured(forward_s, backward_s, host_s, *, kernels=4, side_s=0.0, cuda=None):
    backend = FakeCudaBackend(cuda or FakeCuda())
    timed = FakePass(backend, forward_s, backward_s, host_s, kernels)
    timed.side_s = side_s
    result = Stopwatch(timed, backend, DEFAULT, lambda _: None).run()
    return result, backend


def middle(result, phase=2):
    return median(sample for taken in result.phases[phase].rounds for sample in taken)


def test_the_device_is_timed_and_not_the_launch():
    cuda = FakeCuda()
    backend = FakeCudaBackend(cuda, torch.device("cuda:1"))
    start = backend.mark()
    cuda.queue(0.1)
    end = backend.mark()
    with pytest.raises(RuntimeError, match="not ready"):
        backend.seconds(start, end)
    backend.settle()
    assert backend.seconds(start, end) == pytest.approx(0.1, rel=1e-4)
    assert cuda.synchronised == [torch.device("cuda:1")]


def test_an_events_reading_that_is_replaced_later_bends_nothing():
    cuda = FakeCuda()
    backend = FakeCudaBackend(cuda)
    cuda.Event.elapsed_time = lambda *_: 0.001
    start = backend.mark()
    cuda.queue(0.1)
    end = backend.mark()
    backend.settle()
    assert backend.seconds(start, end) == pytest.approx(0.1, rel=1e-4)


def test_memory_and_retries_are_told_and_what_is_missing_is_none():
    cuda = FakeCuda()
    backend = FakeCudaBackend(cuda)
    cuda.allocated = 100

    def work():
        cuda.peak = 150

    assert backend.extra_bytes(work) == 50
    assert (backend.allocations(), backend.free_bytes()) == (3, 1 << 34)
    counters = CudaBackend(torch.device("cuda:0"), cuda).counters
    assert (counters.read().allocations, counters.read().retries) == (3, 0)
    cuda.statistics = {}
    assert (counters.read().allocations, counters.read().retries) == (None, None)


@pytest.mark.parametrize("seconds", [0.001, 0.02])
def test_the_lead_is_calibrated_once_by_the_cards_own_clock(seconds):
    cuda = FakeCuda()
    backend = FakeCudaBackend(cuda)
    backend.lead(seconds)
    backend.lead(seconds)
    assert len(cuda.spun_s) == 4  # two to calibrate
    assert cuda.spun_s[-1] == pytest.approx(seconds, rel=0.05)


def test_without_a_spin_kernel_there_is_no_lead():
    cuda = FakeCuda(spins=False)
    backend = FakeCudaBackend(cuda, "cpu")
    before = cuda.host_s, cuda.default.free_s
    backend.lead(0.01)
    assert (cuda.host_s, cuda.default.free_s) == before


def test_a_reading_without_nvml_is_empty_and_with_it_the_cards():
    assert CudaBackend("cuda:0", FakeCuda()).read_device() == DeviceReading()
    card = SimpleNamespace(read=lambda: DeviceReading(clock_hz=1.4e9, throttle=("thermal",)))
    assert CudaBackend("cuda:0", FakeCuda(), card).read_device().throttle == ("thermal",)


def test_flushing_writes_twice_the_second_level_cache():
    backend = FakeCudaBackend(FakeCuda(properties=SimpleNamespace(L2_cache_size=1 << 20)), "cpu")
    with torch.inference_mode():
        assert backend.flush()
    assert backend.flush()
    assert backend._cache.numel() == 2 << 20
    assert not FakeCudaBackend(FakeCuda(properties=SimpleNamespace())).flush()


def test_work_that_keeps_the_device_busy_is_timed_by_the_device():
    result, _ = measured(4e-3, 8e-3, host_s=1e-3)
    assert middle(result) == pytest.approx(12e-3, rel=1e-3)
    assert middle(result, 0) == pytest.approx(4e-3, rel=1e-3)
    for seen in result.record.evidence:
        assert seen.host_s == pytest.approx(2e-3, rel=0.05)
        assert seen.utilisation > 0.99


def test_the_first_region_of_a_block_does_not_wait_for_its_launch():
    """A forward that is queued more slowly than it runs: without a lead the first one would show the host's time."""
    result, _ = measured(1e-3, 12e-3, host_s=3e-3)
    samples = [sample for taken in result.phases[0].rounds for sample in taken]
    assert max(samples) == pytest.approx(1e-3, rel=0.01)


@pytest.mark.parametrize(("device_s", "host_s"), [(2e-3, 3e-3), (0.2e-3, 1e-3), (10e-6, 60e-6), (15e-3, 25e-3)])
def test_host_bound_work_shows_the_devices_time_and_the_hosts(device_s, host_s):
    result, _ = measured(device_s, device_s, host_s)
    assert middle(result) == pytest.approx(2 * device_s, rel=0.02)
    for seen in result.record.evidence:
        assert seen.host_s == pytest.approx(2 * host_s, rel=0.1)
        assert seen.host_s > middle(result)


def test_host_bound_work_takes_no_longer_than_other_work():
    result, _ = measured(10e-6, 10e-6, 100e-6)
    assert result.record.wall_s < 3.0


def test_a_full_queue_is_not_taken_for_a_slow_host():
    """1,600 launches an iteration: the host waits for room in the queue, which says nothing of its own speed."""
    result, _ = measured(20e-3, 20e-3, host_s=5e-3, kernels=800)
    assert middle(result) == pytest.approx(40e-3, rel=1e-2)
    assert all(seen.host_s < middle(result) for seen in result.record.evidence)


def test_work_on_a_stream_of_its_own_shows_as_a_device_that_is_not_accounted_for():
    result, _ = measured(1e-3, 1e-3, host_s=0.1e-3, side_s=6e-3)
    assert all(seen.utilisation < 0.5 for seen in result.record.evidence)
    assert all(seen.host_s < middle(result) for seen in result.record.evidence)


def graded(forward_s, backward_s, host_s, *, kernels=4, side_s=0.0, cuda=None):
    """The total's grade, with 0.2% of noise: without any no clock is believed."""
    backend = FakeCudaBackend(cuda or FakeCuda())
    timed = FakePass(backend, forward_s, backward_s, host_s, kernels)
    timed.side_s = side_s
    draw = random.Random(4)
    timed.noise = lambda: draw.gauss(1.0, 0.002)
    result = Stopwatch(timed, backend, DEFAULT, lambda _: None).run()
    measurement = Measurement(
        "a", tuple(result.phases), None, None, None, 0.0, 1.0, 1, timed_s=result.timed_s, passes=(result.record,)
    )
    found = assess(measurement, "total", DEFAULT)
    return found.grade, {reason.code: reason for reason in found.reasons if reason.grade != "A"}


def test_work_that_fills_the_device_is_graded_a():
    assert graded(4e-3, 8e-3, host_s=1e-3) == ("A", {})


def test_many_launches_on_a_busy_device_are_graded_a_as_well():
    assert graded(20e-3, 20e-3, host_s=5e-3, kernels=800)[0] == "A"


@pytest.mark.parametrize(("device_s", "host_s"), [(2e-3, 3e-3), (0.2e-3, 1e-3), (15e-3, 25e-3)])
def test_host_bound_work_is_graded_b_with_both_times(device_s, host_s):
    grade, reasons = graded(device_s, device_s, host_s)
    assert grade == "B"
    sentence = reasons["host_bound"].sentence
    assert f"{2000 * host_s:.3g} ms to launch" in sentence
    assert f"the device {2000 * device_s:.3g} ms" in sentence


@pytest.mark.parametrize(("device_s", "host_s"), [(20e-3, 60e-3), (20e-3, 45e-3), (10e-3, 41e-3), (70e-3, 70e-3)])
def test_a_host_too_slow_for_any_lead_is_graded_c(device_s, host_s):
    """Events then hold the gaps: the number is the host's."""
    grade, reasons = graded(device_s, device_s, host_s)
    assert grade == "C"
    assert "could not run ahead" in reasons["host_bound"].sentence


def test_a_host_bound_row_without_a_spin_kernel_says_so():
    """Without a lead the queue never runs ahead, and the events hold the host's gaps."""
    grade, reasons = graded(2e-3, 2e-3, 5e-3, cuda=FakeCuda(spins=False))
    assert grade == "C"
    assert "could not run ahead" in reasons["host_bound"].sentence


@pytest.mark.parametrize(("device_s", "host_s"), [(6e-3, 30e-3), (12e-3, 24e-3)])
def test_more_launches_than_the_queue_holds_are_graded_c(device_s, host_s):
    """3,000 launches an iteration: the host waits for room until the lead ends, and the device catches up with it."""
    grade, reasons = graded(device_s / 2, device_s / 2, host_s / 2, kernels=1500)
    assert grade == "C"
    assert "host_bound" in reasons


def test_a_lead_that_a_risen_clock_made_shorter_is_asked_for_longer():
    """Twice the clock since the spin was calibrated: half the spin, too short for any block of a slow host."""
    cuda = FakeCuda()
    spin = cuda._spin
    cuda._sleep = lambda cycles: spin(cycles if len(cuda.spun_s) < 2 else cycles / 2)
    result, _ = measured(0.2e-3, 0.2e-3, 1e-3, cuda=cuda)
    assert {seen.outran for seen in result.record.evidence} == {0.0}
    assert middle(result) == pytest.approx(0.4e-3, rel=0.02)


def test_a_stream_of_its_own_is_graded_x():
    grade, reasons = graded(1e-3, 1e-3, host_s=0.1e-3, side_s=6e-3)
    assert grade == "X"
    assert "unaccounted" in reasons


def test_short_work_is_grouped_to_a_millisecond_a_region():
    result, _ = measured(30e-6, 60e-6, host_s=10e-6)
    assert 34 / 1.5 <= result.record.group <= 34 * 1.5
    assert middle(result) == pytest.approx(90e-6, rel=0.02)


def test_the_device_is_read_while_the_device_works():
    _, backend = measured(4e-3, 8e-3, host_s=1e-3)
    assert all(device_free_s > host_s for host_s, device_free_s in backend.gauged_at)


def test_a_clock_that_still_rises_keeps_the_warm_up_going():
    cuda = FakeCuda()
    card = SimpleNamespace(read=lambda: DeviceReading(clock_hz=1e9 * min(2.0, 1 + (cuda.host_s - 100) / 1.5)))
    backend = FakeCudaBackend(cuda, card=card)
    result = Stopwatch(FakePass(backend, 4e-3, 8e-3, 1e-3), backend, DEFAULT, lambda _: None).run()
    assert result.record.settled
    assert result.record.warmup_s > 1.5
    assert {seen.clock_hz for seen in result.record.evidence} == {2e9}


def test_every_block_ends_with_a_device_wide_wait():
    result, backend = measured(4e-3, 8e-3, host_s=1e-3)
    taken = sum(len(each) for each in result.phases[0].rounds)
    assert len(backend.fake.synchronised) >= taken / 5  # blocks of five iterations of 12 ms


def test_a_timer_that_gives_no_number_fails_the_case():
    cuda = FakeCuda()
    cuda.Event.elapsed_time = lambda *_: float("nan")
    with pytest.raises(Exception, match="no number"):
        measured(4e-3, 8e-3, 1e-3, cuda=cuda)


def test_another_protocols_short_rounds_hold_as_well():
    backend = FakeCudaBackend(FakeCuda())
    timed = FakePass(backend, 4e-3, 8e-3, 1e-3)
    short = replace(DEFAULT, round_s=0.01, round_iterations=1, max_rounds=5)
    result = Stopwatch(timed, backend, short, lambda _: None, max_group=1, check_deferred=False).run()
    assert result.record.deferred_share is None
    assert middle(result) == pytest.approx(12e-3, rel=1e-3)


@pytest.mark.parametrize(
    ("properties", "asked"),
    [
        (
            SimpleNamespace(uuid="ab-cd", pci_domain_id=0, pci_bus_id=0x65, pci_device_id=0),
            ("ab-cd", "00000000:65:00.0"),
        ),
        (SimpleNamespace(), (None, None)),
    ],
)
def test_the_card_is_found_by_its_identity_or_its_address_never_by_its_index(monkeypatch, properties, asked):
    monkeypatch.setattr(devices, "open_card", lambda *identity: identity)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    assert devices._card("cuda:1", FakeCuda(properties=properties)) == asked
    monkeypatch.setattr(torch.version, "cuda", None)  # ROCm
    assert devices._card("cuda:1", FakeCuda(properties=properties)) is None


def test_energy_is_metered_where_the_card_can_be_asked():
    card = SimpleNamespace(energy_j=lambda: 7.0)
    device = torch.device("cuda:0")
    meter = devices.meter_for(device, FakeCudaBackend(FakeCuda(), card=card))
    assert (meter.source, meter.energy_j()) == ("nvml", 7.0)
    assert devices.meter_for(device, FakeCudaBackend(FakeCuda())) is None
    assert devices.meter_for(torch.device("mps"), CpuBackend()) is None
