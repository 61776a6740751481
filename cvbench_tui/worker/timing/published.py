"""The original tables' method, for comparing like with like: host clock, a synchronise after each pass,
gradients accumulating, layer inputs without gradient, 101 iterations (51 on the CPU) of which one is left out.

Two of its flaws are not repeated: the iteration left out is the first, cold one (the scripts dropped the
second), and inference is inference (the scripts printed the training forward).
"""

from __future__ import annotations

import torch

from cvbench_tui.core.evidence import Evidence, PassName, PassRecord
from cvbench_tui.core.measurement import Clock, Phase, PhaseSamples
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.stats.estimate import estimate
from cvbench_tui.worker.devices.backend import Backend
from cvbench_tui.worker.timing.counters import evidence
from cvbench_tui.worker.timing.deferred_work import deferred_share
from cvbench_tui.worker.timing.sampler import samples
from cvbench_tui.worker.timing.stopwatch import PassResult, ProgressCallback, ProgressUpdate
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest

SLOW_S = 5.0
"""An iteration this long is followed by a sign of life, outside the marks: ten of them may be minutes."""
ROUNDS = 10
"""The samples are filed as ten rounds, so that an interval can stand beside the published mean."""


def published_pass(
    subject: ModuleUnderTest, backend: Backend, protocol: Protocol, *, training: bool, tell: ProgressCallback
) -> PassResult:
    """The training or the inference loop of the original scripts.

    Raises ClockError for a clock that is none, and whatever the workload raises.
    """
    return _Loop(subject, backend, training=training, tell=tell).run(protocol)


class _Loop:
    """One pass: a cold iteration, then the others, filed as rounds with what the system did meanwhile."""

    def __init__(self, subject: ModuleUnderTest, backend: Backend, *, training: bool, tell: ProgressCallback) -> None:
        self._subject = subject
        self._backend = backend
        self._tell = tell
        self._name: PassName = "training" if training else "inference"
        self._one = _training_iteration if training else _inference_iteration
        self._on_cpu = subject.device.type == "cpu"
        self._phases: tuple[Phase, ...] = ("forward", "backward", "total") if training else ("inference",)
        self._rounds: list[list[tuple[float, ...]]] = [[] for _ in self._phases]
        self._evidence: list[Evidence] = []

    def run(self, protocol: Protocol) -> PassResult:
        """The protocol's number of iterations."""
        kept = (protocol.iterations_cpu if self._on_cpu else protocol.iterations) - 1
        started_s = self._backend.now_s()
        self._subject.train() if self._name == "training" else self._subject.evaluate()
        self._tell(ProgressUpdate("warming up", 0, ROUNDS))
        cold_s = self._one(self._subject, self._backend)[-1]
        for number in range(ROUNDS):
            count = kept * (number + 1) // ROUNDS - kept * number // ROUNDS
            if not count:
                continue
            self._round(number, count)
            so_far = estimate([self._rounds[-1]])
            self._tell(ProgressUpdate("measuring", number + 1, ROUNDS, self._phases[-1], so_far))
        wall_s = self._backend.now_s() - started_s
        clock: Clock = "perf_counter" if self._on_cpu else "host_synchronize"
        filed = zip(self._phases, self._rounds)
        phases = [PhaseSamples(phase, tuple(taken), 1, clock, "fixed") for phase, taken in filed]
        timed_s = sum(seen.timed_s for seen in self._evidence)
        record = PassRecord(
            name=self._name,
            evidence=tuple(self._evidence),
            warmup_s=round(cold_s, 6),
            busy_s=round(cold_s + timed_s, 6),
            wall_s=round(wall_s, 6),
            deferred_share=deferred_share(self._backend, lambda: None),  # no call more than the scripts made
        )
        return PassResult(phases, record, round(timed_s, 6))

    def _round(self, number: int, count: int) -> None:
        """``count`` iterations; a slow one is followed by a sign of life, outside the marks."""
        backend, taken = self._backend, []
        before, begun_s = backend.counters.read(), backend.now_s()
        for _ in range(count):
            taken.append(self._one(self._subject, backend))
            if taken[-1][-1] > SLOW_S:
                self._tell(ProgressUpdate("measuring", number, ROUNDS))
        gauges, wall_s, after = backend.gauges(), backend.now_s() - begun_s, backend.counters.read()
        timed_s = sum(values[-1] for values in taken)
        self._evidence.append(evidence(before, after, gauges, wall_s=round(wall_s, 6), timed_s=round(timed_s, 6)))
        for found, values in zip(self._rounds, zip(*taken)):
            found.append(samples(list(values), 1))


def _training_iteration(subject: ModuleUnderTest, backend: Backend) -> tuple[float, ...]:
    """Seconds of forward, backward and their sum."""
    clock, settle = backend.now_s, backend.settle
    start = clock()
    output = subject.forward()
    settle()
    between = clock()
    restart = clock()
    subject.backward(output)
    settle()
    end = clock()
    return between - start, end - restart, (between - start) + (end - restart)


def _inference_iteration(subject: ModuleUnderTest, backend: Backend) -> tuple[float, ...]:
    """Seconds of one call in eval mode."""
    clock, settle = backend.now_s, backend.settle
    with torch.inference_mode():
        start = clock()
        subject.forward()
        settle()
        return (clock() - start,)
