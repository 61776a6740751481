"""One step of training, as the phase ``step`` times it: what a training loop does between two batches.

The timed region holds ``zero_grad(set_to_none=True)``, the forward, the loss, its backward and the optimizer's step;
under ``amp-fp16`` with ``GradScaler``: ``scale(loss).backward()``, ``step(optimizer)``, ``update()``, whose look for
infinite gradients waits for the device. Forward and loss are under one autocast context, the rest is outside.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from cvbench_tui.worker.process.failure import UnsupportedError
from cvbench_tui.worker.workloads.inputs import outputs_of
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest

LEARNING_RATE = 1e-8
"""A step takes as long with any. With this one a million steps on one batch move a weight by 0.01 to 0.1 (AdamW by at
most its rate each, SGD by ten times its rate and the gradient): none grows beyond bounds, where numbers that are none
or are denormal take another time."""
MOMENTUM = 0.9
NO_GRAPH_STEP = "An optimizer's step is not recorded as a CUDA graph."
NO_WEIGHTS = "It has no weights, so an optimizer has no step to take."
HALF_EPSILON = 1e-4  # of AdamW in float16, where its own 1e-8 is zero: 0/0 made weights of nan


class TrainingStep:
    """The optimizer of one row with what it remembers, and the loss. Raises UnsupportedError where there is nothing to
    optimize, or the device has no such optimizer."""

    def __init__(self, subject: ModuleUnderTest) -> None:
        if not subject.parameters:
            raise UnsupportedError(NO_WEIGHTS)
        self._subject = subject
        self.optimizer, self.description = _optimizer(subject)
        self._scaler: Any = _scaler(subject.device) if subject.case.setting("precision") == "amp-fp16" else None
        self._forward = subject.with_loss(self._loss_of_first_call)
        self._step = self._plain if self._scaler is None else self._scaled

    def run(self) -> None:
        """One step. The first one learns the loss from the shape of the outputs."""
        self._step()

    def finite(self) -> bool:
        """Whether every weight still is a number."""
        return all(bool(torch.isfinite(parameter).all()) for parameter in self._subject.parameters)

    def _plain(self) -> None:
        self._subject.clear_inputs()
        self.optimizer.zero_grad(set_to_none=True)
        self._forward().backward()
        self.optimizer.step()

    def _scaled(self) -> None:
        scaler, optimizer = self._scaler, self.optimizer
        self._subject.clear_inputs()
        optimizer.zero_grad(set_to_none=True)
        scaler.scale(self._forward()).backward()
        scaler.step(optimizer)
        scaler.update()

    def _loss_of_first_call(self, outputs: Any) -> Tensor:
        loss = loss_for(self._subject, outputs)
        self._forward = self._subject.with_loss(loss)
        return loss(outputs)


def loss_for(subject: ModuleUnderTest, outputs: Any) -> Callable[[Any], Tensor]:
    """The loss that fits these outputs: the sum of a model's own losses; the cross entropy of every output with seeded
    classes, for a model that gives a row of scores for each input; for anything else the inner product with a fixed
    standard normal, whose gradient that is."""
    tensors = outputs_of(outputs)
    if subject.inputs.losses:
        return lambda outputs: torch.stack(outputs_of(outputs)).sum()
    generator = torch.Generator().manual_seed(subject.seed)
    if subject.case.workload.kind == "model" and all(tensor.dim() == 2 for tensor in tensors):
        drawn = [torch.randint(tensor.shape[1], (tensor.shape[0],), generator=generator) for tensor in tensors]
        classes = [each.to(subject.device) for each in drawn]
        entropy = nn.functional.cross_entropy
        return lambda outputs: _sum(entropy(each, target) for each, target in zip(outputs_of(outputs), classes))
    weights = [torch.randn(each.shape, generator=generator).to(each.device, each.dtype) for each in tensors]
    return lambda outputs: _sum((each * weight).sum() for each, weight in zip(outputs_of(outputs), weights))


def _sum(losses: Any) -> Tensor:
    """Of at least one; a single one is left as it is, without an addition of zero."""
    first, *others = losses
    for each in others:
        first = first + each
    loss: Tensor = first
    return loss


def _optimizer(subject: ModuleUnderTest) -> tuple[torch.optim.Optimizer, str]:
    """As the row's axis names it, and how it goes over the weights, in words. Raises UnsupportedError for one that this
    PyTorch does not have on the device."""
    name, _, loop = subject.case.setting("optimizer").partition("-")
    arguments: dict[str, Any] = {"lr": LEARNING_RATE}
    if loop == "fused":
        arguments["fused"] = True
    if name == "sgd":
        kind: Any = torch.optim.SGD
        arguments["momentum"] = MOMENTUM
        title = f"SGD, momentum {MOMENTUM}"
    else:
        kind, title = torch.optim.AdamW, "AdamW"
        if any(parameter.dtype == torch.float16 for parameter in subject.parameters):
            arguments["eps"] = HALF_EPSILON
    try:
        optimizer = kind(subject.parameters, **arguments)
    except (RuntimeError, TypeError):
        where = f"PyTorch {torch.__version__} has no fused {title.partition(',')[0]}"
        raise UnsupportedError(f"{where} for {subject.parameters[0].dtype} on {subject.device}.") from None
    return optimizer, f"{title}, {_loop(subject.parameters, fused=loop == 'fused')}"


def _loop(parameters: list[nn.Parameter], *, fused: bool) -> str:
    """``fused``, ``foreach``, ``one weight after the other``: as PyTorch chooses by itself where it is not told."""
    if fused:
        return "fused"
    module = sys.modules[torch.optim.Optimizer.__module__]  # hidden behind a class of nearly its name
    choose = getattr(module, "_default_to_fused_or_foreach", None)
    if choose is None:
        return "loop of PyTorch's choice"
    _, foreach = choose(list(parameters), False, False)
    return "foreach" if foreach else "one weight after the other"


def _scaler(device: torch.device) -> Any:
    """Raises UnsupportedError where there is none."""
    kind = getattr(torch.amp, "GradScaler", None)
    scaler = torch.cuda.amp.GradScaler() if kind is None else kind(device.type)
    if not scaler.is_enabled() or (kind is None and device.type != "cuda"):
        raise UnsupportedError(
            f"PyTorch {torch.__version__} has no GradScaler on {device}, which amp-fp16 trains with."
        )
    return scaler
