"""One request, in the process that may touch a device: probe the machine, or measure one case."""

from __future__ import annotations

import gc
import os
import time
from typing import Any

import torch

from cvbench_tui.core.estimate import Estimate
from cvbench_tui.core.event import CaseFailed, CaseFinished, CaseStarted, EnvironmentProbed, Progress, Stage
from cvbench_tui.core.measurement import Measurement, Phase
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.worker.backend import Backend, backend_for
from cvbench_tui.worker.channel import Channel
from cvbench_tui.worker.failure import failure_from
from cvbench_tui.worker.published import published_pass
from cvbench_tui.worker.request import case_from, protocol_from
from cvbench_tui.worker.stopwatch import PassResult, Stopwatch
from cvbench_tui.worker.subject import Subject
from cvbench_tui.worker.threads import intra_op_threads
from cvbench_tui.worker.timed import InferencePass, TrainingPass

PROGRESS_S = 0.25
"""Progress is sent at most this often."""
SHARES: dict[str, tuple[float, float]] = {"training": (0.05, 0.7), "inference": (0.7, 1.0)}
"""Where in the case's bar each pass begins and ends: training is about three quarters of the work."""


def now_s() -> float:
    """Seconds since the epoch, to the millisecond."""
    return round(time.time(), 3)


def run(request: dict[str, Any], channel: Channel) -> None:
    """Answer one request. A case's exception becomes its failure; anything else is a bug and is raised."""
    if request["kind"] == "probe":
        from cvbench_tui.worker.probe import probe

        channel.send(EnvironmentProbed(probe()))
        return
    case = case_from(request["case"])
    Job(case, protocol_from(request["protocol"]), int(request.get("process", 0)), channel).run()


class Job:
    """One case in one process."""

    def __init__(self, case: Case, protocol: Protocol, process: int, channel: Channel) -> None:
        self._case = case
        self._protocol = protocol
        self._process = process
        self._channel = channel
        self._told_at = 0.0
        self._told_stage = ""

    def run(self) -> None:
        """Measure and send the outcome."""
        self._channel.send(CaseStarted(self._case.case_id, os.getpid(), self._process, now_s()))
        self._send("building", None, 0.0)
        try:
            measurement = self._measure()
        except Exception as error:  # the case's own code may raise anything; it is this row's failure
            self._channel.send(CaseFailed(failure_from(self._case, error), now_s()))
        else:
            self._channel.send(CaseFinished(measurement, self._process, now_s()))

    def _measure(self) -> Measurement:
        """Build, first call, training pass, inference pass."""
        started = time.perf_counter()
        device = torch.device(self._case.device)
        threads = self._case.threads or intra_op_threads()
        torch.set_num_threads(threads)
        backend = backend_for(device)
        subject = Subject(self._case, self._protocol)
        first_call_s = _first_call(subject, backend)
        gc.collect()
        gc.freeze()
        gc.disable()
        training = self._pass(subject, backend, "training", "total")
        inference = self._pass(subject, backend, "inference", "inference")
        peaks = [peak for peak in (training.memory_peak_bytes, inference.memory_peak_bytes) if peak is not None]
        return Measurement(
            case_id=self._case.case_id,
            phases=(*training.phases, *inference.phases),
            memory_peak_bytes=max(peaks, default=None),
            parameters=subject.parameter_count,
            first_call_s=round(first_call_s, 6),
            warmup_s=round(training.warmup_s + inference.warmup_s, 6),
            wall_s=round(time.perf_counter() - started, 6),
            threads=threads,
            notices=tuple(training.notices + inference.notices),
        )

    def _pass(self, subject: Subject, backend: Backend, name: str, phase: Phase) -> PassResult:
        """One pass by the protocol's method."""
        low, high = SHARES[name]

        def tell(stage: Stage, taken: int, most: int, estimate: Estimate | None) -> None:
            share = low + (high - low) * (0.2 + 0.8 * taken / most if taken else 0.0)
            self._send(stage, phase, share, taken, most, estimate)

        if self._protocol.method == "published":
            return published_pass(subject, backend, self._protocol, training=name == "training", tell=tell)
        timed = TrainingPass(subject, backend) if name == "training" else InferencePass(subject, backend)
        return Stopwatch(timed, backend, self._protocol, tell).run()

    def _send(
        self,
        stage: Stage,
        phase: Phase | None,
        fraction: float,
        taken: int = 0,
        most: int = 0,
        estimate: Estimate | None = None,
    ) -> None:
        """Progress, between rounds only and not too often; a new stage is always told."""
        now = time.monotonic()
        news = f"{stage} {phase}"
        if news == self._told_stage and now - self._told_at < PROGRESS_S:
            return
        self._told_at, self._told_stage = now, news
        median_s = estimate.median_s if estimate else None
        width_s = estimate.half_width_s if estimate else None
        progress = Progress(
            self._case.case_id, stage, phase, taken, most, round(fraction, 4), median_s, width_s, now_s()
        )
        self._channel.send(progress)


def _first_call(subject: Subject, backend: Backend) -> float:
    """Seconds of the first forward and backward, start-up and autotuning included; prepares the output gradient."""
    subject.train()
    backend.settle()
    started = time.perf_counter()
    outputs = subject.forward()
    backend.settle()
    forward_s = time.perf_counter() - started
    subject.prepare_gradients(outputs)
    backend.settle()
    started = time.perf_counter()
    subject.backward(outputs)
    backend.settle()
    backward_s = time.perf_counter() - started
    subject.clear()
    return forward_s + backward_s
