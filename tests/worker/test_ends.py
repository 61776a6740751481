"""Every end of the real worker: nothing of ours lives two seconds later, whoever was stopped or computed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from cvbench_tui.engine.live import LiveSource
from tests.processes import children, stat, wait_until, wait_until_gone
from tests.worker.test_process import DENSE, SHORT, run_of

pytestmark = pytest.mark.torch
MOST_S = 2.0
PIDS = Path("/sys/fs/cgroup/pids")
PARENT = """
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.engine.live import LiveSource
from tests.worker.test_process import ENDLESS, SHORT
print("starts", flush=True)
for event in LiveSource(cpu_only=True).events(Plan("p", (ENDLESS,), SHORT)):
    print(event.kind, flush=True)
"""
LOADER = """
import os, subprocess
setpgid = os.setpgid
def and_load(pid, group):  # as a data loader's process: in the group of the one that measures
    setpgid(pid, group)
    if pid == 0:
        subprocess.Popen(["sleep", "600"])
os.setpgid = and_load
"""


@contextmanager
def parent(tmp_path: Path, until: str):
    """A program that measures a case without an end, up to that event; its measuring process has started another."""
    (tmp_path / "sitecustomize.py").write_text(LOADER)
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")]), os.getcwd()])
    command, environment = [sys.executable, "-c", PARENT], {**os.environ, "PYTHONPATH": path}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            assert any(line.strip() == until for line in iter(process.stdout.readline, ""))
            yield process
        finally:
            process.kill()


def named(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


@pytest.mark.parametrize(
    ("stopped", "killed"),
    [
        ("", "parent"),
        ("worker", "parent"),
        pytest.param("child", "parent", marks=pytest.mark.slow),
        pytest.param("all", "parent", marks=pytest.mark.slow),
        pytest.param("", "worker", marks=pytest.mark.slow),
        pytest.param("child", "worker", marks=pytest.mark.slow),
        pytest.param("", "child", marks=pytest.mark.slow),
    ],
)
def test_nothing_is_left_of_a_case(tmp_path, stopped, killed):
    with parent(tmp_path, "case_started") as process:
        (worker,) = children(process.pid)
        (child,) = (pid for pid in children(worker) if named(pid) != "sleep")
        (loader,) = wait_until(lambda: children(child))
        found = {"parent": process.pid, "worker": worker, "child": child}
        for pid in found.values() if stopped == "all" else [found[stopped]] if stopped else []:
            os.kill(pid, signal.SIGSTOP)
            wait_until(lambda pid=pid: stat(pid)[0] == "T")
        killed_s = time.monotonic()
        os.kill(found[killed], signal.SIGKILL)
        wait_until_gone(child, loader, *([worker] if killed != "child" else []))
        assert time.monotonic() - killed_s < MOST_S


@pytest.mark.parametrize("stopped", [False, True])
def test_nothing_is_left_of_a_worker_that_imports_torch(tmp_path, stopped):
    with parent(tmp_path, "starts") as process:
        (worker,) = wait_until(lambda: children(process.pid))
        wait_until(lambda: "libtorch" in Path(f"/proc/{worker}/maps").read_text())
        if stopped:
            os.kill(worker, signal.SIGSTOP)
        killed_s = time.monotonic()
        process.kill()
        wait_until_gone(worker)
        assert time.monotonic() - killed_s < MOST_S


def test_a_worker_whose_parent_has_gone_before_it_began_imports_nothing(tmp_path):
    """Its stdin is a pipe that nobody can write to any more."""
    reading, writing = os.pipe()
    os.close(writing)
    worker = [sys.executable, "-X", "importtime", "-m", "cvbench_tui.worker"]
    with subprocess.Popen(worker, stdin=reading, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        os.close(reading)
        told, imported = process.communicate()
    assert (process.returncode, told) == (0, "")
    assert not any(line.endswith("| torch") for line in imported.splitlines())


@pytest.mark.parametrize("who", ["child", "worker"])
def test_who_is_stopped_and_continued_costs_no_row_and_the_rounds_know_it(who):
    source = LiveSource(cpu_only=True)
    rounds = replace(SHORT, round_s=0.2, min_rounds=6, max_rounds=6)
    found = {}

    def stop(event) -> None:
        """After each round: all but the last ones of a pass are followed by another at once."""
        if event.kind == "case_started":
            found.update(child=event.pid, worker=source._supervisor.worker_pid)
        if event.kind == "progress" and event.round >= 1:
            with suppress(ProcessLookupError):  # the child may have ended by now
                os.kill(found[who], signal.SIGSTOP)
                wait_until(lambda: stat(found[who])[:1] in ([], ["T"], ["Z"]))
                os.kill(found[who], signal.SIGCONT)

    try:
        run, _ = run_of(source, DENSE, protocol=rounds, each=stop)
    finally:
        source.close()
    (measurement,) = run.measured
    stops = [seen.stops for record in measurement.passes for seen in record.evidence]
    assert (sum(stops) > 0) == (who == "child")


LIMITED = """
import sys
from cvbench_tui.core.plan import Plan
from cvbench_tui.engine.live import LiveSource
from tests.worker.test_process import DENSE, SHORT, run_of
open(sys.argv[1], "w").write("0")
run, _ = run_of(source := LiveSource(cpu_only=True), DENSE, protocol=SHORT)
source.close()
print(run.ended_sentence or [failure.sentence for failure in run.failures])
"""


@pytest.mark.slow
@pytest.mark.skipif(not os.access(PIDS, os.W_OK), reason="no limit on processes can be set here")
def test_a_limit_on_processes_is_named_by_the_measuring_process_too():
    group = PIDS / f"cvbench-test-ends-{os.getpid()}"
    group.mkdir()
    try:
        (group / "pids.max").write_text("5")
        command = [sys.executable, "-c", LIMITED, str(group / "cgroup.procs")]
        told = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "look at the limits on processes" in told.stdout
        wait_until(lambda: (group / "cgroup.procs").read_text() == "")
    finally:
        group.rmdir()
