"""One request, in the process that may touch a device: probe the machine, measure a peak, list a model's layers, try a
batch, or measure one case."""

from __future__ import annotations

import contextlib
import gc
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from statistics import median
from typing import Any

import torch

from cvbench_tui.core.axes import checked
from cvbench_tui.core.event import (
    WAITING,
    CaseFailed,
    CaseFinished,
    CaseStarted,
    EnvironmentProbed,
    PeakMeasured,
    Progress,
)
from cvbench_tui.core.evidence import PassName, Visit
from cvbench_tui.core.image_sizes import cannot_take, cannot_train
from cvbench_tui.core.measurement import Compilation, Failure, FailureKind, Measurement, Notice, ResultCheck
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.worker.devices.backend import Backend
from cvbench_tui.worker.devices.cpu import intra_op_threads
from cvbench_tui.worker.devices.select import backend_for
from cvbench_tui.worker.extras.budget import Budget, attempt
from cvbench_tui.worker.extras.collect import ExtrasCollector
from cvbench_tui.worker.extras.memory import largest_bytes
from cvbench_tui.worker.extras.result_check import check_result
from cvbench_tui.worker.extras.sentinel import sentinel
from cvbench_tui.worker.process.before_timing import count_cards, now_s, threads_of
from cvbench_tui.worker.process.channel import Channel, case_from, protocol_from, workload_from
from cvbench_tui.worker.process.failure import UnsupportedError, failure_from, less_memory
from cvbench_tui.worker.process.turns import Turns
from cvbench_tui.worker.timing.counters import Stops
from cvbench_tui.worker.timing.deferred_work import STILL_S, wait_until_idle
from cvbench_tui.worker.timing.passes import PhasePass
from cvbench_tui.worker.timing.published import published_pass
from cvbench_tui.worker.timing.recorded import max_group, replayed, timed_pass
from cvbench_tui.worker.timing.stopwatch import PassResult, ProgressCallback, ProgressUpdate, Stopwatch
from cvbench_tui.worker.workloads.axis_hooks import reset_process
from cvbench_tui.worker.workloads.compiled import HEARTBEAT_S, compile_graphs, every
from cvbench_tui.worker.workloads.compiler import forget, is_compiled
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest
from cvbench_tui.worker.workloads.training_step import NO_GRAPH_STEP, NO_WEIGHTS

PROGRESS_S = 0.25  # progress is sent at most this often
SHARES: dict[PassName, tuple[float, float]] = {"training": (0.05, 0.7), "inference": (0.7, 1.0), "step": (0.6, 1.0)}
"""Where in the case's bar each pass begins and ends: training is about three quarters of the work of the first two."""
SHARES_BEFORE_STEP: dict[PassName, tuple[float, float]] = {"training": (0.05, 0.45), "inference": (0.45, 0.6)}
DEADLINES: dict[PassName, float] = {"training": 0.6, "inference": 0.85, "step": 0.85}
"""Share of the case's time-out by which each pass has to end with what it has: the rest is for what comes after."""
DEADLINES_BEFORE_STEP: dict[PassName, float] = {"training": 0.4, "inference": 0.55}
EXTRAS_UNTIL = 0.95  # the same for the secondary metrics
NOT_FINITE = "After its steps a weight is infinite or no number, which takes another time, so the step has none here."
CHECK_ITERATIONS = 10  # three of the check's, one of them in other settings, and one that scales the normalisations
CLEAN_ITERATIONS = 10  # of each pass for which there has to be time: a first call, some of a warm-up, five samples

GRAPH_WHOLE = "Forward and backward are one recording and have no times of their own."
_monotonic = time.monotonic


