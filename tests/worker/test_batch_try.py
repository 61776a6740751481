"""Whether a batch fits: on this very CPU under a limit, on a stand-in for a card, and by the kernel's files."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.core.event import BatchFound, BatchTry, CaseFailed, CaseFinished
from cvbench_tui.core.plan import BATCH_MAX, Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.workload import Workload
from cvbench_tui.engine.batch_search import BatchSearch
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.engine.session import Session
from cvbench_tui.engine.workers.worker_process import child_environment
from cvbench_tui.worker.devices.cpu import CpuBackend
from cvbench_tui.worker.devices.memory_room import CardRoom, ProcessRoom, memory_room
from cvbench_tui.worker.process import batch_try
from cvbench_tui.worker.process.batch_try import iterated
from cvbench_tui.worker.process.failure import CompileError, UnsupportedError, failure_from
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest
from tests.base.test_cores import V2, system
from tests.worker.fake_cuda import FakeCuda, FakeCudaBackend

pytestmark = [pytest.mark.torch, pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's limits")]
MB = 1_000_000
LIMIT_KB = 2_400_000  # a worker that has imported torch holds 0.8 to 0.9 GB
ONE = replace(PROTOCOLS["quick"], visits=1, max_visits=1, span_s=0.0, warmup_cap_s=0.02, budget_s=0.1, max_repeats=0)
RELU = Case(find_layer("ReLU").workload, "cpu", 1, settings=(BATCH_MAX,))
GREEDY = Case(Workload("layer", "wide", "relu", (512, 1024, 1024)), "cpu", 1, settings=(BATCH_MAX,))


def limited() -> LiveSource:
    """The real worker under a limit on private memory."""
    worker = f'ulimit -d {LIMIT_KB}; exec "{sys.executable}" -m cvbench_tui.worker'
    return LiveSource(("bash", "-c", worker), cpu_only=True)


class Kept:
    def append(self, event: object, run: object) -> None:
        """Nothing."""


TRUTH = """
import os, sys, torch, torchvision
torch.set_num_threads(1)
torch.zeros(1 << 20).add_(1)
def fits(batch):
    child = os.fork()
    if child == 0:
        try:
            inputs = torch.randn((batch, *map(int, sys.argv[1].split("x"))), requires_grad=True)
            output = torch.relu(inputs)
            output.backward(torch.randn_like(output))
        except RuntimeError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0
low, high = 1, 65536
while high - low > 1:
    middle = (low + high) // 2
    low, high = (middle, high) if fits(middle) else (low, middle)
