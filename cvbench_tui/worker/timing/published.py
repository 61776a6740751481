"""The original tables' loop to the letter, for comparing like with like: host clock, a synchronise after each pass,
gradients accumulating, autograd on in inference, 101 iterations (models on the CPU 51). The scripts meant to leave out
the first, cold one and left out the second: so does this, and the cold one counts.

One thing differs: inference is inference. The scripts timed it, and then printed the last training forward again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from cvbench_tui.core.evidence import Evidence, PassRecord
from cvbench_tui.core.measurement import PASS_OF, Clock, Phase, PhaseSamples
from cvbench_tui.core.stats.estimate import estimate
from cvbench_tui.worker.devices.backend import Backend
from cvbench_tui.worker.timing.counters import evidence
from cvbench_tui.worker.timing.deferred_work import deferred_share
from cvbench_tui.worker.timing.sampler import samples
from cvbench_tui.worker.timing.stopwatch import PassResult, ProgressCallback, ProgressUpdate
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest

SLOW_S = 5.0  # an iteration this long is followed by a heartbeat, outside the marks: ten of them may be minutes
ROUNDS = 10  # the samples are stored as ten rounds, so that the published mean has an interval
LEFT_OUT = 1  # the iteration that is run and not counted, from 0

Iteration = tuple[float, ...]  # seconds of each phase


def published_pass(
    module: ModuleUnderTest, backend: Backend, iterations: int, *, training: bool, on_progress: ProgressCallback
) -> PassResult:
    """The training or the inference loop of the original scripts, at least two iterations, as rounds. Without a call
    before it the first sample is the cold iteration. Raises ClockError for a clock that gives no duration, and whatever
    the workload raises."""
    phases: tuple[Phase, ...] = ("forward", "backward", "total") if training else ("inference",)
    loop = (_training if training else _inference)(module, backend)
    rounds: list[list[Iteration]] = [[] for _ in phases]
    records: list[Evidence] = []
    busy_s = 0.0
    started_s = backend.now_s()
    module.train() if training else module.module.eval()  # nothing is given back between the loops
    on_progress(ProgressUpdate("measuring", 0, ROUNDS))
    edges = [(iterations - 1) * number // ROUNDS for number in range(ROUNDS + 1)]  # of the iterations that count
    for number, (begin, end) in enumerate(zip(edges, edges[1:])):
        if begin == end:
            continue
        heartbeat = partial(on_progress, ProgressUpdate("measuring", number, ROUNDS))
        taken = range(begin + (begin >= LEFT_OUT), end + (end >= LEFT_OUT))
        values, run_s, record = _round(taken, loop, backend, heartbeat)
        records.append(record)
        busy_s += run_s
        for phase_rounds, phase_values in zip(rounds, zip(*values)):
            phase_rounds.append(samples(list(phase_values), 1))
        on_progress(ProgressUpdate("measuring", number + 1, ROUNDS, phases[-1], estimate([rounds[-1]])))
    account = PassRecord(
        name=PASS_OF[phases[-1]],
        evidence=tuple(records),
        busy_s=round(busy_s, 6),
        wall_s=round(backend.now_s() - started_s, 6),
        deferred_share=deferred_share(backend, lambda: None),  # no call more than the scripts made
    )
    clock: Clock = "perf_counter" if module.device.type == "cpu" else "host_synchronize"
    phase_samples = [PhaseSamples(phase, tuple(each), 1, clock, "fixed") for phase, each in zip(phases, rounds)]
    return PassResult(phase_samples, account, round(sum(record.timed_s for record in records), 6))


def _round(
    numbers: Sequence[int], loop: Iterator[Iteration], backend: Backend, heartbeat: Callable[[], None]
) -> tuple[list[Iteration], float, Evidence]:
    """The iterations of these numbers: those that count, seconds of all, and the system's counters around them."""
    values, run_s = [], 0.0
    before, begun_s = backend.counters.read(), backend.now_s()
    for number in numbers:
        iteration = next(loop)
        run_s += iteration[-1]
        if number != LEFT_OUT:
            values.append(iteration)
        if iteration[-1] > SLOW_S:
            heartbeat()
    device, wall_s, after = backend.read_device(), backend.now_s() - begun_s, backend.counters.read()
    timed_s = sum(each[-1] for each in values)
    return values, run_s, evidence(before, after, device, wall_s=round(wall_s, 6), timed_s=round(timed_s, 6))


def _training(module: ModuleUnderTest, backend: Backend) -> Iterator[Iteration]:
    """Seconds of forward, backward and their sum. As in the scripts, an output lives until the next one replaces it,
    within the marks. They knew its shape beforehand: here the gradient is made in the first iteration, outside them."""
    clock, settle = backend.now_s, backend.settle
    settle()
    while True:
        start = clock()
        output = module.forward()
        settle()
        between = clock()
        if not module.gradients:
            module.prepare_gradients(output)
            settle()
        restart = clock()
        module.backward(output)
        settle()
        end = clock()
        yield between - start, end - restart, (between - start) + (end - restart)


def _inference(module: ModuleUnderTest, backend: Backend) -> Iterator[Iteration]:
    """Seconds of one call in eval mode, which is all that the scripts asked for: autograd records it."""
    clock, settle = backend.now_s, backend.settle
    settle()
    while True:
        start = clock()
        _output = module.forward()  # lives until the next one replaces it
        settle()
        end = clock()
        yield (end - start,)
