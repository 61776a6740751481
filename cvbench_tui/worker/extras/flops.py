"""FLOPs and memory traffic of a case: counted by running it once on tensors that have shapes and no data.

No device is touched and no arithmetic done: every operator that PyTorch calls, forward and backward, passes torch's
``FlopCounterMode`` with formulas of ours, then ``TrafficMode``. Operators are those of eager PyTorch without
device-specific fusion, save attention and dropout.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cvbench_tui.core.evidence import PassName
from cvbench_tui.core.measurement import PhaseWork
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Method
from cvbench_tui.worker.extras.flop_formulas import FORMULAS
from cvbench_tui.worker.extras.traffic import PhaseCounts, TrafficMode
from cvbench_tui.worker.workloads.axis_hooks import AUTOCAST, convert
from cvbench_tui.worker.workloads.compiler import is_compiled
from cvbench_tui.worker.workloads.inputs import Inputs, on_meta, outputs_of
from cvbench_tui.worker.workloads.meta import operators_of


def phase_work(
    case: Case, method: Method = "rounds", passes: Sequence[PassName] = ("training", "inference")
) -> tuple[PhaseWork, ...]:
    """The work of forward, backward, total and inference, by those passes, for one iteration of the whole batch.

    ``method`` as in the protocol: ``published`` gives layers inputs without gradient. The random state stays as it was.
    Takes milliseconds to a second or two (a layer 10 ms, resnet152 0.6 s, densenet201 1.5 s of one core). Raises
    RuntimeError (NotImplementedError) for an operator that cannot do without data, as in detection.

    A precision of weights and inputs makes other bytes. Under autocast and when compiled the operations are the same,
    and the bytes are not known: tensors without data are not cast, and what is fused moves less.
    """
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module, inputs = convert(_only_precision(case), *on_meta(case.workload, case.batch, method))
        with operators_of(case.device):
            return as_known(case, count_phases(module, inputs, passes))


def as_known(case: Case, works: Sequence[PhaseWork]) -> tuple[PhaseWork, ...]:
    """The work without bytes where the row moves others than are counted."""
    if case.setting("precision") in AUTOCAST or is_compiled(case):
        return tuple(replace(work, bytes=0, footprint_bytes=0) for work in works)
    return tuple(works)


def _only_precision(case: Case) -> Case:
    """The case without what changes no size and needs data, such as compiling."""
    return replace(case, settings=tuple(each for each in case.settings if each[0] == "precision"))


def count_phases(
    module: nn.Module, inputs: Inputs, passes: Sequence[PassName] = ("training", "inference")
) -> tuple[PhaseWork, ...]:
    """The same of a module and its inputs, with or without data."""
    results: dict[Any, Any] = {}
    training = _count_training(module, inputs, results) if "training" in passes else ()
    if "inference" not in passes:
        return training
    module.eval()
    with torch.no_grad(), _counting(results) as counts:
        _output = module(*inputs.of(training=False))  # alive while it is counted
    return (*training, counts.work("inference"))


def _count_training(module: nn.Module, inputs: Inputs, results: dict[Any, Any]) -> tuple[PhaseWork, ...]:
    """Forward, backward and total. Leaves no gradients."""
    total = PhaseCounts()
    module.train()
    with _counting(results, total) as counts:
        output = module(*inputs.of(training=True))
    forward = counts.work("forward")
    outputs = outputs_of(output)
    gradients = [torch.empty_like(output) for output in outputs]
    with _counting(results, total) as counts:
        torch.autograd.backward(outputs, gradients)
    work = forward, counts.work("backward"), total.work("total")
    module.zero_grad(set_to_none=True)
    return work


@contextmanager
def _counting(results: dict[Any, Any], *others: PhaseCounts) -> Iterator[PhaseCounts]:
    """Count what is called meanwhile, into ``others`` as well."""
    phases = (PhaseCounts(), *others)
    counter = FlopCounterMode(display=False, custom_mapping=FORMULAS)
    with TrafficMode(phases, results), counter:
        yield phases[0]
    for phase in phases:
        phase.flops += counter.get_total_flops()
