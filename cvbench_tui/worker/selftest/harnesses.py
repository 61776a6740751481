"""Other harnesses: torch's Timer and Triton's do_bench; all methods by name.

Where each releases outputs and clears gradients matters: ``timer`` clears outside the clock and releases an output
inside the next call; ``do_bench`` takes the whole iteration as its users write it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from cvbench_tui.worker.selftest.loops import Samples, TimedModule, bare, empty

if TYPE_CHECKING:
    from torch.utils import benchmark

TIMER_REPEATS = 20
"""``timeit`` gives one number a call; so many of them make a median."""
DO_BENCH_MS = 1000.0
"""Milliseconds in a second, the unit of Triton's arguments and results."""


def run(request: dict[str, Any]) -> Samples:
    """The samples of the request's method. Raises ValueError for an unknown one, and whatever the workload raises."""
    method = METHODS.get(request["method"])
    if method is None:
        raise ValueError(f"no reference method {request['method']!r}")
    torch.set_num_threads(int(request["threads"]))
    return method(TimedModule(request["case"]), float(request["seconds"]), request)


def timer(work: TimedModule, seconds: float, request: dict[str, Any]) -> Samples:
    """``timeit(n)`` 20 times and more; total one iteration at a time, so that clearing stays outside the clock."""

    def take(one: benchmark.Timer, phase: str) -> list[float]:
        start = time.perf_counter()
        first = one.timeit(1).mean
        number = 1 if phase == "total" else max(1, int(seconds / TIMER_REPEATS / max(first, 1e-7)))
        means = [one.timeit(number).mean for _ in range(TIMER_REPEATS)]
        while time.perf_counter() - start < seconds:
            means.append(one.timeit(number).mean)
        return means

    return timed(work, request, take, {"stmt": "subject.backward(subject.forward())", "setup": "subject.clear()"})


def timed(
    work: TimedModule,
    request: dict[str, Any],
    take: Callable[[benchmark.Timer, str], list[float]],
    training: dict[str, Any],
) -> Samples:
    """What ``take`` gets from torch's Timers of the phases asked for, with as many threads as the other side has.

    ``training``: the statements of total, which comes first.
    """
    # Here and not above: its import asks whether there is a card, and a process that has asked must not be forked.
    from torch.utils import benchmark

    options: dict[str, Any] = {"globals": {"subject": work.subject}, "num_threads": int(request["threads"])}
    samples: Samples = {}
    if work.wanted(request, ("total",)):
        samples["total"] = take(benchmark.Timer(**training, **options), "total")
    if work.wanted(request, ("inference",)):
        work.subject.evaluate()
        with torch.inference_mode():
            samples["inference"] = take(benchmark.Timer("subject.forward()", **options), "inference")
    return samples


def do_bench(work: TimedModule, seconds: float, request: dict[str, Any]) -> Samples:
    """Triton's ``do_bench`` for ``seconds``; with ``defaults`` as it comes, else a quarter as long a warm-up.

    With ``flush`` false it does not empty the cache before each call. Raises RuntimeError on anything but CUDA.
    """
    if work.device.type != "cuda":
        raise RuntimeError("do_bench needs a CUDA device")
    from triton import runtime, testing

    if not request.get("flush", True):
        runtime.driver.active.clear_cache = lambda _cache: None
    limits: dict[str, Any] = {}
    if not request.get("defaults"):
        limits = {"warmup": seconds / 4 * DO_BENCH_MS, "rep": seconds * DO_BENCH_MS}
    samples: Samples = {}
    if work.wanted(request, ("total",)):
        leaves = [*work.subject.parameters, work.subject.inputs]
        times = testing.do_bench(work.train_once, grad_to_none=leaves, return_mode="all", **limits)
        samples["total"] = [value / DO_BENCH_MS for value in times]
    if work.wanted(request, ("inference",)):
        work.subject.evaluate()
        with torch.inference_mode():
            times = testing.do_bench(work.subject.forward, return_mode="all", **limits)
        samples["inference"] = [value / DO_BENCH_MS for value in times]
    return samples


METHODS: dict[str, Callable[[TimedModule, float, dict[str, Any]], Samples]] = {
    "bare": bare,
    "empty": empty,
    "timer": timer,
    "do_bench": do_bench,
}
"""By the request's ``method``."""
MEANS: set[str] = set()
"""Methods whose number is the mean of their samples; that of all others is the median."""
