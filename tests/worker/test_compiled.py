"""torch.compile: what is compiled before anything is timed, what is counted of it, what its failures say.

Dynamo is real here; Inductor, which needs ten seconds and a compiler, is only in the slow tests."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from itertools import product
from types import SimpleNamespace

import pytest
import torch
import torch._dynamo
from torch import nn

from cvbench_tui.catalog.names import find_layer
from cvbench_tui.core.event import CaseFailed, Progress
from cvbench_tui.core.grading.assess import assess
from cvbench_tui.core.measurement import Compilation, Measurement
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.worker.devices.cpu import CpuBackend
from cvbench_tui.worker.process import job
from cvbench_tui.worker.process.failure import CompileError, UnsupportedError
from cvbench_tui.worker.timing.counters import SystemCounters
from cvbench_tui.worker.timing.passes import PhasePass
from cvbench_tui.worker.timing.stopwatch import Stopwatch
from cvbench_tui.worker.workloads import compiled, compiler
from cvbench_tui.worker.workloads.compiled import compile_graphs
from tests.processes import children, descendants, wait_until, wait_until_gone
from tests.worker.test_process import SHORT, VISITS, run_of

pytestmark = pytest.mark.torch
CPU = torch.device("cpu")
RELU = Case(find_layer("ReLU").workload, "cpu", 1)


@pytest.fixture(autouse=True)
def _set_up():
    """As in the process of a compiled row, and forgotten afterwards."""
    config = torch._dynamo.config
    before = config.suppress_errors, config.fail_on_recompile_limit_hit
    compiler.prepare("default", CPU)
    yield
    compiler.forget()
    config.suppress_errors, config.fail_on_recompile_limit_hit = before


class Subject:
    """A module as ``ModuleUnderTest`` has one, traced by Dynamo and then run as it is."""

    def __init__(self, module: nn.Module, backend="eager") -> None:
        self.module = module
        module.compile(backend=backend, dynamic=False)
        self.inputs = torch.randn(2, 4)
        self.gradients: tuple[torch.Tensor, ...] = ()
        self.train, self.clear = module.train, lambda: module.zero_grad()

    def evaluate(self) -> None:
        self.module.eval()

    def forward(self):
        return self.module(self.inputs)

    def prepare_gradients(self, outputs) -> None:
        assert not self.gradients, "they are drawn once"
        self.gradients = (torch.ones_like(outputs),)

    def backward(self, outputs) -> None:
        outputs.backward(self.gradients[0])


class Plain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer, self.calls = nn.Linear(4, 4), 0

    def forward(self, inputs):
        return self.layer(inputs)


class Breaking(Plain):
    def forward(self, inputs):
        hidden = self.layer(inputs)
        torch._dynamo.graph_break()
        return self.layer(hidden)


class Settling(Plain):
    """Another constant in its graph for three calls."""

    def forward(self, inputs):
        if self.calls < 3:
            self.calls += 1
        return self.layer(inputs) * self.calls


class Changing(Plain):
    def forward(self, inputs):
        self.calls += 1
        return self.layer(inputs) * self.calls


def compile_all(module: nn.Module, backend="eager", passes=("training", "inference")) -> Compilation:
    return compile_graphs(Subject(module, backend), CpuBackend(), passes, lambda: None)


def test_the_graphs_of_training_and_inference_are_there_before_anything_is_timed():
    module = Plain()
    subject, counters = Subject(module), SystemCounters()
    found = compile_graphs(subject, CpuBackend(), ("training", "inference"), lambda: None)
    assert (found.graphs, found.breaks, found.recompiles) == (2, 0, 0)
    assert found.compile_s > 0
    assert module.layer.weight.grad is None
    before = counters.read().recompiles
    module.train()
    subject.backward(subject.forward())
    module.eval()
    with torch.inference_mode():
        subject.forward()
    assert counters.read().recompiles == before == 2


@pytest.mark.parametrize("method", ["rounds", "published"])
@pytest.mark.parametrize("passes", [("inference",), ("training", "inference")], ids=str)
def test_no_call_after_the_compilation_compiles(method, passes):
    """The published inference is recorded by autograd, that of rounds is not, nor is its first call."""
    protocol = replace(SHORT, method=method, passes=passes, iterations=3, clean=None, max_rounds=5)
    subject = Subject(Plain())
    subject.case, subject.device, subject.inputs = RELU.varied(compile="default"), CPU, torch.randn(2, 4)
    task = job.Job(subject.case, protocol, 0, SimpleNamespace(send=lambda _event: None))
    found = task._compile(subject, CpuBackend(), protocol)
    task._timed(subject, CpuBackend(), protocol, time.perf_counter(), time.perf_counter() + 60)
    assert compiler.graphs() == found.graphs > 0


def test_a_pass_that_is_not_measured_is_not_compiled():
    assert compile_all(Plain(), passes=("inference",)).graphs == 1


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
def test_a_break_is_counted_with_its_reason():
    found = compile_all(Breaking(), passes=("step",))
    assert (found.graphs, found.breaks) == (2, 1)
    assert "graph break" in found.break_reason
    assert "\n" not in found.break_reason


def test_a_graph_that_is_compiled_anew_before_the_calls_settle_is_counted_and_no_more_is_compiled():
    subject = Subject(Settling())
    found = compile_graphs(subject, CpuBackend(), ("training",), lambda: None)
    assert found.recompiles >= 2
    subject.module.train()
    subject.forward()
    assert compiler.graphs() == found.graphs


class Tuned(Plain):
    """Another constant whenever somebody wants."""

    def forward(self, inputs):
        return self.layer(inputs) * self.calls


def test_a_compilation_within_a_timed_round_is_its_evidence_and_the_rows_mark():
    subject = Subject(Tuned())
    compile_graphs(subject, CpuBackend(), ("inference",), lambda: None)

    def told(update) -> None:
        if update.rounds == 2:  # between two rounds: the third one compiles
            subject.module.calls = 7

    timed = PhasePass(subject, CpuBackend(), "inference")
    result = Stopwatch(timed, CpuBackend(), SHORT, told, check_deferred=False).run()
    assert [each.recompiles for each in result.record.evidence] == [0, 0, 1, 0, 0]
    measurement = Measurement("x", tuple(result.phases), None, None, None, 0.0, 9.0, 1, passes=(result.record,))
    reasons = {reason.code: reason for reason in assess(measurement, "inference", SHORT).reasons}
    assert reasons["recompiled"].grade == "C"
    assert reasons["recompiled"].sentence == "torch.compile recompiled 1 graph."


def test_a_module_that_is_compiled_anew_at_each_call_fails_and_is_not_run_as_eager():
    with pytest.raises(
        CompileError, match="reached its limit of versions of one function, which it would run as eager"
    ):
        compile_all(Changing())


def test_one_that_goes_on_and_on_below_the_compilers_own_limit_is_given_up(monkeypatch):
    monkeypatch.setattr(compiled, "MOST_CALLS", 5)
    with pytest.raises(CompileError, match="something anew in each of 5 calls"):
        compile_all(Changing())


def test_what_nothing_is_compiled_of_is_unsupported():
    module = Plain()
    module.forward = torch._dynamo.disable(module.forward)
    with pytest.raises(UnsupportedError, match="compiled no part of this workload: it would be timed as eager"):
        compile_all(module)


def test_a_compiler_that_is_switched_off_is_unsupported(monkeypatch):
    monkeypatch.setattr(torch._dynamo.config, "disable", True)
    with pytest.raises(UnsupportedError, match="switched off by TORCH_COMPILE_DISABLE"):
        compiler.prepare("default", CPU)


def failing(error: Exception):
    def backend(_graph, _inputs):
        raise error

    return backend


InvalidCxxCompiler = type("InvalidCxxCompiler", (RuntimeError,), {})
FULL = OSError(28, "No space left on device", "/tmp/torchinductor_user/ab/c.so")


@pytest.mark.parametrize(
    ("error", "kind", "sentence"),
    [
        (
            InvalidCxxCompiler("none"),
            UnsupportedError,
            "torch.compile needs a C++ compiler: install g++ or clang++, or",
        ),
        (FULL, CompileError, "cannot write into its cache .* (No space left on device): set TORCHINDUCTOR_CACHE_DIR"),
        (ValueError("odd\nmore"), CompileError, "torch.compile failed: ValueError: odd$"),
        (torch.OutOfMemoryError("CUDA out of memory"), torch.OutOfMemoryError, "CUDA out of memory"),
    ],
)
def test_a_compilation_that_fails_is_one_sentence_and_never_eager(monkeypatch, error, kind, sentence):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "/tmp/torchinductor_user")
    torch._dynamo.config.suppress_errors = True  # as a variable of the environment may have it
    compiler.prepare("default", CPU)
    with pytest.raises(kind, match=sentence.replace("(", r"\(").replace(")", r"\)").replace("++", r"\+\+")):
        compile_all(Plain(), failing(error))


def test_an_error_of_the_workload_itself_stays_its_own():
    class Wrong(Plain):
        def forward(self, inputs):
            torch._dynamo.graph_break()
            raise LookupError("own")

    with pytest.raises(LookupError, match="own"):
        compile_all(Wrong())


def test_while_it_compiles_it_says_so_again_and_again_and_no_longer(monkeypatch):
    """A silence would be taken for a hang, and a compilation is longer than any that may be."""
    beats = threading.Semaphore(0)

    def slow(graph, _inputs):
        assert all(beats.acquire(timeout=60) for _ in range(4))
        return graph.forward

    monkeypatch.setattr(compiled, "HEARTBEAT_S", 0.01)
    threads = threading.active_count()
    compile_graphs(Subject(Plain(), slow), CpuBackend(), ("inference",), beats.release)
    assert threading.active_count() == threads


def test_the_worker_sends_that_it_compiles_and_why_it_cannot(monkeypatch):
    def long(_subject, _backend, _passes, heartbeat, *, autograd):
        assert not autograd
        heartbeat()
        raise CompileError("over")

    monkeypatch.setattr(job, "compile_graphs", long)
    heard = []
    job.Job(RELU.varied(compile="default"), PROTOCOLS["quick"], 0, SimpleNamespace(send=heard.append)).run()
    assert [event.stage for event in heard if isinstance(event, Progress)] == ["building", "compiling"]
    assert isinstance(heard[-1], CaseFailed)
    assert (heard[-1].failure.kind, heard[-1].failure.sentence) == ("error", "over")


def test_an_eager_row_does_not_load_the_compiler_nor_says_that_it_compiles(monkeypatch):
    monkeypatch.setattr(job, "compile_graphs", None)
    heard = []
    task = job.Job(RELU, PROTOCOLS["quick"], 0, SimpleNamespace(send=heard.append))
    assert task._compile(None, None, PROTOCOLS["quick"]) is None
    assert heard == []


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def live(cache):
    """A worker of its own: it has its environment from the start."""
    source = LiveSource(cpu_only=True)
    yield source
    source.close()


@pytest.mark.slow
def test_a_real_row_is_cold_and_then_warm_and_no_round_of_it_compiles(live):
    mine = set(descendants(os.getpid()))
    case = RELU.varied(compile="default")
    run, events = run_of(live, case, protocol=replace(VISITS, visits=2, max_visits=2))
    (measurement,) = run.measured
    visits = [event.measurement for event in events if event.kind == "case_finished"]
    assert [visit.compilation.cache for visit in visits] == ["cold", "warm"]
    assert measurement.compilation == visits[0].compilation
    assert visits[0].compilation.graphs == 2
    assert visits[0].compilation.compile_s > visits[1].compilation.compile_s > 0
    assert {each.recompiles for record in measurement.passes for each in record.evidence} == {0}
    assert {phase.phase for phase in measurement.phases} == {"forward", "backward", "total", "inference"}
    assert measurement.first_call_s < visits[0].compilation.compile_s
    assert any(isinstance(event, Progress) and event.stage == "compiling" for event in events)
    left = set(descendants(os.getpid())) - mine
    assert len(left) == 1, "the worker alone, which waits for more"
    live.close()
    wait_until_gone(*left)


@pytest.mark.slow
@pytest.mark.parametrize("ended_by", ["cancel", "skip", "kill of the worker"])
def test_nothing_is_left_of_a_compilation_that_is_ended_in_the_middle(live, cache, ended_by):
    case = RELU.varied(compile="default")
    mine = set(descendants(os.getpid()))
    seen: list[int] = []

    def each(event) -> None:
        if isinstance(event, Progress) and event.stage == "compiling" and not seen:
            compilers = wait_until(lambda: _compilers(set(descendants(os.getpid())) - mine))
            seen.extend(set(descendants(os.getpid())) - mine)
            assert set(compilers) <= set(seen)
            if ended_by == "kill of the worker":
                (worker,) = set(children(os.getpid())) - mine
                os.kill(worker, 9)
            else:
                getattr(live, ended_by)()

    run, _ = run_of(live, case, protocol=SHORT, each=each)
    assert seen
    assert [failure.kind for failure in run.failures] == {"cancel": ["cancelled"], "skip": ["skipped"]}.get(
        ended_by, ["crashed"]
    )
    live.close()
    wait_until_gone(*seen)


def _compilers(pids: set[int]) -> list[int]:
    """Those that are a C++ compiler."""
    found = []
    for pid in pids:
        try:
            with open(f"/proc/{pid}/comm") as file:
                found += [pid] if file.read().strip() in ("g++", "cc1plus", "c++", "as", "ld", "collect2") else []
        except OSError:
            pass  # it has just ended
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value", "kind", "sentence"),
    [
        ("CXX", "/nonexistent", "unsupported", "torch.compile needs a C++ compiler: install g++ or clang++"),
        ("TORCH_COMPILE_DISABLE", "1", "unsupported", "torch.compile is switched off by TORCH_COMPILE_DISABLE"),
    ],
)
def test_a_machine_that_cannot_compile_has_a_failed_row_with_a_sentence(
    cache, monkeypatch, name, value, kind, sentence
):
    from cvbench_tui.engine.live import LiveSource

    monkeypatch.setenv(name, value)
    source = LiveSource(cpu_only=True)
    try:
        run, _ = run_of(source, RELU.varied(compile="default"), RELU, protocol=SHORT)
    finally:
        source.close()
    (failure,) = run.failures
    assert failure.kind == kind
    assert failure.sentence.startswith(sentence)
    assert len(run.measured) == 1


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_into_is_named(live, cache):
    cache.mkdir()
    for letters in product("abcdefghijklmnopqrstuvwxyz234567", repeat=2):  # files where it wants folders for its code
        (cache / "".join(letters)).write_text("")
    run, _ = run_of(live, RELU.varied(compile="default"), protocol=SHORT)
    (failure,) = run.failures
    assert failure.kind == "error"
    assert failure.sentence.startswith(f"torch.compile cannot write into its cache {cache} (")
    assert failure.sentence.endswith("set TORCHINDUCTOR_CACHE_DIR to another folder.")


@pytest.mark.parametrize("mode", ["default", "reduce-overhead", "max-autotune"])
def test_a_module_is_compiled_in_the_mode_of_its_row_with_static_shapes(mode):
    seen, module = [], nn.Linear(2, 2)
    module.compile = lambda **how: seen.append(how)
    assert compiler.compile_module(module, mode) is module
    assert compiler.compile_module(module, "eager") is module
    assert seen == [{"mode": mode, "dynamic": False}]


def test_compile_seconds_are_those_of_every_pass():
    """A clock that ticks once at each look: a second for training's compilation, and one for inference's."""

    class Ticking(CpuBackend):
        ticks = 0

        def now_s(self):
            self.ticks += 1
            return float(self.ticks)

    found = compile_graphs(Subject(Plain()), Ticking(), ("training", "inference"), lambda: None)
    assert found.compile_s == 2.0
