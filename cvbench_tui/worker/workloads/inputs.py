"""What a module is called with, as fixed tensors; and the tensors in what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from cvbench_tui.core.protocol import Method
from cvbench_tui.core.workload import LAYER_OF_MODEL, Workload
from cvbench_tui.worker.workloads.build import build_module
from cvbench_tui.worker.workloads.layer_of_model import layer_inputs
from cvbench_tui.worker.workloads.meta import EmptyOnMeta
from cvbench_tui.worker.workloads.own_code import own_inputs


@dataclass(frozen=True)
class Inputs:
    """The arguments of a call."""

    arguments: tuple[Any, ...]  # tensors, or lists and dicts of them
    targets: tuple[Any, ...] = ()  # further arguments in train mode
    losses: bool = False  # in train mode the module returns its losses, whose sum is derived

    def of(self, training: bool) -> tuple[Any, ...]:
        """The arguments of a call in that mode."""
        return (*self.arguments, *self.targets) if training else self.arguments

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Every tensor of the arguments."""
        return tensors_in(self.arguments)

    def mapped(self, change: Callable[[Tensor], Tensor]) -> Inputs:
        """The same with ``change`` of every tensor of the arguments, of one that comes twice once. Targets stay."""
        changed: dict[int, Tensor] = {}

        def once(tensor: Tensor) -> Tensor:
            if id(tensor) not in changed:
                changed[id(tensor)] = change(tensor)
            return changed[id(tensor)]

        return replace(self, arguments=_mapped(self.arguments, once))


def on_meta(workload: Workload, batch: int, method: Method = "rounds") -> tuple[nn.Module, Inputs]:
    """The module and its inputs without data, with gradients wanted where the measured ones want them."""
    with EmptyOnMeta():
        module = build_module(workload).to("meta")
    return module, make_inputs(module, workload, batch, method, torch.device("meta"))


def make_inputs(module: nn.Module, workload: Workload, batch: int, method: Method, device: torch.device) -> Inputs:
    """Standard normal, ``(batch, *input_shape)``, float32. Models get inputs without gradient and single layers inputs
    with gradient, as inside a network; the published method gives layers none either, unless nothing else has one, and
    uniform inputs from 0 to 1. A user's own model gets what his code returns, and with a gradient where nothing else
    has one; a layer of a model what it gets there; models of a source that is in ``MODEL_INPUTS`` what that makes."""
    has_weights = any(parameter.requires_grad for parameter in module.parameters())
    if workload.op == LAYER_OF_MODEL:
        given = layer_inputs(module, workload, batch, device, on_meta)
        return Inputs(_with_gradient(given) if method == "rounds" or not has_weights else given)
    if workload.code is not None:
        own = own_inputs(module, workload, batch, device)
        own = (torch.randn((batch, *workload.input_shape), device=device),) if own is None else own
        return Inputs(own if has_weights else _with_gradient(own))
    make = MODEL_INPUTS.get(workload.op.partition(":")[0]) if workload.kind == "model" else None
    if make is not None:
        return make(workload, batch, device)
    wants_gradient = workload.kind == "layer" and (method == "rounds" or not has_weights)
    draw = torch.rand if workload.kind == "layer" and method == "published" else torch.randn
    return Inputs((draw((batch, *workload.input_shape), device=device).requires_grad_(wants_gradient),))


def _with_gradient(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Those arguments, whose floats want a gradient."""
    for tensor in tensors_in(arguments):
        if tensor.is_floating_point():
            tensor.requires_grad_()
    return arguments


def tensors_in(values: Any) -> tuple[Tensor, ...]:
    """Every tensor in nested tuples, lists, dicts and dataclasses, in order."""
    if isinstance(values, Tensor):
        return (values,)
    if is_dataclass(values) and not isinstance(values, (dict, type)):
        values = [getattr(values, each.name) for each in fields(values)]
    if isinstance(values, dict):
        values = values.values()
    nested: Iterable[Any] = values if isinstance(values, Iterable) and not isinstance(values, str) else ()
    return tuple(tensor for value in nested for tensor in tensors_in(value))


def _mapped(values: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Nested tuples, lists and dicts with their tensors changed."""
    if isinstance(values, Tensor):
        return change(values)
    if isinstance(values, dict):
        return {key: _mapped(value, change) for key, value in values.items()}
    return type(values)(_mapped(value, change) for value in values) if isinstance(values, (tuple, list)) else values


def outputs_of(outputs: Any) -> tuple[Tensor, ...]:
    """Every output tensor that a gradient can flow into: GoogLeNet's auxiliary heads count too."""
    return tuple(tensor for tensor in tensors_in(outputs) if tensor.requires_grad)


OBJECTS = 8  # in each image that detection is trained with: COCO has 7.3 on average
CLASSES, KEYPOINTS = 91, 17  # of COCO, as torchvision's models have them


def _detection(workload: Workload, batch: int, device: torch.device) -> Inputs:
    """A list of images from 0 to 1, and for each as many objects, drawn by chance: boxes of an eighth to half of the
    side, with a class, and a mask or points within the box where the model learns them."""
    side = workload.input_shape[-1]
    images = torch.rand((batch, *workload.input_shape), device=device)
    targets = [_objects(workload.op, side, device) for _ in range(batch)]
    return Inputs((list(images),), (targets,), losses=True)


def _objects(op: str, side: int, device: torch.device) -> dict[str, Tensor]:
    """The objects of one image, as torchvision's detection models take them."""
    sizes = side * (0.125 + 0.375 * torch.rand(OBJECTS, 2, device=device))
    corners = (side - sizes) * torch.rand(OBJECTS, 2, device=device)
    found = {
        "boxes": torch.cat((corners, corners + sizes), 1),
        "labels": torch.randint(1, CLASSES, (OBJECTS,), device=device),
    }
    if ":maskrcnn" in op:
        at = torch.arange(side, device=device)
        inside = [(at >= corners[:, [axis]]) & (at <= (corners + sizes)[:, [axis]]) for axis in (0, 1)]
        found["masks"] = (inside[1][:, :, None] & inside[0][:, None, :]).to(torch.uint8)
    if ":keypointrcnn" in op:
        found["labels"] = torch.ones(OBJECTS, dtype=torch.int64, device=device)  # persons alone
        points = corners[:, None] + sizes[:, None] * torch.rand(OBJECTS, KEYPOINTS, 2, device=device)
        found["keypoints"] = torch.cat((points, torch.ones(OBJECTS, KEYPOINTS, 1, device=device)), 2)  # all visible
    return found


MODEL_INPUTS: dict[str, Callable[[Workload, int, torch.device], Inputs]] = {"detection": _detection}
"""By the source's name, where one tensor of the workload's shape is not what its models take."""
