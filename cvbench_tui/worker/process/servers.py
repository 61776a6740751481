"""How requests are answered: in forked children (Linux), or in this very process (elsewhere).

A fork takes tens of milliseconds, importing torch seconds. The forking process never touches a device, not even to
ask whether there is one: a child could then not use it. A child's crash costs its case, nothing else.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Optional

from cvbench_tui.base.system_files import oom_kills
from cvbench_tui.core.measurement import FailureKind
from cvbench_tui.worker.process.channel import Requests
from cvbench_tui.worker.process.parent import die_with, go_on_after

MAX_OOM_SCORE = "1000"
ANSWERED = 88  # exit code of a child that has answered; with 0 a user's code may end it before

Request = dict[str, Any]
Answer = Callable[[Request], Optional[bool]]  # computes one answer and writes it; False: this process is spoilt
ReportCrash = Callable[[Request, FailureKind, str], None]
"""Writes that a child ended without an answer: the request, ``out_of_memory`` or ``crashed``, one sentence."""


def server(answer: Answer, report_crash: ReportCrash, *, one_case: bool) -> Callable[[], None]:
    """What answers requests until the parent closes stdin: forked processes, or this very one."""
    requests = Requests()
    return partial(serve_here, requests, answer) if one_case else ForkServer(requests, answer, report_crash).serve


def serve_here(requests: Requests, answer: Answer) -> None:
    """Where fork is unsafe: answer every request in this process; the parent starts another where it wants a fresh one.
    A thread reads stdin, so that no orphan is left, whatever is being computed, when the parent closes it or dies."""
    waiting: SimpleQueue[Request] = SimpleQueue()
    threading.Thread(target=_read_on, args=(requests, waiting), daemon=True).start()
    while True:
        answer(waiting.get())


def _read_on(requests: Requests, waiting: SimpleQueue[Request]) -> None:
    """Hand requests over; end the process at the end of stdin."""
    while (request := requests.next()) is not None:
        waiting.put(request)
    os._exit(0)


@dataclass
class KeptChild:
    """A child that measures several visits on one device, where starting a process is dear."""

    pid: int
    requests: int  # descriptor that it reads requests from
    answered: int  # descriptor that it writes a byte to after each answer

    def send(self, request: Request) -> None:
        """Hand it one more request; nothing happens when it has died."""
        with contextlib.suppress(BrokenPipeError):
            data = json.dumps(request).encode() + b"\n"
            while data:
                data = data[os.write(self.requests, data) :]

    def close(self) -> None:
        """Kill it and what it started, and wait for its end."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        os.close(self.requests)
        os.close(self.answered)


