"""The original tables' method, for comparing like with like: host clock, a synchronise after each pass,
gradients accumulating, layer inputs without gradient, 101 iterations (51 on the CPU) of which one is left out.

Two of its flaws are not repeated: the iteration left out is the first, cold one (the scripts dropped the
second), and inference is inference (the scripts printed the training forward).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

from cvbench_tui.core.evidence import Evidence, PassRecord
from cvbench_tui.core.measurement import PASS_OF, Clock, Phase, PhaseSamples
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.stats.estimate import estimate
from cvbench_tui.worker.devices.backend import Backend
from cvbench_tui.worker.timing.counters import evidence
from cvbench_tui.worker.timing.deferred_work import deferred_share
from cvbench_tui.worker.timing.sampler import samples
from cvbench_tui.worker.timing.stopwatch import PassResult, ProgressCallback, ProgressUpdate
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest

SLOW_S = 5.0  # an iteration this long is followed by a heartbeat, outside the marks: ten of them may be minutes
ROUNDS = 10  # the samples are stored as ten rounds, so that the published mean has an interval


def published_pass(
    module: ModuleUnderTest, backend: Backend, protocol: Protocol, *, training: bool, on_progress: ProgressCallback
) -> PassResult:
    """The training or the inference loop of the original scripts: a cold iteration, then the others, as rounds. Raises
    ClockError for a clock that gives no duration, and whatever the workload raises."""
    phases: tuple[Phase, ...] = ("forward", "backward", "total") if training else ("inference",)
    iteration = partial(_training_iteration if training else _inference_iteration, module, backend)
    on_cpu = module.device.type == "cpu"
    kept = (protocol.iterations_cpu if on_cpu else protocol.iterations) - 1
    rounds: list[list[tuple[float, ...]]] = [[] for _ in phases]
    records: list[Evidence] = []
    started_s = backend.now_s()
    module.train() if training else module.evaluate()
    on_progress(ProgressUpdate("warming up", 0, ROUNDS))
    cold_s = iteration()[-1]
    for number in range(ROUNDS):
        count = kept * (number + 1) // ROUNDS - kept * number // ROUNDS
        if not count:
            continue
        heartbeat = partial(on_progress, ProgressUpdate("measuring", number, ROUNDS))
        values, record = _round(count, iteration, backend, heartbeat)
        records.append(record)
        for phase_rounds, phase_values in zip(rounds, zip(*values)):
            phase_rounds.append(samples(list(phase_values), 1))
        on_progress(ProgressUpdate("measuring", number + 1, ROUNDS, phases[-1], estimate([rounds[-1]])))
    timed_s = sum(record.timed_s for record in records)
    account = PassRecord(
        name=PASS_OF[phases[-1]],
        evidence=tuple(records),
        warmup_s=round(cold_s, 6),
        busy_s=round(cold_s + timed_s, 6),
        wall_s=round(backend.now_s() - started_s, 6),
        deferred_share=deferred_share(backend, lambda: None),  # no call more than the scripts made
    )
    clock: Clock = "perf_counter" if on_cpu else "host_synchronize"
    phase_samples = [PhaseSamples(phase, tuple(each), 1, clock, "fixed") for phase, each in zip(phases, rounds)]
    return PassResult(phase_samples, account, round(timed_s, 6))


def _round(
    count: int, iteration: Callable[[], tuple[float, ...]], backend: Backend, heartbeat: Callable[[], None]
) -> tuple[list[tuple[float, ...]], Evidence]:
    """``count`` iterations; a slow one is followed by a heartbeat, outside the marks."""
    values = []
    before, begun_s = backend.counters.read(), backend.now_s()
    for _ in range(count):
        values.append(iteration())
        if values[-1][-1] > SLOW_S:
            heartbeat()
    device, wall_s, after = backend.read_device(), backend.now_s() - begun_s, backend.counters.read()
    timed_s = sum(each[-1] for each in values)
    return values, evidence(before, after, device, wall_s=round(wall_s, 6), timed_s=round(timed_s, 6))


def _training_iteration(module: ModuleUnderTest, backend: Backend) -> tuple[float, ...]:
    """Seconds of forward, backward and their sum."""
    clock, settle = backend.now_s, backend.settle
    start = clock()
    output = module.forward()
    settle()
    between = clock()
    restart = clock()
    module.backward(output)
    settle()
    end = clock()
    return between - start, end - restart, (between - start) + (end - restart)


def _inference_iteration(module: ModuleUnderTest, backend: Backend) -> tuple[float, ...]:
    """Seconds of one call in eval mode."""
    clock, settle = backend.now_s, backend.settle
    with torch.inference_mode():
        start = clock()
        module.forward()
        settle()
        return (clock() - start,)
