"""FLOPs and memory traffic of a case: counted by running it once on tensors that have shapes and no data.

No device is touched and no arithmetic done: every operator that PyTorch calls, forward and backward, passes torch's
``FlopCounterMode`` with formulas of ours, then ``TrafficMode``. Operators are those of eager PyTorch without
device-specific fusion, save attention and dropout.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from cvbench_tui.core.measurement import PhaseWork
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Method
from cvbench_tui.worker.extras.flop_formulas import FORMULAS
from cvbench_tui.worker.extras.meta_device import on_meta, operators_of
from cvbench_tui.worker.extras.traffic import PhaseCounts, TrafficMode
from cvbench_tui.worker.workloads.module_under_test import outputs_of


def phase_work(case: Case, method: Method = "rounds") -> tuple[PhaseWork, ...]:
    """The work of forward, backward, total and inference for one iteration of the whole batch.

    ``method`` as in the protocol: ``published`` gives layers inputs without gradient. The random state stays as it was.
    Takes milliseconds to a second or two (a layer 10 ms, resnet152 0.6 s, densenet201 1.5 s of one core). Raises
    RuntimeError (NotImplementedError) for an operator that cannot do without data; no workload offered has one.
    """
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module, inputs = on_meta(case.workload, case.batch, method)
        with operators_of(case.device):
            return count_phases(module, inputs)


def count_phases(module: nn.Module, inputs: Tensor) -> tuple[PhaseWork, ...]:
    """The same of a module and its inputs, with or without data."""
    results: dict[Any, Any] = {}
    total = PhaseCounts()
    module.train()
    with _counting(results, total) as counts:
        output = module(inputs)
    forward = counts.work("forward")
    outputs = outputs_of(output)
    gradients = [torch.empty_like(output) for output in outputs]
    with _counting(results, total) as counts:
        torch.autograd.backward(outputs, gradients)
    training = (forward, counts.work("backward"), total.work("total"))
    del output, outputs, gradients
    module.zero_grad(set_to_none=True)
    module.eval()
    with torch.no_grad(), _counting(results) as counts:
        _output = module(inputs.detach())  # alive while it is counted
    return (*training, counts.work("inference"))


@contextmanager
def _counting(results: dict[Any, Any], *others: PhaseCounts) -> Iterator[PhaseCounts]:
    """Count what is called meanwhile, into ``others`` as well."""
    phases = (PhaseCounts(), *others)
    counter = FlopCounterMode(display=False, custom_mapping=FORMULAS)
    with TrafficMode(phases, results), counter:
        yield phases[0]
    for phase in phases:
        phase.flops += counter.get_total_flops()