def run(request: dict[str, Any], channel: Channel, notices: Sequence[Notice] = ()) -> bool:
    """Answer one request. A case's exception becomes its failure; anything else is a bug and is raised. ``notices``:
    about the start of this process, for every case. False after a failure: what failed may have spoilt the process."""
    if request["kind"] == "probe":
        from cvbench_tui.worker.devices.probe import probe

        channel.send(EnvironmentProbed(probe(cpu_only=request.get("cpu_only", False))))
    elif request["kind"] == "ceiling":
        from cvbench_tui.worker.extras.peak import measure

        torch.set_num_threads(intra_op_threads())
        device = torch.device(request["device"])
        channel.send(PeakMeasured(measure(device, backend_for(device), request["key"])))
    elif request["kind"] == "try_batch":
        from cvbench_tui.worker.process.batch_try import try_batch

        return try_batch(case_from(request["case"]), protocol_from(request["protocol"]), channel)
    elif request["kind"] == "layers":
        from cvbench_tui.worker.extras.layer_list import list_layers

        torch.set_num_threads(1)
        channel.send(list_layers(workload_from(request["workload"]), request.get("wanted", ())))
    else:
        case, visit, keep = case_from(request["case"]), int(request.get("visit", 0)), bool(request.get("keep"))
        protocol, turns = protocol_from(request["protocol"]), request.get("turns", "")
        return Job(case, protocol, visit, channel, notices, keep=keep, turns=turns).run()
    return True


def report_crash(channel: Channel, request: dict[str, Any], kind: FailureKind, sentence: str) -> None:
    """Send the failure of a case whose process ended without an outcome."""
    if kind == "out_of_memory" and "case" in request:
        sentence = f"{sentence}; {less_memory(case_from(request['case']))}."
    channel.send(CaseFailed(Failure(request.get("case_id", ""), kind, sentence), now_s()))


