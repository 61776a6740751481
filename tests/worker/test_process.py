"""The real worker process on real torch, with shapes so small that a case takes a second or two."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.core.event import CaseFinished, CaseStarted, Event, Progress
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.workload import Workload
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.engine.session import Session
from cvbench_tui.errors import MismatchError, WorkerError
from tests.processes import lives, wait_until_gone

pytestmark = pytest.mark.torch
SHORT = replace(
    PROTOCOLS["quick"],
    visits=1,
    max_visits=1,
    span_s=0.0,
    budget_s=60.0,
    min_rounds=5,
    max_rounds=5,
    max_repeats=0,
    round_s=0.01,
    round_iterations=2,
    warmup_cap_s=0.02,
    warmup_window_s=0.01,
    warmup_iterations=1,
)
"""Five rounds, however slow the machine is: its budget is never spent, and none is set aside for what disturbed it."""
VISITS = replace(SHORT, visits=3, max_visits=3, min_rounds=1)
DENSE = Case(find_layer("Dense").workload, "cpu", 2)
RESNET = Case(find_model("resnet18").workload.with_image(32), "cpu", 2)
ENDLESS = Case(Workload("layer", "endless", "selftest_spin", (8,), (("seconds", 3600.0),)), "cpu", 1)
"""It is still in its first call whenever somebody wants to end it."""


class Kept:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def append(self, event: Event, run: object) -> None:
        self.events.append(event)


@pytest.fixture(scope="module")
def source():
    live = LiveSource()
    yield live
    live.close()


def run_of(source, *cases, protocol=SHORT, each=lambda event: None):
    kept = Kept()
    runs = []
    for event, run in Session(source, Plan("p", cases, protocol)).run(kept):
        each(event)
        runs.append(run)
    return runs[-1], kept.events


def test_the_probe_knows_the_cpu_and_says_why_others_are_absent(source):
    environment = source.probe()
    cpu = environment.device("cpu")
    assert cpu.available
    assert cpu.name
    assert environment.version("torch")
    assert environment.version("torchvision")
    assert all(device.reason.endswith(".") for device in environment.devices if not device.available)
    assert environment.fact("threads") >= 1


def test_a_model_and_a_layer_in_all_four_phases(source):
    run, events = run_of(source, RESNET, DENSE)
    assert run.ended == "finished"
    assert not run.failures
    for measurement in run.measured:
        assert [phase.phase for phase in measurement.phases] == ["forward", "backward", "total", "inference"]
        for phase in measurement.phases:
            assert len(phase.rounds) == SHORT.min_rounds
            assert all(sample > 0 for taken in phase.rounds for sample in taken)
        total, forward = measurement.phase("total").rounds, measurement.phase("forward").rounds
        assert all(a > b for a, b in zip(total[0], forward[0], strict=True))
        assert measurement.wall_s > 0
        assert measurement.first_call_s > 0
    assert run.measured[0].parameters == 11_689_512
    assert run.measured[1].parameters == 1024 * 512 + 512
    pids = {event.pid for event in events if isinstance(event, CaseStarted)}
    assert len(pids) == 2


def test_every_pass_has_its_account_and_what_the_system_did_in_each_round(source):
    run, _ = run_of(source, DENSE)
    (measurement,) = run.measured
    assert [record.name for record in measurement.passes] == ["training", "inference"]
    for phase in measurement.phases:
        (seen,) = measurement.evidence_by_visit(phase.phase)
        assert len(seen) == len(phase.rounds)
        assert all(each.wall_s >= each.timed_s > 0 for each in seen)
    for record in measurement.passes:
        timed_s = sum(seen.timed_s for seen in record.evidence)
        assert len(record.warmup_windows_s) >= 1
        # a window is told as one of its iterations, and all of them are busy: so is what is timed
        assert record.wall_s >= record.busy_s >= timed_s + sum(record.warmup_windows_s) - 1e-5
        assert record.warmup_s >= sum(record.warmup_windows_s) - 1e-5
        assert record.empty_region_s is not None
        assert record.deferred_share is None or record.deferred_share >= 0
    assert measurement.timed_s == pytest.approx(
        sum(seen.timed_s for record in measurement.passes for seen in record.evidence), abs=1e-4
    )
    assert {work.phase for work in measurement.work} == {phase.phase for phase in measurement.phases}


def test_only_the_passes_of_the_protocol_are_taken(source):
    run, _ = run_of(source, DENSE, protocol=replace(SHORT, passes=("inference",), extras=("alone",)))
    (measurement,) = run.measured
    assert [phase.phase for phase in measurement.phases] == ["inference"]
    assert measurement.variants == ()


def test_what_is_beside_the_phases_is_taken_where_the_protocol_asks(source):
    run, _ = run_of(source, DENSE, protocol=replace(SHORT, extras=("alone", "energy", "flushed", "device_only")))
    (measurement,) = run.measured
    kinds = {variant.kind for variant in measurement.variants}
    assert "alone" in kinds
    assert "device_only" not in kinds
    assert not [notice for notice in measurement.notices if notice.code != "flushed_failed"]


def test_every_visit_on_the_cpu_is_a_process_of_its_own_and_says_when_it_was(source):
    run, events = run_of(source, DENSE, RESNET, protocol=VISITS)
    assert [measurement.visits for measurement in run.measured] == [3, 3]
    assert [measurement.processes for measurement in run.measured] == [3, 3]
    order = [event.measurement.case_id for event in events if isinstance(event, CaseFinished)]
    assert [sorted(order[at : at + 2]) for at in (0, 2, 4)] == [sorted((DENSE.case_id, RESNET.case_id))] * 3
    for measurement in run.measured:
        begun = [visit.begun_at_s for visit in measurement.visit_records]
        assert begun == sorted(begun)
        assert measurement.span_s >= begun[-1] - begun[0] > 0
        assert all(visit.product_s > 0 and visit.copy_s > 0 for visit in measurement.visit_records)
        assert {samples.stop for samples in measurement.phases} == {"visit"}
        assert measurement.work
        assert len(measurement.memory) == 4


def test_the_published_method_keeps_all_iterations_but_the_second_and_has_clean_numbers_beside(source):
    protocol = replace(PROTOCOLS["original"], iterations=21, clean=SHORT)
    run, _ = run_of(
        source, DENSE, replace(DENSE, workload=find_layer("MaxPool").workload.with_image(8)), protocol=protocol
    )
    assert not run.failures
    for measurement in run.measured:
        for phase in measurement.phases:
            assert phase.stop == "fixed"
            assert sum(len(taken) for taken in phase.rounds) == 20
            assert len(phase.rounds) == 10
        assert measurement.first_call_s == pytest.approx(measurement.phase("total").rounds[0][0], abs=1e-6)
        assert [phase.phase for phase in measurement.clean.phases] == ["forward", "backward", "total", "inference"]
        assert all(phase.stop != "fixed" for phase in measurement.clean.phases)
        assert len(measurement.clean.passes) == 2
        assert measurement.wall_s > measurement.clean.wall_s > 0


def test_a_failing_case_costs_one_row_and_says_why(source):
    unknown = replace(RESNET, workload=replace(RESNET.workload, name="none", op="resnet9000"))
    wide = replace(DENSE, workload=replace(DENSE.workload, input_shape=(7,)))
    wrong = replace(DENSE, device="cuda:63")
    run, _ = run_of(source, unknown, wide, wrong, DENSE)
    kinds = [failure.kind for failure in run.failures]
    assert kinds[:2] == ["unsupported", "error"]
    assert len(kinds) == 3
    assert "resnet9000" in run.failures[0].sentence
    assert all("Traceback" in failure.detail for failure in run.failures)
    assert [m.case_id for m in run.measured] == [DENSE.case_id]


def test_more_memory_than_there_is_fails_as_out_of_memory(source):
    run, _ = run_of(source, replace(RESNET, batch=65536, workload=RESNET.workload.with_image(4096)), DENSE)
    assert [failure.kind for failure in run.failures] == ["out_of_memory"]
    assert "smaller batch" in run.failures[0].sentence
    assert len(run.measured) == 1


def test_killing_the_measuring_process_costs_one_row(source):
    def kill(event):
        if isinstance(event, CaseStarted) and event.case_id == ENDLESS.case_id:
            os.kill(event.pid, signal.SIGKILL)

    run, _ = run_of(source, ENDLESS, DENSE, each=kill)
    assert [failure.kind for failure in run.failures] == ["crashed"]
    assert "SIGKILL" in run.failures[0].sentence
    assert len(run.measured) == 1


def test_killing_the_whole_worker_costs_one_row_and_leaves_no_child(source):
    measuring = []

    def kill(event):
        if isinstance(event, CaseStarted) and event.case_id == ENDLESS.case_id:
            assert lives(event.pid)
            measuring.append(event.pid)
            os.killpg(source._supervisor._worker._process.pid, signal.SIGKILL)

    run, _ = run_of(source, ENDLESS, DENSE, each=kill)
    assert [failure.kind for failure in run.failures] == ["crashed"]
    assert len(run.measured) == 1
    (child,) = measuring
    wait_until_gone(child)


def test_cancel_in_mid_case_keeps_the_finished_rows_and_the_worker(source):
    kept = Kept()
    session = Session(
        source, Plan("p", (DENSE, RESNET), replace(SHORT, budget_s=60.0, precision=1e-9, max_rounds=10**6))
    )
    session.plan = replace(session.plan, protocol=replace(session.plan.protocol, min_rounds=10**6))
    before = 0
    for event, _ in session.run(kept):
        if isinstance(event, Progress) and event.round >= 2:
            before = source._supervisor._worker._process.pid
            session.cancel()
    failed = [event.failure.kind for event in kept.events if event.kind == "case_failed"]
    assert failed == ["cancelled"]
    assert kept.events[-1].reason == "cancelled"
    assert source._supervisor._worker._process.pid == before


ONE_CASE = (sys.executable, "-m", "cvbench_tui.worker", "--one-case")


@pytest.mark.slow
def test_where_fork_is_unsafe_every_case_gets_a_new_worker():
    source = LiveSource(ONE_CASE)
    try:
        run, events = run_of(source, DENSE, replace(RESNET, device="cuda:63"), replace(DENSE, batch=1))
    finally:
        source.close()
    assert [m.case_id for m in run.measured] == [DENSE.case_id, replace(DENSE, batch=1).case_id]
    assert len(run.failures) == 1
    assert len({event.pid for event in events if isinstance(event, CaseStarted)}) == 3


# -- the worker by itself, without what reads it in the app


@contextmanager
def worker(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker, and nothing of it afterwards."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def ask(process, request) -> None:
    process.stdin.write(json.dumps(request).encode() + b"\n")
    process.stdin.flush()


def measuring(case) -> dict[str, object]:
    plain = {"kind": "measure", "case_id": case.case_id, "case": asdict(case)}
    return {**plain, "protocol": asdict(SHORT), "visit": 0}


def until(process, kind):
    for line in process.stdout:
        event = json.loads(line)
        if event["kind"] == kind:
            return event
    raise AssertionError(f"no {kind}: {process.stderr.read().decode()}")


def test_a_worker_that_measures_by_itself_answers_one_request_after_the_other():
    with worker(*ONE_CASE[1:]) as process:
        for visit in range(2):
            ask(process, {**measuring(DENSE), "visit": visit, "keep": visit > 0})
            assert until(process, "case_started")["pid"] == process.pid
            assert until(process, "case_finished")["measurement"]["visit_records"][0]["process"] == process.pid


@pytest.mark.skipif(sys.platform != "linux", reason="forks only on Linux")
class TestKeptProcess:
    """Where starting a process is dear, visits share one."""

    @pytest.fixture
    def visit(self):
        with worker("-m", "cvbench_tui.worker") as process:

            def ask_for(case, *, keep=True, outcome="case_finished"):
                ask(process, {**measuring(case), "visit": 1, "keep": keep})
                pid = until(process, "case_started")["pid"]
                return (pid, until(process, outcome)) if outcome else pid

            yield ask_for

    def test_visits_of_several_cases_share_a_process_until_a_fresh_one_is_wanted(self, visit):
        first, _ = visit(DENSE)
        assert visit(RESNET)[0] == visit(DENSE)[0] == first
        fresh, _ = visit(DENSE, keep=False)
        assert fresh != first
        wait_until_gone(first)  # a fresh process needs the memory that it holds
        assert visit(DENSE)[0] not in (first, fresh)

    def test_a_failure_ends_it_and_the_next_visit_has_another(self, visit):
        first, _ = visit(DENSE)
        broken = replace(RESNET, workload=replace(RESNET.workload, op="resnet9000"))
        assert visit(broken, outcome="case_failed")[0] == first
        assert visit(DENSE)[0] != first

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
    def test_its_death_in_a_visit_costs_that_visit(self, visit, number):
        first, _ = visit(DENSE)
        pid = visit(ENDLESS, outcome="")
        assert pid == first
        os.kill(pid, number)
        wait_until_gone(pid)
        assert visit(DENSE)[0] != first

    def test_its_death_between_two_visits_costs_none(self, visit):
        first, _ = visit(DENSE)
        os.kill(first, signal.SIGKILL)
        assert visit(DENSE)[0] != first

    def test_none_outlives_the_workers_stdin(self):
        with worker("-m", "cvbench_tui.worker") as process:
            ask(process, {**measuring(DENSE), "keep": True})
            until(process, "case_finished")
            ask(process, {**measuring(ENDLESS), "keep": True})
            child = until(process, "case_started")["pid"]
            process.stdin.close()
            assert process.wait() == 0
            wait_until_gone(child)


def test_a_worker_that_measures_by_itself_ends_with_its_stdin():
    with worker(*ONE_CASE[1:]) as process:
        ask(process, measuring(ENDLESS))
        until(process, "case_started")
        process.stdin.close()
        assert process.wait() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="forks only on Linux")
def test_no_child_outlives_its_workers_stdin():
    with worker("-m", "cvbench_tui.worker") as process:
        ask(process, measuring(ENDLESS))
        child = until(process, "case_started")["pid"]
        assert lives(child)
        process.stdin.close()
        assert process.wait() == 0
        wait_until_gone(child)


def refused(folder: Path, monkeypatch, content: str, needs: str) -> WorkerError:
    """What is said of a torchvision of that content which asks for that."""
    (folder / "torchvision").mkdir()
    (folder / "torchvision/__init__.py").write_text(content)
    (folder / "torchvision-0.1.2.dist-info").mkdir()
    told = f"Name: torchvision\nVersion: 0.1.2\nRequires-Dist: numpy\nRequires-Dist: {needs}\n"
    (folder / "torchvision-0.1.2.dist-info/METADATA").write_text(told)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH")))))
    source = LiveSource()
    try:
        with pytest.raises(WorkerError) as caught:
            source.probe()
    finally:
        source.close()
    return caught.value


BROKEN = "raise ImportError('libjpeg.so.8: cannot open shared object file')"


@pytest.mark.parametrize(
    ("content", "needs", "reason"),
    [
        ("raise RuntimeError('operator torchvision::nms does not exist')", "torch", "torchvision::nms does not exist"),
        ("raise OSError('a.so: undefined symbol: _ZN3c10\\nmore')", "torch", "undefined symbol: _ZN3c10)."),
        ("__version__ = '0.1.2'", "torch==0.9", "operators cannot be loaded"),
        (BROKEN, "torch (==0.9.1)", "libjpeg.so.8"),
    ],
)
def test_a_torchvision_of_another_torch_is_named_with_both_versions(tmp_path, monkeypatch, content, needs, reason):
    error = refused(tmp_path, monkeypatch, content, needs)
    assert isinstance(error, MismatchError)
    assert f"torchvision 0.1.2 and torch {torch.__version__} do not belong together" in error.message
    assert reason in error.message
    assert error.exit_code == 2
    assert "\n" not in error.message


@pytest.mark.parametrize("needs", ["torch>=0.9", f"torch=={torch.__version__.split('+')[0]}"])
def test_a_torchvision_that_is_broken_otherwise_is_no_mismatch(tmp_path, monkeypatch, needs):
    error = refused(tmp_path, monkeypatch, BROKEN, needs)
    assert not isinstance(error, MismatchError)
    assert "ImportError: libjpeg.so.8: cannot open shared object file" in error.message


def test_a_package_that_torchvision_needs_and_is_missing_is_named(tmp_path, monkeypatch):
    (tmp_path / "torchvision.py").write_text("import no_such_package")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    source = LiveSource()
    try:
        with pytest.raises(WorkerError, match="No module named 'no_such_package'"):
            source.probe()
    finally:
        source.close()


NOISY = """
import os, sys
from cvbench_tui.worker import __main__ as worker
from cvbench_tui.worker.process import servers
before = servers.ForkServer._become_child
def noisy(self, *request):
    print("from Python", flush=True)
    os.write(1, b"from C\\n")
    before(self, *request)
