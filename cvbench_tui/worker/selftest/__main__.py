"""``python -m cvbench_tui.worker.selftest``: other harnesses, to compare the stopwatch with.

Reads one JSON object a line on stdin, answers one JSON line each on stdout:

    {"case": {...}, "method": "bare", "seconds": 0.5, "threads": 2, "phases": ["total", "inference"]}
    {"samples_s": {"total": [0.0123, ...], "inference": [...]}, "values_s": {"total": 0.0123, ...}, "seconds": 1.42}
    {"error": "one sentence"}

The first line is ``{"ready": true, "one_case": false}``. On Linux torch is imported once and a forked child answers
each request, as the worker does it; elsewhere this process does, and the parent ends it after each. Not one line of the
stopwatch, its backends or its statistics is used; only the module and its inputs are built by the same code, so that
both sides time the same work. The loops themselves are in ``harnesses``.
"""

from __future__ import annotations

import contextlib
import gc
import sys
import time
import traceback
from typing import Any

from cvbench_tui.worker.process.channel import claim_stdout
from cvbench_tui.worker.process.servers import server

NO_TORCH = 3  # exit code when torch or torchvision cannot be imported


def main() -> int:
    """Serve until stdin closes. Returns the exit code."""
    channel = claim_stdout()
    one_case = sys.platform != "linux"
    try:
        import torch  # noqa: F401

        from cvbench_tui.worker.selftest import harnesses  # noqa: F401
    except Exception as error:  # a broken install raises anything from ImportError to OSError
        print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
        return NO_TORCH

    with contextlib.suppress(BrokenPipeError):  # the parent is gone
        serve = server(
            lambda request: channel.write(answer(request)),
            lambda _request, _kind, sentence: channel.write({"error": sentence}),
            one_case=one_case,
        )
        channel.write({"ready": True, "one_case": one_case})
        serve()
    return 0


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """The answer to one request; whatever goes wrong is a sentence in it."""
    from cvbench_tui.worker.selftest import harnesses

    started = time.perf_counter()
    gc.disable()  # as torch.utils.benchmark does for its own loops
    try:
        samples, values = harnesses.run(request)
    except Exception as error:  # the workload, or a library that is not there, may raise anything
        traceback.print_exc()
        return {"error": f"{type(error).__name__}: {error}"}
    return {"samples_s": samples, "values_s": values, "seconds": time.perf_counter() - started}


if __name__ == "__main__":
    sys.exit(main())
