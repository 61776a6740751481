"""The backends that live on the host's clock. CUDA's has a file of its own."""

from __future__ import annotations

import os
import time

import pytest
import torch

from cvbench_tui.worker.devices.backend import HostClockBackend
from cvbench_tui.worker.devices.cpu import CpuBackend
from cvbench_tui.worker.devices.select import backend_for


def test_other_accelerators_are_waited_for_at_every_mark():
    waits: list[float] = []
    backend = HostClockBackend(lambda: (waits.append(1.0), time.sleep(0.02))[1])
    start = backend.mark()
    end = backend.mark()
    assert backend.seconds(start, end) >= 0.02
    assert len(waits) == 2
    assert backend.clock == "host_synchronize"
    assert (backend.allocations(), backend.free_bytes(), backend.extra_bytes(lambda: None)) == (None, None, None)
    assert not backend.flush()


def test_the_cpu_reads_a_monotonic_clock_that_work_under_test_cannot_replace(monkeypatch):
    backend = CpuBackend()
    monkeypatch.setattr(time, "perf_counter_ns", lambda: 0)
    monkeypatch.setattr(time, "perf_counter", lambda: 0.0)
    start = backend.mark()
    time.sleep(0.01)
    assert backend.seconds(start, backend.mark()) >= 0.01
    assert backend.now_s() > 0


def test_the_cpus_backend_is_found():
    assert isinstance(backend_for(torch.device("cpu")), CpuBackend)


def tree(folder, sizes, sharing):
    """A sysfs of two cores with three caches each."""
    for core in (0, 1):
        for level, size in enumerate(sizes, 1):
            index = folder / f"cpu{core}/cache/index{level}"
            index.mkdir(parents=True)
            (index / "size").write_text(size + "\n")
            (index / "level").write_text(f"{level}\n")
            (index / "shared_cpu_list").write_text(sharing[core] if level == 3 else f"{core}")
    return folder


@pytest.mark.parametrize(("sharing", "bytes_"), [(("0-1", "0-1"), 4 << 20), (("0", "1"), 8 << 20)])
def test_the_last_cache_is_summed_over_its_instances(tmp_path, monkeypatch, sharing, bytes_):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    assert CpuBackend(tree(tmp_path, ("32K", "512K", "4096K"), sharing)).cache_bytes() == bytes_


def test_a_cache_of_unknown_or_giant_size_is_not_flushed(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    assert CpuBackend(tmp_path).cache_bytes() is None
    assert not CpuBackend(tmp_path).flush()
    assert not CpuBackend(tree(tmp_path, ("32K", "512K", "1G"), ("0-1", "0-1"))).flush()


def test_flushing_writes_twice_the_caches_size_also_inside_inference_mode(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    cache = CpuBackend(tree(tmp_path, ("32K", "512K", "1M"), ("0-1", "0-1")))
    with torch.inference_mode():
        assert cache.flush()
    assert cache.flush()
    assert cache._buffer.numel() * cache._buffer.element_size() == 2 << 20
    assert cache._buffer[0] == 2
