"""Finding an entry by what a user types: display name or torchvision's, in any case, blank, dash or underscore."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from cvbench_tui.catalog.layers import LAYERS, LayerEntry
from cvbench_tui.catalog.models import MODELS, ModelEntry
from cvbench_tui.errors import SelectionError

MOST_SUGGESTIONS = 4


def _key(text: str) -> str:
    """What makes two spellings the same name."""
    return "_".join(text.casefold().replace("-", " ").replace("_", " ").split())


_MODELS: Mapping[str, ModelEntry] = {_key(name): model for model in MODELS for name in (model.name, model.op)}
_LAYERS: Mapping[str, LayerEntry] = {_key(layer.name): layer for layer in LAYERS}


def find_model(text: str) -> ModelEntry:
    """The model of that name. Raises SelectionError with the nearest ones."""
    model = _MODELS.get(_key(text))
    if model is None:
        names = [model.name for model in MODELS] + [model.op for model in MODELS]
        raise SelectionError(f"Unknown model '{text}'.", nearest(text, names, "cvbench-tui list models"))
    return model


def find_layer(text: str) -> LayerEntry:
    """The layer of that name. Raises SelectionError with the nearest ones."""
    layer = _LAYERS.get(_key(text))
    if layer is None:
        names = [layer.name for layer in LAYERS]
        raise SelectionError(f"Unknown layer '{text}'.", nearest(text, names, "cvbench-tui list layers"))
    return layer


def nearest(text: str, names: Iterable[str], where: str = "") -> str:
    """A hint with the names most like ``text``, or with all of a few names, and ``where`` the others are listed."""
    known = {_key(name): name for name in names}
    close = difflib.get_close_matches(_key(text), known, MOST_SUGGESTIONS, cutoff=0.5)
    if close:
        hint = "Nearest: " + ", ".join(known[key] for key in close) + "."
    elif not where or len(known) <= 2 * MOST_SUGGESTIONS:
        hint = "There are: " + ", ".join(known.values()) + "."
    else:
        hint = ""
    return f"{hint} All: {where}".strip() if where else hint
