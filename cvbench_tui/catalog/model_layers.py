"""Layers of a model as entries that can be ticked: ``resnet50:layer3.0.conv2``, ``resnet50:all``. Which a model has,
and at what shapes, the worker says (``worker.workloads.layer_of_model``)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cvbench_tui.base.nearest import quoted
from cvbench_tui.catalog.layers import LayerEntry
from cvbench_tui.catalog.models import ModelEntry
from cvbench_tui.core.event import LayersListed, ModelLayer
from cvbench_tui.core.image_sizes import MAX_IMAGE
from cvbench_tui.core.workload import CODE_PARAMS, LAYER_OF_MODEL, Parameter, Workload
from cvbench_tui.errors import SelectionError

ALL = ("all", "*")
_PATH = re.compile(r"[\w.-]{1,200}")
_NUMBERS: dict[str, tuple[type, ...]] = {
    "count": (int,), "distinct": (int,), "frames": (int,), "image": (int,), "share": (int, float),
}  # fmt: skip
_TEXTS = ("layer", "like", "model", *CODE_PARAMS)

Ask = Callable[[Workload, Sequence[str]], LayersListed]
"""The worker's answer for that model and those paths; all distinct ones without paths."""


@dataclass(frozen=True)
class LayersOf:
    """Layers of a model before their shapes are known."""

    model: ModelEntry
    layer: str  # its path, or ``all`` for every distinct one


def layers_named(text: str, find_model: Callable[[str], ModelEntry]) -> LayersOf | None:
    """What ``resnet50:layer3.0.conv2`` names; None where it is not written like that. Raises SelectionError for a model
    that is not known."""
    before, colon, path = text.rpartition(":")
    if not colon:
        return None
    model = find_model(before)
    if not path.strip():
        raise SelectionError(f"{quoted(text)} names no layer.", f"All distinct ones: {before}:all")
    return LayersOf(model, ALL[0] if path.strip() in ALL else path.strip())


def resolved(wanted: Sequence[LayersOf], images: Sequence[int], ask: Ask) -> tuple[LayerEntry, ...]:
    """Their entries, at each of those image sizes, or at each model's own. Raises SelectionError for a layer that the
    model does not have, naming the nearest."""
    entries: list[LayerEntry] = []
    for model in dict.fromkeys(each.model for each in wanted):
        paths = [each.layer for each in wanted if each.model == model]
        for side in images or (model.image,):
            workload = model.workload.with_image(side)
            for asked in ([], list(dict.fromkeys(path for path in paths if path not in ALL))):
                if asked or (ALL[0] in paths and not entries_of(entries, model, side)):
                    answer = ask(workload, asked)
                    if answer.problem:
                        raise SelectionError(answer.problem, _hint(answer.hint, model))
                    entries += [layer_entry(model, layer, answer.distinct, side) for layer in answer.layers]
    return tuple(dict.fromkeys(entries))


def entries_of(entries: Sequence[LayerEntry], model: ModelEntry, side: int) -> bool:
    """True where there are some of that model at that image size already."""
    return any(("model", model.op) in each.params and ("image", side) in each.params for each in entries)


def _hint(hint: str, model: ModelEntry) -> str:
    return f"{hint} `cvbench-tui list layers {name_of(model)}` shows all.".strip()


def name_of(model: ModelEntry) -> str:
    """What its layers' names begin with, and the command line takes."""
    return model.name if model.params else model.op


def layer_entry(model: ModelEntry, layer: ModelLayer, distinct: int, side: int) -> LayerEntry:
    """One layer of that model at that side of the image, pixels."""
    params: dict[str, Parameter] = {**dict(model.params), "model": model.op, "layer": layer.path, "image": side}
    if model.frames is not None:
        params["frames"] = model.frames
    if layer.like:
        params |= {"like": layer.like, "count": layer.count, "distinct": distinct, "share": round(layer.share, 6)}
    name = f"{name_of(model)}:{layer.path}" + (f" @{side}" if side != model.image else "")
    about = f"{layer.module}({layer.arguments})" if layer.arguments else layer.module
    held_mb = layer.held_bytes / 1e6
    family, pairs = f"Layers of {model.name}", tuple(sorted(params.items()))
    return LayerEntry(name, LAYER_OF_MODEL, family, layer.input_shape, pairs, about, held_mb, model.batch)


def is_well_formed(layer: Workload) -> bool:
    """True for a layer of a model as ``layer_entry`` makes it, whatever the model: a run file may say anything. Its
    shape is checked by the worker, against the model."""
    params = dict(layer.params)
    if layer.kind != "layer" or layer.op != LAYER_OF_MODEL or len(params) < len(layer.params):
        return False
    for name, value in params.items():
        if name in _NUMBERS and type(value) in _NUMBERS[name] and 0 <= float(value) <= 1e6:
            continue
        if name not in _TEXTS or type(value) is not str:
            return False
    side = params.get("image")
    paths = [params.get("layer", ""), params.get("like", "x")]
    return type(side) is int and 1 <= side <= MAX_IMAGE and all(_PATH.fullmatch(str(path)) for path in paths)
