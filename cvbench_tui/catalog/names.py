"""Look up a model or a layer by the name that a user typed; the nearest names when there is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from cvbench_tui.base.nearest import name_key, nearest, quoted
from cvbench_tui.catalog.layers import LAYERS, LayerEntry
from cvbench_tui.catalog.models import MODELS, ModelEntry
from cvbench_tui.errors import SelectionError

Entry = TypeVar("Entry", ModelEntry, LayerEntry)

_MODELS = {name_key(name): model for model in MODELS for name in (model.name, model.op)}
_LAYERS = {name_key(layer.name): layer for layer in LAYERS}


_EVERYTHING = ("all", "any", "every", "everything", "*")
_PRESETS = {"model": "torchvision-all, original-models", "layer": "original-layers, modern-layers"}


def find_model(text: str) -> ModelEntry:
    """The model of that display or torchvision name, in any case; blank, underscore and hyphen are alike. Raises
    SelectionError naming the nearest models."""
    return _find("model", text, _MODELS, (model.op for model in MODELS))


def find_layer(text: str) -> LayerEntry:
    """The layer of that display name, compared like ``find_model``. Raises SelectionError naming the nearest."""
    return _find("layer", text, _LAYERS, (layer.name for layer in LAYERS))


def _find(noun: str, text: str, entries: Mapping[str, Entry], names: Iterable[str]) -> Entry:
    entry = entries.get(name_key(text))
    if entry is None:
        near = nearest(text, names)
        if name_key(text) in _EVERYTHING:
            near = f"Presets have several: {_PRESETS[noun]}."
        hint = f"{near} `cvbench-tui list {noun}s` shows all."
        raise SelectionError(f"Unknown {noun} {quoted(text)}.", hint.strip())
    return entry
