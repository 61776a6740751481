"""A call in a process of its own: answers, exceptions, crashes, silence, and nothing left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time

import pytest

from cvbench_tui.core.environment import WAITING
from cvbench_tui.worker.process import isolated as isolating
from cvbench_tui.worker.process.isolated import isolated
from tests.processes import wait_until_gone

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks only on Linux")


def test_the_value_comes_from_another_process():
    pid, problem = isolated(os.getpid, 30.0)
    assert problem == ""
    assert pid != os.getpid()
    wait_until_gone(pid)


def test_a_python_without_memory_files_will_do(monkeypatch):
    """As those that are built with a glibc before 2.27."""
    monkeypatch.delattr(os, "memfd_create", raising=False)
    assert isolated(lambda: 1, 30.0) == (1, "")


def test_an_exception_is_a_problem():
    assert isolated(lambda: 1 / 0, 30.0) == (None, "failed: ZeroDivisionError: division by zero")


def test_a_signal_is_named_and_the_last_line_is_quoted(capfd):
    def crash() -> None:
        os.write(2, b"before\nNVRM: \x1b[31mbad.\n\n")
        os.kill(os.getpid(), signal.SIGSEGV)

    assert isolated(crash, 30.0) == (None, "crashed with SIGSEGV: NVRM: ?[31mbad")
    assert "before\n" in capfd.readouterr().err


def test_an_exit_is_told_with_its_code():
    assert isolated(lambda: os._exit(7), 30.0) == (None, "ended the process with exit code 7")


def test_silence_is_told_while_it_lasts_and_ends_at_the_limit(monkeypatch, capsys):
    monkeypatch.setattr(isolating, "QUIET_S", 0.01)
    assert isolated(lambda: time.sleep(600), 0.2) == (None, "did not answer within 0 s")
    assert WAITING in capsys.readouterr().err
    assert not multiprocessing.active_children()


def test_one_that_cannot_be_killed_is_not_waited_for(monkeypatch):
    """As a process that waits inside the kernel: a kill does not end it."""
    killed = []
    process = multiprocessing.get_context("fork").Process
    monkeypatch.setattr(process, "kill", lambda self: killed.append(self))
    monkeypatch.setattr(isolating, "END_S", 0.01)
    try:
        assert isolated(lambda: time.sleep(600), 0.01) == (None, "did not answer within 0 s")
    finally:
        monkeypatch.undo()
        killed[0].kill()
        killed[0].join()
