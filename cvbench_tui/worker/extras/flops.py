"""What a case has to compute and to move: counted by running it once on tensors that have shapes and no data.

No device is touched and no arithmetic done: every operator that PyTorch calls, forward and backward, passes a counter
on PyTorch's ``meta`` device. What an operator costs is ``work_formulas``' and ``work_traffic``'s. Operators are those
of eager PyTorch without device-specific fusion, save attention and dropout.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from cvbench_tui.core.measurement import Phase, PhaseWork
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Method
from cvbench_tui.core.workload import Workload
from cvbench_tui.worker.extras.flop_formulas import may_use_winograd
from cvbench_tui.worker.extras.meta_counter import EmptyOnMeta, Meter, as_on
from cvbench_tui.worker.extras.traffic import Call, Footprint
from cvbench_tui.worker.workloads.build import build_module
from cvbench_tui.worker.workloads.module_under_test import outputs_of

SMALL_BATCHES = (2, 3)
"""For operators that need data: two real runs, and a straight line through them. One would not do for batch norm."""


class Tally:
    """What the calls of one phase add up to."""

    def __init__(self) -> None:
        self.flops: Counter[str] = Counter()
        """By operator."""
        self.bytes = 0
        self.footprint = Footprint()
        self.winograd = False
        self.uncounted: set[str] = set()

    def add(self, call: Call, flops: int | None, size: int) -> None:
        """One call, its operations (None: there is no formula) and the bytes it moves."""
        self.bytes += size
        self.footprint.add(call.read, call.written)
        if flops is None:
            self.uncounted.add(call.name)
        else:
            self.flops[call.name] += flops
        self.winograd = self.winograd or may_use_winograd(call.name, call.args)

    def work(self, phase: Phase) -> PhaseWork:
        """As the measurement carries it; asked for at the end of the phase, while its results are alive."""
        flops, footprint = sum(self.flops.values()), self.footprint.total_bytes()
        return PhaseWork(phase, flops, self.bytes, footprint, self.winograd, tuple(sorted(self.uncounted)))


def phase_work(case: Case, method: Method = "rounds") -> tuple[PhaseWork, ...]:
    """The work of forward, backward, total and inference for one iteration of the whole batch.

    ``method`` as in the protocol: ``published`` gives layers inputs without gradient. The random state stays as it was.
    Takes milliseconds to a second or two (a layer 10 ms, resnet152 0.6 s, densenet201 1.6 s of one core). An operator
    that cannot do without data makes it two small runs on the CPU. Empty when neither can be done.
    """
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for count in (_without_data, _from_small_batches):
            try:
                return count(case, method)
            except RuntimeError:  # NotImplementedError included: an operator that wants data
                continue
    return ()


def tallies(module: nn.Module, inputs: Tensor, device: str) -> Iterator[tuple[Phase, Tally]]:
    """Each phase with its tally, to be read before the next one is asked for. The module's tensors and ``inputs`` stay
    where they are; ``device`` only says whose operators are counted."""
    with as_on(device):
        meter, forward, backward, total = Meter(), Tally(), Tally(), Tally()
        module.train()
        with meter.into(forward, total):
            result = module(inputs)
        yield "forward", forward
        outputs = outputs_of(result)
        gradients = [torch.empty_like(output) for output in outputs]
        with meter.into(backward, total):
            torch.autograd.backward(outputs, gradients)
        yield "backward", backward
        yield "total", total
        del result, outputs, gradients
        module.zero_grad(set_to_none=True)
        module.eval()
        inference = Tally()
        with torch.no_grad(), meter.into(inference):
            _result = module(inputs.detach())  # alive while it is counted
        yield "inference", inference


def without_data(workload: Workload, batch: int, method: Method = "rounds") -> tuple[nn.Module, Tensor]:
    """The module and its inputs on ``meta``, with gradients wanted where the measured ones want them."""
    with EmptyOnMeta():
        module = build_module(workload).to("meta")
    return module, _inputs(module, workload, batch, method, "meta")


def _inputs(module: nn.Module, workload: Workload, batch: int, method: Method, device: str) -> Tensor:
    """As ``subject`` makes them: a layer's want a gradient, in the published method only where nothing else does."""
    has_weights = any(parameter.requires_grad for parameter in module.parameters())
    wants_gradient = workload.kind == "layer" and (method == "rounds" or not has_weights)
    return torch.randn((batch, *workload.input_shape), device=device).requires_grad_(wants_gradient)


def _without_data(case: Case, method: Method) -> tuple[PhaseWork, ...]:
    module, inputs = without_data(case.workload, case.batch, method)
    return tuple(tally.work(phase) for phase, tally in tallies(module, inputs, case.device))


def _from_small_batches(case: Case, method: Method) -> tuple[PhaseWork, ...]:
    """Real runs on the CPU at two small batches, continued in a straight line: all counts are linear in the batch."""
    module = build_module(case.workload)
    low, high = SMALL_BATCHES
    counted = []
    for batch in SMALL_BATCHES:
        inputs = _inputs(module, case.workload, batch, method, "cpu")
        counted.append([tally.work(phase) for phase, tally in tallies(module, inputs, case.device)])

    def at_batch(small: int, large: int) -> int:
        return small + (large - small) * (case.batch - low) // (high - low)

    return tuple(
        PhaseWork(
            one.phase,
            at_batch(one.flops, two.flops),
            at_batch(one.bytes, two.bytes),
            at_batch(one.footprint_bytes, two.footprint_bytes),
            one.winograd,
            one.uncounted,
        )
        for one, two in zip(*counted)
    )
