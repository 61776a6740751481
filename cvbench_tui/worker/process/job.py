"""One request, in the process that may touch a device: probe the machine, measure a peak, or measure one case."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from cvbench_tui.core.event import CaseFailed, CaseFinished, CaseStarted, EnvironmentProbed, PeakMeasured, Progress
from cvbench_tui.core.evidence import PassName
from cvbench_tui.core.measurement import Failure, FailureKind, Measurement, Notice
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.worker.devices.backend import Backend
from cvbench_tui.worker.devices.cpu import intra_op_threads
from cvbench_tui.worker.devices.select import backend_for
from cvbench_tui.worker.extras.collect import ExtrasCollector
from cvbench_tui.worker.extras.memory import largest_bytes
from cvbench_tui.worker.process.channel import Channel, case_from, protocol_from
from cvbench_tui.worker.process.failure import failure_from
from cvbench_tui.worker.timing.passes import pass_of
from cvbench_tui.worker.timing.published import published_pass
from cvbench_tui.worker.timing.stopwatch import PassResult, ProgressUpdate, Stopwatch
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest

PROGRESS_S = 0.25  # progress is sent at most this often
SHARES: dict[PassName, tuple[float, float]] = {"training": (0.05, 0.7), "inference": (0.7, 1.0)}
"""Where in the case's bar each pass begins and ends: training is about three quarters of the work."""
DEADLINES: dict[PassName, float] = {"training": 0.6, "inference": 0.85}
"""Share of the case's time-out by which each pass has to end with what it has: the rest is for what comes after."""
EXTRAS_UNTIL = 0.95  # the same for the secondary metrics

_now_s, _monotonic = time.time, time.monotonic


def now_s() -> float:
    """Seconds since the epoch, to the millisecond."""
    return round(_now_s(), 3)


def run(request: dict[str, Any], channel: Channel, notices: Sequence[Notice] = ()) -> None:
    """Answer one request. A case's exception becomes its failure; anything else is a bug and is raised. ``notices``:
    about the start of this process, for every case."""
    if request["kind"] == "probe":
        from cvbench_tui.worker.devices.probe import probe

        channel.send(EnvironmentProbed(probe(cpu_only=request.get("cpu_only", False))))
    elif request["kind"] == "ceiling":
        from cvbench_tui.worker.extras.peak import measure

        torch.set_num_threads(intra_op_threads())
        device = torch.device(request["device"])
        channel.send(PeakMeasured(measure(device, backend_for(device), request["key"])))
    else:
        case, process = case_from(request["case"]), int(request.get("process", 0))
        Job(case, protocol_from(request["protocol"]), process, channel, notices).run()


def report_crash(channel: Channel, request: dict[str, Any], kind: FailureKind, sentence: str) -> None:
    """Send the failure of a case whose process ended without an outcome."""
    channel.send(CaseFailed(Failure(request.get("case_id", ""), kind, sentence), now_s()))


@dataclass
class Job:
    """One case in one process."""

    case: Case
    protocol: Protocol
    process: int
    channel: Channel
    notices: Sequence[Notice] = ()
    _sent_at_s: float = 0.0
    _sent_stage: str = ""

    def run(self) -> None:
        """Measure and send the outcome."""
        self.channel.send(CaseStarted(self.case.case_id, os.getpid(), self.process, now_s()))
        self._send(ProgressUpdate("building", 0, 0), 0.0)
        try:
            measurement = self._measure()
        except Exception as error:  # the case's own code may raise anything; it is this row's failure
            self.channel.send(CaseFailed(failure_from(self.case, error), now_s()))
        else:
            self.channel.send(CaseFinished(measurement, self.process, now_s()))

    def _measure(self) -> Measurement:
        """Build, first call, the passes, then the secondary metrics."""
        threads = self.case.threads or intra_op_threads()
        torch.set_num_threads(threads)
        backend = backend_for(torch.device(self.case.device))
        started_s = backend.now_s()
        heartbeat = partial(self._send, ProgressUpdate("measuring", 0, 0), 1.0)
        extras = ExtrasCollector(self.case, self.protocol, backend, heartbeat)
        module = ModuleUnderTest(self.case, self.protocol)
        first_call_s = _first_call(module, backend)
        gc.collect()  # once, then Python's collector is kept out of every round
        gc.freeze()
        gc.disable()
        results = [self._pass(module, backend, name, started_s) for name in self.protocol.passes]
        extras.collect(module, results, started_s + EXTRAS_UNTIL * self.protocol.timeout_s, first=self.process == 0)
        return Measurement(
            case_id=self.case.case_id,
            phases=tuple(phase for result in results for phase in result.phases),
            memory_peak_bytes=largest_bytes(extras.memory),
            parameters=sum(each.numel() for each in module.parameters),
            first_call_s=round(first_call_s, 6),
            warmup_s=round(sum(result.record.warmup_s for result in results), 6),
            wall_s=round(backend.now_s() - started_s, 6),
            threads=threads,
            notices=(*self.notices, *extras.notices),
            timed_s=round(sum(result.timed_s for result in results), 6),
            passes=tuple(result.record for result in results),
            memory=tuple(extras.memory),
            energy=tuple(extras.energy),
            work=tuple(extras.work),
            variants=tuple(extras.variants),
        )

    def _pass(self, module: ModuleUnderTest, backend: Backend, name: PassName, started_s: float) -> PassResult:
        """One pass by the protocol's method."""
        low, high = SHARES[name]

        def on_progress(update: ProgressUpdate) -> None:
            share = 0.2 + 0.8 * min(1.0, update.rounds / update.max_rounds) if update.rounds else 0.0
            self._send(update, low + (high - low) * share)

        if self.protocol.method == "published":
            return published_pass(module, backend, self.protocol, training=name == "training", on_progress=on_progress)
        deadline_s = started_s + DEADLINES[name] * self.protocol.timeout_s
        return Stopwatch(pass_of(name, module, backend), backend, self.protocol, on_progress, deadline_s).run()

    def _send(self, update: ProgressUpdate, fraction: float) -> None:
        """Progress, between rounds only and not too often; a new stage is always sent."""
        now = _monotonic()
        stage = f"{update.stage} {fraction > SHARES['training'][1]}"
        if stage == self._sent_stage and now - self._sent_at_s < PROGRESS_S:
            return
        self._sent_at_s, self._sent_stage = now, stage
        place = update.stage, update.phase, update.rounds, update.max_rounds, round(fraction, 4)
        found = update.estimate
        median_s, half_width_s = (found.median_s, found.half_width_s) if found else (None, None)
        self.channel.send(Progress(self.case.case_id, *place, median_s, half_width_s, now_s()))


def _first_call(module: ModuleUnderTest, backend: Backend) -> float:
    """Seconds of the first forward and backward, start-up and autotuning included; prepares the output gradient."""
    module.train()
    backend.settle()
    started_s = backend.now_s()
    outputs = module.forward()
    backend.settle()
    forward_s = backend.now_s() - started_s
    module.prepare_gradients(outputs)
    backend.settle()
    started_s = backend.now_s()
    module.backward(outputs)
    backend.settle()
    backward_s = backend.now_s() - started_s
    module.clear()
    return forward_s + backward_s
