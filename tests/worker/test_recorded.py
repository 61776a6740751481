"""CUDA graphs on the stand-in: what is recorded, what stands between the marks, what the numbers are."""

from __future__ import annotations

import gc
import time
from dataclasses import replace
from statistics import median
from types import SimpleNamespace

import pytest
import torch

from cvbench_tui.catalog.names import find_layer
from cvbench_tui.core.grading.reasons import NOTICES
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import PROTOCOLS, Protocol
from cvbench_tui.worker.devices.cpu import CpuBackend
from cvbench_tui.worker.process import job
from cvbench_tui.worker.process.failure import UnsupportedError
from cvbench_tui.worker.timing import recorded as timing_recorded
from cvbench_tui.worker.timing.passes import PhasePass, TrainingPass
from cvbench_tui.worker.timing.recorded import WARMUP_CALLS, GraphPass, max_group, timed_pass
from cvbench_tui.worker.timing.stopwatch import Stopwatch
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest
from tests.every import every
from tests.worker.fake_cuda import FakeCuda, FakeCudaBackend

pytestmark = pytest.mark.torch
CASE = Case(find_layer("Dense").workload, "cuda:0", 1)


class Subject:
    """A workload of kernels: each half launches ``kernels``, of 20 us each on the device and 10 us on the host."""

    kernels = 50

    def __init__(self, cuda: FakeCuda, case: Case = CASE) -> None:
        self.cuda, self.case, self.device = cuda, case, torch.device("cuda:0")
        self.log: list[str] = []

    def train(self) -> None:
        self.log.append("train")

    def evaluate(self) -> None:
        self.log.append("evaluate")

    def clear(self) -> None:
        self.log.append("clear")

    def forward(self) -> str:
        self._half("forward")
        return "output"

    def backward(self, output: str) -> None:
        assert output == "output"
        self._half("backward")

    def _half(self, name: str) -> None:
        recorded = self.cuda.recording is not None
        self.log.append(f"{name} recorded" if recorded else name)
        assert torch.is_inference_mode_enabled() == ("evaluate" in self.log)
        for _ in range(self.kernels):
            self.cuda.queue(20e-6, 10e-6)


def recorded(phase: str) -> tuple[GraphPass, Subject, FakeCudaBackend]:
    cuda = FakeCuda()
    subject, backend = Subject(cuda), FakeCudaBackend(cuda)
    return GraphPass(subject, backend, phase, cuda), subject, backend


INFERENCE = ["evaluate", "clear", *["forward", "clear"] * WARMUP_CALLS, "forward recorded"]
TRAINING = ["train", "clear", *["forward", "backward", "clear"] * WARMUP_CALLS, "forward recorded", "backward recorded"]


@every(("phase", "log"), [("inference", INFERENCE), ("total", TRAINING)])
def test_a_whole_iteration_is_recorded_once_in_its_mode_without_gradients_of_another(phase, log):
    timed, subject, _ = recorded(phase)
    assert subject.log == log
    timed.begin()
    timed.regions(3, 5)
    assert subject.log == log
    assert torch.is_grad_enabled()


@every(("phase", "seconds"), [("inference", 1e-3), ("total", 2e-3)])
def test_its_time_is_that_of_the_kernels_and_the_host_keeps_up(phase, seconds):
    timed, _, backend = recorded(phase)
    result = Stopwatch(timed, backend, Protocol("at one go"), lambda _: None).run()
    (samples,) = result.phases
    assert samples.phase == phase
    assert median(samples.rounds[-1]) == pytest.approx(seconds, rel=0.01)
    assert median(result.wall[0].rounds[-1]) == pytest.approx(seconds, rel=0.02)


def test_what_cannot_be_recorded_is_unsupported_in_the_cards_words():
    cuda = FakeCuda()
    cuda.sick = "operation not permitted when stream is capturing\nCUDA kernel errors might be reported later"
    subject = Subject(cuda, CASE.varied(graph="on"))
    with pytest.raises(UnsupportedError) as caught:
        timed_pass("training", subject, FakeCudaBackend(cuda), cuda)
    why = "This workload cannot be recorded as a CUDA graph: operation not permitted when stream is capturing."
    assert str(caught.value) == why