print(low)
"""


def true_largest(case: Case) -> int:
    sizes = "x".join(map(str, case.workload.input_shape))
    command = ["bash", "-c", f'ulimit -d {LIMIT_KB}; exec "$@"', "bash", sys.executable, "-c", TRUTH, sizes]
    environment = child_environment(no_driver=True)
    return int(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


@pytest.mark.slow
def test_the_largest_batch_under_a_limit_is_near_the_true_one_and_measured():
    """ReLU: an input of 3.2 MB, as much for its output and for both gradients; one that does not fit alone."""
    source = limited()
    plan = Plan("largest", (RELU, GREEDY), ONE)
    try:
        seen = list(Session(source, plan).run(Kept()))
    finally:
        source.close()
    events, last = [event for event, _ in seen], seen[-1][1]
    (found,) = [each for each in events if isinstance(each, BatchFound)]
    true = true_largest(RELU)
    assert 0.95 * true - 1 <= found.batch <= true
    assert len(found.tries) <= 8
    (finished,) = [each for each in events if isinstance(each, CaseFinished)]
    assert finished.measurement.batch == found.batch
    (failed,) = [each for each in events if isinstance(each, CaseFailed)]
    assert (failed.failure.case_id, failed.failure.kind) == (GREEDY.case_id, "out_of_memory")
    assert failed.failure.sentence == "Out of memory on cpu at batch 1; try another device."
    assert last.plan.case(RELU.case_id).batch == found.batch


@pytest.mark.slow
def test_a_model_is_found_under_a_limit_and_its_visits_fit():
    case = Case(find_model("mobilenet_v3_small").workload.with_image(64), "cpu", 1, settings=(BATCH_MAX,))
    source, run = limited(), None
    try:
        for event in source.events(Plan("largest", (case,), ONE)):
            if run is not None or isinstance(event, BatchFound):
                assert not isinstance(event, CaseFailed), event.failure.sentence
            if isinstance(event, BatchFound):
                run = event
    finally:
        source.close()
    assert run is not None
    assert len(run.tries) <= 8
    assert run.batch > 20


class CardModule:
    """100 MB of weights, 30 MB for each input forward and as much for a moment backward; libraries load 200 MB onto the
    card, beside the allocator, in the first call."""

    def __init__(self, cuda: FakeCuda, batch: int) -> None:
        self.cuda, self.batch = cuda, batch
        cuda.allocate(100 * MB)

    def train(self) -> None:
        """Nothing to switch."""

    clear = train

    def forward(self) -> int:
        self.cuda.elsewhere = max(self.cuda.elsewhere, (1 << 34) + 200 * MB)
        self.cuda.allocate(30 * MB * self.batch)
        self.cuda.queue(1e-4 * self.batch)
        return self.batch

    def prepare_gradients(self, outputs: int) -> None:
        """Of no size."""

    def backward(self, outputs: int) -> None:
        self.cuda.allocate(5 * MB * self.batch)
        self.cuda.release(35 * MB * self.batch)


def tried_on_card(batch: int) -> BatchTry:
    """In a process of its own: a card that nothing of this process has touched."""
    cuda, case = FakeCuda(), replace(RELU, device="cuda:0", batch=batch)
    room = CardRoom(torch.device("cuda:0"), cuda)
    try:
        return iterated(case, "training", CardModule(cuda, batch), FakeCudaBackend(cuda), room, int)
    except torch.OutOfMemoryError as error:
        failure = failure_from(case, error)
        assert failure.kind == "out_of_memory"
        return BatchTry(batch, False, sentence=failure.sentence)


def test_on_a_card_the_allocators_limit_and_what_libraries_load_beside_it_count():
    search = BatchSearch(PROTOCOLS["quick"])
    while (batch := search.next) is not None:
        search.record(tried_on_card(batch))
    true = ((1 << 34) - 300 * MB) // (35 * MB)
    assert search.found is not None
    assert 0.95 * true <= search.found <= true
    assert len(search.tries) <= 4


@pytest.mark.parametrize(("seconds", "iterations"), [(0.01, 2), (20.0, 2), (70.0, 1)])
def test_a_second_iteration_is_tried_unless_one_takes_a_minute(seconds, iterations):
    """It may take more memory than the first."""

    class Slow(CardModule):
        forwards = 0

        def forward(self) -> int:
            self.forwards += 1
            self.cuda.queue(seconds)
            return super().forward()

    cuda = FakeCuda()
    module, room = Slow(cuda, 8), CardRoom(torch.device("cuda:0"), cuda)
    iterated(replace(RELU, device="cuda:0", batch=8), "training", module, FakeCudaBackend(cuda), room, int)
    assert module.forwards == iterations


@pytest.mark.parametrize(
    ("layer", "graph", "passes", "hardest"),
    [
        ("Dense", "off", ("inference", "training", "step"), "step"),
        ("Dense", "on", ("inference", "training", "step"), "training"),
        ("ReLU", "off", ("inference", "step"), "inference"),
        ("ReLU", "off", ("step",), "step"),
    ],
)
def test_the_pass_that_is_tried_is_one_that_is_measured(layer, graph, passes, hardest):
    case, protocol = Case(find_layer(layer).workload, "cpu", 1), replace(ONE, passes=passes)
    module = ModuleUnderTest(case, protocol)
    assert batch_try._hardest(batch_try._passes(case.varied(graph=graph), protocol), module) == hardest


def test_a_step_alone_is_not_tried_where_it_is_not_recorded():
    with pytest.raises(UnsupportedError, match="is not recorded as a CUDA graph"):
        batch_try._passes(RELU.varied(graph="on"), replace(ONE, passes=("step",)))


@pytest.mark.parametrize("name", ["training", "inference"])
def test_while_a_try_compiles_it_says_so_and_a_failure_is_the_compilers_own(monkeypatch, name):
    beats = threading.Semaphore(0)

    def failing(_graph, _inputs):
        assert all(beats.acquire(timeout=60) for _ in range(3))
        raise ValueError("odd")

    monkeypatch.setattr(batch_try, "HEARTBEAT_S", 0.01)
    module = ModuleUnderTest(RELU, ONE)
    module.module.compile(backend=failing, dynamic=False)
    with pytest.raises(CompileError, match="failed: ValueError: odd"):
        iterated(RELU.varied(compile="default"), name, module, CpuBackend(), None, beats.release)


def test_a_cards_room_leaves_a_little_and_is_a_share_for_the_allocator():
    cuda = FakeCuda()
    cuda.allocate(1000 * MB)
    cuda.release(1000 * MB)
    room = CardRoom(torch.device("cuda:0"), cuda)
    assert room.bytes == pytest.approx(0.995 * (1 << 34) - 1000 * MB, rel=0.01)
    assert cuda.fraction * cuda.total == pytest.approx(room.bytes + 1000 * MB)
    with pytest.raises(torch.OutOfMemoryError):
        cuda.allocate(int(1.01 * (room.bytes + 1000 * MB)))


def test_a_device_whose_memory_cannot_be_limited_is_a_sentence():
    with pytest.raises(UnsupportedError, match="name one"):
        memory_room(torch.device("mps"))


def in_a_child(true: Callable[[], bool]) -> bool:
    """In a process of its own, since it is limited."""
    child = os.fork()
    if child == 0:
        code = 2
        try:
            code = 0 if true() else 1
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] == 0


STATUS = "VmSize:\t{size} kB\nVmData:\t100000000 kB\nVmHWM:\t50000 kB\nVmRSS:\t50000 kB\nRssFile:\t20000 kB\n"


@pytest.mark.parametrize(
    ("available_kb", "group", "room"),
    [
        (1_000_000, None, 0.9 * 1_024_000_000),
        (1_000_000, (800 * MB, 300 * MB, 0), 0.995 * 500 * MB),
        (1_000_000, (800 * MB, 300 * MB, 100 * MB), 0.995 * 600 * MB),  # pages of files that nobody uses
        (10_000, (800 * MB, 300 * MB, 0), 0.9 * 10_240_000),
    ],
)
def test_the_room_of_a_process_is_the_least_that_machine_and_control_group_leave(tmp_path, available_kb, group, room):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/status").write_text(STATUS.format(size=3_000_000))
    (tmp_path / "proc/meminfo").write_text(f"MemFree: 5 kB\nMemAvailable:   {available_kb} kB\n")
    if group is not None:
        limit, used, idle = group
        statistics = f"anon 5\ninactive_file {idle}\n"
        files = {"memory.max": str(limit), "memory.current": str(used), "memory.stat": statistics}
        system(tmp_path, mounts=V2, group="0::/\n", files=files)
    assert in_a_child(lambda: ProcessRoom(tmp_path).bytes == int(room))


def test_a_limited_process_gets_an_exception_and_not_the_kernels_kill():
    def fails() -> bool:
        room = ProcessRoom()
        try:
            torch.empty(room.bytes + (64 << 20), dtype=torch.int8)
        except RuntimeError as error:
            return failure_from(RELU, error).kind == "out_of_memory"
        return False

    assert in_a_child(fails)
