"""The timed regions: the only lines of the project where a clock runs around a workload. Between two marks is the call
and nothing else: gradients are cleared and outputs released outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from cvbench_tui.core.evidence import PassName
from cvbench_tui.core.measurement import PASS_OF, Phase
from cvbench_tui.worker.devices.backend import Backend
from cvbench_tui.worker.timing.sampler import Marks
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest


@dataclass
class TrainingPass:
    """Forward and backward in train mode; three marks an iteration give all three phases from the same work."""

    module: ModuleUnderTest
    backend: Backend
    name: PassName = "training"
    phases: tuple[Phase, ...] = ("forward", "backward", "total")

    def begin(self) -> None:
        """Put the module into this pass's mode, without gradients of an earlier iteration."""
        self.module.clear()
        self.module.train()

    def regions(self, count: int, group: int) -> list[Marks]:
        """``count`` regions of ``group`` iterations, as marks; not settled yet."""
        if group == 1:
            return self._singles(count)
        return [self._grouped(group) for _ in range(count)]

    def seconds(self, marks: Marks) -> tuple[float, ...]:
        """Seconds of forward, backward and total of one region; forward and backward add up to total."""
        start, between, end = marks
        forward, backward = self.backend.seconds(start, between), self.backend.seconds(between, end)
        return forward, backward, forward + backward

    def _singles(self, count: int) -> list[Marks]:
        """One loop without a call of ours between the marks: it runs some thousand times a second."""
        mark, forward, backward = self.backend.mark, self.module.forward, self.module.backward
        clear = self.module.clear
        found: list[Marks] = []
        for _ in range(count):
            clear()
            start = mark()
            output = forward()
            between = mark()
            backward(output)
            end = mark()
            del output
            found.append((start, between, end))
        return found

    def _grouped(self, group: int) -> Marks:
        """Short work: all forwards, then all backwards. Clearing between backwards is no work for a device."""
        mark, forward, backward = self.backend.mark, self.module.forward, self.module.backward
        clear = self.module.clear
        clear()
        start = mark()
        outputs = [forward() for _ in range(group)]
        between = mark()
        for output in outputs:
            backward(output)
            clear()
        end = mark()
        del output, outputs
        return start, between, end


@dataclass
class PhasePass:
    """One phase between marks of its own: inference, or one of training's. ``before``: right before each region."""

    module: ModuleUnderTest
    backend: Backend
    phase: Phase
    before: Callable[[], object] = lambda: None

    def __post_init__(self) -> None:
        """By its phase."""
        self.name: PassName = PASS_OF[self.phase]
        self.phases: tuple[Phase, ...] = (self.phase,)
        regions = {"forward": self._forward, "backward": self._backward, "total": self._total}
        self._region = regions.get(self.phase, self._inference)

    def begin(self) -> None:
        """Put the module into the phase's mode."""
        self.module.evaluate() if self.name == "inference" else self.module.train()
        self.module.clear()

    def regions(self, count: int, group: int) -> list[Marks]:
        """``count`` regions of ``group`` iterations, as marks; not settled yet."""
        with torch.inference_mode(self.name == "inference"):
            return [self._region(group) for _ in range(count)]

    def seconds(self, marks: Marks) -> tuple[float, ...]:
        """Seconds of one region."""
        return (self.backend.seconds(*marks),)

    def _forward(self, group: int) -> Marks:
        mark, forward = self.backend.mark, self.module.forward
        outputs: list[Any] = []
        keep = outputs.append
        self.module.clear()
        self.before()
        start = mark()
        for _ in range(group):
            keep(forward())
        end = mark()
        return start, end

    def _backward(self, group: int) -> Marks:
        mark, backward, clear = self.backend.mark, self.module.backward, self.module.clear
        clear()
        first, *others = [self.module.forward() for _ in range(group)]
        self.before()
        start = mark()
        backward(first)
        for output in others:
            clear()
            backward(output)
        end = mark()
        return start, end

    def _total(self, group: int) -> Marks:
        mark, forward, backward = self.backend.mark, self.module.forward, self.module.backward
        clear = self.module.clear
        clear()
        self.before()
        start = mark()
        output = forward()
        backward(output)
        for _ in range(group - 1):
            clear()
            output = forward()
            backward(output)
        end = mark()
        return start, end

    def _inference(self, group: int) -> Marks:
        mark, forward = self.backend.mark, self.module.forward
        self.before()
        start = mark()
        output = forward()
        for _ in range(group - 1):
            output = forward()
        end = mark()
        del output
        return start, end


def pass_of(name: PassName, module: ModuleUnderTest, backend: Backend) -> TrainingPass | PhasePass:
    """The pass of that name."""
    return TrainingPass(module, backend) if name == "training" else PhasePass(module, backend, "inference")
