"""Does a row with settings compute what the row without computes? Its output and its last gradient beside those of
float32, contiguous and eager, with the same seeded weights and inputs. After everything that is timed.

In eval mode, with gradients, so that dropout and stochastic depth play no part. Two things of fresh weights are changed
on both sides: weight matrices of zeros (heads of vision transformers), behind which nothing shows, are drawn; and
batch normalisations divide by the root mean square of what they get, without which activations of 152 layers grow
beyond float16 or vanish. (With means taken off as well, in train mode, fresh deep networks are chaotic: bfloat16's
output of resnext101 was 0.9 of the largest away, this way 0.007.)

How much a precision explains is measured on the reference itself: every weight, input and output of a layer is changed
at random by up to the precision's unit roundoff. ``MARGIN`` times what that changes, and a little, is the bound.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from cvbench_tui.core import axes
from cvbench_tui.core.measurement import ResultCheck
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.worker.process.failure import UnsupportedError
from cvbench_tui.worker.workloads.inputs import tensors_in
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest

ROUNDOFF = {axes.F32: 2.0**-24, axes.TF32: 2.0**-11, axes.F16: 2.0**-11, axes.B16: 2.0**-8}
"""Half the distance from 1 to the next number, relative: significands have 24, 11 and 8 bits."""
MARGIN = 4.0
DISTURBANCES = 2  # of which the larger counts: where a network is chaotic, one alone is a matter of chance
OTHER_ORDER = 2.0**-14
"""Added to an output's bound: the same sums in another order, or by Winograd's algorithm. VGG16 in channels_last was
46 roundoffs of float32 away, this is 1,024."""
OPERATIONS = 4.0  # roundoffs added to it for operations that are no layer of their own
SWITCHED = 0.05
"""Added to a gradient's bound: one unit that is zero on one side only, or another largest one of a pool, moves a
gradient at one go, by 0.01 of the largest in VGG16."""
ZERO_STD = 0.02  # of the weights that replace matrices of zeros, as such heads are initialised elsewhere
MAX_ERROR = 1e6  # stands for an error that is infinite or no number


@dataclass
class _Results:
    """What one side computes, in float32."""

    outputs: Sequence[Tensor]
    gradient: Tensor | None  # of the input, or of the first weight; None where nothing has one


@dataclass
class _Fixed:
    """What both sides share beside the seed."""

    drawn: list[Tensor | None]  # weights in place of zeros, by position
    buffers: list[Tensor]
    gradients: Sequence[Tensor] = ()  # of the outputs


def check_result(case: Case, protocol: Protocol) -> ResultCheck | None:
    """The errors of that row and their bounds; None where it has no setting that could change a result. Raises
    UnsupportedError for a workload that cannot be compared, and what the workload raises."""
    if not axes.checked(case.settings):
        return None
    if case.finds_batch:  # in float32 it would take more memory than there is
        case = replace(case, batch=max(1, case.batch // 4))
    types = axes.peaks(case.case_id) or ((axes.TF32,) if case.device.startswith("cuda") else (axes.F32,))
    roundoff = max(ROUNDOFF[each] for each in types)
    reference, fixed, explained = _reference(case, protocol, roundoff)
    subject = ModuleUnderTest(case, protocol)
    subject.evaluate()
    _adopt(subject, fixed)
    output, gradient = errors(_computed(subject, fixed), reference)
    by_roundoff = [MARGIN * (error or 0.0) for error in explained]
    output_bound = min(MAX_ERROR, by_roundoff[0] + OPERATIONS * roundoff + OTHER_ORDER)
    gradient_bound = None if gradient is None else min(MAX_ERROR, by_roundoff[1] + SWITCHED)
    less = case.batch if case.finds_batch else None
    return ResultCheck(output or 0.0, output_bound, gradient, gradient_bound, less)


def _reference(
    case: Case, protocol: Protocol, roundoff: float
) -> tuple[_Results, _Fixed, tuple[float | None, float | None]]:
    """float32's results, and how far the roundoff moves them. The module is given back at the end."""
    plain = replace(case, settings=tuple(each for each in case.settings if each[0] == "batch")).varied(precision="fp32")
    subject = ModuleUnderTest(plain, protocol)
    if subject.inputs.losses:
        raise UnsupportedError("A model that chooses boxes has no output of a fixed shape.")
    subject.evaluate()
    fixed = _Fixed(*_prepared(subject))
    results = _computed(subject, fixed)
    for module in subject.module.modules():  # blocks too, whose sums are no layer of their own
        module.register_forward_hook(lambda _module, _inputs, output: _disturbed(output, roundoff))
    found: list[tuple[float | None, float | None]] = []
    for _ in range(DISTURBANCES):  # one upon the other: a copy of the weights would need its memory
        _disturb([*subject.module.parameters(), *subject.inputs.tensors], roundoff)
        found.append(errors(_computed(subject, fixed), results))
    output, gradient = (max((error for error in each if error is not None), default=None) for each in zip(*found))
    return results, fixed, (output, gradient)


