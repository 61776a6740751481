"""Ready selections: the shipped presets by name, or anybody's own file of the same format.

A preset is a TOML file; every key may be left out but one of ``models`` and ``layers``. Everything that can
be wrong with one ends in a sentence that names the file, the key and what was expected.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from cvbench_tui.catalog.layers import LAYERS, LayerEntry
from cvbench_tui.catalog.models import MODELS, ModelEntry
from cvbench_tui.catalog.names import find_layer, find_model, key, nearest, quoted
from cvbench_tui.catalog.selection import (
    MOST_BATCH,
    MOST_IMAGE,
    Selection,
    check_batch,
    check_device_name,
    check_image,
)
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.errors import PresetError, SelectionError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ALL = "all"
"""In ``models`` or ``layers``: every one of the catalog."""
MOST_BYTES = 1 << 20
"""A file larger than this is something else: the largest shipped preset has 1 kB."""
FIRST = "quick"
"""The preset that is listed first."""

Checked = TypeVar("Checked")


class Preset(BaseModel):
    """What a preset file holds."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    description: str = ""
    models: list[str] = []
    """Display names or torchvision's names, or ``all``."""
    layers: list[str] = []
    """Display names, or ``all``."""
    devices: list[str] | None = None
    """None takes the machine's preferred device."""
    batch: int | None = None
    """Overrides every default batch."""
    image: int | None = None
    """Overrides every default image size, pixels a side."""
    protocol: Literal["quick", "default", "rigorous", "original"] = "default"


_EXPECTED = {
    "description": "text",
    "models": 'a list of model names, or ["all"]',
    "layers": 'a list of layer names, or ["all"]',
    "devices": 'a list of devices such as ["cpu", "cuda:0"]',
    "batch": f"a whole number from 1 to {MOST_BATCH}",
    "image": f"a whole number of pixels from 1 to {MOST_IMAGE}",
    "protocol": f"one of {', '.join(PROTOCOLS)}",
}


def preset_names() -> tuple[str, ...]:
    """The shipped presets, ``quick`` first."""
    names = (path.stem for path in shipped_folder().glob("*.toml"))
    return tuple(sorted(names, key=lambda name: (name != FIRST, name)))


def preset_description(reference: str) -> str:
    """The preset's own line about itself; empty when it has none. Raises like ``load_preset``."""
    return _read(_path_of(reference)).description


def load_preset(reference: str) -> Selection:
    """The selection of a shipped preset's name, or of a path to a preset file.

    Raises PresetError for a file that cannot be used, SelectionError for an unknown name.
    """
    path = _path_of(reference)
    return _selection(_read(path), path)


