"""The command from outside: exit codes, both outputs, Ctrl-C, and that nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.errors import SelectionError
from cvbench_tui.selftest import program
from cvbench_tui.selftest.busy import busy_cores
from cvbench_tui.selftest.context import QUICK, CheckContext, Scope
from cvbench_tui.selftest.verdict import VerdictLine
from tests.processes import children, descendants, wait_until, wait_until_gone

GOOD = VerdictLine("bare loop", "x", "ratio 1.0", "±0.1%", "pass", "The interval is within 1%.")
BAD = VerdictLine("bare loop", "x", "ratio 1.5", "±0.1%", "FAIL", "Off by more.")
DEVICES = (Device("cuda", "CUDA", available=False, reason="No card."), Device("cpu", "a CPU of a long name " * 6))


class Source:
    closed = 0

    def __init__(self, *, cpu_only: bool) -> None:
        self.devices = tuple(each for each in DEVICES if each.is_cpu or not cpu_only)

    def probe(self) -> Environment:
        return Environment((("torch", "2.0"),), self.devices, (("threads", 3),))

    def close(self) -> None:
        Source.closed += 1


@pytest.fixture
def prove(monkeypatch, capsys):
    """Run the program with checks that give these lines; exit code, stdout, stderr."""

    def run(*lines: VerdictLine, **options: object):
        seen: list[CheckContext] = []

        def check(of):
            seen.append(of)
            yield from lines

        monkeypatch.setattr(program, "LiveSource", Source)
        monkeypatch.setattr(program, "CHECKS", (("made up", check),))
        code = program.selftest(**options)
        out, err = capsys.readouterr()
        return code, out, err, seen[0]

    return run


def test_a_failure_is_exit_code_1_and_the_table_is_on_stdout(prove):
    code, out, err, _ = prove(GOOD, BAD)
    assert code == 1
    assert [line.split()[0] for line in out.splitlines()[:3]] == ["verdict", "pass", "FAIL"]
    assert "1 passed, 0 undecided, 1 failed" in out
    assert "[1/1] made up" in err
    assert "verdict" not in err


def test_the_last_line_is_what_it_means_and_nothing_is_wider_than_100_columns(prove):
    """Not on a terminal; the machine's name may be long."""
    out = prove(GOOD, BAD)[1].splitlines()
    assert out[-1].startswith("Do not rely on the numbers")
    assert max(map(len, out)) <= 100


def test_no_failure_is_exit_code_0(prove):
    assert prove(GOOD)[0] == 0


def test_json_is_all_there_is_on_stdout(prove):
    code, out, _, _ = prove(GOOD, as_json=True)
    found = json.loads(out)
    assert (code, found["failed"], found["device"], found["threads"]) == (0, False, "cpu", 3)
    assert found["lines"][0]["verdict"] == "pass"


def test_it_does_as_much_as_it_is_told(prove):
    assert prove(GOOD, scope=QUICK)[3].scope == QUICK
    assert prove(GOOD)[3].scope == Scope()


def test_a_device_that_cannot_be_used_is_a_sentence_and_the_worker_is_ended(prove):
    before = Source.closed
    with pytest.raises(SelectionError, match=r"no usable device cuda:0\. No card"):
        prove(GOOD, device="cuda")
    with pytest.raises(SelectionError, match="no usable device cuda:7"):
        prove(GOOD, device="cuda:7")
    assert Source.closed == before + 2


def test_busy_processes_are_busy_and_end_with_the_block():
    others = set(children(os.getpid()))  # of tests before, in the same process
    with busy_cores(2):
        mine = set(children(os.getpid())) - others
        assert len(mine) == 2
    assert not mine & set(children(os.getpid()))


HOLDING = """
from cvbench_tui.selftest.busy import busy_cores
with busy_cores(1):
    print("busy", flush=True)
    input()
"""


def test_busy_processes_end_when_the_program_is_killed():
    with subprocess.Popen([sys.executable, "-c", HOLDING], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        parent.stdout.readline()
        spinning = children(parent.pid)
        parent.kill()
    assert len(spinning) == 1
    wait_until_gone(*spinning)


@pytest.mark.slow
@pytest.mark.torch
def test_ctrl_c_ends_it_cleanly_and_leaves_nothing():
    command = [sys.executable, "-m", "cvbench_tui", "selftest", "--device", "cpu"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as started:
        try:
            family = wait_until(lambda: _in_a_check(started.pid))
            os.kill(started.pid, signal.SIGINT)
            out, err = started.communicate()
        finally:
            started.kill()
    assert started.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    wait_until_gone(*family)


def _in_a_check(program: int) -> list[int]:
    """Everything that it has started, once that is both sides and something below them that measures."""
    sides, family = children(program), descendants(program)
    return family if len(sides) == 2 < len(family) else []
