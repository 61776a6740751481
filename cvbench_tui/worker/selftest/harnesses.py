"""Other harnesses: torch's Timer, Triton's do_bench, timm's models; all methods by name.

Where each releases outputs and clears gradients matters: ``timer`` clears outside the clock and releases an output
inside the next call; ``blocked``, ``adaptive`` and ``do_bench`` take the whole iteration as their users write it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from cvbench_tui.worker.selftest.loops import Samples, TimedModule, bare, empty, timm

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


def _timers(work: TimedModule, request: dict[str, Any], *, clear_outside: bool) -> dict[str, benchmark.Timer]:
    """A Timer for each phase asked for, with as many threads as the other side has; training comes first."""
    # Here and not above: its import asks whether there is a card, and a process that has asked must not be forked.
    from torch.utils import benchmark

    timers = {}
    names: dict[str, Any] = {"subject": work.subject}
    threads = int(request["threads"])
    if work.wanted(request, ("total",)):
        clearing = "subject.clear()"
        call = "subject.backward(subject.forward())"
        timers["total"] = (
            benchmark.Timer(call, setup=clearing, globals=names, num_threads=threads)
            if clear_outside
            else benchmark.Timer(f"{clearing}; {call}", globals=names, num_threads=threads)
        )
    if work.wanted(request, ("inference",)):
        timers["inference"] = benchmark.Timer("subject.forward()", globals=names, num_threads=threads)
    return timers


def _timed(work: TimedModule, timers: dict[str, benchmark.Timer], take: Callable[[str, Any], list[float]]) -> Samples:
    """Each timer's samples, in the mode its phase needs."""
    samples = {}
    for phase, timer in timers.items():
        if phase == "inference":
            work.subject.evaluate()
            with torch.inference_mode():
                samples[phase] = take(phase, timer)
        else:
            samples[phase] = take(phase, timer)
    return samples


def timer(work: TimedModule, seconds: float, request: dict[str, Any]) -> Samples:
    """``timeit(n)`` 20 times and more; total one iteration at a time, so that clearing stays outside the clock."""

    def take(phase: str, one: Any) -> list[float]:
        start = time.perf_counter()
        first = one.timeit(1).mean
        number = 1 if phase == "total" else max(1, int(seconds / TIMER_REPEATS / max(first, 1e-7)))
        means = [one.timeit(number).mean for _ in range(TIMER_REPEATS)]
        while time.perf_counter() - start < seconds:
            means.append(one.timeit(number).mean)
        return means

    return _timed(work, _timers(work, request, clear_outside=True), take)


def autorange(work: TimedModule, seconds: float, request: dict[str, Any]) -> Samples:
    """``blocked_autorange`` for at least ``seconds``, or ``adaptive_autorange``, which goes on until the quartiles are
    within 10% of the median, at most 10 s; with ``defaults`` for at least their own 0.2 s and 0.01 s."""
    timers = _timers(work, request, clear_outside=False)
    limits = {} if request.get("defaults") else {"min_run_time": seconds}
    name = f"{request['method']}_autorange"
    return _timed(work, timers, lambda _, one: list(getattr(one, name)(**limits).times))


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


def timm_package(work: TimedModule, seconds: float, request: dict[str, Any]) -> Samples:
    """The same loop around timm's own model of that name. Raises ImportError where timm is not installed."""
    import timm as package

    work.subject.clear()
    work.subject.module = package.create_model(request["case"]["workload"]["op"], pretrained=False).to(work.device)
    return timm(work, seconds, {**request, "phases": ["inference"]})


METHODS: dict[str, Callable[[TimedModule, float, dict[str, Any]], Samples]] = {
    "bare": bare,
    "empty": empty,
    "timer": timer,
    "blocked": autorange,
    "adaptive": autorange,
    "timm": timm,
    "timm_package": timm_package,
    "do_bench": do_bench,
}
"""By the request's ``method``."""
