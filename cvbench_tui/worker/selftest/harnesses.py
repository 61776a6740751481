"""Other harnesses, all by name: a bare loop, the same behind a lead, torch's Timer, Triton's do_bench.

Where each releases outputs and clears gradients matters. The bare loop does both outside the clock, as our stopwatch
does: giving back 100 MB was seen to take 4 ms. ``timer`` clears outside the clock and releases an output inside the
next call; ``do_bench`` takes the whole iteration as its users write it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from statistics import fmean, median
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from cvbench_tui.core.measurement import PHASES
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.worker.process.channel import case_from
from cvbench_tui.worker.selftest.workloads import device_spin
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest

if TYPE_CHECKING:
    from torch.utils import benchmark

WARMUP_SHARE = 0.5  # of the measuring time the bare loop warms up; what is timed then is long past the first calls
MIN_SAMPLE_S = 1e-3  # the bare loop averages shorter iterations over this long, as the stopwatch's samples do
MIN_SAMPLES = 5
EMPTY_REGIONS = 500
TIMER_REPEATS = 20  # ``timeit`` gives one number a call; so many of them make a median
MAX_LEAD_S = 0.5  # longest spin ahead of a block
MAX_LATE_S = 60.0  # after which a loop whose iterations take minutes, or whose leads are all too short, is given up
DO_BENCH_MS = 1000.0  # milliseconds in a second, the unit of Triton's arguments and results

Samples = dict[str, list[float]]  # seconds per iteration, by phase


def run(request: dict[str, Any]) -> tuple[Samples, dict[str, float]]:
    """The samples of the request's method, and its number for each phase that has any. Raises ValueError for an unknown
    method, and whatever the workload raises."""
    if request["method"] not in METHODS:
        raise ValueError(f"no reference method {request['method']!r}")
    method, middle = METHODS[request["method"]]
    torch.set_num_threads(int(request["threads"]))
    samples = method(TimedModule(request["case"]), float(request["seconds"]), request)
    return samples, {phase: middle(taken) for phase, taken in samples.items() if taken}


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

    def modes(self, request: dict[str, Any]) -> Iterator[bool]:
        """True for training, then False for inference, the module being in that mode meanwhile: as far as the request
        names a phase of it, or none at all."""
        asked = set(request.get("phases") or PHASES)
        if asked - {"inference"}:
            yield True
        if "inference" in asked:
            self.subject.evaluate()
            with torch.inference_mode():
                yield False


class MarkedClock(NamedTuple):
    """How marks are made, and the seconds between two of them."""

    mark: Callable[[], Any]
    seconds: Callable[[Any, Any], float]
    queues: bool  # True for marks that are queued like work, and read after a wait


def host_clock(work: TimedModule) -> MarkedClock:
    """The host's clock, each mark after a wait for the device."""

    def mark() -> float:
        work.wait()
        return time.perf_counter()

    return MarkedClock(mark, lambda start, end: float(end - start), queues=False)


def clock_of(work: TimedModule) -> MarkedClock:
    """The better clock of the device: CUDA's events, else the host's."""

    def mark() -> Any:
        event: Any = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    if work.device.type != "cuda":
        return host_clock(work)
    return MarkedClock(mark, lambda start, end: float(start.elapsed_time(end)) / 1e3, queues=True)


@dataclass
class Lead:
    """What keeps a device busy while a block is queued, so that between the marks is nothing but its own time."""

    spin: Callable[[float], None]
    seconds: float = 0.01

    def longer(self) -> None:
        """After a block that was not queued in time."""
        self.seconds = min(MAX_LEAD_S, 2 * self.seconds)


def iterations(
    work: TimedModule, clock: MarkedClock, count: int, *, training: bool, lead: Lead | None = None
) -> list[tuple[float, ...]]:
    """Seconds of ``count`` iterations: forward, backward and total; or of inference. On a queue of a few at least.
    Behind a lead of none when it had ended before all was queued."""
    subject = work.subject
    if lead is not None:
        lead.spin(lead.seconds)
        spun = clock.mark()
    elif clock.queues:  # one unrecorded, so that the device is busy when the first mark comes
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
    if clock.queues:  # as in a loop, an iteration lasts until the next one begins
        for marks, after in zip(rows, [*rows[1:], [clock.mark()]]):
            marks[-1] = after[0]
    late = lead is not None and spun.query()
    work.wait()
    if lead is not None and late:
        lead.longer()
        return []
    gaps = [tuple(clock.seconds(start, end) for start, end in zip(marks, marks[1:])) for marks in rows]
    return [(*parts, sum(parts)) for parts in gaps] if training else gaps


