"""The live source against workers that are stopped, hang, greet, or send what no worker of ours would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from cvbench_tui.core.event import Progress
from cvbench_tui.engine import live as live_module
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.engine.session import Session
from cvbench_tui.engine.workers import case_events
from cvbench_tui.engine.workers import watchdog as watchdog_module
from cvbench_tui.engine.workers.watchdog import Pace
from cvbench_tui.errors import WorkerError
from tests.engine.test_live import FAKE, Kept, marked, plan, run_of
from tests.processes import stat, wait_until, wait_until_gone

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the processes are read from /proc")


def in_a_thread(act) -> threading.Thread:
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    return thread


def is_stopped(pid: int) -> bool:
    return stat(pid)[:1] == ["T"]


class TestStopped:
    """The first case of ``stopped`` stops its own process, as a SIGSTOP from outside does."""

    def test_a_worker_that_is_stopped_and_continued_costs_no_row(self, live, tmp_path):
        source, heard = live("stopped"), []
        source.listen(heard.append)

        def go_on() -> None:
            wait_until(lambda: any("is stopped by a signal" in line for line in heard))
            os.kill(marked(tmp_path / "mark"), signal.SIGCONT)

        thread = in_a_thread(go_on)
        run = run_of(source, plan())
        thread.join()
        assert (len(run.measured), run.failures) == (2, ())
        pid = marked(tmp_path / "mark")
        assert heard[0] == (
            f"The measuring process {pid} is stopped by a signal or a debugger; it is waited for, at most 300 s. "
            f"To go on: kill -CONT {pid}"
        )

    def test_one_that_does_not_go_on_is_named_and_ended(self, live, tmp_path):
        run = run_of(live("stopped"), plan(silence_s=2.0))
        assert [f.kind for f in run.failures] == ["timed_out"]
        assert run.failures[0].sentence.startswith("The measuring process was stopped by a signal or a debugger")
        assert len(run.measured) == 1
        wait_until_gone(marked(tmp_path / "mark"))

    @pytest.mark.parametrize("end", ["skip", "cancel", "close"])
    def test_its_end_takes_less_than_two_seconds(self, live, tmp_path, end):
        source = live("stopped")
        session = Session(source, plan())
        mark = tmp_path / "mark"
        asked_s = []

        def ask() -> None:
            # a skip before the parent knows that the case has started finds nothing to skip
            wait_until(lambda: source._case.running and marked(mark) and is_stopped(marked(mark)))
            asked_s.append(time.monotonic())
            {"skip": session.skip, "cancel": session.cancel, "close": source.close}[end]()

        thread = in_a_thread(ask)
        ended_s = None
        for event, _run in session.run(Kept()):
            if event.kind == "case_failed":
                ended_s = time.monotonic()
                kind = event.failure.kind
        thread.join()
        assert kind == ("skipped" if end == "skip" else "cancelled")
        assert ended_s - asked_s[0] < 2
        wait_until_gone(marked(mark))


PARENT = """
import sys
from tests.engine.test_live import FAKE, Kept, plan
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.engine.session import Session
source = LiveSource((sys.executable, str(FAKE), sys.argv[1], sys.argv[2]), start_s=60)
for event, run in Session(source, plan(silence_s=float(sys.argv[3]), timeout_s=float(sys.argv[3]))).run(Kept()):
    print(event.kind, flush=True)
