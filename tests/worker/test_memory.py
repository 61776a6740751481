"""Peak memory by phase, with a stand-in for torch.cuda, for the kernel's files, and on this very system."""

from __future__ import annotations

import pytest
import torch

from cvbench_tui.core.measurement import PhaseMemory
from cvbench_tui.worker.extras.memory import (
    CardMemoryPeaks,
    ResidentMemoryPeaks,
    largest_bytes,
    memory_peaks_for,
    phase_memory,
)

MIB = 2**20


class FakeCuda:
    """An allocator that keeps what it once took until it is emptied; 500 bytes of the card are somebody else's."""

    def __init__(self) -> None:
        self.held = self.reserved = self.peak = self.reserved_peak = 0

    def allocate(self, size: int) -> None:
        self.held += size
        self.peak = max(self.peak, self.held)
        self.reserved = max(self.reserved, self.held)
        self.reserved_peak = max(self.reserved_peak, self.reserved)

    def reset_peak_memory_stats(self, device) -> None:
        self.peak, self.reserved_peak = self.held, self.reserved

    def max_memory_allocated(self, device) -> int:
        return self.peak

    def max_memory_reserved(self, device) -> int:
        return self.reserved_peak

    def mem_get_info(self, device) -> tuple[int, int]:
        return 10_000 - 500 - self.reserved, 10_000

    def empty_cache(self) -> None:
        self.reserved = self.held


class FakeSubject:
    """100 bytes of weights, 40 of activations forward, 30 of gradients more backward; inference needs 10."""

    def __init__(self, cuda: FakeCuda) -> None:
        self.cuda = cuda
        self.training = True
        cuda.allocate(100)

    def clear(self) -> None:
        self.cuda.held = 100

    def train(self) -> None:
        self.training = True

    def evaluate(self) -> None:
        self.clear()
        self.training = False

    def forward(self) -> str:
        assert torch.is_inference_mode_enabled() is not self.training
        self.cuda.allocate(40 if self.training else 10)
        return "output"

    def backward(self, output: str) -> None:
        assert output == "output"
        self.cuda.allocate(30)
        self.cuda.held -= 40


def test_each_phase_has_a_peak_of_its_own():
    cuda = FakeCuda()
    subject = FakeSubject(cuda)
    cuda.allocate(5000)  # as the timed rounds' groups of iterations did
    memory = phase_memory(subject, lambda: None, CardMemoryPeaks(torch.device("cuda:0"), cuda))
    assert memory == (
        PhaseMemory("forward", 140, 140, 640),
        PhaseMemory("backward", 170, 170, 670),
        PhaseMemory("total", 170, 170, 670),
        PhaseMemory("inference", 110, 110, 610),
    )
    assert largest_bytes(memory) == 170
    assert cuda.held == 110


def test_only_the_passes_that_are_asked_for_are_run():
    cuda = FakeCuda()
    peaks = CardMemoryPeaks(torch.device("cuda:0"), cuda)
    found = phase_memory(FakeSubject(cuda), lambda: None, peaks, ("inference",))
    assert [memory.phase for memory in found] == ["inference"]


def test_a_card_whose_driver_does_not_tell():
    cuda = FakeCuda()
    cuda.mem_get_info = None
    cuda.allocate(5)

    def refuse(device):
        raise RuntimeError("not supported")

    cuda.mem_get_info = refuse
    assert CardMemoryPeaks(torch.device("xpu:0"), cuda).read("total") == PhaseMemory("total", 5, 5, None, None)


def test_a_device_that_tells_nothing_has_no_memory():
    memory = phase_memory(FakeSubject(FakeCuda()), lambda: None, memory_peaks_for(torch.device("mps")))
    assert memory == ()
    assert largest_bytes(memory) is None
    assert isinstance(memory_peaks_for(torch.device("cpu")), ResidentMemoryPeaks)


def status(folder, *, resident: int, file: int, peak: int) -> None:
    text = f"Name:\tx\nVmHWM:\t{peak} kB\nVmRSS:\t{resident} kB\nRssFile:\t{file} kB\n"
    (folder / "status").write_text(text)


def test_resident_growth_without_program_files(tmp_path):
    status(tmp_path, resident=1000, file=200, peak=1500)
    peaks = ResidentMemoryPeaks(tmp_path)
    assert peaks.reset()
    assert (tmp_path / "clear_refs").read_text() == "5"
    status(tmp_path, resident=1300, file=250, peak=1450)
    assert peaks.read("total") == PhaseMemory("total", resident_bytes=(450 - 50) * 1024)
    status(tmp_path, resident=900, file=200, peak=950)
    assert peaks.read("total") == PhaseMemory("total", resident_bytes=0)


def test_where_the_peak_cannot_be_begun_anew_it_is_the_whole_cases(tmp_path):
    status(tmp_path, resident=1000, file=200, peak=1500)
    peaks = ResidentMemoryPeaks(tmp_path)
    (tmp_path / "clear_refs").mkdir()
    status(tmp_path, resident=1300, file=200, peak=1700)
    memory = phase_memory(FakeSubject(FakeCuda()), lambda: None, peaks)
    assert memory == (PhaseMemory("total", resident_bytes=700 * 1024),)


def test_other_systems_tell_no_resident_memory(tmp_path):
    peaks = ResidentMemoryPeaks(tmp_path / "missing")
    assert peaks.read("total") == PhaseMemory("total")
    (tmp_path / "status").write_text("Name:\tx\nVmRSS:\t5 kB\n")
    assert ResidentMemoryPeaks(tmp_path).read("total") == PhaseMemory("total")


def test_resident_memory_of_this_very_process():
    peaks = memory_peaks_for(torch.device("cpu"))
    if peaks.read("total") == PhaseMemory("total") or not peaks.reset():
        pytest.skip("this system does not tell a process's peak memory, or not anew")
    block = torch.ones(64 * MIB // 4)
    grown = peaks.read("total").resident_bytes
    del block
    assert grown >= 48 * MIB
    peaks.reset()
    assert peaks.read("total").resident_bytes <= grown - 32 * MIB, "the next phase begins anew"
