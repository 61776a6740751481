"""The backends, CUDA's through a stand-in for torch.cuda: its logic has to hold without a card."""

from __future__ import annotations

import time

import pytest
import torch

from cvbench_tui.worker.backend import CpuBackend, CudaBackend, HostClockBackend, backend_for


class FakeCuda:
    """Events that stamp a device clock, which runs only while the host waits for it."""

    def __init__(self) -> None:
        self.queue: list = []
        self.device_ms = 0.0
        self.synchronised: list = []
        self.peak = 0

    def work(self, milliseconds: float) -> None:
        self.queue.append(milliseconds)

    def Event(self, *, enable_timing: bool):
        assert enable_timing
        return FakeEvent(self)

    def synchronize(self, device) -> None:
        self.synchronised.append(device)
        for item in self.queue:
            if isinstance(item, FakeEvent):
                item.at_ms = self.device_ms
            else:
                self.device_ms += item
        self.queue.clear()

    def memory_stats(self, device) -> dict:
        return {"num_device_alloc": 3}

    def reset_peak_memory_stats(self, device) -> None:
        self.peak = 0

    def max_memory_allocated(self, device) -> int:
        return self.peak

    def mem_get_info(self, device) -> tuple[int, int]:
        return 5, 10


class FakeEvent:
    def __init__(self, cuda: FakeCuda) -> None:
        self.cuda = cuda
        self.at_ms: float | None = None

    def record(self) -> None:
        self.cuda.queue.append(self)

    def elapsed_time(self, end: FakeEvent) -> float:
        if self.at_ms is None or end.at_ms is None:
            raise RuntimeError("the events have not been completed")
        return end.at_ms - self.at_ms


def test_cuda_times_the_device_not_the_launch():
    cuda = FakeCuda()
    backend = CudaBackend(torch.device("cuda:1"), cuda)
    start = backend.mark()
    cuda.work(100.0)
    end = backend.mark()
    with pytest.raises(RuntimeError, match="completed"):
        backend.seconds(start, end)
    backend.settle()
    assert backend.seconds(start, end) == pytest.approx(0.1)
    assert cuda.synchronised == [torch.device("cuda:1")]


def test_cuda_tells_its_memory():
    cuda = FakeCuda()
    backend = CudaBackend(torch.device("cuda:0"), cuda)
    cuda.peak = 99
    backend.reset_peak()
    cuda.peak += 7
    assert (backend.peak_bytes(), backend.allocations(), backend.free_bytes()) == (7, 3, 5)
    cuda.memory_stats = lambda device: {}
    assert backend.allocations() is None


def test_other_accelerators_are_waited_for_at_every_mark():
    waits: list[float] = []
    backend = HostClockBackend(lambda: (waits.append(1.0), time.sleep(0.02))[1])
    start = backend.mark()
    end = backend.mark()
    assert backend.seconds(start, end) >= 0.02
    assert len(waits) == 2
    assert backend.clock == "host_synchronize"
    assert backend.peak_bytes() is None


def test_the_cpu_reads_a_monotonic_clock_that_work_under_test_cannot_replace(monkeypatch):
    backend = CpuBackend()
    monkeypatch.setattr(time, "perf_counter_ns", lambda: 0)
    monkeypatch.setattr(time, "perf_counter", lambda: 0.0)
    start = backend.mark()
    time.sleep(0.01)
    assert backend.seconds(start, backend.mark()) >= 0.01


def test_growth_of_resident_memory_is_seen():
    backend = CpuBackend()
    if backend.peak_bytes() is None:
        pytest.skip("this system does not tell a process's peak memory")
    block = torch.ones(64 * 1024 * 1024 // 4)
    grown = backend.peak_bytes()
    del block
    assert grown >= 32 * 1024 * 1024


def test_the_cpus_backend_is_found():
    assert isinstance(backend_for(torch.device("cpu")), CpuBackend)
