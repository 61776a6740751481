"""A model or a layer by the name somebody typed, and the nearest names when there is none."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache

from cvbench_tui.catalog.layers import LAYERS, LayerEntry
from cvbench_tui.catalog.models import MODELS, ModelEntry
from cvbench_tui.errors import SelectionError

QUOTED_CHARACTERS = 60
"""Most characters of the user's own text repeated in an error."""


def find_model(text: str) -> ModelEntry:
    """The model of that display or torchvision name, in any case; blank, underscore and hyphen are alike.

    Raises SelectionError naming the nearest models.
    """
    entry = _models().get(key(text))
    if entry is None:
        raise SelectionError(f"Unknown model {quoted(text)}.", _hint(text, [model.op for model in MODELS], "models"))
    return entry


def find_layer(text: str) -> LayerEntry:
    """The layer of that display name, compared like ``find_model``. Raises SelectionError naming the nearest."""
    entry = _layers().get(key(text))
    if entry is None:
        raise SelectionError(f"Unknown layer {quoted(text)}.", _hint(text, [layer.name for layer in LAYERS], "layers"))
    return entry


def key(text: str) -> str:
    """What two names are compared by: ``VGG16 BN`` and ``vgg16-bn`` have the same key."""
    return re.sub(r"[\s_-]+", "_", text.strip().casefold())


def nearest(text: str, names: Iterable[str]) -> str:
    """``Nearest: resnet18, resnet101.``, at most three names; empty when nothing is near."""
    by_key = {key(name): name for name in names}
    found = get_close_matches(key(text[:QUOTED_CHARACTERS]), list(by_key), n=3)
    return f"Nearest: {', '.join(by_key[match] for match in found)}." if found else ""


def quoted(text: str) -> str:
    """The user's text in quotes, with control characters escaped and cut where it is long."""
    shown = text if len(text) <= QUOTED_CHARACTERS else text[:QUOTED_CHARACTERS] + "..."
    return "'" + "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in shown) + "'"


def _hint(text: str, names: Iterable[str], kind: str) -> str:
    return f"{nearest(text, names)} `cvbench-tui list {kind}` shows all.".strip()


@cache
def _models() -> dict[str, ModelEntry]:
    """By either name."""
    return {key(name): model for model in MODELS for name in (model.name, model.op)}


@cache
def _layers() -> dict[str, LayerEntry]:
    return {key(layer.name): layer for layer in LAYERS}
