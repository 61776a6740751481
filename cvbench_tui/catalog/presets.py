"""Presets: TOML files that name what to tick. Shipped ones and a user's own are the same format.

pydantic validates; every error says which file, which line or key, what was expected and the nearest name.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cvbench_tui.catalog.layers import LAYERS, LayerEntry
from cvbench_tui.catalog.models import MODELS, ModelEntry
from cvbench_tui.catalog.names import find_layer, find_model, nearest
from cvbench_tui.catalog.selection import MOST_BATCH, MOST_IMAGE, Selection, check_device_name
from cvbench_tui.core.protocol import ProtocolName
from cvbench_tui.errors import PresetError, SelectionError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

EVERYTHING = "all"
"""In ``models`` or ``layers``: the whole list."""
MOST_BYTES = 1_000_000
"""A larger file is no preset."""


class Preset(BaseModel):
    """The keys of a preset file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    description: str = ""
    models: list[str] = []
    layers: list[str] = []
    devices: list[str] | None = None
    batch: Annotated[int, Field(ge=1, le=MOST_BATCH)] | None = None
    image: Annotated[int, Field(ge=1, le=MOST_IMAGE)] | None = None
    protocol: ProtocolName = "default"


def shipped_folder() -> Path:
    """Where the shipped presets are: in the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "presets"
    return inside if inside.is_dir() else package.parent / "presets"


def preset_names() -> tuple[str, ...]:
    """The shipped presets' names."""
    return tuple(sorted(path.stem for path in shipped_folder().glob("*.toml")))


def preset_description(name: str) -> str:
    """What a shipped preset is for."""
    return read_preset(shipped_folder() / f"{name}.toml").description


def load_preset(reference: str) -> Selection:
    """The selection of a shipped preset, by name, or of a TOML file, by path. Raises PresetError or SelectionError."""
    path = _path(reference)
    preset = read_preset(path)
    try:
        models = _models(preset.models)
        layers = _layers(preset.layers)
        devices = None if preset.devices is None else tuple(check_device_name(name) for name in preset.devices)
    except SelectionError as error:
        raise PresetError(f"{path}: {error.message}", error.hint) from error
    if not models and not layers:
        raise PresetError(f"{path}: names no model and no layer.", 'Write e.g. models = ["resnet18"].')
    return Selection(path.stem, models, layers, devices, preset.batch, preset.image, preset.protocol)


@cache
def read_preset(path: Path) -> Preset:
    """The file's keys, validated. Raises PresetError."""
    try:
        return Preset.model_validate(tomllib.loads(_text(path)))
    except tomllib.TOMLDecodeError as error:
        raise PresetError(f"{path}: not valid TOML: {error}.", "Presets are TOML; see the shipped ones.") from error
    except ValidationError as error:
        raise _complaint(path, error) from error


def _path(reference: str) -> Path:
    """The file meant: a shipped name first, unless it looks like a path."""
    if reference in preset_names():
        return shipped_folder() / f"{reference}.toml"
    path = Path(reference)
    if path.suffix == ".toml" or path.exists():
        return path
    raise PresetError(
        f"Unknown preset '{reference}'.",
        nearest(reference, preset_names()) + " A preset of your own is a path ending in .toml.",
    )


def _text(path: Path) -> str:
    """The file's text. Raises PresetError when it cannot be had."""
    try:
        if path.is_file() and path.stat().st_size > MOST_BYTES:
            raise PresetError(f"{path}: too large for a preset.", "A preset is a short TOML file.")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise PresetError(f"{path}: not a text file.", "Presets are TOML in UTF-8.") from error
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise PresetError(f"{path}: {reason}.", "Shipped presets: " + ", ".join(preset_names())) from error


def _models(names: list[str]) -> tuple[ModelEntry, ...]:
    return MODELS if names == [EVERYTHING] else tuple(find_model(name) for name in names)


def _layers(names: list[str]) -> tuple[LayerEntry, ...]:
    return LAYERS if names == [EVERYTHING] else tuple(find_layer(name) for name in names)


def _complaint(path: Path, error: ValidationError) -> PresetError:
    """The first thing pydantic found, as a sentence with the key and a hint."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return PresetError(f"{path}: unknown key '{key}'.", nearest(key, Preset.model_fields))
    if first["type"] == "literal_error":
        choices = tuple(
            str(first.get("ctx", {}).get("expected", "")).replace("'", "").replace(" or ", ", ").split(", ")
        )
        return PresetError(f"{path}: {key}: unknown '{first['input']}'.", nearest(str(first["input"]), choices))
    return PresetError(f"{path}: {key}: {first['msg'].lower()}, not {first['input']!r:.60}.", _EXPECTED.get(key, ""))


_EXPECTED = {
    "models": 'models is a list of names, e.g. ["resnet18", "vgg16"].',
    "layers": 'layers is a list of names, e.g. ["Conv3x3/1"].',
    "devices": 'devices is a list, e.g. ["cpu", "cuda:0"].',
    "batch": f"batch is a whole number from 1 to {MOST_BATCH}.",
    "image": f"image is a whole number of pixels from 1 to {MOST_IMAGE}.",
}
