"""The distinct layers of a model, of one forward without data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch import nn

from cvbench_tui.base.nearest import nearest, quoted
from cvbench_tui.core.event import LayersListed, ModelLayer
from cvbench_tui.core.workload import Workload
from cvbench_tui.worker.process.failure import OwnCodeError, UnsupportedError, first_line
from cvbench_tui.worker.workloads.inputs import on_meta
from cvbench_tui.worker.workloads.layer_of_model import Call, Forward, forward_of, without_batch

MAX_ARGUMENTS = 120  # characters of a module's arguments
FLOAT_BYTES = 4


def list_layers(model: Workload, wanted: Sequence[str] = ()) -> LayersListed:
    """The distinct layers of the model, or those wanted, by their paths. Whatever fails is the answer's problem."""
    name = quoted(model.name)
    try:
        module, forward = forward_of(model, 1, on_meta)
    except (OwnCodeError, UnsupportedError) as error:
        return LayersListed((), problem=str(error))
    except Exception as error:  # the model's own code may raise anything
        why = f"{type(error).__name__}: {first_line(error)}"[:200].rstrip(".")
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
    shape = without_batch(call)
    held = 2 * FLOAT_BYTES * (sum(each.numel() for each in call.tensors) + call.output_elements)
    return ModelLayer(call.path, type(call.module).__name__, arguments[:MAX_ARGUMENTS], shape, call.flops, held)
