"""Whether a batch fits into the memory of its device: one iteration or two of what the case measures, in this process,
which ends afterwards. The parent chooses the batches (``engine.batch_search``)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import torch

from cvbench_tui.core.event import BatchTried, BatchTry, CaseFailed, CaseStarted, Progress
from cvbench_tui.core.evidence import PassName
from cvbench_tui.core.image_sizes import cannot_take, cannot_train
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.worker.devices.backend import Backend
from cvbench_tui.worker.devices.memory_room import MemoryRoom, memory_room
from cvbench_tui.worker.devices.select import backend_for
from cvbench_tui.worker.process.before_timing import count_cards, now_s, threads_of
from cvbench_tui.worker.process.channel import Channel
from cvbench_tui.worker.process.failure import UnsupportedError, failure_from
from cvbench_tui.worker.timing.passes import pass_of
from cvbench_tui.worker.timing.recorded import replayed
from cvbench_tui.worker.workloads.compiled import HEARTBEAT_S, every
from cvbench_tui.worker.workloads.compiler import is_compiled, named
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest
from cvbench_tui.worker.workloads.training_step import NO_GRAPH_STEP

AGAIN_S = 60.0
"""An iteration that took longer is not repeated. The second one may take more memory than the first: under a limit of
2.4 GB batch 913 of mobilenet_v3_small at 64 px went through one, and failed in the next."""


def try_batch(case: Case, protocol: Protocol, channel: Channel) -> bool:
    """Send whether the case fits at its batch; a failure for another reason than memory is a ``CaseFailed``. False:
    this process has a limit on its memory, and measures nothing."""
    channel.send(CaseStarted(case.case_id, os.getpid(), 0, now_s()))
    try:
        tried = _tried(case, protocol, lambda: channel.send(Progress(case.case_id, "compiling", at_s=now_s())))
    except Exception as error:  # the case's own code may raise anything
        failure = failure_from(case, error)
        if failure.kind != "out_of_memory":
            channel.send(CaseFailed(failure, now_s()))
            return False
        tried = BatchTry(case.batch, False, sentence=failure.sentence)
    channel.send(BatchTried(case.case_id, tried, now_s()))
    return False


def _tried(case: Case, protocol: Protocol, heartbeat: Callable[[], None]) -> BatchTry:
    """What an iteration took. Raises whatever the workload raises."""
    if why := cannot_take(case.workload):
        raise UnsupportedError(why)
    passes = _passes(case, protocol)
    torch.set_num_threads(threads_of(case))
    device = torch.device(case.device)
    backend = backend_for(device)
    backend.exercise()
    if case.device == "cpu":
        count_cards()
    room = memory_room(device)
    module = ModuleUnderTest(case, protocol)
    return iterated(case, _hardest(passes, module), module, backend, room, heartbeat)


def iterated(
    case: Case,
    name: PassName,
    module: ModuleUnderTest,
    backend: Backend,
    room: MemoryRoom,
    heartbeat: Callable[[], None],
) -> BatchTry:
    """What an iteration of that pass took. ``room`` is older than the module; ``heartbeat`` is called from a thread
    while the module is compiled. Raises whatever the workload raises."""
    begun_s = backend.now_s()
    compiled = is_compiled(case)  # in the first call
    with ExitStack() as stack:
        if compiled:
            stack.enter_context(every(HEARTBEAT_S, heartbeat))
            stack.enter_context(named())
        if name != "inference":
            module.train()
            outputs = module.forward()
            module.prepare_gradients(outputs)
            module.backward(outputs)
            del outputs
            backend.settle()
        else:
            module.evaluate()
            if compiled:
                with torch.inference_mode():
                    module.forward()
                backend.settle()
    iteration_s = backend.now_s() - begun_s
    if name != "training" or compiled or iteration_s < AGAIN_S:
        timed = pass_of(name, module, backend)
        timed.begin()
        begun_s = backend.now_s()
        timed.regions(1, 1)
        backend.settle()
        iteration_s = backend.now_s() - begun_s
    peak_bytes = room.peak_bytes()  # before the room, which it corrects
    return BatchTry(case.batch, True, peak_bytes, room.bytes, round(iteration_s, 6))


def _passes(case: Case, protocol: Protocol) -> list[PassName]:
    """The passes that are measured, the one that takes most memory first. Raises UnsupportedError where there is
    none."""
    order: tuple[PassName, ...] = ("step", "training", "inference")
    asked = [name for name in order if name in protocol.passes]
    passes = [name for name in asked if name == "inference" or not cannot_train(case)]
    if not passes:
        raise UnsupportedError(cannot_train(case))
    if replayed(case):
        passes = [name for name in passes if name != "step"]
    if not passes:
        raise UnsupportedError(NO_GRAPH_STEP)
    return passes


def _hardest(passes: Sequence[PassName], module: ModuleUnderTest) -> PassName:
    """The first of them; without weights no step, unless it is all there is: making its optimizer says why not."""
    hardest, *others = passes
    return others[0] if hardest == "step" and others and not module.parameters else hardest