@dataclass
class Job:
    """One visit to a case. ``keep``: the process goes on to others, so everything is given back."""

    case: Case
    protocol: Protocol
    visit: int
    channel: Channel
    notices: Sequence[Notice] = ()
    keep: bool = False
    turns: str = ""  # the pipe on which its turns come, where it is measured round by round with others
    _others: Turns | None = None
    _left_out: list[Notice] = field(default_factory=list)  # about passes that the case cannot have
    _optimizer: str = ""  # what took the steps, in words
    _sent_at_s: float = 0.0
    _sent_stage: str = ""
    _bar: tuple[float, float] = (0.0, 1.0)  # where in the case's bar this protocol begins and ends

    def run(self) -> bool:
        """Measure and send the outcome; whether there are numbers."""
        if threading.current_thread() is threading.main_thread():
            Stops.hear()
        self.channel.send(CaseStarted(self.case.case_id, os.getpid(), self.visit, now_s()))
        try:
            if self.turns:
                self._others = Turns(self.turns, self._waiting)
                self._others.take()
            self._send(ProgressUpdate("building", 0, 0), 0.0)
            measurement = self._measure()
        except Exception as error:  # the case's own code may raise anything; it is this row's failure
            self.channel.send(CaseFailed(failure_from(self.case, error), now_s()))
            return False
        self.channel.send(CaseFinished(measurement, self.visit, now_s()))
        if self.keep:
            _give_back()
        return True

    def _measure(self) -> Measurement:
        """Build, first call, the passes, the secondary metrics; then the clean numbers beside them, if any. Without the
        training pass, and a notice, where the workload cannot have one. Raises UnsupportedError where it can have none,
        and whatever the workload raises."""
        self._leave_out_training()
        self._leave_out_of_graph()
        torch.set_num_threads(threads_of(self.case))
        backend = backend_for(torch.device(self.case.device))
        if self.case.device == "cpu":
            count_cards()
        started_s, begun_at_s = backend.now_s(), now_s()
        waited_s = self._waited_s  # before it had anything to build
        extras_until_s = started_s + EXTRAS_UNTIL * self.protocol.timeout_s
        heartbeat = partial(self._send, ProgressUpdate("measuring", 0, 0), 1.0)
        extras = ExtrasCollector(self.case, self.protocol, backend, heartbeat)
        clean = self.protocol.clean
        self._bar = (0.0, 0.5 if clean is not None else 1.0)
        module = ModuleUnderTest(self.case, self.protocol)
        self._leave_out_step(module)
        extras.protocol = self.protocol
        compilation = self._compile(module, backend, self.protocol)
        first_call_s, results = self._timed(
            module, backend, self.protocol, started_s, started_s + self.protocol.timeout_s
        )
        extras.collect(module, results, extras_until_s, self.visit)
        measurement = self._measurement(module, first_call_s, results)
        speeds = self._sentinel(backend)
        del module
        if self.visit == 0 and checked(self.case.settings):
            check = partial(self._check, heartbeat, results, backend, extras_until_s)
            measurement = replace(measurement, check=attempt("check", extras.notices, check, None))
        if clean is not None:
            take = partial(self._clean, clean, backend, results, extras_until_s)
            measurement = replace(measurement, clean=attempt("clean", extras.notices, take, None))
        wall_s = round(backend.now_s() - started_s, 6)
        return replace(
            measurement,
            visit_records=(Visit(begun_at_s, wall_s, os.getpid(), *speeds),),
            batch=self.case.batch if self.case.finds_batch else None,
            memory_peak_bytes=largest_bytes(extras.memory),
            wall_s=round(wall_s - (self._waited_s - waited_s), 6),
            notices=(*self.notices, *self._left_out, *extras.notices),
            memory=tuple(extras.memory),
            energy=tuple(extras.energy),
            work=tuple(extras.work),
            variants=tuple(extras.variants),
            compilation=compilation,
        )

    def _compile(self, module: ModuleUnderTest, backend: Backend, protocol: Protocol) -> Compilation | None:
        """Every graph of the case by that protocol, so that no timed round has to; None where nothing is compiled."""
        if not is_compiled(self.case):
            return None
        heartbeat = partial(self._send, ProgressUpdate("compiling", 0, 0), 0.0)
        published = protocol.method == "published"
        return compile_graphs(module, backend, protocol.passes, heartbeat, autograd=published)

    def _leave_out_training(self) -> None:
        """Take what trains from the protocol, with a notice, where it cannot be had."""
        why_not, why_no_training = cannot_take(self.case.workload), cannot_train(self.case)
        rest = tuple(name for name in self.protocol.passes if name == "inference")
        if why_not or (why_no_training and not rest):
            raise UnsupportedError(why_not or why_no_training)
        if not why_no_training or rest == self.protocol.passes:
            return
        self.protocol = replace(self.protocol, passes=rest)
        self._left_out.append(Notice("no_training", f"{why_no_training} Inference is measured."))

    def _leave_out_of_graph(self) -> None:
        """Say what a row that is replayed from CUDA graphs has no times of. Raises UnsupportedError where none is
        left."""
        if not replayed(self.case):
            return
        if self.protocol.method == "published":
            raise UnsupportedError("The published loop launches operator by operator: measure CUDA graphs by another.")
        rest = tuple(name for name in self.protocol.passes if name != "step")
        if not rest:
            raise UnsupportedError(NO_GRAPH_STEP)
        if "training" in rest:
            self._left_out.append(Notice("graph_whole", GRAPH_WHOLE))
        if rest != self.protocol.passes:
            self._left_out.append(Notice("no_step", NO_GRAPH_STEP))
        self.protocol = replace(self.protocol, passes=rest)

    def _leave_out_step(self, module: ModuleUnderTest) -> None:
        """Take the step from the protocol, with a notice, where there is nothing to optimize. Raises UnsupportedError
        under the published method, which has none."""
        if "step" not in self.protocol.passes:
            return
        if self.protocol.method == "published":
            raise UnsupportedError("The published loop takes no optimizer's step.")
        rest = tuple(name for name in self.protocol.passes if name != "step")
        if not module.parameters and rest:  # with no other pass, making the optimizer says why not
            self.protocol = replace(self.protocol, passes=rest)
            self._left_out.append(Notice("no_step", NO_WEIGHTS))

    def _sentinel(self, backend: Backend) -> tuple[float | None, float | None]:
        """Seconds of the sentinel's product and copy, by as many threads in every row, so that they can be compared;
        Nones without memory for it, as the row is as good."""
        threads, device = torch.get_num_threads(), torch.device(self.case.device)
        torch.set_num_threads(intra_op_threads())
        reset_process(device)  # a product by TF32 is another
        try:
            return sentinel(device, backend)
        except RuntimeError:
            return None, None
        finally:
            torch.set_num_threads(threads)

    def _check(
        self, heartbeat: Callable[[], None], results: Sequence[PassResult], backend: Backend, until_s: float
    ) -> ResultCheck | None:
        """Of the row's results, with modules built anew. Raises NoTimeLeft, and whatever the workload raises."""
        seen = {each.record.name: median(each.phases[-1].rounds[-1]) for each in results}
        for name in seen:
            Budget(backend.now_s, until_s, seen).check(name, CHECK_ITERATIONS)
        _free()
        try:
            with every(HEARTBEAT_S, heartbeat):  # a compiled row compiles once more
                return check_result(self.case, self.protocol)
        finally:
            _free()

    def _clean(
        self, protocol: Protocol, backend: Backend, published: Sequence[PassResult], until_s: float
    ) -> Measurement:
        """The case built anew and measured by that protocol, without secondary metrics. Raises NoTimeLeft, and whatever
        the workload raises."""
        self._bar = (0.5, 1.0)
        seen = {each.record.name: median(each.phases[-1].rounds[-1]) for each in published}
        budget = Budget(backend.now_s, until_s, seen)
        for name in seen:
            budget.check(name, CLEAN_ITERATIONS)
        protocol = replace(protocol, passes=self.protocol.passes, seed=self.protocol.seed)
        started_s = backend.now_s()
        _free()  # the published module
        module = ModuleUnderTest(self.case, protocol)
        self._compile(module, backend, protocol)
        first_call_s, results = self._timed(module, backend, protocol, started_s, until_s)
        measurement = self._measurement(module, first_call_s, results)
        return replace(measurement, wall_s=round(backend.now_s() - started_s, 6))

    def _measurement(self, module: ModuleUnderTest, first_call_s: float, results: Sequence[PassResult]) -> Measurement:
        """What the passes gave; without the wall time and the secondary metrics."""
        return Measurement(
            case_id=self.case.case_id,
            phases=tuple(phase for result in results for phase in result.phases),
            memory_peak_bytes=None,
            parameters=sum(each.numel() for each in module.parameters),
            first_call_s=round(first_call_s, 6),
            warmup_s=round(sum(result.record.warmup_s for result in results), 6),
            wall_s=0.0,
            threads=torch.get_num_threads(),
            optimizer=self._optimizer,
            timed_s=round(sum(result.timed_s for result in results), 6),
            passes=tuple(result.record for result in results),
            wall=tuple(phase for result in results for phase in result.wall),
        )

    def _timed(
        self, module: ModuleUnderTest, backend: Backend, protocol: Protocol, started_s: float, until_s: float
    ) -> tuple[float, list[PassResult]]:
        """Seconds of the first call, and the passes by that protocol's method, for which there is a share of the time
        from ``started_s`` to ``until_s``. Leaves Python's collector off."""
        if protocol.method == "published":
            gc.unfreeze()  # the collector is on, and looks at all there is, as in any script
            iterations = protocol.published_iterations(self.case.workload.kind, self.case.device)
            results = [
                published_pass(
                    module, backend, iterations, training=name == "training", on_progress=self._reporter(name)
                )
                for name in protocol.passes
            ]
            _stop_collector()
            return results[0].phases[-1].rounds[0][0], results  # no call came before that iteration
        first_call_s = _first_call(module, backend, training=set(protocol.passes) != {"inference"})
        _stop_collector()  # kept out of every round
        results = []
        for name in protocol.passes:
            share = (DEADLINES | DEADLINES_BEFORE_STEP if "step" in protocol.passes else DEADLINES)[name]
            deadline_s = started_s + share * (until_s - started_s)
            timed = timed_pass(name, module, backend)
            stopwatch = Stopwatch(timed, backend, protocol, self._reporter(name), deadline_s, max_group(self.case))
            stopwatch.take_turn = partial(self._take_turn, backend)
            stopwatch.check_deferred = self.visit == 0  # it is the workload's way, and takes 60 ms
            result = stopwatch.run()
            step = timed.optimizer if isinstance(timed, PhasePass) else None
            if step is not None and not step.finite():  # numbers that are none take another time
                self._left_out.append(Notice("step_failed", NOT_FINITE))
                continue
            self._optimizer = step.description if step is not None else self._optimizer
            results.append(result)
        if not results:
            raise UnsupportedError(NOT_FINITE)
        return first_call_s, results

    def _reporter(self, name: PassName) -> ProgressCallback:
        """Sends where that pass is."""
        low, high = (SHARES | SHARES_BEFORE_STEP if "step" in self.protocol.passes else SHARES)[name]

        def on_progress(update: ProgressUpdate) -> None:
            share = 0.2 + 0.8 * min(1.0, update.rounds / update.max_rounds) if update.rounds else 0.0
            self._send(update, low + (high - low) * share, name)

        return on_progress

    def _take_turn(self, backend: Backend) -> None:
        """Give the turn to the others, where there are any, when no thread of OpenMP spins any more: those of Intel's
        and LLVM's would take a core for longer than a round from what is linked with GNU's, but not the other way
        round."""
        if self._others is not None:
            wait_until_idle(backend, STILL_S)
            self._others.take()

    @property
    def _waited_s(self) -> float:
        """In which others had their turns, so far."""
        return self._others.waited_s if self._others is not None else 0.0

    def _waiting(self, turns: int) -> None:
        """Say that it waits for its turn, after so many."""
        self.channel.send(Progress(self.case.case_id, WAITING, round=turns, at_s=now_s()))

    def _send(self, update: ProgressUpdate, fraction: float, name: PassName | None = None) -> None:
        """Progress, between rounds only and not too often; a new stage is always sent."""
        now = _monotonic()
        stage = f"{update.stage} {name} {self._bar}"
        fraction = self._bar[0] + (self._bar[1] - self._bar[0]) * fraction
        if stage == self._sent_stage and now - self._sent_at_s < PROGRESS_S:
            return
        self._sent_at_s, self._sent_stage = now, stage
        place = update.stage, update.phase, update.rounds, update.max_rounds, round(fraction, 4)
        found = update.estimate
        median_s, half_width_s = (found.median_s, found.half_width_s) if found else (None, None)
        self.channel.send(Progress(self.case.case_id, *place, median_s, half_width_s, now_s()))


