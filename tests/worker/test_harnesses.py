"""Other harnesses: each gives numbers for what it is asked, in a process of its own."""

from __future__ import annotations

import ast
import dataclasses
import subprocess
import sys
from pathlib import Path
from statistics import fmean, median

import pytest

from cvbench_tui.core.plan import Case
from cvbench_tui.core.workload import Workload
from cvbench_tui.selftest.reference import Reference, ReferenceFailed
from cvbench_tui.worker.selftest import harnesses
from tests.processes import children, wait_until, wait_until_gone

pytestmark = pytest.mark.torch
SPIN = Case(
    Workload("layer", "spin", "selftest_spin", (8,), (("seconds", 0.002),)), "cpu", 1, settings=(("threads", "1"),)
)


NO_CARD = """
import os, sys, torch
parent = os.getpid()
def asked(answer):
    return lambda: os.getpid() == parent and sys.exit("the forking process asked for a card") or answer
torch.cuda.is_available, torch.cuda.device_count = asked(False), asked(0)
from cvbench_tui.worker.selftest.__main__ import main
sys.exit(main())
"""
"""The program as it is, but for a card that only its children may ask for: it could not be used in them otherwise."""


@pytest.fixture(scope="module")
def reference():
    made = Reference((sys.executable, "-c", NO_CARD))
    yield made
    made.close()


@pytest.fixture(scope="module")
def more():
    """With the harnesses that only the benchmarks compare with."""
    made = Reference((sys.executable, str(Path(__file__).parents[2] / "benchmarks" / "rival_loops.py")))
    yield made
    made.close()


def check_known_durations(reference, method, middle):
    found = reference.ask(SPIN, method, seconds=0.05, threads=1)
    assert set(found.values_s) >= {"total", "inference"}
    assert found.values_s["inference"] >= 0.002 * 0.999
    assert found.values_s["total"] >= 0.004 * 0.999
    assert found.seconds > 0
    for phase, samples in found.samples_s.items():
        assert found.values_s[phase] == pytest.approx(middle(samples))


@pytest.mark.parametrize("method", ["bare", "timer"])
def test_a_harness_sees_a_known_duration_in_full(reference, method):
    check_known_durations(reference, method, median)


@pytest.mark.parametrize(("method", "middle"), [("blocked", median), ("timm", fmean)])
def test_another_harness_sees_a_known_duration_in_full(more, method, middle):
    check_known_durations(more, method, middle)


def test_the_bare_loop_splits_forward_and_backward(reference):
    values = reference.ask(SPIN, "bare", seconds=0.05, threads=1).values_s
    assert set(values) == {"forward", "backward", "total", "inference"}
    assert min(values["forward"], values["backward"]) >= 0.002 * 0.999


def test_marks_with_nothing_between_them_cost_less_than_the_spin(reference):
    samples = reference.ask(SPIN, "empty", seconds=0.01, threads=1).samples_s["inference"]
    assert len(samples) == 500
    assert 0 <= median(samples) < 0.002


def test_only_what_is_asked_for_is_measured(reference, more):
    for program, method in ((reference, "bare"), (reference, "timer"), (more, "timm")):
        found = program.ask(SPIN, method, seconds=0.01, threads=1, phases=["inference"])
        assert set(found.samples_s) == {"inference"}
    assert len(found.samples_s["inference"]) == 40


def test_timers_repeat_twenty_times(reference):
    found = reference.ask(SPIN, "timer", seconds=0.01, threads=1, phases=["inference"])
    assert len(found.samples_s["inference"]) >= 20


def test_what_cannot_be_is_a_sentence_and_the_next_question_is_answered(reference):
    with pytest.raises(ReferenceFailed, match="do_bench needs a CUDA device"):
        reference.ask(SPIN, "do_bench", seconds=0.01, threads=1)
    with pytest.raises(ReferenceFailed, match="a lead needs a CUDA device"):
        reference.ask(SPIN, "led", seconds=0.01, threads=1)
    with pytest.raises(ReferenceFailed, match="no reference method"):
        reference.ask(SPIN, "guess", seconds=0.01, threads=1)
    assert reference.ask(SPIN, "bare", seconds=0.01, threads=1).values_s


def test_a_program_that_says_nothing_useful_is_a_sentence():
    with pytest.raises(ReferenceFailed, match="ended: last words"):
        Reference((sys.executable, "-c", "import sys; sys.exit('last words')")).start()
    with pytest.raises(ReferenceFailed, match="could not be started"):
        Reference(("/nonexistent/python",)).start()


