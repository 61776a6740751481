"""What every harness times, and a bare loop.

It clears gradients and releases outputs outside the clock, as our stopwatch does: giving back 100 MB was seen to take
4 ms.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import fmean
from typing import Any

import torch

from cvbench_tui.core.protocol import Protocol
from cvbench_tui.worker.process.requests import case_from
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest

WARMUP_SHARE = 0.5
"""The bare loop warms up for this share of its measuring time; what is timed then is long past the first calls."""
MIN_SAMPLE_S = 1e-3
"""The bare loop averages shorter iterations over this long, as the stopwatch's samples do."""
MIN_SAMPLES = 5
EMPTY_REGIONS = 500

Samples = dict[str, list[float]]
"""Seconds per iteration, by phase."""
Once = Callable[["TimedModule", int], "list[tuple[float, ...]]"]
"""So many iterations, as rows of seconds for each phase."""


class TimedModule:
    """The module with its inputs, built by the same code as the stopwatch's, and the waits its device needs."""

    def __init__(self, plain_case: dict[str, Any]) -> None:
        case = case_from(plain_case)
        self.device = torch.device(case.device)
        if self.device.type == "cuda":
            torch.cuda.set_device(self.device)
        self.subject = ModuleUnderTest(case, Protocol("reference"))
        self.subject.train()
        self.subject.prepare_gradients(self.subject.forward())

    def wait(self) -> None:
        """Until the device has done all it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        elif self.device.type != "cpu":
            getattr(torch, self.device.type).synchronize()

    def train_once(self) -> None:
        """Clear, forward and backward, as one would write it."""
        self.subject.clear()
        self.subject.backward(self.subject.forward())

    def wanted(self, request: dict[str, Any], phases: tuple[str, ...]) -> bool:
        """True when the request asks for one of these phases; it asks for all when it names none."""
        asked = request.get("phases") or ("forward", "backward", "total", "inference")
        return any(phase in asked for phase in phases)


def bare(work: TimedModule, seconds: float, request: dict[str, Any]) -> Samples:
    """Three marks an iteration in training, two in inference, for ``seconds`` each after half as long a warm-up."""
    samples: Samples = {}
    on_cuda = work.device.type == "cuda"
    if work.wanted(request, ("forward", "backward", "total")):
        once = _train_events if on_cuda else train_host
        columns = _collect(work, once, seconds)
        samples.update(zip(("forward", "backward", "total"), columns))
    if work.wanted(request, ("inference",)):
        work.subject.evaluate()
        with torch.inference_mode():
            (samples["inference"],) = _collect(work, _infer_events if on_cuda else infer_host, seconds)
    return samples


def _collect(work: TimedModule, once: Once, seconds: float) -> list[list[float]]:
    """Columns of samples, each the mean of as many iterations as fill a millisecond."""
    clock = time.perf_counter
    end = clock() + WARMUP_SHARE * seconds
    last = once(work, 1)[-1][-1]
    while clock() < end:
        last = once(work, 1)[-1][-1]
    group = max(1, round(MIN_SAMPLE_S / max(last, 1e-7)))
    rows: list[list[float]] = []
    end = clock() + seconds
    while clock() < end or len(rows) < MIN_SAMPLES:
        rows.append([fmean(column) for column in zip(*once(work, group))])
    return [list(column) for column in zip(*rows)]


def train_host(work: TimedModule, count: int) -> list[tuple[float, ...]]:
    """Forward, backward and total of ``count`` iterations by the host's clock."""
    clock, subject, wait = time.perf_counter, work.subject, work.wait
    rows: list[tuple[float, ...]] = []
    for _ in range(count):
        subject.clear()
        wait()
        start = clock()
        output = subject.forward()
        wait()
        between = clock()
        subject.backward(output)
        wait()
        end = clock()
        del output
        rows.append((between - start, end - between, end - start))
    return rows


def infer_host(work: TimedModule, count: int) -> list[tuple[float, ...]]:
    """The same of inference."""
    clock, subject, wait = time.perf_counter, work.subject, work.wait
    rows: list[tuple[float, ...]] = []
    for _ in range(count):
        wait()
        start = clock()
        output = subject.forward()
        wait()
        end = clock()
        del output
        rows.append((end - start,))
    return rows


def _train_events(work: TimedModule, count: int) -> list[tuple[float, ...]]:
    """One iteration unrecorded, so that the device is busy when the first mark comes; then ``count`` without a wait."""
    work.train_once()
    marks = []
    for _ in range(max(count, MIN_SAMPLES)):
        work.subject.clear()
        row = [_event()]
        output = work.subject.forward()
        row.append(_event())
        work.subject.backward(output)
        row.append(_event())
        del output
        marks.append(row)
    work.wait()
    gaps = [(a.elapsed_time(b) / 1e3, b.elapsed_time(c) / 1e3) for a, b, c in marks]
    return [(forward, backward, forward + backward) for forward, backward in gaps]


def _infer_events(work: TimedModule, count: int) -> list[tuple[float, ...]]:
    work.subject.forward()
    marks = []
    for _ in range(max(count, MIN_SAMPLES)):
        start = _event()
        output = work.subject.forward()
        marks.append((start, _event()))
        del output
    work.wait()
    return [(start.elapsed_time(end) / 1e3,) for start, end in marks]


def empty(work: TimedModule, seconds: float, request: dict[str, Any]) -> Samples:
    """Seconds between two marks with nothing in between, as the bare loop makes them."""
    if work.device.type == "cuda":
        work.train_once()
        marks = [(_event(), _event()) for _ in range(EMPTY_REGIONS)]
        work.wait()
        return {"inference": [start.elapsed_time(end) / 1e3 for start, end in marks]}
    clock, wait = time.perf_counter, work.wait
    samples = []
    for _ in range(EMPTY_REGIONS):
        wait()
        start = clock()
        wait()
        samples.append(clock() - start)
    return {"inference": samples}


def _event() -> Any:
    event: Any = torch.cuda.Event(enable_timing=True)
    event.record()
    return event
