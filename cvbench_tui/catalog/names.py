"""Look up a model or a layer by the name that a user typed; the nearest names when there is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from cvbench_tui.base.nearest import name_key, nearest, quoted
from cvbench_tui.catalog.layers import LAYERS, LayerEntry
from cvbench_tui.catalog.models import ModelEntry
from cvbench_tui.catalog.sources import SOURCES, all_models
from cvbench_tui.errors import SelectionError

Entry = TypeVar("Entry", ModelEntry, LayerEntry)

_LAYERS = {name_key(layer.name): layer for layer in LAYERS}


_EVERYTHING = ("all", "any", "every", "everything", "*")
_PRESETS = {"model": "torchvision-all, original-models", "layer": "original-layers, modern-layers"}


def find_model(text: str) -> ModelEntry:
    """The model of that name, in any case; blank, underscore and hyphen are alike. A name of a source is its own
    (``timm:resnet50``), those of torchvision have both a display name and torchvision's. Raises SelectionError naming
    the nearest models, or why that source cannot be measured here."""
    key = name_key(text)
    for source in SOURCES:
        entry = source.by_key.get(key)
        if entry is None and not (source.name and key.startswith(f"{source.name}:")):
            continue
        sentence, hint = source.why_not()
        if sentence:
            raise SelectionError(f"{quoted(text)} cannot be measured: {sentence}", hint)
        if entry is not None:
            return entry
    return _find("model", text, {}, _alike(key))


def _alike(key: str) -> Iterable[str]:
    """Names among which the nearest is looked for: one of another source, those of the source that the key names, of
    them those that begin with it, or all that can be measured here."""
    names = [entry.op for entry in all_models()]
    elsewhere = [name for name in names if ":" in name and name_key(name).partition(":")[2] == key]
    own = [name for name in names if ":" in key and name.partition(":")[0] == key.partition(":")[0]]
    longer = sorted((name for name in own if name_key(name).startswith(key)), key=len)[:3]
    return elsewhere or longer or own or names


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