def _prepared(subject: ModuleUnderTest) -> tuple[list[Tensor | None], list[Tensor]]:
    """Draw the weights that are all zero, scale the batch normalisations; both for the other side."""
    generator = torch.Generator().manual_seed(subject.seed)
    drawn: list[Tensor | None] = []
    hooks = [
        module.register_forward_pre_hook(_scale_by_inputs)
        for module in subject.module.modules()
        if isinstance(module, _BatchNorm) and module.running_var is not None
    ]
    with torch.no_grad():
        for weight in subject.module.parameters():
            zero = weight.dim() > 1 and not weight.any()
            drawn.append(ZERO_STD * torch.randn(weight.shape, generator=generator) if zero else None)
        _adopt(subject, _Fixed(drawn, [*subject.module.buffers()]))
        if hooks:
            subject.forward()
    for hook in hooks:
        hook.remove()
    return drawn, [buffer.detach().clone() for buffer in subject.module.buffers()]


def _scale_by_inputs(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    """Make a batch normalisation divide by the root mean square of these inputs, or nearly: by a power of two, which
    every precision has. Rounded to bfloat16 such factors moved the output of efficientnet_b2 by 0.45."""
    mean_square = float(inputs[0].square().mean())
    usable = 0 < mean_square < math.inf
    module.running_mean.zero_()  # type: ignore[operator]
    module.running_var.fill_(2.0 ** round(math.log2(mean_square)) if usable else 1.0)  # type: ignore[operator]


def _adopt(subject: ModuleUnderTest, fixed: _Fixed) -> None:
    """Take over the drawn weights and the buffers, in the subject's own type and layout."""
    with torch.no_grad():
        for weight, drawn in zip(subject.module.parameters(), fixed.drawn):
            if drawn is not None:
                weight.copy_(drawn)
        for buffer, value in zip(subject.module.buffers(), fixed.buffers):
            buffer.copy_(value)


def _computed(subject: ModuleUnderTest, fixed: _Fixed) -> _Results:
    """One forward and one backward. The first side's output gradients are kept for the others."""
    outputs = subject.forward()
    tensors = [each.detach().float() for each in tensors_in(outputs) if each.is_floating_point()]
    leaves = [each for each in (*subject.inputs.tensors, *subject.parameters) if each.requires_grad]
    if not leaves:
        return _Results(tensors, None)
    subject.prepare_gradients(outputs)
    if not fixed.gradients:
        fixed.gradients = [each.detach().clone() for each in subject.gradients]
    subject.gradients = tuple(
        torch.empty_like(own).copy_(each) for own, each in zip(subject.gradients, fixed.gradients)
    )
    subject.backward(outputs)
    found = next((each.grad for each in leaves if each.grad is not None), None)
    results = _Results(tensors, None if found is None else found.detach().float().clone())
    subject.clear()
    return results


def _disturb(tensors: Iterable[Tensor], roundoff: float) -> None:
    with torch.no_grad():
        for tensor in tensors:
            if tensor.is_floating_point():
                tensor.mul_(1 + torch.empty_like(tensor).uniform_(-roundoff, roundoff))


def _disturbed(output: Any, roundoff: float) -> Any:
    """A layer's output, changed; what is no single tensor stays."""
    if not isinstance(output, Tensor) or not output.is_floating_point():
        return output
    return output * (1 + torch.empty_like(output).uniform_(-roundoff, roundoff))


def errors(found: _Results, wanted: _Results) -> tuple[float | None, float | None]:
    """Of the outputs and of the gradient: the largest difference over the largest number. Raises UnsupportedError where
    their shapes differ."""
    pairs = [*zip(found.outputs, wanted.outputs)]
    if len(found.outputs) != len(wanted.outputs) or any(mine.shape != other.shape for mine, other in pairs):
        raise UnsupportedError("Its output has another shape each time.")
    output = max((_error(mine, other) for mine, other in pairs), default=None)
    both = found.gradient is not None and wanted.gradient is not None
    return output, _error(found.gradient, wanted.gradient) if both else None  # type: ignore[arg-type]


def _error(found: Tensor, wanted: Tensor) -> float:
    """Relative to the largest number wanted; where that is zero, whether anything else was found."""
    apart, largest = float((found - wanted).abs().max()), float(wanted.abs().max())
    if not math.isfinite(apart):
        return MAX_ERROR
    error = apart / largest if largest > 0 else float(apart > 0)
    return error if math.isfinite(error) and error < MAX_ERROR else MAX_ERROR