def _free() -> None:
    """Modules that are no longer needed, whose memory is: they refer to themselves, and compiled ones are kept."""
    forget()
    gc.unfreeze()
    gc.collect()


def _give_back() -> None:
    """What the last visit held, and what allocators keep."""
    gc.enable()
    _free()
    for accelerator in (torch.cuda, torch.xpu, torch.mps):
        with contextlib.suppress(Exception):  # one that is not there
            accelerator.empty_cache()


def _stop_collector() -> None:
    """Collect once, then leave Python's collector nothing to do."""
    gc.collect()
    gc.freeze()
    gc.disable()


def _first_call(module: ModuleUnderTest, backend: Backend, *, training: bool) -> float:
    """Seconds of the first forward and backward, start-up and autotuning included; prepares the output gradient. Of a
    first inference where nothing else is measured."""
    if training:
        module.train()
    else:
        module.evaluate()
    backend.settle()
    started_s = backend.now_s()
    with torch.inference_mode(not training):  # as the pass, or a compiled module is compiled a second time
        outputs = module.forward()
    backend.settle()
    forward_s = backend.now_s() - started_s
    if not training:
        return forward_s
    if not module.gradients:  # compilation has drawn them
        module.prepare_gradients(outputs)
    backend.settle()
    started_s = backend.now_s()
    module.backward(outputs)
    backend.settle()
    backward_s = backend.now_s() - started_s
    module.clear()
    return forward_s + backward_s
