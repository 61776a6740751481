"""The original tables' method, for comparing like with like: host clock, a synchronise after each pass,
gradients accumulating, layer inputs without gradient, 101 iterations (51 on the CPU) of which one is left out.

Two of its flaws are not repeated: the iteration left out is the first, cold one (the scripts dropped the
second), and inference is inference (the scripts printed the training forward).
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from cvbench_tui.core.estimate import Estimate, estimate
from cvbench_tui.core.measurement import Clock, Phase, PhaseSamples
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.worker.backend import Backend
from cvbench_tui.worker.stopwatch import NANOSECONDS, PassResult, Tell
from cvbench_tui.worker.subject import Subject

_clock = time.perf_counter

SLOW_S = 5.0
"""An iteration this long is followed by a sign of life, outside the marks: ten of them may be minutes."""
ROUNDS = 10
"""The samples are filed as ten rounds, so that an interval can stand beside the published mean."""


def published_pass(subject: Subject, backend: Backend, protocol: Protocol, *, training: bool, tell: Tell) -> PassResult:
    """The training or the inference loop of the original scripts. Raises whatever the workload raises."""
    phases: tuple[Phase, ...] = ("forward", "backward", "total") if training else ("inference",)
    iterations = protocol.iterations_cpu if subject.device.type == "cpu" else protocol.iterations
    kept = iterations - 1
    one = _training_iteration if training else _inference_iteration
    subject.train() if training else subject.evaluate()
    tell("warming up", 0, ROUNDS, None)
    backend.reset_peak()
    cold = one(subject, backend.settle)
    rounds: list[list[tuple[float, ...]]] = [[] for _ in phases]
    for number in range(ROUNDS):
        count = kept * (number + 1) // ROUNDS - kept * number // ROUNDS
        samples = []
        for _ in range(count):
            samples.append(one(subject, backend.settle))
            if samples[-1][-1] > SLOW_S:
                tell("measuring", number, ROUNDS, None)
        for taken, values in zip(rounds, zip(*samples)):
            taken.append(tuple(round(value, NANOSECONDS) for value in values))
        tell("measuring", number + 1, ROUNDS, _so_far(rounds[-1]))
    clock: Clock = "perf_counter" if subject.device.type == "cpu" else "host_synchronize"
    filed = [PhaseSamples(phase, tuple(taken), 1, clock, "fixed") for phase, taken in zip(phases, rounds)]
    return PassResult(filed, cold[-1], backend.peak_bytes())


def _training_iteration(subject: Subject, settle: Callable[[], None]) -> tuple[float, ...]:
    """Seconds of forward, backward and their sum."""
    start = _clock()
    output = subject.forward()
    settle()
    between = _clock()
    restart = _clock()
    subject.backward(output)
    settle()
    end = _clock()
    return between - start, end - restart, (between - start) + (end - restart)


def _inference_iteration(subject: Subject, settle: Callable[[], None]) -> tuple[float, ...]:
    """Seconds of one call in eval mode."""
    with torch.inference_mode():
        start = _clock()
        subject.forward()
        settle()
        return (_clock() - start,)


def _so_far(rounds: list[tuple[float, ...]]) -> Estimate | None:
    """The estimate shown while it runs."""
    return estimate([rounds])
