"""What the values of each axis do to a workload: one hook for each axis of ``core.axes``.

What is timed is what a hand-written loop has between its two readings of the clock:

- ``amp-*``: ``with torch.autocast(device, dtype):`` is entered anew around each forward, so that casting the weights,
  which autocast keeps for one context, is in every forward; the backward is outside, as PyTorch's examples have it.
  Under ``amp-fp16`` the training pass starts from a fixed gradient of standard deviation 1, which is below what
  ``GradScaler`` makes of a mean cross entropy (65536 over the batch at one logit); scaling, unscaling and the search
  for infinite gradients are timed in the phase ``step``.
- ``bf16``, ``fp16``, ``channels_last``: module and inputs are converted once, before anything is timed.
- TF32 and cuDNN's switches are the process's: set before the module is built, and again for every other row.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from cvbench_tui.core.axes import AXES
from cvbench_tui.core.plan import Case
from cvbench_tui.worker.process.failure import UnsupportedError
from cvbench_tui.worker.workloads import compiler
from cvbench_tui.worker.workloads.inputs import Inputs

Forward = Callable[..., Any]
Context = Callable[[], AbstractContextManager[Any]]

AUTOCAST = {"amp-bf16": torch.bfloat16, "amp-fp16": torch.float16}
CONVERTED = {"bf16": torch.bfloat16, "fp16": torch.float16}
AMPERE = (8, 0)  # compute capability of the first cards with TF32 and bfloat16; older ones emulate that at no gain
_TF32 = {"fp32": (False, False), "tf32": (True, True)}
_OWN_TF32 = (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32)
"""PyTorch's own, of matrix products and convolutions, before any row has changed them; variables of the environment
can set them."""
_OWN_CUDNN = (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic)


@dataclass(frozen=True)
class AxisHook:
    """The steps of one axis, each with the row's value. A step that an axis does not need is left out. Each may raise
    UnsupportedError."""

    process: Callable[[str, torch.device], None] = lambda value, device: None
    """Switches of the process, before the module is built; called with the default too, as a process may have measured
    another row before."""
    module: Callable[[nn.Module, str], nn.Module] = lambda module, value: module
    inputs: Callable[[Tensor, str], Tensor] = lambda tensor, value: tensor
    """Of an input of floats. Whether it wants a gradient is seen to by the caller."""
    call: Callable[[Forward, str, torch.device], Forward] = lambda forward, value, device: forward
    """What is called in place of the module, in train and in eval mode."""
    context: Callable[[str, torch.device], Context | None] = lambda value, device: None
    """What each forward, and a loss that is computed of it, is called under."""
    check: Callable[[nn.Module, Sequence[Tensor], str], str] = lambda module, inputs, value: ""
    """Why the built module and its inputs are not what the value says; empty where they are."""


def set_process(case: Case) -> None:
    """Set the switches of this process for that case. Raises UnsupportedError for what its device does not have."""
    _set_process({axis.name: case.setting(axis.name) for axis in AXES}, torch.device(case.device))


def reset_process(device: torch.device) -> None:
    """The switches as rows without settings have them."""
    _set_process({axis.name: axis.default for axis in AXES}, device)


def _set_process(values: Mapping[str, str], device: torch.device) -> None:
    for name, hook in HOOKS.items():
        hook.process(values[name], device)


def convert(case: Case, module: nn.Module, inputs: Inputs) -> tuple[nn.Module, Inputs]:
    """Module and inputs as the case's settings want them. Raises UnsupportedError where they are not so afterwards."""
    settings = [(HOOKS[name], value) for name, value in case.settings if name in HOOKS]
    for hook, value in settings:
        module = hook.module(module, value)
        inputs = inputs.mapped(partial(_as_input, hook, value))
    for hook, value in settings:
        if wrong := hook.check(module, inputs.tensors, value):
            raise UnsupportedError(wrong)
    return module, inputs


