"""CUDA graphs: an iteration recorded once, and replayed between the marks. As the row's own numbers with ``graph=on``,
and of any row's inference as the variant ``device_only``."""

from __future__ import annotations

from typing import Any

import torch

from cvbench_tui.core import axes
from cvbench_tui.core.evidence import PassName
from cvbench_tui.core.measurement import WHOLE_PHASE, Phase
from cvbench_tui.core.plan import Case
from cvbench_tui.worker.devices.backend import Backend
from cvbench_tui.worker.process.failure import UnsupportedError, first_line
from cvbench_tui.worker.timing.passes import PhasePass, TrainingPass, pass_of
from cvbench_tui.worker.timing.sampler import Marks
from cvbench_tui.worker.workloads.compiler import is_compiled
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest

WARMUP_CALLS = 3  # on a side stream before a graph is recorded, as PyTorch asks for: lazy allocations are made


class GraphPass(PhasePass):
    """Replays of one iteration, without the host's launches: inference, or forward and backward together (``total``),
    for which the subject's gradients are prepared. What is replayed writes over the recording's own memory, gradients
    included. Making it raises whatever a workload that cannot be recorded raises."""

    def __init__(
        self, subject: ModuleUnderTest, backend: Backend, phase: Phase = "inference", cuda: Any = torch.cuda
    ) -> None:
        super().__init__(subject, backend, phase)
        self.segments = False
        super().begin()
        with torch.inference_mode(self.name == "inference"):
            side = cuda.Stream()
            side.wait_stream(cuda.current_stream())
            with cuda.stream(side):
                for _ in range(WARMUP_CALLS):
                    self._iterate()
                    subject.clear()
            cuda.current_stream().wait_stream(side)
            self._graph = cuda.CUDAGraph()
            with cuda.graph(self._graph):
                self._kept = self._iterate()  # the replays write into its memory
        self._region = self._replays

    def begin(self) -> None:
        """The mode is in the recording."""

    def _iterate(self) -> Any:
        output = self.module.forward()
        if self.name == "training":
            self.module.backward(output)
        return output

    def _replays(self, group: int) -> Marks:
        mark, replay = self.backend.mark, self._graph.replay
        start = mark()
        for _ in range(group):
            replay()
        return start, mark()


def replayed(case: Case) -> bool:
    """Whether the row's iterations are replayed from a CUDA graph."""
    return case.setting("graph") == "on"


def timed_pass(
    name: PassName, subject: ModuleUnderTest, backend: Backend, cuda: Any = torch.cuda
) -> TrainingPass | PhasePass:
    """The pass of that name as the case's settings want it. Raises UnsupportedError where it cannot be recorded."""
    if replayed(subject.case):
        try:
            return GraphPass(subject, backend, WHOLE_PHASE[name], cuda)
        except (torch.OutOfMemoryError, UnsupportedError):
            raise
        except RuntimeError as error:
            first = first_line(error).rstrip(".")
            raise UnsupportedError(f"This workload cannot be recorded as a CUDA graph: {first}.") from error
    timed = pass_of(name, subject, backend)
    if is_compiled(subject.case):
        timed.segments = False  # compiled code is not called operator by operator
    return timed


def max_group(case: Case) -> int | None:
    """The most iterations of a region; None: as many as it needs. CUDA graphs that torch.compile records give each
    forward's outputs the same memory, so that its backward has to come before the next forward."""
    return 1 if axes.records_graphs(case.settings) and case.device.startswith("cuda") else None
