"""The truth's arithmetic, and the part that needs a card, on a card that answers everything."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
import torch

from benchmarks import gpu_truth
from benchmarks.gpu_truth import PROBES, TRACED, Card, iterations, main, phase

pytestmark = pytest.mark.torch


@pytest.fixture
def card(monkeypatch):
    """Its events are 2 ms apart, whatever is between them."""
    cuda = MagicMock()
    cuda.Event.return_value.elapsed_time.return_value = 2.0
    monkeypatch.setattr(gpu_truth, "cuda", cuda)
    return Card(torch.device("cpu"))


def trace(monkeypatch, spin_us):
    """The profiler sees, for each iteration, a spin of that length and two kernels of 3 and 4 us, 2 us apart."""
    kind, events = gpu_truth.DeviceType.CUDA, []
    for start in range(0, TRACED * 1_000_000, 1_000_000):
        end = start + spin_us
        for name, begin, length in (("spin_kernel(long)", start, spin_us), ("gemm", end + 1, 3), ("add", end + 6, 4)):
            time_range = SimpleNamespace(start=begin, end=begin + length)
            events.append(SimpleNamespace(name=name, time_range=time_range, device_type=kind))
    events.append(SimpleNamespace(name="cudaLaunchKernel", device_type=gpu_truth.DeviceType.CPU))
    profiler = MagicMock()
    profiler.return_value.__enter__.return_value.events.return_value = events[::-1]
    monkeypatch.setattr(gpu_truth, "profile", profiler)


def test_kernels_belong_to_the_spin_before_them():
    kernels = [("spin_kernel", 0, 100), ("a", 101, 104), ("b", 106, 110), ("spin_kernel", 200, 250), ("a", 260, 270)]
    assert iterations([("early", -10, -5), *kernels[::-1]]) == [
        pytest.approx((100e-6, 7e-6, 9e-6, 2)),
        pytest.approx((50e-6, 10e-6, 10e-6, 1)),
    ]


@pytest.mark.parametrize(("spin_us", "span_s"), [(900_000, 9e-6), (10, None)])
def test_a_span_is_one_that_the_spin_covered(card, monkeypatch, spin_us, span_s):
    """Else the host was still queueing when the card began."""
    trace(monkeypatch, spin_us)
    found = phase("a model", lambda: time.sleep(1e-3), card)
    assert set(found) == {"wall_s", "host_s", "kernel_s", "launches", "span_s", "graph_s"}
    assert (found["kernel_s"], found["launches"]) == (pytest.approx(7e-6), 2)
    assert found["span_s"] == (span_s and pytest.approx(span_s))
    assert found["graph_s"] == pytest.approx(2e-3 / gpu_truth.REPLAYS)


def test_a_probe_that_fails_costs_its_own_figures_only(card, monkeypatch, capsys):
    trace(monkeypatch, 900_000)
    gpu_truth.cuda.CUDAGraph.side_effect = RuntimeError("capture")
    found = phase("a model", lambda: None, card)
    assert "graph_s" not in found
    assert found["launches"] == 2
    assert "RuntimeError: capture" in capsys.readouterr().out


@pytest.mark.parametrize("probe", PROBES)
def test_every_fact_is_a_number(card, probe):
    found = probe(card)
    assert found
    assert all(isinstance(value, float) for value in found.values())


def test_without_a_card_there_are_the_wall_times(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(gpu_truth, "WALL_S", 0.0)
    monkeypatch.setattr(gpu_truth, "IMAGE", 32)
    path = tmp_path / "truth.json"
    assert main(["cpu", "--models", "squeezenet1_1:1", "-o", str(path)]) == 0
    (found,) = json.loads(path.read_text())["models"]
    assert (found["name"], found["batch"], list(found["phases"])) == ("squeezenet1_1", 1, ["total", "inference"])
    assert found["phases"]["total"]["wall_s"] > 0
    out = capsys.readouterr().out
    assert "the facts of a card are left out" in out
    assert "squeezenet1_1 x1: total wall" in out


def test_no_card_is_a_sentence(capsys, monkeypatch):
    monkeypatch.setattr(gpu_truth, "cuda", SimpleNamespace(is_available=lambda: False))
    assert main(["cuda:0"]) == 1
    assert "PyTorch finds no card here" in capsys.readouterr().out
