"""The timed regions: the only lines of the project where a clock runs around a workload. Between two marks is the call
and nothing else: gradients are cleared and outputs released outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from cvbench_tui.core.evidence import PassName
from cvbench_tui.core.measurement import PASS_OF, WHOLE_PHASE, Phase
from cvbench_tui.worker.devices.backend import Backend
from cvbench_tui.worker.timing.sampler import Marks
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest
from cvbench_tui.worker.workloads.training_step import TrainingStep


class _Segments(TorchDispatchMode):
    """Cuts after every so many operators, also of a backward, whose thread takes the mode over. Where the device is
    waited for between two of them, what the mode itself costs the host is in no time. Autograd adds some gradients out
    of place under it (1,803 additions of DenseNet-201's 3,724 launches), since the mode holds the operands."""

    def __init__(self, operators: int, cut: Callable[[], None]) -> None:
        super().__init__()
        self.count = 1  # of segments
        self._operators, self._cut, self._done = operators, cut, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operator, after a cut where the segment is full."""
        if self._done == self._operators:
            self._cut()
            self.count, self._done = self.count + 1, 0
        self._done += 1
        return func(*args, **(kwargs or {}))


@dataclass
class TrainingPass:
    """Forward and backward in train mode; three marks an iteration give all three phases from the same work."""

    module: ModuleUnderTest
    backend: Backend
    name: PassName = "training"
    phases: tuple[Phase, ...] = ("forward", "backward", "total")
    segments = True

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

    def segmented(self, operators: int, cut: Callable[[], None]) -> tuple[int, ...]:
        """One iteration with a cut before its backward and after every so many operators: segments of each half."""
        self.module.clear()
        forward = _Segments(operators, cut)
        with forward:
            output = self.module.forward()
        cut()
        backward = _Segments(operators, cut)
        with backward:
            self.module.backward(output)
        return forward.count, backward.count

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
    """One phase between marks of its own, or a step. ``before``: right before each region."""

    module: ModuleUnderTest
    backend: Backend
    phase: Phase
    before: Callable[[], object] = lambda: None

    def __post_init__(self) -> None:
        """By its phase."""
        self.name: PassName = PASS_OF[self.phase]
        self.phases: tuple[Phase, ...] = (self.phase,)
        self.segments = self.phase in ("inference", "step")
        self._step: TrainingStep | None = None
        regions = {
            "forward": self._forward, "backward": self._backward, "total": self._total, "step": self._steps,
        }  # fmt: skip
        self._region = regions.get(self.phase, self._inference)

    def begin(self) -> None:
        """Put the module into the phase's mode."""
        self.module.evaluate() if self.name == "inference" else self.module.train()
        self.module.clear()
        if self.phase == "step":
            self._step = TrainingStep(self.module)
            self._step.run()  # it makes the optimizer's memory and learns the loss

    @property
    def optimizer(self) -> TrainingStep | None:
        """What takes the steps of this pass; None before it has begun, and where it takes none."""
        return self._step

    def regions(self, count: int, group: int) -> list[Marks]:
        """``count`` regions of ``group`` iterations, as marks; not settled yet."""
        with torch.inference_mode(self.name == "inference"):
            return [self._region(group) for _ in range(count)]

    def seconds(self, marks: Marks) -> tuple[float, ...]:
        """Seconds of one region."""
        return (self.backend.seconds(*marks),)

    def segmented(self, operators: int, cut: Callable[[], None]) -> tuple[int, ...]:
        """One inference or step with a cut after every so many operators: the number of segments."""
        segments = _Segments(operators, cut)
        work = self.module.forward if self._step is None else self._step.run
        with torch.inference_mode(self._step is None), segments:
            work()
        return (segments.count,)

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

    def _steps(self, group: int) -> Marks:
        assert self._step is not None, "it has begun"
        mark, step = self.backend.mark, self._step.run
        self.before()
        start = mark()
        for _ in range(group):
            step()
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
    return TrainingPass(module, backend) if name == "training" else PhasePass(module, backend, WHOLE_PHASE[name])
