"""Layers of a model: which it has, and one of them with the inputs that it gets there. Both come from one forward
of the model in eval mode on the meta device, which has shapes and no data."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from cvbench_tui.base.nearest import quoted
from cvbench_tui.core.workload import Workload
from cvbench_tui.worker.extras.flop_formulas import FORMULAS
from cvbench_tui.worker.process.failure import UnsupportedError
from cvbench_tui.worker.workloads.meta import operators_of
from cvbench_tui.worker.workloads.own_code import in_order

OnMeta = Callable[[Workload, int], tuple[nn.Module, Any]]
"""Makes a model without data, and its inputs. Given by the caller, since both may be of a layer of a model."""


@dataclass
class Call:
    """One call of a module: its arguments, and what it did."""

    path: str
    module: nn.Module
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    flops: int = 0
    output_elements: int = 0
    parts: int = 0  # calls of modules inside it

    @property
    def tensors(self) -> list[Tensor]:
        """Its tensors, each once."""
        found = [each for each in (*self.args, *self.kwargs.values()) if isinstance(each, Tensor)]
        return list({id(each): each for each in found}.values())

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for calls of equal layers."""
        module = self.module
        sizes = tuple(tuple(each.shape) for each in module.parameters())
        plain = (bool, int, float, str, tuple, list)
        settings = repr([pair for pair in vars(module).items() if isinstance(pair[1], plain)])
        inputs = *map(_described, self.args), *map(_described, self.kwargs.items())
        return type(module), repr(module), settings, sizes, *inputs


@dataclass
class Forward:
    """The calls of one forward of a model, in order."""

    calls: list[Call] = field(default_factory=list)
    flops: int = 0  # of all

    def of(self, path: str) -> Call | None:
        """The first call of that module."""
        return next((call for call in self.calls if call.path == path), None)


def without_batch(call: Call) -> tuple[int, ...]:
    """Shape of its first input at batch 1, without the batch where that is a dimension of its own."""
    shape = tuple(call.tensors[0].shape)
    return shape[1:] if len(shape) > 1 and shape[0] == 1 else shape or (1,)


def build_layer(workload: Workload, build: Callable[[Workload], nn.Module]) -> nn.Module:
    """The very module of the model; the rest of the model is given back. A layer that would overwrite its input does
    not: an input that wants a gradient cannot be. Raises UnsupportedError, and what the model's constructor does."""
    model, path = _of(workload)
    module = dict(build(model).named_modules()).get(path)
    if module is None:
        raise UnsupportedError(f"{quoted(model.op)} has no layer {quoted(path)}.")
    if not [*module.children()] and getattr(module, "inplace", False):
        module.inplace = False
    return module


def layer_inputs(
    module: nn.Module, workload: Workload, batch: int, device: torch.device, on_meta: OnMeta
) -> tuple[Any, ...]:
    """What the layer is called with in the model at that batch: floats standard normal, whole numbers 0, everything
    else as it is there. One tensor that comes twice is one."""
    model, path = _of(workload)
    one, call = (forward_of(model, count, on_meta)[1].of(path) for count in (1, batch))
    if one is None or call is None or not one.tensors or without_batch(one) != workload.input_shape:
        raise UnsupportedError(f"{quoted(model.op)} has no layer {quoted(path)} of that shape.")
    made: dict[int, Tensor] = {}

    def given(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        if id(value) not in made:
            draw = torch.randn if value.is_floating_point() else torch.zeros
            made[id(value)] = draw(tuple(value.shape), dtype=value.dtype, device=device)
        return made[id(value)]

    try:
        return in_order(module, tuple(map(given, call.args)), {name: given(each) for name, each in call.kwargs.items()})
    except TypeError as error:
        raise UnsupportedError(f"{quoted(path)} of {quoted(model.op)} cannot be called by itself: {error}.") from None


def _of(workload: Workload) -> tuple[Workload, str]:
    model = workload.model
    if model is None:
        raise UnsupportedError(f"{quoted(workload.name)} is no layer of a model.")
    return model, str(workload.param("layer"))


@lru_cache(maxsize=2)
def forward_of(model: Workload, batch: int, on_meta: OnMeta) -> tuple[nn.Module, Forward]:
    """The model on the meta device, and its forward at that batch. The random state stays as it was. Raises what the
    model does."""
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        module, inputs = on_meta(model, batch)
        module.eval()
        forward, stack = Forward(), list[Call]()
        counter = FlopCounterMode(display=False, custom_mapping=FORMULAS)

        def enter(path: str) -> Any:
            def hook(called: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
                call = Call(path, called, args, kwargs, -counter.get_total_flops())
                for outer in stack[-1:]:
                    outer.parts += 1
                stack.append(call)
                forward.calls.append(call)

            return hook

        def leave(called: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
            call = stack.pop()
            call.flops += counter.get_total_flops()
            call.output_elements = _elements(output)

        for path, each in module.named_modules():
            if path:
                each.register_forward_pre_hook(enter(path), with_kwargs=True)
                each.register_forward_hook(leave, with_kwargs=True)
        with operators_of("cpu"), counter:
            module(*inputs.of(training=False))
        forward.flops = counter.get_total_flops()
    return module, forward


def _elements(output: Any) -> int:
    if isinstance(output, Tensor):
        return output.numel()
    values = output.values() if isinstance(output, dict) else output if isinstance(output, (tuple, list)) else ()
    return sum(map(_elements, values))


def _described(value: Any) -> Any:
    """An argument for a layer's key: equal for equal shapes and constants."""
    if isinstance(value, Tensor):
        return str(value.dtype), tuple(value.shape)
    return (value[0], _described(value[1])) if isinstance(value, tuple) and len(value) == 2 else repr(value)
