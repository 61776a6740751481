"""The workload that is timed: a module with its inputs and its prepared output gradients. Has forward, backward and
inference; times nothing itself.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from cvbench_tui.core.axes import unsupported
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.worker.process.failure import UnsupportedError
from cvbench_tui.worker.workloads.axis_hooks import called, convert, set_process, under_contexts
from cvbench_tui.worker.workloads.build import build_module
from cvbench_tui.worker.workloads.inputs import make_inputs, outputs_of


class ModuleUnderTest:
    """One case, built on its device, with seeded weights and inputs, converted as its settings want them."""

    def __init__(self, case: Case, protocol: Protocol) -> None:
        if case.framework != "torch":
            raise UnsupportedError(f"This worker measures with torch, not with {case.framework}.")
        if why := unsupported(case):  # it must not quietly be measured as another
            raise UnsupportedError(why)
        self.case, self.seed = case, protocol.seed
        self.device = torch.device(case.device)
        set_process(case)
        torch.manual_seed(protocol.seed)
        with warnings.catch_warnings(), self.device:
            warnings.simplefilter("ignore")
            module = build_module(case.workload)
        module.to(self.device)
        inputs = make_inputs(module, case.workload, case.batch, protocol.method, self.device)
        self.module, self.inputs = convert(case, module, inputs)
        self.parameters = [parameter for parameter in self.module.parameters() if parameter.requires_grad]
        self._leaves = (*self.parameters, *(tensor for tensor in self.inputs.tensors if tensor.requires_grad))
        self._arguments = self.inputs.of(training=True)
        self.call = called(case, self.module)
        self._forward = under_contexts(case, self.call)
        ones = protocol.method == "published" or self.inputs.losses  # the gradient of a sum of losses is 1 for each
        self._gradient_like = torch.ones_like if ones else torch.randn_like
        self.gradients: tuple[Tensor, ...] = ()  # of the outputs, in place of a loss's; set by ``prepare_gradients``
        self.backward: Callable[[Any], None] = self._backward_single

    def train(self) -> None:
        """Train mode."""
        self.module.train()
        self._arguments = self.inputs.of(training=True)

    def evaluate(self) -> None:
        """Eval mode; the training pass's gradients are given back."""
        self.clear()
        self.module.eval()
        self._arguments = self.inputs.of(training=False)

    def forward(self) -> Any:
        """One forward call. Some models return more than one tensor in train mode."""
        return self._forward(*self._arguments)

    def with_loss(self, loss: Callable[[Any], Tensor]) -> Callable[[], Tensor]:
        """A forward call with the loss of its output, both under the contexts of the row's settings."""
        call = self.call
        together = under_contexts(self.case, lambda *arguments: loss(call(*arguments)))
        return lambda: together(*self._arguments)

    def prepare_gradients(self, outputs: Any) -> None:
        """Output gradients for these outputs, seeded or all ones, and the backward that fits their number."""
        tensors = outputs_of(outputs)
        if not tensors:
            raise UnsupportedError("This workload has no output to start a backward pass from.")
        self.gradients = tuple(self._gradient_like(tensor) for tensor in tensors)
        self.backward = self._backward_single if isinstance(outputs, Tensor) else self._backward_many

    def clear(self) -> None:
        """All gradients to None, so that a backward writes and does not add."""
        for leaf in self._leaves:
            leaf.grad = None

    def clear_inputs(self) -> None:
        """The same of the inputs alone: an optimizer clears the weights' own."""
        for leaf in self._leaves[len(self.parameters) :]:
            leaf.grad = None

    def _backward_single(self, output: Tensor) -> None:
        output.backward(self.gradients[0])

    def _backward_many(self, outputs: Any) -> None:
        torch.autograd.backward(outputs_of(outputs), self.gradients)
