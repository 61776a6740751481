"""What every loop of ``reference`` times: the module and its inputs, built by the same code as the stopwatch's."""

from __future__ import annotations

from typing import Any

import torch

from cvbench_tui.core.protocol import Protocol
from cvbench_tui.worker.process.requests import case_from
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest

Samples = dict[str, list[float]]
"""Seconds per iteration, by phase."""


class TimedModule:
    """The module with its inputs, and the waits its device needs."""

    def __init__(self, plain_case: dict[str, Any]) -> None:
        case = case_from(plain_case)
        self.device = torch.device(case.device)
        if self.device.type == "cuda":
            torch.cuda.set_device(self.device)
        self.subject = ModuleUnderTest(case, Protocol("reference"))
        self.subject.train()
        self.subject.prepare_gradients(self.subject.forward())

    def wait(self) -> None:
        """Until the device has done all it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        elif self.device.type != "cpu":
            getattr(torch, self.device.type).synchronize()

    def train_once(self) -> None:
        """Clear, forward and backward, as one would write it."""
        self.subject.clear()
        self.subject.backward(self.subject.forward())

    def wanted(self, request: dict[str, Any], phases: tuple[str, ...]) -> bool:
        """True when the request asks for one of these phases; it asks for all when it names none."""
        asked = request.get("phases") or ("forward", "backward", "total", "inference")
        return any(phase in asked for phase in phases)