class Queue:
    """A clock whose marks are read after a wait, as CUDA's events are."""

    queues = True

    def __init__(self, log):
        self.log = log

    def mark(self):
        self.log.append("mark")
        return len(self.log)

    def seconds(self, start, end):
        assert self.log[-1] == "wait", "a mark was read before the device had reached it"
        return float(end - start)


def queued(training):
    """What is done between the marks of iterations on a queue, and the seconds."""
    work = harnesses.TimedModule(dataclasses.asdict(SPIN))
    log = []
    work.wait = lambda: log.append("wait")
    forward, backward = work.subject.forward, work.subject.backward
    work.subject.forward = lambda: (log.append("forward"), forward())[1]
    work.subject.backward = lambda output: (log.append("backward"), backward(output))[1]
    return log, harnesses.iterations(work, Queue(log), 1, training=training)


class Led(Queue):
    """Whose first mark has been reached already, or has not, when all is queued."""

    def __init__(self, log, *, late):
        super().__init__(log)
        self.late = late

    def mark(self):
        return Mark(super().mark(), self.late)


class Mark(int):
    def __new__(cls, place, late):
        made = super().__new__(cls, place)
        made.late = late
        return made

    def query(self):
        return self.late


@pytest.mark.parametrize(("late", "rows", "next_s"), [(False, 2, 0.01), (True, 0, 0.02)])
def test_a_block_behind_a_lead_counts_when_it_was_queued_in_time(late, rows, next_s):
    """One that was not gets a longer lead, up to half a second."""
    work = harnesses.TimedModule(dataclasses.asdict(SPIN))
    log = []
    work.wait = lambda: log.append("wait")
    lead = harnesses.Lead(lambda seconds: log.append(seconds))
    found = harnesses.iterations(work, Led(log, late=late), 2, training=False, lead=lead)
    assert log[:2] == [0.01, "mark"]  # and no iteration that is not recorded
    assert (len(found), lead.seconds) == (rows, next_s)
    for _ in range(9):
        lead.longer()
    assert lead.seconds == harnesses.MAX_LEAD_S


def test_a_loop_whose_leads_are_all_too_short_has_no_number(monkeypatch):
    work = harnesses.TimedModule(dataclasses.asdict(SPIN))
    monkeypatch.setattr(harnesses, "clock_of", lambda _: Led([], late=True))
    monkeypatch.setattr(harnesses, "MAX_LATE_S", 0.0)
    work.wait = lambda: None
    assert harnesses.bare(work, 0.0, {"phases": ["inference"]}, harnesses.Lead(lambda _: None)) == {}


def test_a_queue_begins_with_an_unrecorded_iteration_and_is_waited_for_once():
    log, rows = queued(training=True)
    each = ["mark", "forward", "mark", "backward", "mark"]
    assert log == ["forward", "backward", *each * harnesses.MIN_SAMPLES, "mark", "wait"]
    assert rows == [(2.0, 3.0, 5.0)] * harnesses.MIN_SAMPLES
    log, rows = queued(training=False)
    assert log == ["forward", *["mark", "forward", "mark"] * harnesses.MIN_SAMPLES, "mark", "wait"]
    assert rows == [(3.0,)] * harnesses.MIN_SAMPLES


PARENT = f"""
from cvbench_tui.core.plan import Case
from cvbench_tui.core.workload import Workload
from cvbench_tui.selftest.reference import Reference
made = Reference()
made.start()
print(made._program._process.pid, flush=True)
made.ask({SPIN!r}, "bare", seconds=600.0, threads=1)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells of a parent's death on Linux only")
def test_nothing_is_left_when_the_parent_is_killed():
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        try:
            program = int(parent.stdout.readline())
            measuring = wait_until(lambda: children(program))
        finally:
            parent.kill()
    wait_until_gone(program, *measuring)


def test_the_forking_process_asks_for_no_card(reference):
    reference.start()
    assert reference._program.returncode is None, "it would have ended with the question"
    assert reference.ask(SPIN, "bare", seconds=0.01, threads=1).values_s


def test_the_reference_uses_no_line_of_the_stopwatch():
    imported = set()
    for file in Path(harnesses.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("cvbench_tui"):
                imported.add(node.module)
    theirs = {name for name in imported if not name.startswith("cvbench_tui.worker.selftest")}
    assert theirs - {"cvbench_tui.worker"} == {
        "cvbench_tui.core.measurement",
        "cvbench_tui.core.protocol",
        "cvbench_tui.worker.process.channel",
        "cvbench_tui.worker.process.servers",
        "cvbench_tui.worker.workloads.module_under_test",
    }