def bare(work: TimedModule, seconds: float, request: dict[str, Any], lead: Lead | None = None) -> Samples:
    """Three marks an iteration in training, two in inference, for ``seconds`` each after half as long a warm-up. Each
    sample is the mean of as many iterations as fill a millisecond."""
    now, clock, samples = time.perf_counter, clock_of(work), {}
    for training in work.modes(request):
        once = partial(iterations, work, clock, training=training, lead=lead)
        end, last = now() + WARMUP_SHARE * seconds, MIN_SAMPLE_S
        while True:
            last = next((row[-1] for row in reversed(once(1))), last)
            if now() >= end:
                break
        group = max(1, round(MIN_SAMPLE_S / max(last, 1e-7)))
        rows: list[list[float]] = []
        end = now() + seconds
        while now() < end or (len(rows) < MIN_SAMPLES and now() < end + MAX_LATE_S):
            if taken := once(group):
                rows.append([fmean(column) for column in zip(*taken)])
        phases = ("forward", "backward", "total") if training else ("inference",)
        samples.update({phase: list(column) for phase, column in zip(phases, zip(*rows))})
    return samples


def led(work: TimedModule, seconds: float, request: dict[str, Any]) -> Samples:
    """As ``bare``, of the device's own time: each block is queued while the device spins. Without a number for what
    cannot be queued ahead. Raises RuntimeError on anything but CUDA."""
    if work.device.type != "cuda":
        raise RuntimeError("a lead needs a CUDA device")
    return bare(work, seconds, request, Lead(device_spin(work.device)))


def empty(work: TimedModule, seconds: float, request: dict[str, Any]) -> Samples:
    """Seconds between two marks with nothing in between, as the bare loop makes them."""
    clock = clock_of(work)
    if clock.queues:
        work.train_once()
    marks = [(clock.mark(), clock.mark()) for _ in range(EMPTY_REGIONS)]
    work.wait()
    return {"inference": [clock.seconds(*pair) for pair in marks]}


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
    ``training``: the statements of total, which comes first."""
    # Here and not above: its import initialises CUDA, and such a process must not be forked.
    from torch.utils import benchmark

    options: dict[str, Any] = {"globals": {"subject": work.subject}, "num_threads": int(request["threads"])}
    samples: Samples = {}
    for is_training in work.modes(request):
        phase, statements = ("total", training) if is_training else ("inference", {"stmt": "subject.forward()"})
        samples[phase] = take(benchmark.Timer(**statements, **options), phase)
    return samples


def do_bench(work: TimedModule, seconds: float, request: dict[str, Any]) -> Samples:
    """Triton's ``do_bench`` for ``seconds``; with ``defaults`` as it comes, else a quarter as long a warm-up. With
    ``flush`` false it does not empty the cache before each call. Raises RuntimeError on anything but CUDA."""
    if work.device.type != "cuda":
        raise RuntimeError("do_bench needs a CUDA device")
    from triton import runtime, testing

    if not request.get("flush", True):
        runtime.driver.active.clear_cache = lambda _cache: None
    limits: dict[str, Any] = {}
    if not request.get("defaults"):
        limits = {"warmup": seconds / 4 * DO_BENCH_MS, "rep": seconds * DO_BENCH_MS}
    samples: Samples = {}
    for training in work.modes(request):
        leaves = [*work.subject.parameters, *work.subject.inputs.tensors] if training else None
        call = work.train_once if training else work.subject.forward
        times = testing.do_bench(call, grad_to_none=leaves, return_mode="all", **limits)
        samples["total" if training else "inference"] = [value / DO_BENCH_MS for value in times]
    return samples


Method = Callable[[TimedModule, float, dict[str, Any]], Samples]
METHODS: dict[str, tuple[Method, Callable[[list[float]], float]]] = {
    method.__name__: (method, median) for method in (bare, led, empty, timer, do_bench)
}
"""By the request's ``method``, each with what makes its number of its samples: the median or the mean."""
