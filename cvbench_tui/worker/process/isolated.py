"""One call in a process of its own, for what may hang or crash: a driver."""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TypeVar

from cvbench_tui.core.environment import WAITING
from cvbench_tui.worker.process.parent import die_with

QUIET_S = 5.0  # time without an answer after which it is said that one is waited for
END_S = 2.0  # time for a killed process to end; one that waits inside the kernel is left to the system
STDERR_BYTES = 65536  # of the end of its stderr, which go to ours
MAX_LINE = 200  # characters of its last line on stderr that are quoted

Value = TypeVar("Value")


def isolated(compute: Callable[[], Value], limit_s: float) -> tuple[Value | None, str]:
    """What ``compute`` returns, and an empty text; or None and what happened, to be read after a subject: ``crashed
    with SIGSEGV``, ``did not answer within 30 s``. The value must be one that can be pickled.

    The process is forked, which takes some 20 ms, and is never left behind. Where fork is unsafe the call is made here.
    """
    if sys.platform != "linux":
        return _attempt(compute)
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    # Not a pipe: nobody would drain it. Not os.memfd_create: a Python built with a glibc before 2.27 lacks it.
    with tempfile.TemporaryFile() as stderr:
        process = context.Process(target=_answer, args=(compute, sender, stderr.fileno(), os.getpid()), daemon=True)
        try:
            process.start()
        except OSError as error:  # as under a limit on processes
            receiver.close()
            return None, f"could not be asked, as no process can be started: {error.strerror}"
        finally:
            sender.close()
        try:
            if _answered(receiver, limit_s):
                value, problem = receiver.recv()
            else:
                value, problem = None, f"did not answer within {limit_s:.0f} s"
        except EOFError:  # it ended first
            process.join(END_S)
            value, problem = None, _ended(process.exitcode)
        process.kill()
        process.join(END_S)
        receiver.close()
        line = _last_line(stderr.fileno())
    return value, f"{problem}: {line}" if problem and line else problem


def _attempt(compute: Callable[[], Value]) -> tuple[Value | None, str]:
    try:
        return compute(), ""
    except Exception as error:
        first = (str(error).strip().splitlines() or ["no message"])[0]
        return None, f"failed: {type(error).__name__}: {first}"


def _answer(compute: Callable[[], Value], sender: Connection, stderr: int, parent: int) -> None:
    """In the process of its own."""
    die_with(parent)
    faulthandler.disable()  # the last line is to be the driver's
    os.dup2(stderr, 2)
    sender.send(_attempt(compute))


def _answered(receiver: Connection, limit_s: float) -> bool:
    """True when there is an answer, or the process has ended."""
    if receiver.poll(min(QUIET_S, limit_s)):
        return True
    print(f"{WAITING}, for at most {limit_s:.0f} s", file=sys.stderr, flush=True)  # noqa: T201
    return receiver.poll(max(0.0, limit_s - QUIET_S))


def _ended(code: int | None) -> str:
    """How a process without an answer ended: its exit code, -N for a signal."""
    if code is not None and code < 0:
        names = {number.value: number.name for number in signal.Signals}
        return f"crashed with {names.get(-code, f'signal {-code}')}"
    return f"ended the process with exit code {code}"


def _last_line(stderr: int) -> str:
    """The last line that is not empty; all of it goes to our own stderr."""
    talk = os.pread(stderr, STDERR_BYTES, max(0, os.fstat(stderr).st_size - STDERR_BYTES))
    os.write(2, talk)
    lines = [" ".join(line.split()) for line in talk.decode(errors="replace").splitlines()]
    last = next((line for line in reversed(lines) if line), "")[:MAX_LINE].rstrip(".")
    return "".join(letter if letter.isprintable() else "?" for letter in last)
