"""What every harness times, and a bare loop.

It clears gradients and releases outputs outside the clock, as our stopwatch does: giving back 100 MB was seen to take
4 ms.
"""

from __future__ import annotations

import time
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


class HostClock:
    """Marks by the host's clock, each after a wait for the device."""

    queues = False

    def __init__(self, work: TimedModule) -> None:
        self._wait = work.wait

    def mark(self) -> Any:
        """Now."""
        self._wait()
        return time.perf_counter()

    def seconds(self, start: Any, end: Any) -> float:
        """Between two marks."""
        return float(end - start)


class EventClock:
    """Marks by CUDA's events, which are queued: to be read after a wait."""

    queues = True

    def mark(self) -> Any:
        """When the device gets here."""
        event: Any = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def seconds(self, start: Any, end: Any) -> float:
        """Between two marks."""
        return float(start.elapsed_time(end)) / 1e3


def clock_of(work: TimedModule) -> HostClock | EventClock:
    """The better clock of the device."""
    return EventClock() if work.device.type == "cuda" else HostClock(work)


def iterations(
    work: TimedModule, clock: HostClock | EventClock, count: int, *, training: bool
) -> list[tuple[float, ...]]:
    """Seconds of ``count`` iterations, on a queue of a few at least: forward, backward and total; or of inference."""
    subject = work.subject
    if clock.queues:  # one unrecorded, so that the device is busy when the first mark comes
        work.train_once() if training else subject.forward()
        count = max(count, MIN_SAMPLES)
    rows = []
    for _ in range(count):
        if training:
            subject.clear()
        marks = [clock.mark()]
        output = subject.forward()
        marks.append(clock.mark())
        if training:
            subject.backward(output)
            marks.append(clock.mark())
        del output
        rows.append(marks)
    work.wait()
    gaps = [tuple(clock.seconds(start, end) for start, end in zip(marks, marks[1:])) for marks in rows]
    return [(*parts, sum(parts)) for parts in gaps] if training else gaps


def bare(work: TimedModule, seconds: float, request: dict[str, Any]) -> Samples:
    """Three marks an iteration in training, two in inference, for ``seconds`` each after half as long a warm-up."""
    samples: Samples = {}
    if work.wanted(request, ("forward", "backward", "total")):
        samples.update(zip(("forward", "backward", "total"), _collect(work, seconds, training=True)))
    if work.wanted(request, ("inference",)):
        work.subject.evaluate()
        with torch.inference_mode():
            (samples["inference"],) = _collect(work, seconds, training=False)
    return samples


def _collect(work: TimedModule, seconds: float, *, training: bool) -> list[list[float]]:
    """Columns of samples, each the mean of as many iterations as fill a millisecond."""
    now, clock = time.perf_counter, clock_of(work)
    end = now() + WARMUP_SHARE * seconds
    last = iterations(work, clock, 1, training=training)[-1][-1]
    while now() < end:
        last = iterations(work, clock, 1, training=training)[-1][-1]
    group = max(1, round(MIN_SAMPLE_S / max(last, 1e-7)))
    rows: list[list[float]] = []
    end = now() + seconds
    while now() < end or len(rows) < MIN_SAMPLES:
        rows.append([fmean(column) for column in zip(*iterations(work, clock, group, training=training))])
    return [list(column) for column in zip(*rows)]


def empty(work: TimedModule, seconds: float, request: dict[str, Any]) -> Samples:
    """Seconds between two marks with nothing in between, as the bare loop makes them."""
    clock = clock_of(work)
    if clock.queues:
        work.train_once()
    marks = [(clock.mark(), clock.mark()) for _ in range(EMPTY_REGIONS)]
    work.wait()
    return {"inference": [clock.seconds(*pair) for pair in marks]}
