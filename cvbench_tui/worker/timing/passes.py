"""The timed regions: the only lines of the project where a clock runs around a workload.

Between two marks is the call and nothing else: gradients are cleared and outputs released outside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from cvbench_tui.core.evidence import PassName
from cvbench_tui.core.measurement import PASS_OF, Phase
from cvbench_tui.worker.devices.backend import Backend
from cvbench_tui.worker.timing.sampler import Marks
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest


class TrainingPass:
    """Forward and backward in train mode; three marks an iteration give all three phases from the same work."""

    name: PassName = "training"
    phases: tuple[Phase, ...] = ("forward", "backward", "total")

    def __init__(self, module: ModuleUnderTest, backend: Backend) -> None:
        self._module = module
        self._backend = backend

    def begin(self) -> None:
        """Put the module into this pass's mode, without gradients of an earlier iteration."""
        self._module.clear()
        self._module.train()

    def regions(self, count: int, group: int) -> list[Marks]:
        """``count`` regions of ``group`` iterations, as marks; not settled yet."""
        if group == 1:
            return self._singles(count)
        return [self._grouped(group) for _ in range(count)]

    def seconds(self, marks: Marks) -> tuple[float, ...]:
        """Seconds of forward, backward and total of one region; forward and backward add up to total."""
        start, between, end = marks
        forward, backward = self._backend.seconds(start, between), self._backend.seconds(between, end)
        return forward, backward, forward + backward

    def _singles(self, count: int) -> list[Marks]:
        """One loop without a call of ours between the marks: it runs some thousand times a second."""
        mark, forward, backward = self._backend.mark, self._module.forward, self._module.backward
        clear = self._module.clear
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
        mark, forward, backward = self._backend.mark, self._module.forward, self._module.backward
        clear = self._module.clear
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


class PhasePass:
    """One phase between marks of its own: inference, and training's phases alone.

    ``before``, when given, is called right before each region.
    """

    def __init__(
        self, module: ModuleUnderTest, backend: Backend, phase: Phase, before: Callable[[], object] | None = None
    ) -> None:
        self.name: PassName = PASS_OF[phase]
        self.phases: tuple[Phase, ...] = (phase,)
        self._module = module
        self._backend = backend
        self._before = before or _nothing
        regions = {"forward": self._forward, "backward": self._backward, "total": self._total}
        self._region = regions.get(phase, self._inference)

    def begin(self) -> None:
        """Put the module into the phase's mode."""
        self._module.evaluate() if self.name == "inference" else self._module.train()
        self._module.clear()

    def regions(self, count: int, group: int) -> list[Marks]:
        """``count`` regions of ``group`` iterations, as marks; not settled yet."""
        with torch.inference_mode(self.name == "inference"):
            return [self._region(group) for _ in range(count)]

    def seconds(self, marks: Marks) -> tuple[float, ...]:
        """Seconds of one region."""
        return (self._backend.seconds(*marks),)

    def _forward(self, group: int) -> Marks:
        mark, forward = self._backend.mark, self._module.forward
        outputs: list[Any] = []
        keep = outputs.append
        self._module.clear()
        self._before()
        start = mark()
        for _ in range(group):
            keep(forward())
        end = mark()
        return start, end

    def _backward(self, group: int) -> Marks:
        mark, backward, clear = self._backend.mark, self._module.backward, self._module.clear
        clear()
        first, *others = [self._module.forward() for _ in range(group)]
        self._before()
        start = mark()
        backward(first)
        for output in others:
            clear()
            backward(output)
        end = mark()
        return start, end

    def _total(self, group: int) -> Marks:
        mark, forward, backward = self._backend.mark, self._module.forward, self._module.backward
        clear = self._module.clear
        clear()
        self._before()
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
        mark, forward = self._backend.mark, self._module.forward
        self._before()
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


def _nothing() -> None:
    """For a phase that needs no preparation."""
