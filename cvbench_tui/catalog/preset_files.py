"""What is in a preset file, and where preset files are. Which one a name stands for is ``catalog.presets``'.

A preset is a TOML file; every key may be left out but one of ``models`` and ``layers``. Everything that can
be wrong with one ends in a sentence that names the file, the key and what was expected.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from cvbench_tui.base.nearest import key, nearest, quoted
from cvbench_tui.catalog.layers import LAYERS, LayerEntry
from cvbench_tui.catalog.models import MODELS, ModelEntry
from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.catalog.selection import (
    MAX_BATCH,
    MAX_IMAGE,
    Selection,
    check_batch,
    check_device_name,
    check_image,
)
from cvbench_tui.core.protocol import EXTRAS, PROTOCOLS, Extra
from cvbench_tui.errors import PresetError, SelectionError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SUFFIX = ".toml"
"""Of every preset file in the two folders."""
SETTINGS_VARIABLE = "CVBENCH_CONFIG"
"""Environment variable that names the settings file; own presets are beside it."""
ALL = "all"
"""In ``models`` or ``layers``: every one of the catalog."""
MAX_BYTES = 1 << 20
"""A file larger than this is something else: the largest shipped preset has 1 kB."""
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
    extras: list[Extra] = []
    """Measured beside what the protocol measures anyway."""


_EXPECTED = {
    "description": "text",
    "models": 'a list of model names, or ["all"]',
    "layers": 'a list of layer names, or ["all"]',
    "devices": 'a list of devices such as ["cpu", "cuda:0"]',
    "batch": f"a whole number from 1 to {MAX_BATCH}",
    "image": f"a whole number of pixels from 1 to {MAX_IMAGE}",
    "protocol": f"one of {', '.join(PROTOCOLS)}",
    "extras": f"a list of {', '.join(EXTRAS)}",
}
_CHOICES: dict[str, tuple[str, ...]] = {"protocol": tuple(PROTOCOLS), "extras": tuple(EXTRAS)}


def shipped_folder() -> Path:
    """Where the presets are: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "presets"
    return inside if inside.is_dir() else package.parent / "presets"


def user_folder() -> Path:
    """Where one's own presets are: ``presets`` beside the settings file. Creates nothing."""
    named = os.environ.get(SETTINGS_VARIABLE)
    if named:
        return Path(os.path.expanduser(named)).parent / "presets"
    import platformdirs

    return Path(platformdirs.user_config_dir("cvbench-tui", appauthor=False)) / "presets"


def files_in(folder: Path) -> dict[str, Path]:
    """The preset files of a folder by name, sorted; none when it is missing or cannot be read."""
    try:
        found = [path for path in folder.iterdir() if path.suffix == SUFFIX and not path.name.startswith(".")]
    except OSError:
        return {}
    return {path.stem: path for path in sorted(found)}


def read_preset(path: Path) -> Preset:
    """The file as a Preset. Raises PresetError with the first thing that is wrong."""
    text = _text(path)
    try:
        data = tomllib.loads(text)
    except RecursionError as error:
        raise PresetError(f"{shown(path)}: nested too deeply.", "A preset is a flat list of keys.") from error
    except ValueError as error:
        raise PresetError(
            f"{shown(path)}: not valid TOML: {error}.", "See the shipped presets for examples."
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
            raise PresetError(f"{shown(path)} is a folder, not a preset file.", "Name one .toml file in it.")
        if not S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
            raise PresetError(f"{shown(path)} is no preset file.", "A preset is a TOML file of at most 1 MiB.")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = f"byte {error.start} is not UTF-8"
        raise PresetError(f"{shown(path)}: not a text file: {place}.", "A preset is TOML in UTF-8.") from error
    except FileNotFoundError as error:
        names = list(files_in(shipped_folder()))
        hint = f"{nearest(path.stem, names)} Shipped presets: {', '.join(names)}.".strip()
        raise PresetError(f"There is no preset file {shown(path)}.", hint) from error
    except OSError as error:
        raise PresetError(f"{shown(path)} cannot be read: {error.strerror}.", "Check its path and rights.") from error
    except ValueError as error:
        raise PresetError(f"{shown(path)} is no file name.", "Check the path.") from error


def _complaint(path: Path, error: ValidationError) -> PresetError:
    """The first complaint as a sentence: unknown key, or a value of the wrong kind."""
    first = error.errors(include_url=False)[0]
    field, *rest = first["loc"]
    if first["type"] == "extra_forbidden":
        hint = f"{nearest(str(field), _EXPECTED)} Keys are {', '.join(_EXPECTED)}.".strip()
        return PresetError(f"{shown(path)}: unknown key {quoted(str(field))}.", hint)
    value = first["input"]
    where = str(field) + "".join(f"[{index}]" for index in rest)
    near = nearest(value, _CHOICES.get(str(field), ())) if isinstance(value, str) else ""
    return PresetError(f"{shown(path)}: {where}: expected {_EXPECTED[str(field)]}, got {_value_text(value)}.", near)


def _value_text(value: Any) -> str:
    """A TOML value as a person would recognise it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        return "a table"
    return "a list" if isinstance(value, list) else quoted(str(value)).strip("'")


def selection_of(preset: Preset, path: Path) -> Selection:
    """The preset's names looked up. Raises PresetError naming the key."""
    if not preset.models and not preset.layers:
        raise PresetError(f"{shown(path)}: nothing is selected.", "Give models, layers or both a list of names.")
    if preset.devices == []:
        raise PresetError(f"{shown(path)}: devices: expected {_EXPECTED['devices']}, got an empty list.",
                          "Leave the key out to take the machine's own choice.")  # fmt: skip
    return Selection(
        path.stem,
        tuple(dict.fromkeys(entry for name in preset.models for entry in _models(path, name))),
        tuple(dict.fromkeys(entry for name in preset.layers for entry in _layers(path, name))),
        None if preset.devices is None else tuple(_at(path, "devices", check_device_name, n) for n in preset.devices),
        None if preset.batch is None else _at(path, "batch", check_batch, preset.batch),
        None if preset.image is None else _at(path, "image", check_image, preset.image),
        preset.protocol,
        tuple(dict.fromkeys(preset.extras)),
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
        raise PresetError(f"{shown(path)}: {where}: {message}", error.hint) from error


def shown(path: Path) -> str:
    """The path for an error, its control characters escaped."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in str(path))
