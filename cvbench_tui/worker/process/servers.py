"""How requests are answered: each in a forked child (Linux), or one case in this very process (elsewhere).

A fork takes tens of milliseconds, importing torch seconds. The forking process never touches a device, not even to
ask whether there is one: a child could then not use it. A child's crash costs its case, nothing else.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cvbench_tui.base.system_files import read_text
from cvbench_tui.core.measurement import FailureKind
from cvbench_tui.worker.process.channel import Requests
from cvbench_tui.worker.process.isolated import die_with

MAX_OOM_SCORE = "1000"

Request = dict[str, Any]
Answer = Callable[[Request], None]  # computes one answer and writes it
ReportCrash = Callable[[Request, FailureKind, str], None]
"""Writes that a child ended without an answer: the request, ``out_of_memory`` or ``crashed``, one sentence."""


def server(answer: Answer, report_crash: ReportCrash, *, one_case: bool) -> Callable[[], None]:
    """What answers requests until the parent closes stdin: a process per case, or one case in this process."""
    requests = Requests()
    return partial(serve_one, requests, answer) if one_case else ForkServer(requests, answer, report_crash).serve


def serve_one(requests: Requests, answer: Answer) -> None:
    """Where fork is unsafe: answer requests up to and including the first case, for which a fresh process is started. A
    thread watches stdin while the case runs, blocked in a read, so that no orphan is left when the parent dies."""
    while (request := requests.next()) is not None:
        measuring = request.get("kind", "measure") == "measure"
        if measuring:
            threading.Thread(target=_exit_at_end, args=(requests,), daemon=True).start()
        answer(request)
        if measuring:
            return


def _exit_at_end(requests: Requests) -> None:
    """End the process, whatever it does, when the parent closes stdin."""
    while not requests.ended:
        requests.fill()
    os._exit(0)


@dataclass
class ForkServer:
    """Reads requests, forks, waits. At most one child at a time."""

    requests: Requests
    answer: Answer
    report_crash: ReportCrash

    def __post_init__(self) -> None:
        """Be woken by the ends of children, and leave the collector nothing to do in them."""
        self._wakeup = _wake_on_child_end()
        # What is here by now is no garbage, and a child that collects need not look at it: that took 0.2 s a case, and
        # made the child copy every page with a Python object on it.
        gc.collect()
        gc.freeze()

    def serve(self) -> None:
        """Until the parent closes stdin."""
        while (request := self.requests.next()) is not None:
            self._serve(request)

    def _serve(self, request: Request) -> None:
        """One request in a child; a child that ends badly is reported."""
        oom_kills, server = _oom_kills(), os.getpid()
        child = os.fork()
        if child == 0:
            self._become_child(request, server)
        with contextlib.suppress(OSError):  # the child does the same: either may be first
            os.setpgid(child, child)
        status = self._wait(child)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # what the child may have left behind
        if status != 0 and not self.requests.ended:
            out_of_memory = status == -signal.SIGKILL and _oom_kills() > oom_kills
            kind: FailureKind = "out_of_memory" if out_of_memory else "crashed"
            self.report_crash(request, kind, _crash_sentence(status, out_of_memory=out_of_memory))

    def _become_child(self, request: Request, server: int) -> None:
        """In the child: answer and leave without running the server's clean-up. Never returns."""
        code = 1
        try:
            _detach(server)
            self.answer(request)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _wait(self, child: int) -> int:
        """Block until the child ends; kill it when the parent closes stdin. Returns its exit code, -N for a signal."""
        while True:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
            for descriptor in self.requests.wait([self._wakeup]):
                if descriptor == self._wakeup:
                    os.read(self._wakeup, 64)
                else:
                    self.requests.fill()
            if self.requests.ended:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return -signal.SIGKILL


def _wake_on_child_end() -> int:
    """A descriptor that becomes readable when a child ends, so that waiting needs no polling."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return reading


def _detach(server: int) -> None:
    """A child's own process group, no stdin, default signals, and death with its parent."""
    os.setpgid(0, 0)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    die_with(server)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    with contextlib.suppress(OSError):  # should memory run out, let the kernel take this process, not the app
        Path("/proc/self/oom_score_adj").write_text(MAX_OOM_SCORE)


def _oom_kills() -> int:
    """How often the kernel has killed a process for want of memory since boot; 0 where not known."""
    lines = read_text(Path("/proc/vmstat")).splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def _crash_sentence(status: int, *, out_of_memory: bool) -> str:
    """Why a child ended without an answer: its exit code, -N for a signal."""
    if out_of_memory:
        return "The system ran out of memory and killed the measuring process; try a smaller batch."
    if status < 0:
        names = {number.value: f" ({number.name})" for number in signal.Signals}
        return f"The measuring process was ended by signal {-status}{names.get(-status, '')}."
    return f"The measuring process ended with exit code {status}."
