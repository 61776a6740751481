"""``python -m cvbench_tui.worker.selftest``: timing loops of other makes, to compare the stopwatch with.

Reads one JSON object a line on stdin, answers one JSON line each on stdout:

    {"case": {...}, "method": "bare", "seconds": 0.5, "threads": 2, "phases": ["total", "inference"]}
    {"samples_s": {"total": [0.0123, ...], "inference": [...]}, "values_s": {"total": 0.0123, ...}, "seconds": 1.42}
    {"error": "one sentence"}

The first line is ``{"ready": true, "one_case": false}``. On Linux torch is imported once and a forked child answers
each request, as the worker does it; elsewhere the program ends after one answer. Not one line of the stopwatch, its
backends or its statistics is used; only the module and its inputs are built by the same code, so that both sides
time the same work. The loops themselves are in ``harnesses``.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import threading
import time
import traceback
from statistics import fmean, median
from typing import Any

PR_SET_PDEATHSIG = 1
NO_TORCH = 3
"""Exit code when torch or torchvision cannot be imported."""


def main() -> int:
    """Serve until stdin closes, or for one request where fork is unsafe. Returns the exit code."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints must not stand between the answers
    one_case = sys.platform != "linux"
    try:
        import torch  # noqa: F401

        from cvbench_tui.worker.selftest import harnesses  # noqa: F401
    except Exception as error:  # a broken install raises anything from ImportError to OSError
        print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
        return NO_TORCH
    out.write(json.dumps({"ready": True, "one_case": one_case}) + "\n")
    if one_case:
        _serve_one(out)
    else:
        _serve_forking(out)
    return 0


def _serve_forking(out: Any) -> None:
    """A child for each request; this process never touches a device."""
    _die_with(os.getppid())
    gc.collect()
    gc.freeze()
    for line in iter(sys.stdin.readline, ""):
        parent = os.getpid()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                _die_with(parent)
                _write(out, answer(json.loads(line)))
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        if status != 0:
            _write(out, {"error": f"The reference process ended with wait status {status}."})


def _serve_one(out: Any) -> None:
    """One request in this process; a thread ends it when the parent closes stdin or dies."""
    line = sys.stdin.readline()
    if line:
        threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
        _write(out, answer(json.loads(line)))


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """The answer to one request; whatever goes wrong is a sentence in it."""
    from cvbench_tui.worker.selftest import harnesses

    started = time.perf_counter()
    gc.disable()  # as torch.utils.benchmark does for its own loops
    try:
        samples = harnesses.run(request)
    except Exception as error:  # the workload, or a library that is not there, may raise anything
        traceback.print_exc()
        return {"error": f"{type(error).__name__}: {error}"}
    value = fmean if request["method"] in harnesses.MEANS else median
    values = {phase: value(taken) for phase, taken in samples.items() if taken}
    return {"samples_s": samples, "values_s": values, "seconds": time.perf_counter() - started}


def _write(out: Any, reply: dict[str, Any]) -> None:
    out.write(json.dumps(reply) + "\n")
    out.flush()


def _die_with(parent: int) -> None:
    """Linux: be ended when the parent ends, however it ends."""
    import ctypes

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the line above
        os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
