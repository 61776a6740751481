"""The selftest's reference program with loops that set each axis by hand, for ``axes.py``: as a user would write it,
from PyTorch's documentation and without a line of our hooks. Started by ``common.opened``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cvbench_tui.worker.selftest import __main__ as program
from cvbench_tui.worker.selftest import harnesses
from cvbench_tui.worker.selftest.harnesses import Samples, TimedModule

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "amp-bf16": torch.bfloat16, "amp-fp16": torch.float16}
OPTIMIZERS: dict[str, Callable[[list[nn.Parameter]], torch.optim.Optimizer]] = {
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=1e-4, momentum=0.9),
    "sgd-fused": lambda parameters: torch.optim.SGD(parameters, lr=1e-4, momentum=0.9, fused=True),
    "adamw": lambda parameters: torch.optim.AdamW(parameters, lr=1e-5),
    "adamw-fused": lambda parameters: torch.optim.AdamW(parameters, lr=1e-5, fused=True),
}


class Written:
    """A model with its settings, and one iteration of it."""

    def __init__(self, module: nn.Module, inputs: Tensor, settings: dict[str, str]) -> None:
        precision = settings.get("precision", "default")
        if precision in ("fp32", "tf32"):
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
        if "cudnn" in settings:
            torch.backends.cudnn.benchmark = settings["cudnn"] == "benchmark"
            torch.backends.cudnn.deterministic = settings["cudnn"] == "deterministic"
        if precision in ("bf16", "fp16"):
            module, inputs = module.to(DTYPES[precision]), inputs.to(DTYPES[precision])
        if settings.get("memory_format") == "channels_last":
            module = module.to(memory_format=torch.channels_last)
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        self.inputs, self.plain = inputs.detach(), module
        self.module: Callable[..., Any] = module
        if "compile" in settings:
            self.module = torch.compile(module, mode=settings["compile"], dynamic=False)
        self._amp = DTYPES[precision] if precision.startswith("amp") else None
        self.gradient: Tensor | None = None

    def context(self) -> AbstractContextManager[Any]:
        """Of each forward."""
        return torch.autocast(self.inputs.device.type, self._amp) if self._amp else nullcontext()

    def train(self) -> None:
        """In train mode."""
        self.plain.train()

    def evaluate(self) -> None:
        """In eval mode, without gradients."""
        self.clear()
        self.plain.eval()

    def clear(self) -> None:
        """No gradients."""
        self.plain.zero_grad(set_to_none=True)

    def forward(self) -> Any:
        """One forward."""
        if self._amp is None:
            return self.module(self.inputs)
        with self.context():
            return self.module(self.inputs)

    def backward(self, output: Tensor) -> None:
        """One backward, from the same gradient each time."""
        if self.gradient is None:
            self.gradient = torch.randn_like(output)
        torch.autograd.backward(output, self.gradient)


class Stepping(Written):
    """A whole training step is its forward; nothing is left for a backward."""

    def __init__(self, module: nn.Module, inputs: Tensor, settings: dict[str, str]) -> None:
        super().__init__(module, inputs, settings)
        self.optimizer = OPTIMIZERS[settings.get("optimizer", "sgd")](list(self.plain.parameters()))
        self.target = torch.randint(1000, (len(inputs),), device=inputs.device)

    def forward(self) -> None:
        """As a training script has it."""
        self.optimizer.zero_grad()
        with self.context():
            loss = F.cross_entropy(self.module(self.inputs), self.target)
        torch.autograd.backward(loss)
        self.optimizer.step()

    def clear(self) -> None:
        """The step clears for itself."""

    def backward(self, output: Tensor) -> None:
        """Done."""


class ByHand(TimedModule):
    """What a harness times: the plain module of the case, its settings set here."""

    def __init__(self, plain: TimedModule, settings: dict[str, str], *, steps: bool) -> None:
        self.device, self.steps = plain.device, steps
        made = plain.subject
        made.clear()
        (inputs,) = made.inputs.tensors
        self.subject: Any = (Stepping if steps else Written)(made.module, inputs, settings)
        self.subject.train()

    def modes(self, request: dict[str, Any]) -> Iterator[bool]:
        """A step is one mode, timed as a training iteration."""
        if not self.steps:
            yield from super().modes(request)
            return
        yield True


def by_hand(work: TimedModule, seconds: float, request: dict[str, Any]) -> Samples:
    """Total and inference, or the step, of the case with the request's settings."""
    phases = request["phases"]
    samples = harnesses.bare(ByHand(work, request["settings"], steps=phases == ["step"]), seconds, request)
    return {"step": samples["total"]} if phases == ["step"] else samples


if __name__ == "__main__":
    harnesses.METHODS["by_hand"] = by_hand, median
    sys.exit(program.main())
