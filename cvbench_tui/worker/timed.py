"""The timed regions: the only lines of the project where a clock runs around a workload.

Between two marks stands the call and nothing else: gradients are cleared and outputs released outside.
"""

from __future__ import annotations

from typing import Any

import torch

from cvbench_tui.core.measurement import Phase
from cvbench_tui.worker.backend import Backend
from cvbench_tui.worker.subject import Subject

Marks = tuple[Any, ...]


class TrainingPass:
    """Forward and backward in train mode; three marks an iteration give all three phases from the same work."""

    phases: tuple[Phase, ...] = ("forward", "backward", "total")
    headline: Phase = "total"

    def __init__(self, subject: Subject, backend: Backend) -> None:
        self._subject = subject
        self._backend = backend

    def begin(self) -> None:
        """Put the module into this pass's mode, without gradients of an earlier iteration."""
        self._subject.clear()
        self._subject.train()

    def regions(self, count: int, group: int) -> list[Marks]:
        """``count`` regions of ``group`` iterations, as marks; not settled yet."""
        if group == 1:
            return [self._single() for _ in range(count)]
        return [self._grouped(group) for _ in range(count)]

    def seconds(self, marks: Marks) -> tuple[float, ...]:
        """Seconds of forward, backward and total of one region; forward and backward add up to total."""
        start, between, end = marks
        forward, backward = self._backend.seconds(start, between), self._backend.seconds(between, end)
        return forward, backward, forward + backward

    def _single(self) -> Marks:
        mark, forward, backward = self._backend.mark, self._subject.forward, self._subject.backward
        self._subject.clear()
        start = mark()
        output = forward()
        between = mark()
        backward(output)
        end = mark()
        del output
        return start, between, end

    def _grouped(self, group: int) -> Marks:
        """Short work: all forwards, then all backwards. Clearing between backwards is no work for a device."""
        mark, forward, backward = self._backend.mark, self._subject.forward, self._subject.backward
        clear = self._subject.clear
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


class InferencePass:
    """One forward call in eval mode, under inference_mode."""

    phases: tuple[Phase, ...] = ("inference",)
    headline: Phase = "inference"

    def __init__(self, subject: Subject, backend: Backend) -> None:
        self._subject = subject
        self._backend = backend

    def begin(self) -> None:
        """Put the module into this pass's mode."""
        self._subject.evaluate()

    def regions(self, count: int, group: int) -> list[Marks]:
        """``count`` regions of ``group`` calls, as marks; not settled yet."""
        with torch.inference_mode():
            return [self._region(group) for _ in range(count)]

    def seconds(self, marks: Marks) -> tuple[float, ...]:
        """Seconds of one region."""
        return (self._backend.seconds(*marks),)

    def _region(self, group: int) -> Marks:
        mark, forward = self._backend.mark, self._subject.forward
        start = mark()
        output = forward()
        for _ in range(group - 1):
            output = forward()
        end = mark()
        del output
        return start, end