def test_memory_that_runs_out_in_a_recording_is_told_as_such():
    cuda = FakeCuda()
    subject = Subject(cuda, CASE.varied(graph="on"))

    def full() -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    subject.forward = full
    with pytest.raises(torch.OutOfMemoryError):
        timed_pass("inference", subject, FakeCudaBackend(cuda), cuda)


def test_a_row_without_the_setting_is_launched_and_compiled_code_is_never_cut():
    cuda = FakeCuda()
    backend = FakeCudaBackend(cuda)
    plain = timed_pass("training", Subject(cuda), backend, cuda)
    assert isinstance(plain, TrainingPass)
    assert plain.segments
    assert not timed_pass("training", Subject(cuda, CASE.varied(compile="default")), backend, cuda).segments
    on = timed_pass("training", Subject(cuda, CASE.varied(graph="on")), backend, cuda)
    assert (on.phases, on.segments) == (("total",), False)


def test_a_backward_comes_before_the_next_forward_where_the_compiler_records_graphs():
    modes = ("eager", "default", "reduce-overhead", "max-autotune")
    assert [max_group(CASE.varied(compile=mode)) for mode in modes] == [None, None, 1, 1]
    assert max_group(replace(CASE, device="cpu").varied(compile="reduce-overhead")) is None


@every(
    ("passes", "left", "said"),
    [
        (("training", "inference", "step"), ("training", "inference"), [job.GRAPH_WHOLE, job.NO_GRAPH_STEP]),
        (("training",), ("training",), [job.GRAPH_WHOLE]),
        (("inference",), ("inference",), []),
    ],
)
def test_what_a_recorded_row_has_no_times_of_is_said(passes, left, said):
    protocol = replace(PROTOCOLS["quick"], passes=passes)
    task = job.Job(CASE.varied(graph="on"), protocol, 0, SimpleNamespace(send=None))
    task._leave_out_of_graph()
    assert task.protocol.passes == left
    assert [notice.sentence for notice in task._left_out] == said
    assert {notice.code for notice in task._left_out} <= set(NOTICES)
    launched = job.Job(CASE, protocol, 0, SimpleNamespace(send=None))
    launched._leave_out_of_graph()
    assert (launched.protocol, launched._left_out) == (protocol, [])


@every("protocol", [replace(PROTOCOLS["quick"], passes=("step",)), PROTOCOLS["original"]])
def test_what_cannot_be_recorded_at_all_is_unsupported_and_not_launched(protocol):
    with pytest.raises(UnsupportedError):
        job.Job(CASE.varied(graph="on"), protocol, 0, SimpleNamespace(send=None))._leave_out_of_graph()


def test_a_jobs_recorded_row_is_timed_by_its_replays(monkeypatch):
    """A subject of the CPU that says it is to be replayed, and a recording that only notes its phase."""
    made = []

    def replays(subject, backend, phase, cuda):
        made.append(phase)
        return PhasePass(subject, backend, phase)

    monkeypatch.setattr(timing_recorded, "GraphPass", replays)
    protocol = replace(PROTOCOLS["quick"], budget_s=0.02, warmup_cap_s=0.01, round_s=0.005, passes=("inference",))
    subject = ModuleUnderTest(replace(CASE, device="cpu"), protocol)
    subject.case = replace(CASE, device="cpu").varied(graph="on")
    task = job.Job(subject.case, protocol, 0, SimpleNamespace(send=lambda _: None))
    now_s = time.perf_counter()
    task._timed(subject, CpuBackend(), protocol, now_s, now_s + 60)
    gc.unfreeze()
    gc.enable()
    assert made == ["inference"]


def test_a_jobs_groups_are_single_where_the_compiler_records_graphs(monkeypatch):
    limits = []

    class Seen(Stopwatch):
        def __init__(self, *arguments, **options):
            limits.append(arguments[5])
            super().__init__(*arguments, **options)

    monkeypatch.setattr(job, "Stopwatch", Seen)
    protocol = replace(PROTOCOLS["quick"], budget_s=0.02, warmup_cap_s=0.01, round_s=0.005, passes=("inference",))
    subject = ModuleUnderTest(replace(CASE, device="cpu"), protocol)
    case = CASE.varied(compile="reduce-overhead")
    task = job.Job(case, protocol, 0, SimpleNamespace(send=lambda _: None))
    now_s = time.perf_counter()
    task._timed(subject, CpuBackend(), protocol, now_s, now_s + 60)
    gc.unfreeze()
    gc.enable()
    assert limits == [1]
