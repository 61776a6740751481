"""Look up a model or a layer by the name that a user typed; the nearest names when there is none."""

from __future__ import annotations

from functools import cache

from cvbench_tui.base.nearest import name_key, nearest, quoted
from cvbench_tui.catalog.layers import LAYERS, LayerEntry
from cvbench_tui.catalog.models import MODELS, ModelEntry
from cvbench_tui.errors import SelectionError


def find_model(text: str) -> ModelEntry:
    """The model of that display or torchvision name, in any case; blank, underscore and hyphen are alike.

    Raises SelectionError naming the nearest models.
    """
    entry = _models().get(name_key(text))
    if entry is None:
        hint = f"{nearest(text, [model.op for model in MODELS])} `cvbench-tui list models` shows all."
        raise SelectionError(f"Unknown model {quoted(text)}.", hint.strip())
    return entry


def find_layer(text: str) -> LayerEntry:
    """The layer of that display name, compared like ``find_model``. Raises SelectionError naming the nearest."""
    entry = _layers().get(name_key(text))
    if entry is None:
        hint = f"{nearest(text, [layer.name for layer in LAYERS])} `cvbench-tui list layers` shows all."
        raise SelectionError(f"Unknown layer {quoted(text)}.", hint.strip())
    return entry


@cache
def _models() -> dict[str, ModelEntry]:
    return {name_key(name): model for model in MODELS for name in (model.name, model.op)}


@cache
def _layers() -> dict[str, LayerEntry]:
    return {name_key(layer.name): layer for layer in LAYERS}