def _as_input(hook: AxisHook, value: str, tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        return tensor
    return hook.inputs(tensor.detach(), value).requires_grad_(tensor.requires_grad)


def called(case: Case, module: nn.Module) -> Forward:
    """What is called in place of the module: the module itself for a case without settings."""
    forward: Forward = module
    for name, value in reversed(case.settings):
        if name in HOOKS:
            forward = HOOKS[name].call(forward, value, torch.device(case.device))
    return forward


def under_contexts(case: Case, function: Forward) -> Forward:
    """``function`` under the contexts of the case's settings, entered at each call; itself without any."""
    for name, value in reversed(case.settings):
        context = HOOKS[name].context(value, torch.device(case.device)) if name in HOOKS else None
        function = function if context is None else _under(context, function)
    return function


def _under(context: Context, function: Forward) -> Forward:
    def call(*arguments: Any, **keywords: Any) -> Any:
        with context():
            return function(*arguments, **keywords)

    return call


def _set_precision(value: str, device: torch.device) -> None:
    """TF32's two switches; and a look at whether the device has the precision."""
    card = device.type == "cuda"
    if value == "tf32" and torch.version.hip:
        raise UnsupportedError("TF32 is a mode of NVIDIA cards; measure fp32 on this device.")
    if card and not torch.version.hip and value in ("tf32", "bf16", "amp-bf16"):
        capability = torch.cuda.get_device_capability(device)
        if capability < AMPERE:
            what, has = "TF32" if value == "tf32" else "bfloat16", ".".join(map(str, capability))
            raise UnsupportedError(f"{what} needs a card of compute capability 8.0 or later; {device} has {has}.")
    if value in AUTOCAST and not _casts(device, AUTOCAST[value]):
        raise UnsupportedError(f"PyTorch {torch.__version__} has no autocast to {_name(AUTOCAST[value])} on {device}.")
    products, convolutions = _TF32.get(value, _OWN_TF32)
    if torch.backends.cuda.matmul.allow_tf32 != products:
        torch.backends.cuda.matmul.allow_tf32 = products
    if torch.backends.cudnn.allow_tf32 != convolutions:
        torch.backends.cudnn.allow_tf32 = convolutions


def _casts(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether autocast really casts: older versions only warn where they do not, and go on in float32."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with torch.autocast(device.type, dtype):
                one = torch.ones(1, 1, device=device)
                return torch.mm(one, one).dtype == dtype
    except RuntimeError:
        return False


def _name(dtype: torch.dtype) -> str:
    """``bfloat16``."""
    return str(dtype).rpartition(".")[2]


def _to_dtype(module: nn.Module, value: str) -> nn.Module:
    return module.to(CONVERTED[value]) if value in CONVERTED else module


def _inputs_to_dtype(tensor: Tensor, value: str) -> Tensor:
    return tensor.to(CONVERTED[value]) if value in CONVERTED else tensor


def _autocast(value: str, device: torch.device) -> Context | None:
    return partial(torch.autocast, device.type, AUTOCAST[value]) if value in AUTOCAST else None


def _wrong_dtype(module: nn.Module, inputs: Sequence[Tensor], value: str) -> str:
    """Parameters, buffers and inputs of floats have the precision's one type."""
    wanted = CONVERTED.get(value, torch.float32)
    tensors = [*module.parameters(), *module.buffers(), *inputs]
    others = {_name(each.dtype) for each in tensors if each.is_floating_point() and each.dtype != wanted}
    return f"It keeps {', '.join(sorted(others))} where {_name(wanted)} was asked for." if others else ""


def _to_channels_last(module: nn.Module, value: str) -> nn.Module:
    return module.to(memory_format=torch.channels_last)


def _inputs_to_channels_last(tensor: Tensor, value: str) -> Tensor:
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor


def _not_channels_last(module: nn.Module, inputs: Sequence[Tensor], value: str) -> str:
    """Every input, and the weights of every convolution."""
    if not inputs or not all(_is_channels_last(each) for each in inputs):
        return "Its input is no batch of images, which alone can be channels_last."
    stayed = [name for name, weight in module.named_parameters() if weight.dim() == 4 and not _is_channels_last(weight)]
    return f"The weight {stayed[0]} did not become channels_last." if stayed else ""


def _is_channels_last(tensor: Tensor) -> bool:
    return tensor.dim() == 4 and tensor.is_contiguous(memory_format=torch.channels_last)


def _set_cudnn(value: str, device: torch.device) -> None:
    """Its two switches. ``benchmark`` tries at the first call of each shape, which is never timed."""
    cudnn = torch.backends.cudnn
    flags = {"benchmark": (True, False), "deterministic": (False, True)}
    cudnn.benchmark, cudnn.deterministic = flags.get(value, _OWN_CUDNN)


HOOKS: dict[str, AxisHook] = {
    "precision": AxisHook(
        _set_precision, _to_dtype, _inputs_to_dtype, context=_autocast, check=_wrong_dtype
    ),
    "memory_format": AxisHook(
        module=_to_channels_last, inputs=_inputs_to_channels_last, check=_not_channels_last
    ),
    "compile": AxisHook(compiler.prepare, compiler.compile_module),
    "cudnn": AxisHook(_set_cudnn),
}  # fmt: skip
"""By the axis's name. An axis without a hook is one that other parts of the worker read: ``process.job`` the threads,
``workloads.training_step`` the optimizer."""
