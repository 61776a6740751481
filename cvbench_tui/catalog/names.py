"""A model or a layer by the name somebody typed, and the nearest names when there is none."""

from __future__ import annotations

from collections.abc import Iterable
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
        raise SelectionError(f"Unknown model {quoted(text)}.", _hint(text, [model.op for model in MODELS], "models"))
    return entry


def find_layer(text: str) -> LayerEntry:
    """The layer of that display name, compared like ``find_model``. Raises SelectionError naming the nearest."""
    entry = _layers().get(name_key(text))
    if entry is None:
        raise SelectionError(f"Unknown layer {quoted(text)}.", _hint(text, [layer.name for layer in LAYERS], "layers"))
    return entry


def _hint(text: str, names: Iterable[str], kind: str) -> str:
    return f"{nearest(text, names)} `cvbench-tui list {kind}` shows all.".strip()


@cache
def _models() -> dict[str, ModelEntry]:
    return {name_key(name): model for model in MODELS for name in (model.name, model.op)}


@cache
def _layers() -> dict[str, LayerEntry]:
    return {name_key(layer.name): layer for layer in LAYERS}
