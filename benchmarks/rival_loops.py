"""The selftest's reference program with more harnesses, for ``rivals.py``: torch's autorange, and the loop of timm's
``benchmark.py``, which its package does not contain.

They take the whole iteration as their users write it, timm's with gradients cleared and outputs released outside the
clock. Started by ``common.opened``; it speaks as ``python -m cvbench_tui.worker.selftest`` does.
"""

from __future__ import annotations

import sys
from contextlib import redirect_stdout, suppress
from statistics import fmean, median
from typing import Any

from cvbench_tui.worker.selftest import __main__ as program
from cvbench_tui.worker.selftest import harnesses
from cvbench_tui.worker.selftest.harnesses import Samples, TimedModule, host_clock, iterations

TIMM_WARMUP, TIMM_STEPS = 10, 40
"""timm's benchmark script by default."""


def blocked(work: TimedModule, seconds: float, request: dict[str, Any]) -> Samples:
    """``blocked_autorange`` for at least ``seconds``; with ``defaults`` for at least its own 0.2 s."""
    limits: dict[str, Any] = {} if request.get("defaults") else {"min_run_time": seconds}
    whole = {"stmt": "subject.clear(); subject.backward(subject.forward())"}
    return harnesses.timed(work, request, lambda timer, _: list(timer.blocked_autorange(**limits).times), whole)


def timm(work: TimedModule, seconds: float, request: dict[str, Any]) -> Samples:
    """10 steps of warm-up, then 40 that count, each by the host's clock with a synchronise at its end.

    Without ``defaults``, 40 more at a time until ``seconds`` are over.
    """
    min_s = 0.0 if request.get("defaults") else seconds
    modes = work.modes(request)
    return {"total" if mode else "inference": _steps(work, min_s, training=mode) for mode in modes}


def _steps(work: TimedModule, min_s: float, *, training: bool) -> list[float]:
    """Seconds of the steps that count."""
    clock = host_clock(work)
    iterations(work, clock, TIMM_WARMUP, training=training)
    steps_s: list[float] = []
    while not steps_s or sum(steps_s) < min_s:
        steps_s += [row[-1] for row in iterations(work, clock, TIMM_STEPS, training=training)]
    return steps_s


def timm_package(work: TimedModule, seconds: float, request: dict[str, Any]) -> Samples:
    """The same loop around timm's own model of that name. Raises ImportError where timm is not installed."""
    import timm as package

    work.subject.clear()
    model = package.create_model(request["case"]["workload"]["op"], pretrained=False).to(work.device)
    work.subject.module, work.subject.parameters = model, list(model.parameters())
    work.subject.train()
    work.subject.prepare_gradients(work.subject.forward())
    return timm(work, seconds, request)


if __name__ == "__main__":
    # Before the first fork, so that no seconds of a run are for importing; what it prints is no answer.
    with suppress(ImportError), redirect_stdout(sys.stderr):
        import timm as _  # noqa: F401
    harnesses.METHODS.update(
        blocked=(blocked, median),
        timm=(timm, fmean),
        timm_package=(timm_package, fmean),
    )
    sys.exit(program.main())
