"""Workloads of ``cvbench-tui selftest``: known durations, and workloads that other harnesses have mistimed.

They are layers of this worker like any other, so that the whole path is tested: request, build, warm-up, rounds, grade.
None of them computes anything useful, and none is in the catalog.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

# Own references, taken when this module is imported: ``TimerTrap`` replaces those of the ``time`` module.
_clock_ns = time.perf_counter_ns
_monotonic, _epoch = time.monotonic, time.time

SLOWED = 0.1  # rate of the replaced timers: so slow that no noise hides it
CALIBRATION_CYCLES = 50_000_000  # some 30 ms at 1.5 GHz: long enough for the host's clock, short enough for three
HASHED_BYTES = 1 << 20  # at a time by ``AsyncTrap``'s thread: about a millisecond without Python's global lock
MAX_PENDING = 2
"""Pieces of unfinished work that ``AsyncTrap`` keeps at most: an endless queue would outlive the case by minutes."""


def spin(seconds: float) -> None:
    """Keep this thread busy until its own reference of the clock has advanced so far; right to about 0.1 us."""
    end = _clock_ns() + round(seconds * 1e9)
    while _clock_ns() < end:
        pass


def device_spin(device: torch.device, cuda: Any = torch.cuda) -> Callable[[float], None]:
    """A spin of known length on a CUDA device, by PyTorch's own spin kernel, which counts clock cycles. Cycles are
    turned into seconds here, by the host's clock around a synchronise, with the device's clock already up. ``cuda`` is
    ``torch.cuda``, or a stand-in with the same calls. The spin is queued on the current stream."""

    def cycles_per_s() -> float:
        cuda.synchronize(device)
        start = _clock_ns()
        cuda._sleep(CALIBRATION_CYCLES)
        cuda.synchronize(device)
        return CALIBRATION_CYCLES / ((_clock_ns() - start) * 1e-9)

    rate = [cycles_per_s() for _ in range(3)][-1]
    return lambda seconds: cuda._sleep(round(seconds * rate))


class _SpinFunction(torch.autograd.Function):
    """The identity, with a spin on the way forward and another on the way back."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, spinning: Callable[[float], None], seconds: float) -> Tensor:
        ctx.spinning, ctx.seconds = spinning, seconds
        spinning(seconds)
        return inputs.view_as(inputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        ctx.spinning(ctx.seconds)
        return gradients[0], None, None


class Spin(nn.Module):
    """A workload that lasts ``seconds`` in each direction, by a clock of its own."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self._spin: Callable[[float], None] | None = None

    def forward(self, inputs: Tensor) -> Tensor:
        """The input after ``seconds``. Inference is nothing but the spin: its time is known to a microsecond."""
        if self._spin is None:
            # on anything but CUDA the host spins, as nothing else can be programmed alike there
            self._spin = device_spin(inputs.device) if inputs.device.type == "cuda" else spin
        if torch.is_grad_enabled():
            return _SpinFunction.apply(inputs, self._spin, self.seconds)
        self._spin(self.seconds)
        return inputs


class AsyncTrap(nn.Module):
    """Returns before its work is done: a thread continues computing; on CUDA, a stream that is not synchronised. A
    harness that reads the clock when the call returns measures microseconds.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self._start: Callable[[], None] | None = None

    def forward(self, inputs: Tensor) -> Tensor:
        """The input at once."""
        if self._start is None:
            self._start = self._side_stream(inputs.device) if inputs.device.type == "cuda" else self._thread()
        self._start()
        return inputs.view_as(inputs)

    def _side_stream(self, device: torch.device) -> Callable[[], None]:
        """Each call queues a spin on a stream of its own."""
        spinning, stream = device_spin(device), torch.cuda.Stream(device)

        def start() -> None:
            with torch.cuda.stream(stream):
                spinning(self.seconds)

        return start

    def _thread(self) -> Callable[[], None]:
        """Each call gives a thread ``seconds`` of work, as long as it is not too far behind."""
        wanted = threading.Semaphore(0)
        pending = threading.BoundedSemaphore(MAX_PENDING)
        data = bytes(HASHED_BYTES)

        def work() -> None:
            while True:
                wanted.acquire()
                end = _clock_ns() + round(self.seconds * 1e9)
                while _clock_ns() < end:
                    hashlib.sha256(data)
                pending.release()

        threading.Thread(target=work, daemon=True).start()

        def start() -> None:
            if pending.acquire(blocking=False):
                wanted.release()

        return start


class TimerTrap(Spin):
    """Replaces every timer that a harness may look up at run time by a slower one, then spins ``seconds``."""

    def forward(self, inputs: Tensor) -> Tensor:
        """The input after ``seconds``, with the timers slowed for the rest of this process."""
        if self._spin is None:  # the first call
            slow_timers()
        return super().forward(inputs)


def slow_timers() -> None:
    """Let ``time`` and CUDA's events run at ``SLOWED`` of their rate from now on, in this process."""
    clocks = {"perf_counter": lambda: _clock_ns() * 1e-9, "perf_counter_ns": _clock_ns}
    for name, clock in {**clocks, "monotonic": _monotonic, "time": _epoch}.items():
        setattr(time, name, _slowed(clock))
    events: Any = torch.cuda.Event
    elapsed_time = events.elapsed_time
    events.elapsed_time = lambda *pair: SLOWED * elapsed_time(*pair)


def _slowed(clock: Callable[[], float]) -> Callable[[], float]:
    """Of the same type as the clock's: nanoseconds are whole."""
    start = clock()
    return lambda: type(start)(start + (clock() - start) * SLOWED)


SELFTEST_BUILDERS: dict[str, Callable[..., nn.Module]] = {
    "selftest_spin": Spin,
    "selftest_async": AsyncTrap,
    "selftest_timer": TimerTrap,
    "selftest_empty": nn.Identity,  # what is measured is the call
}
"""By the selftest's ``op``; arguments are the workload's params."""
