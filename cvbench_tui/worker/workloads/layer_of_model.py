"""Layers of a model: which it has, and one of them with the inputs that it gets there. Both come from one forward
of the model in eval mode on the meta device, which has shapes and no data."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from cvbench_tui.base.nearest import nearest, quoted
from cvbench_tui.core.event import LayersListed, ModelLayer
from cvbench_tui.core.workload import Workload
from cvbench_tui.worker.extras.flop_formulas import FORMULAS
from cvbench_tui.worker.process.failure import OwnCodeError, UnsupportedError
from cvbench_tui.worker.workloads.own_code import in_order

MAX_ARGUMENTS = 120  # characters of a module's arguments
FLOAT_BYTES = 4


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


def list_layers(model: Workload, wanted: Sequence[str] = ()) -> LayersListed:
    """The distinct layers of the model, or those wanted, by their paths. Whatever fails is the answer's problem."""
    name = quoted(model.name)
    try:
        module, forward = forward_of(model, 1)
    except (OwnCodeError, UnsupportedError) as error:
        return LayersListed((), problem=str(error))
    except Exception as error:  # the model's own code may raise anything
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), "no message")
        why = f"{type(error).__name__}: {first}"[:200].rstrip(".")
        return LayersListed(
            (), problem=f"The layers of {name} cannot be listed, as it has no forward without data: {why}."
        )
    distinct = _distinct(forward)
    if not distinct:
        return LayersListed((), problem=f"{name} has no layer that takes a tensor.")
    if not wanted:
        return LayersListed(tuple(distinct.values()), len(distinct))
    found = []
    for path in wanted:
        call = forward.of(path)
        if call is None or not call.tensors:
            return _no_such(name, path, module, forward)
        like = None if call.parts else distinct[call.key]
        found.append(replace(like, path=path) if like else _described_layer(call))
    return LayersListed(tuple(found), len(distinct))


def _no_such(name: str, path: str, module: nn.Module, forward: Forward) -> LayersListed:
    names = [call.path for call in forward.calls if call.tensors]
    if path and path in dict(module.named_modules()):
        problem = f"{quoted(path)} of {name} is not called with a tensor, so it cannot be measured by itself."
    else:
        problem = f"{name} has no layer {quoted(path)}."
    return LayersListed((), problem=problem, hint=nearest(path, names))


def _distinct(forward: Forward) -> dict[tuple[Any, ...], ModelLayer]:
    """The layers without layers inside, equal ones once, in order."""
    found: dict[tuple[Any, ...], ModelLayer] = {}
    for call in forward.calls:
        if call.parts or not call.tensors:
            continue
        key, share = call.key, call.flops / forward.flops if forward.flops else 0.0
        before = found.get(key) or replace(_described_layer(call), like=call.path, count=0)
        found[key] = replace(before, count=before.count + 1, share=before.share + share)
    return found


def _described_layer(call: Call) -> ModelLayer:
    arguments = "" if any(True for _ in call.module.children()) else call.module.extra_repr().replace("\n", " ")
    shape = _without_batch(call)
    held = 2 * FLOAT_BYTES * (sum(each.numel() for each in call.tensors) + call.output_elements)
    return ModelLayer(call.path, type(call.module).__name__, arguments[:MAX_ARGUMENTS], shape, call.flops, held)


def _without_batch(call: Call) -> tuple[int, ...]:
    """Shape of its first input at batch 1, without the batch where that is a dimension of its own."""
    shape = tuple(call.tensors[0].shape)
    return shape[1:] if len(shape) > 1 and shape[0] == 1 else shape or (1,)


def build_layer(workload: Workload) -> nn.Module:
    """The very module of the model; the rest of the model is given back. A layer that would overwrite its input does
    not: an input that wants a gradient cannot be. Raises UnsupportedError, and what the model's constructor does."""
    from cvbench_tui.worker.workloads.build import build_module  # which comes here for such a layer

    model, path = _of(workload)
    call = forward_of(model, 1)[1].of(path)
    if call is None or not call.tensors or _without_batch(call) != workload.input_shape:
        raise UnsupportedError(f"{quoted(model.op)} has no layer {quoted(path)} of that shape.")
    module = build_module(model).get_submodule(path)
    if call.parts == 0 and getattr(module, "inplace", False):
        module.inplace = False  # type: ignore[assignment]
    return module


def layer_inputs(module: nn.Module, workload: Workload, batch: int, device: torch.device) -> tuple[Any, ...]:
    """What the layer is called with in the model at that batch: floats standard normal, whole numbers 0, everything
    else as it is there. One tensor that comes twice is one."""
    model, path = _of(workload)
    call = forward_of(model, batch)[1].of(path)
    assert call is not None, "it has been built"
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
def forward_of(model: Workload, batch: int) -> tuple[nn.Module, Forward]:
    """The model on the meta device, and its forward at that batch. The random state stays as it was. Raises what the
    model does."""
    from cvbench_tui.worker.extras.flops import on_meta, operators_of  # which builds layers

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