@dataclass
class ForkServer:
    """Reads requests, forks, waits. One child at a time computes; one for each device may be kept, idle."""

    requests: Requests
    answer: Answer
    report_crash: ReportCrash

    def __post_init__(self) -> None:
        """Be woken by the ends of children, and leave the collector nothing to do in them."""
        self._wakeup = _wake_on_child_end()
        self._kept: dict[str, KeptChild] = {}  # by device
        # What is here by now is no garbage, and a child that collects need not look at it: that took 0.2 s a case, and
        # made the child copy every page with a Python object on it.
        gc.collect()
        gc.freeze()

    def serve(self) -> None:
        """Until the parent closes stdin."""
        # Whatever computes is in a child, so this process reads the end of stdin at once if it runs. Were it killed
        # with its parent instead, what its child has started would stay.
        go_on_after(os.getppid())
        try:
            self._serve_all()
        finally:
            for kept in self._kept.values():
                kept.close()

    def _serve_all(self) -> None:
        while (request := self.requests.next()) is not None:
            device = request.get("case", {}).get("device", "")
            kept = self._kept.pop(device, None)  # a fresh process needs the memory that one holds
            if kept is not None and not request.get("keep"):
                kept.close()
            if not request.get("keep"):
                self._serve(request)
            elif (kept := self._serve_kept(request, kept)) is not None:
                self._kept[device] = kept

    def _serve(self, request: Request) -> None:
        """One request in a child; a child that ends badly is reported."""
        killed, server = oom_kills(), os.getpid()
        try:
            child = os.fork()
        except OSError as error:
            self._report_no_process(request, error)
            return
        if child == 0:
            self._become_child(partial(self.answer, request), server)
        with contextlib.suppress(OSError):  # the child does the same: either may be first
            os.setpgid(child, child)
        self._report_end(request, child, self._wait(child) or 0, killed)

    def _serve_kept(self, request: Request, kept: KeptChild | None) -> KeptChild | None:
        """One request in a child that goes on living; None when it has ended instead."""
        killed = oom_kills()
        if kept is not None and os.waitpid(kept.pid, os.WNOHANG)[0]:  # it died between two visits
            kept.close()
            kept = None
        try:
            kept = kept or self._fork_kept()
        except OSError as error:
            self._report_no_process(request, error)
            return None
        kept.send(request)
        status = self._wait(kept.pid, kept.answered)
        if status is None:
            return kept
        self._report_end(request, kept.pid, status, killed)
        kept.close()
        return None

    def _fork_kept(self) -> KeptChild:
        """A child that answers what it is sent, one request after the other."""
        (requests_in, requests_out), (answered_in, answered_out) = os.pipe(), os.pipe()
        server = os.getpid()
        child = os.fork()
        if child == 0:
            for descriptor in (requests_out, answered_in, *(each.requests for each in self._kept.values())):
                os.close(descriptor)
            self._become_child(partial(self._answer_all, Requests(requests_in), answered_out), server)
        with contextlib.suppress(OSError):
            os.setpgid(child, child)
        os.close(requests_in)
        os.close(answered_out)
        return KeptChild(child, requests_out, answered_in)

    def _answer_all(self, requests: Requests, answered: int) -> None:
        while (request := requests.next()) is not None:
            if self.answer(request) is False:
                return
            os.write(answered, b".")

    def _report_no_process(self, request: Request, error: OSError) -> None:
        """Report that none could be forked; a later case may be luckier."""
        sentence = f"No process can be started to measure in ({error.strerror}): look at the limits on processes "
        self.report_crash(request, "crashed", sentence + "(ulimit -u, a container's pids.max) and memory.")

    def _report_end(self, request: Request, child: int, status: int, killed: int) -> None:
        """Report a child that ended without an answer: its exit code, -N for a signal."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # what the child may have left behind
        if status != ANSWERED and not self.requests.ended:
            out_of_memory = status == -signal.SIGKILL and oom_kills() > killed
            kind: FailureKind = "out_of_memory" if out_of_memory else "crashed"
            self.report_crash(request, kind, _crash_sentence(status, out_of_memory=out_of_memory))

    def _become_child(self, answer: Callable[[], object], server: int) -> None:
        """In the child: answer and leave without running the server's clean-up. Never returns."""
        code = 1
        try:
            _detach(server)
            answer()
            code = ANSWERED
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _wait(self, child: int, answered: int | None = None) -> int | None:
        """Block until the child ends, or ``answered`` is readable; kill the child when the parent closes stdin. Returns
        its exit code, -N for a signal; None when it has answered and lives on."""
        while True:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
            for descriptor in self.requests.wait([self._wakeup, *([] if answered is None else [answered])]):
                if descriptor == self._wakeup:
                    os.read(self._wakeup, 64)
                elif descriptor == answered:
                    if os.read(answered, 1):
                        return None
                    answered = None  # it has closed its end, and is about to be reported
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


def _crash_sentence(status: int, *, out_of_memory: bool) -> str:
    """Why a child ended without an answer: its exit code, -N for a signal."""
    if out_of_memory:
        return "The system ran out of memory and killed the measuring process"  # what to try is added with the case
    if status < 0:
        names = {number.value: f" ({number.name})" for number in signal.Signals}
        return f"The measuring process was ended by signal {-status}{names.get(-status, '')}."
    return f"The measuring process ended with exit code {status}."
