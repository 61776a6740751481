"""Linux: torch is imported once, then every request runs in a forked child of its own.

A fork takes tens of milliseconds, the import seconds. This process never touches a device, not even to
ask whether there is one: a child could then not use it. A child's crash costs its case, nothing else.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cvbench_tui.core.event import CaseFailed
from cvbench_tui.core.measurement import Failure, Notice
from cvbench_tui.worker.process import job
from cvbench_tui.worker.process.channel import Channel, Requests

PR_SET_PDEATHSIG = 1
MAX_OOM_SCORE = "1000"


class ForkServer:
    """Reads requests, forks, waits. At most one child at a time."""

    def __init__(self, channel: Channel, requests: Requests, notices: Sequence[Notice] = ()) -> None:
        self._channel = channel
        self._requests = requests
        self._notices = notices
        self._wakeup = _wake_on_child_end()
        # What is here by now is no garbage, and a child that collects need not look at it: that took 0.2 s a case, and
        # made the child copy every page with a Python object on it.
        gc.collect()
        gc.freeze()

    def serve(self) -> None:
        """Until the parent closes stdin."""
        while True:
            request = self._requests.next()
            if request is None:
                return
            self._run(request)

    def _run(self, request: dict[str, Any]) -> None:
        """One request in a child; a child that ends badly becomes a failure of its case."""
        kills, zygote = _oom_kills(), os.getpid()
        child = os.fork()
        if child == 0:
            self._become_child(request, zygote)
        with contextlib.suppress(OSError):  # the child does the same: whoever is first
            os.setpgid(child, child)
        status = self._wait(child)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # what the child may have left behind
        if status != 0 and not self._requests.ended:
            killed_for_memory = status == -signal.SIGKILL and _oom_kills() > kills
            self._channel.send(_crash(request, status, out_of_memory=killed_for_memory))

    def _become_child(self, request: dict[str, Any], zygote: int) -> None:
        """In the child: run the request and leave without running the parent's clean-up. Never returns."""
        code = 1
        try:
            _detach(zygote)
            job.run(request, self._channel, self._notices)
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
            for descriptor in self._requests.wait([self._wakeup]):
                if descriptor == self._wakeup:
                    os.read(self._wakeup, 64)
                else:
                    self._requests.fill()
            if self._requests.ended:
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


def _detach(zygote: int) -> None:
    """A child's own process group, no stdin, default signals, and death with its parent."""
    os.setpgid(0, 0)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != zygote:  # it died before the line above
        os._exit(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    with contextlib.suppress(OSError):  # should memory run out, let the kernel take this process, not the app
        Path("/proc/self/oom_score_adj").write_text(MAX_OOM_SCORE)


def _oom_kills() -> int:
    """How often the kernel has killed a process for want of memory since boot; 0 when it does not tell."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def _crash(request: dict[str, Any], status: int, *, out_of_memory: bool) -> CaseFailed:
    """The failure of a case whose child ended without a word."""
    case_id = request.get("case_id", "")
    if out_of_memory:
        sentence = "The system ran out of memory and killed the measuring process; try a smaller batch."
        return CaseFailed(Failure(case_id, "out_of_memory", sentence), job.now_s())
    if status < 0:
        names = {number.value: f" ({number.name})" for number in signal.Signals}
        sentence = f"The measuring process was ended by signal {-status}{names.get(-status, '')}."
    else:
        sentence = f"The measuring process ended with exit code {status}."
    return CaseFailed(Failure(case_id, "crashed", sentence), job.now_s())