servers.ForkServer._become_child = noisy
sys.exit(worker.main())
"""


def test_a_ceiling_is_told_under_its_key_and_what_a_library_prints_does_not_reach_the_events():
    """From Python or from C: descriptor 1 is stderr's from the worker's first line on."""
    with worker("-c", NOISY) as process:
        ask(process, {"kind": "ceiling", "device": "cpu", "key": "k"})
        assert "ceiling" in until(process, "worker_ready")["can"]
        ceiling = until(process, "ceiling_measured")["ceiling"]
        ask(process, measuring(DENSE))
        until(process, "case_finished")
        process.stdin.close()
        talk = process.stderr.read().decode()
    assert ceiling["key"] == "k"
    assert dict(ceiling["flops_per_s"])["float32"] > 0
    assert talk.count("from Python") == talk.count("from C") == 2


GREETING = """
import sys
if "cvbench_tui.worker" in sys.argv or sys.argv[:1] == ["-m"]:
    print("Welcome to the cluster\\n")
    print("#" * (1 << 20))
    sys.stdout.write("quota: 3% {used} ")
    sys.stdout.flush()
"""


def test_a_greeting_of_the_site_goes_to_the_log(tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(GREETING)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH")))))
    source, heard = LiveSource(cpu_only=True), []
    source.listen(heard.append)
    try:
        assert source.probe().preferred.id == "cpu"
    finally:
        source.close()
    assert heard[0] == "Welcome to the cluster"