def shipped_folder() -> Path:
    """Where the presets are: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "presets"
    return inside if inside.is_dir() else package.parent / "presets"


def _path_of(reference: str) -> Path:
    """The file behind a name or a path. A shipped name wins over a file of that name; ``./quick`` is the file."""
    shipped = {key(name): name for name in preset_names()}
    name = shipped.get(key(reference))
    if name is not None:
        return shipped_folder() / f"{name}.toml"
    if _looks_like_path(reference):
        return Path(reference).expanduser()
    hint = f"{nearest(reference, shipped.values())} `cvbench-tui list presets` shows all; a file is given by its path."
    raise SelectionError(f"Unknown preset {quoted(reference)}.", hint.strip())


def _looks_like_path(reference: str) -> bool:
    """True for what is written like a path, or is the name of something in the current folder."""
    if not reference.strip():
        return False
    if "/" in reference or "\\" in reference or reference.startswith("~") or reference.lower().endswith(".toml"):
        return True
    try:
        return Path(reference).exists()
    except (OSError, ValueError):
        return False


def _read(path: Path) -> Preset:
    """The file as a Preset. Raises PresetError with the first thing that is wrong."""
    text = _text(path)
    try:
        data = tomllib.loads(text)
    except RecursionError as error:
        raise PresetError(f"{_shown(path)}: nested too deeply.", "A preset is a flat list of keys.") from error
    except ValueError as error:
        raise PresetError(
            f"{_shown(path)}: not valid TOML: {error}.", "See the shipped presets for examples."
        ) from error
    try:
        return Preset.model_validate(data)
    except ValidationError as error:
        raise _complaint(path, error) from error


def _text(path: Path) -> str:
    """What is written in the file. Only a regular, small one is opened: reading a pipe could wait for ever."""
    try:
        status = path.stat()
        if S_ISDIR(status.st_mode):
            raise PresetError(f"{_shown(path)} is a folder, not a preset file.", "Name one .toml file in it.")
        if not S_ISREG(status.st_mode) or status.st_size > MOST_BYTES:
            raise PresetError(f"{_shown(path)} is no preset file.", "A preset is a TOML file of at most 1 MiB.")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = f"byte {error.start} is not UTF-8"
        raise PresetError(f"{_shown(path)}: not a text file: {place}.", "A preset is TOML in UTF-8.") from error
    except FileNotFoundError as error:
        hint = f"{nearest(path.stem, preset_names())} Shipped presets: {', '.join(preset_names())}.".strip()
        raise PresetError(f"There is no preset file {_shown(path)}.", hint) from error
    except OSError as error:
        raise PresetError(f"{_shown(path)} cannot be read: {error.strerror}.", "Check its path and rights.") from error
    except ValueError as error:
        raise PresetError(f"{_shown(path)} is no file name.", "Check the path.") from error


def _complaint(path: Path, error: ValidationError) -> PresetError:
    """The first complaint as a sentence: unknown key, or a value of the wrong kind."""
    first = error.errors(include_url=False)[0]
    field, *rest = first["loc"]
    if first["type"] == "extra_forbidden":
        hint = f"{nearest(str(field), _EXPECTED)} Keys are {', '.join(_EXPECTED)}.".strip()
        return PresetError(f"{_shown(path)}: unknown key {quoted(str(field))}.", hint)
    value = first["input"]
    where = str(field) + "".join(f"[{index}]" for index in rest)
    near = nearest(value, PROTOCOLS) if field == "protocol" and isinstance(value, str) else ""
    return PresetError(f"{_shown(path)}: {where}: expected {_EXPECTED[str(field)]}, got {_value_text(value)}.", near)


def _value_text(value: Any) -> str:
    """A TOML value as a person would recognise it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        return "a table"
    return "a list" if isinstance(value, list) else quoted(str(value)).strip("'")


def _selection(preset: Preset, path: Path) -> Selection:
    """The preset's names looked up. Raises PresetError naming the key."""
    if not preset.models and not preset.layers:
        raise PresetError(f"{_shown(path)}: nothing is selected.", "Give models, layers or both a list of names.")
    if preset.devices == []:
        raise PresetError(f"{_shown(path)}: devices: expected {_EXPECTED['devices']}, got an empty list.",
                          "Leave the key out to take the machine's own choice.")  # fmt: skip
    return Selection(
        path.stem,
        tuple(dict.fromkeys(entry for name in preset.models for entry in _models(path, name))),
        tuple(dict.fromkeys(entry for name in preset.layers for entry in _layers(path, name))),
        None if preset.devices is None else tuple(_at(path, "devices", check_device_name, n) for n in preset.devices),
        None if preset.batch is None else _at(path, "batch", check_batch, preset.batch),
        None if preset.image is None else _at(path, "image", check_image, preset.image),
        preset.protocol,
    )


def _models(path: Path, name: str) -> tuple[ModelEntry, ...]:
    return MODELS if key(name) == ALL else (_at(path, "models", find_model, name),)


def _layers(path: Path, name: str) -> tuple[LayerEntry, ...]:
    return LAYERS if key(name) == ALL else (_at(path, "layers", find_layer, name),)


def _at(path: Path, where: str, check: Callable[[Any], Checked], value: object) -> Checked:
    """``check(value)``, with its complaint placed in the file."""
    try:
        return check(value)
    except SelectionError as error:
        message = error.message[0].lower() + error.message[1:]
        raise PresetError(f"{_shown(path)}: {where}: {message}", error.hint) from error


def _shown(path: Path) -> str:
    """The path for an error, its control characters escaped."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in str(path))