print([f.sentence for f in run.failures], len(run.measured), flush=True)
"""


def test_a_parent_that_is_stopped_for_longer_than_any_limit_throws_no_row_away(tmp_path):
    """The worker writes all its answers meanwhile; the limits of the case are a fifth of the stop."""
    mark = tmp_path / "mark"
    mark.write_text("0")  # nobody stops itself
    command = [sys.executable, "-c", PARENT, "good", str(mark), "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        lines = iter(parent.stdout.readline, "")
        assert any(line == "case_started\n" for line in lines)
        parent.send_signal(signal.SIGSTOP)
        wait_until(lambda: is_stopped(parent.pid))
        stopped_s = time.monotonic()
        wait_until(lambda: time.monotonic() - stopped_s > 5)  # the fault itself: a stop that is longer than 2 s
        parent.send_signal(signal.SIGCONT)
        assert list(lines)[-1] == "[] 2\n"


class TestHang:
    def test_it_is_seen_by_the_cases_own_pace(self, live, monkeypatch):
        monkeypatch.setattr(watchdog_module, "FLOOR_S", 2.0)
        run = run_of(live("hangs"), plan())
        assert [f.kind for f in run.failures] == ["timed_out"]
        assert "was the longest so far; the measuring process was killed." in run.failures[0].sentence
        assert len(run.measured) == 1

    def test_before_the_first_call_is_over_the_protocols_limit_counts(self, live, monkeypatch):
        monkeypatch.setattr(watchdog_module, "FLOOR_S", 0.0)
        run = run_of(live("silent"), plan(silence_s=3.0))
        assert run.failures[0].sentence == "No answer for 3 s; the measuring process was killed."

    def test_who_waits_for_a_disk_is_given_the_protocols_limit(self, live, monkeypatch):
        """As where memory is swapped: the process waits inside the kernel."""
        monkeypatch.setattr(watchdog_module, "FLOOR_S", 0.5)
        monkeypatch.setattr(watchdog_module, "state", lambda pid: "D")
        run = run_of(live("hangs"), plan(silence_s=4.0))
        assert run.failures[0].sentence.startswith("No answer for 4 s")

    def test_slow_work_is_no_hang(self):
        pace = Pace()
        assert pace.limit_s(300.0) == 300.0
        pace.hear(Progress("x", "building"), 0.1)
        assert pace.limit_s(300.0) == 300.0  # nothing is known of the first call
        pace.hear(Progress("x", "compiling"), 1.0)
        assert pace.limit_s(300.0) == 300.0
        pace.hear(Progress("x", "warming up"), 60.0)
        assert pace.limit_s(300.0) == 300.0
        quick = Pace()
        quick.hear(Progress("x", "warming up"), 0.3)
        assert quick.limit_s(300.0) == watchdog_module.FLOOR_S
        quick.hear(Progress("x", "measuring", round=1), 4.0)
        assert quick.limit_s(300.0) == 80.0
        assert quick.limit_s(3.0) == 3.0


class TestGreetings:
    def test_they_go_to_the_log_and_harm_nothing(self, live):
        source, heard = live("greeted"), []
        source.listen(heard.append)
        assert len(run_of(source, plan()).measured) == 2
        assert heard[0] == "Welcome to \\x1b[31mthe cluster"
        assert heard[1].startswith("####")
        assert max(map(len, heard)) <= 2000
        assert all(heard)

    def test_where_it_fails_all_the_same_they_are_quoted(self, live):
        with pytest.raises(WorkerError) as caught:
            live("chattering").probe()
        assert caught.value.hint == "It said: last greeting"

    def test_there_are_not_more_of_them_than_anybody_greets_with(self):
        source = LiveSource(("yes", "hello \x1b[31m"), start_s=60)
        with pytest.raises(WorkerError, match="a line that is not an event") as caught:
            source.probe()
        assert caught.value.hint == "It said: hello \\x1b[31m"
        source.close()


def test_a_clock_that_is_set_back_hides_no_failure(live, monkeypatch):
    """A failure with a time before the question is an earlier visit's, by the clock as it is when the failure comes."""
    ahead_s = 3600.0
    real = time.time
    monkeypatch.setattr(live_module.time, "time", lambda: real() + ahead_s)
    source = live("failing")
    kinds = []
    for event, run in Session(source, plan(silence_s=20.0)).run(Kept()):  # noqa: B007 - the last one
        kinds.append(event.kind)
        if event.kind == "case_started":
            ahead_s = 0.0
    assert [f.kind for f in run.failures] == ["error", "error"], (kinds, run.failures)


