"""The worker of ``soak.py``: ours, whose measuring process has the fault that its case is named after."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

LONG_LINE = 65 << 20  # bytes; the limit is 64 MiB
Write = Callable[[bytes], object]  # to the channel of events


def _stop_and_continue(_line: Write) -> None:
    """Stopped, and continued by a process of its own once it is."""
    wait = f"until grep -q '^State:.T' /proc/{os.getpid()}/status; do sleep 0.05; done; kill -CONT {os.getpid()}"
    subprocess.Popen(["sh", "-c", wait])
    os.kill(os.getpid(), signal.SIGSTOP)


def _leave_a_child(_line: Write) -> None:
    subprocess.Popen(["sleep", "3600"])


def _fail(error: Exception) -> None:
    raise error


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    time.sleep(60)


def _say(line: Write, *pieces: bytes) -> None:
    for piece in pieces:
        line(piece)
    time.sleep(60)


FAULTS: dict[str, tuple[Callable[[Write], object], str]] = {
    "child killed": (lambda line: _kill(os.getpid()), "crashed"),
    "raised": (lambda line: _fail(RuntimeError("of the soak")), "error"),
    "worker killed": (lambda line: _kill(os.getppid()), "crashed"),
    "exited": (lambda line: os._exit(7), "crashed"),
    "bad line": (lambda line: _say(line, b"nonsense \x1b[31m\xff\n"), "crashed"),
    "out of memory": (lambda line: bytearray(1 << 60), "out_of_memory"),
    "stopped and continued": (_stop_and_continue, ""),
    "hung": (lambda line: time.sleep(3600), "timed_out"),
    "child left behind": (_leave_a_child, ""),
    "long line": (lambda line: _say(line, *[b"x" * (1 << 20)] * (LONG_LINE >> 20)), "crashed"),
    "nested line": (lambda line: _say(line, b"[" * 100_000 + b"\n"), "crashed"),
    "aborted": (lambda line: os.abort(), "crashed"),
}
"""What happens in the measuring process, given what writes to the channel; the failure that it is to be, or none."""


FAILURE = {name: failure for name, (_, failure) in FAULTS.items()}


def main() -> int:
    """Ours, with faults."""
    from cvbench_tui.worker import __main__ as program
    from cvbench_tui.worker.process import servers

    server = servers.server

    def answer(real: partial[bool], request: dict[str, Any]) -> bool:
        if request["kind"] == "measure":
            _, _, fault = request["case"]["workload"]["name"].partition(": ")
            descriptor = real.keywords["channel"].descriptor
            if fault in FAULTS:
                send = real.keywords["channel"].write
                send({"kind": "case_started", "case_id": request["case_id"], "pid": os.getpid()})
                try:
                    FAULTS[fault][0](lambda data: os.write(descriptor, data))
                except Exception as error:
                    from cvbench_tui.core.event import CaseFailed
                    from cvbench_tui.worker.process.channel import case_from
                    from cvbench_tui.worker.process.failure import failure_from

                    real.keywords["channel"].send(CaseFailed(failure_from(case_from(request["case"]), error), 0.0))
                    return False
        return real(request)

    def faulty(real: Any, crash: Any, *, one_case: bool) -> Any:
        return server(partial(answer, real), crash, one_case=one_case)

    vars(program)["server"] = faulty
    return program.main()


if __name__ == "__main__":
    sys.exit(main())
