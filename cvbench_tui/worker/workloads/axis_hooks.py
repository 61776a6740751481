"""What the values of each axis do to a workload: one hook for each axis of ``core.axes``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from cvbench_tui.core.axes import AXES
from cvbench_tui.core.plan import Case

Forward = Callable[..., Any]


@dataclass(frozen=True)
class AxisHook:
    """The steps of one axis, each with the row's value. A step that an axis does not need is left out."""

    process: Callable[[str], None] = lambda value: None
    """Switches of the process, before the module is built; called with the default too, as a process may have measured
    another row before."""
    module: Callable[[nn.Module, str], nn.Module] = lambda module, value: module
    inputs: Callable[[Tensor, str], Tensor] = lambda tensor, value: tensor
    forward: Callable[[Forward, str, torch.device], Forward] = lambda forward, value, device: forward


HOOKS: dict[str, AxisHook] = {}
"""By the axis's name. An axis without a hook is one that other parts of the worker read: threads, optimizer."""


def set_process(case: Case) -> None:
    """Set the switches of this process for that case."""
    for axis in AXES:
        if axis.name in HOOKS:
            HOOKS[axis.name].process(case.setting(axis.name))
