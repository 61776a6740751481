"""Inference recorded once as a CUDA graph and replayed: the device's time without the host's launches."""

from __future__ import annotations

from typing import Any

import torch

from cvbench_tui.core.evidence import PassName
from cvbench_tui.core.measurement import Phase
from cvbench_tui.worker.devices.backend import Backend
from cvbench_tui.worker.timing.sampler import Marks
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest

WARM_CALLS = 3
"""Calls on a side stream before the recording, as PyTorch asks for: what is allocated lazily must be there."""


class GraphPass:
    """Replays of one recorded inference call. Making it raises whatever a workload that cannot be recorded raises."""

    name: PassName = "inference"
    phases: tuple[Phase, ...] = ("inference",)

    def __init__(self, subject: ModuleUnderTest, backend: Backend, cuda: Any = torch.cuda) -> None:
        self._backend = backend
        with torch.inference_mode():
            side = cuda.Stream()
            side.wait_stream(cuda.current_stream())
            with cuda.stream(side):
                for _ in range(WARM_CALLS):
                    subject.forward()
            cuda.current_stream().wait_stream(side)
            self._graph = cuda.CUDAGraph()
            with cuda.graph(self._graph):
                self._output = subject.forward()
        """Kept: the replays write into its memory."""

    def begin(self) -> None:
        """The mode is in the recording."""

    def regions(self, count: int, group: int) -> list[Marks]:
        """``count`` regions of ``group`` replays, as marks; not settled yet."""
        return [self._region(group) for _ in range(count)]

    def seconds(self, marks: Marks) -> tuple[float, ...]:
        """Seconds of one region."""
        return (self._backend.seconds(*marks),)

    def _region(self, group: int) -> Marks:
        mark, replay = self._backend.mark, self._graph.replay
        start = mark()
        for _ in range(group):
            replay()
        return start, mark()