class TestLines:
    @pytest.mark.parametrize("number", ["own", "parent", 0, 1, -1, 2**40, "stranger"])
    def test_a_process_that_is_none_of_the_workers_is_never_killed(self, live, tmp_path, monkeypatch, number):
        killed = []
        really = os.killpg
        monkeypatch.setattr(os, "killpg", lambda pid, sig: (killed.append(pid), really(pid, sig)))
        mark = tmp_path / "mark"
        with subprocess.Popen(["sleep", "600"], start_new_session=True) as stranger:
            named = {"own": os.getpid(), "parent": os.getppid(), "stranger": stranger.pid}.get(number, number)
            mark.write_text(str(named))
            source = live("foreign")
            session = Session(source, plan())
            run, worker = None, None
            for event, run in session.run(Kept()):  # noqa: B007 - the last one
                if event.kind == "case_started":  # none comes where the wall refuses the number
                    worker = source._supervisor.worker_pid
                    in_a_thread(session.cancel)
            assert [f.kind for f in run.failures] in (["cancelled"], ["crashed", "crashed"])
            assert stranger.poll() is None
            stranger.kill()
        assert not set(killed) & {named, os.getpid(), os.getppid(), stranger.pid}
        assert worker is None or set(killed) <= {worker}

    def test_a_result_without_a_start_costs_its_row(self, live):
        run = run_of(live("unstarted"), plan())
        assert [f.detail.splitlines()[0] for f in run.failures] == ["case_finished comes before case_started"]
        assert len(run.measured) == 1

    def test_a_nested_line_costs_its_row(self, live):
        run = run_of(live("nested"), plan())
        assert [f.kind for f in run.failures] == ["crashed"]
        assert len(run.measured) == 1

    def test_whatever_reading_a_line_raises_it_costs_its_row(self, live, monkeypatch):
        def decode(line):
            if b"this is not" in line:
                raise MemoryError("a\x1b[31m")
            return real(line)

        real = case_events.decode
        monkeypatch.setattr(case_events, "decode", decode)
        run = run_of(live("garbage"), plan())
        assert [f.detail.splitlines()[0] for f in run.failures] == ["MemoryError: a\\x1b[31m"]
        assert len(run.measured) == 1

    def test_lines_without_an_end_that_say_nothing_end_with_the_cases_time(self, live):
        one = replace(plan(timeout_s=2.0), cases=plan().cases[:1])
        source = live("untold")
        run = run_of(source, one)
        assert [f.kind for f in run.failures] == ["timed_out"]
        source.close()


def most_memory_kb() -> int:
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])


def test_a_line_without_an_end_on_stderr_takes_no_memory(live):
    source, heard = live("flooding"), []
    source.probe()
    Path("/proc/self/clear_refs").write_text("5")  # the highest so far is what it is now
    before = most_memory_kb()
    source.listen(heard.append)
    assert len(run_of(source, plan()).measured) == 2
    assert most_memory_kb() - before < 50 << 10  # of 300 MB twice
    assert heard[0].startswith("\ufffd\\x1b[31mxxx")
    assert max(map(len, heard)) < 2100


def test_a_deleted_folder_does_not_reach_the_worker(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    source = LiveSource((sys.executable, str(FAKE), "good", str(tmp_path / "mark")), start_s=60)
    try:
        assert len(run_of(source, plan()).measured) == 2
        assert os.readlink(f"/proc/{source._supervisor.worker_pid}/cwd") == "/"
    finally:
        source.close()


PIDS = Path("/sys/fs/cgroup/pids")
START = """
import os, sys, threading
from tests.engine.test_live import FAKE
from cvbench_tui.engine.live import LiveSource
from cvbench_tui.errors import WorkerError
open(sys.argv[1] + "/cgroup.procs", "w").write("0")
source = LiveSource((sys.executable, str(FAKE), "good", sys.argv[2]), start_s=60)
try:
    print("probed", source.probe().preferred.id)
except WorkerError as error:
    print("sentence", error.message, error.hint)
source.close()
print("threads", threading.active_count())
"""


@pytest.mark.skipif(not os.access(PIDS, os.W_OK), reason="no limit on processes can be set here")
@pytest.mark.parametrize("most", [1, 2, 3, 4, 5])
def test_a_limit_on_processes_is_one_sentence_and_leaves_no_worker(tmp_path, most):
    group = PIDS / f"cvbench-test-{os.getpid()}-{most}"
    group.mkdir()
    try:
        (group / "pids.max").write_text(str(most))
        told = subprocess.run(
            [sys.executable, "-c", START, str(group), str(tmp_path / "mark")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert told.stderr == ""
        first = told.stdout.splitlines()[0]
        assert first.startswith("probed" if most > 3 else "sentence The measuring process could not be started:"), first
        wait_until(lambda: (group / "cgroup.procs").read_text() == "")
    finally:
        group.rmdir()


def test_few_descriptors_are_one_sentence(tmp_path):
    command = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8)); import sys; sys.argv[1] = '/tmp'\n"
    script = command + START.replace('open(sys.argv[1] + "/cgroup.procs", "w").write("0")', "")
    told = subprocess.run(
        [sys.executable, "-c", script, "", str(tmp_path / "mark")], capture_output=True, text=True, check=False
    )
    assert told.stderr == ""
    assert told.stdout.startswith("sentence The measuring process could not be started: Too many open files"), told
