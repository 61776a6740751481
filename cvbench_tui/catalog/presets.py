"""Presets: selections by name, shipped or the user's own, or from any file by its path. A preset is a TOML file; all
keys may be left out but one of ``models`` and ``layers``. Every error names the file, the key and what was expected."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cvbench_tui.base.atomic import write_atomically
from cvbench_tui.base.escape import one_line
from cvbench_tui.base.nearest import name_key, nearest, quoted
from cvbench_tui.base.toml import TEXT, Key, Kind, TomlFile, one_of, read_keys, some_of
from cvbench_tui.catalog.axes import BATCHES, COMPARED, IMAGES, PHASE_NAMES, values_kind
from cvbench_tui.catalog.layers import LAYERS, ORIGINAL, LayerEntry
from cvbench_tui.catalog.models import MODELS, ModelEntry
from cvbench_tui.catalog.names import find_layer, find_model
from cvbench_tui.catalog.own_code import looks_like_code
from cvbench_tui.catalog.selection import Selection, check_device_name
from cvbench_tui.catalog.sources import names_source
from cvbench_tui.core.axes import LISTED, Axis
from cvbench_tui.core.protocol import EXTRAS, PROTOCOLS
from cvbench_tui.core.workload import LAYER_OF_MODEL
from cvbench_tui.errors import CvbenchError, PresetError, SelectionError, StoreError, os_reason

SUFFIX = ".toml"
SETTINGS_VARIABLE = "CVBENCH_CONFIG"  # names the settings file; own presets are in ``presets`` beside it
FIRST = "quick"
MAX_NAME = 60  # characters: in UTF-8 at most 240 bytes, and file systems take 255 for a name
MAX_IN_A_LINE = 4

MODEL_NAMES = Kind('a list of model names, or ["all"]', TEXT.test, is_list=True)
LAYER_NAMES = Kind('a list of layer names, ["modern"] or ["all"]', TEXT.test, is_list=True)
DEVICES = Kind('a list of devices such as ["cpu", "cuda:0"]', TEXT.test, is_list=True)
PRESET_KEYS = (
    Key("description", "", TEXT, "One line about it."),
    Key("models", (), MODEL_NAMES, "Display names or torchvision's names."),
    Key("layers", (), LAYER_NAMES, "Display names; modern: all but those of the original tables."),
    Key("devices", None, DEVICES, "Left out: the machine's preferred device."),
    Key("batch", (), BATCHES, "In place of every default batch; max: the largest that fits, which the run finds."),
    Key("image", (), IMAGES, "In place of every default image size, pixels a side."),
    *(Key(axis.name, (), values_kind(axis), axis.help) for axis in LISTED),
    Key("phases", (), PHASE_NAMES, "What is measured; left out: all but step."),
    Key("alternate", "", one_of(COMPARED), "Axis along which rows are measured in turn, visit by visit."),
    Key("protocol", "default", one_of(PROTOCOLS), "How long to measure."),
    Key("extras", (), some_of(EXTRAS), "Secondary metrics in addition to those of the protocol."),
)
"""What a preset file can hold."""


@dataclass(frozen=True)
class PresetEntry:
    """One line of the list of presets."""

    name: str
    description: str
    own: bool  # True for one of the user's, which can be written over and deleted
    workloads: int  # models and layers in it; 0 where there is a problem
    problem: str  # why it cannot be used, in one sentence; empty when it can
    protocol: str | None = None  # None where there is a problem


def settings_path() -> Path:
    """``CVBENCH_CONFIG``, else ``config.toml`` in the user's configuration folder. Creates nothing."""
    named = os.environ.get(SETTINGS_VARIABLE)
    if named:
        return Path(os.path.expanduser(named))
    import platformdirs

    return Path(platformdirs.user_config_dir("cvbench-tui", appauthor=False)) / "config.toml"


def user_folder() -> Path:
    """Folder of the user's presets. Creates nothing."""
    return settings_path().parent / "presets"


def shipped_folder() -> Path:
    """Where the shipped presets are: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "presets"
    return inside if inside.is_dir() else package.parent / "presets"


def preset_names() -> tuple[str, ...]:
    """The shipped presets, ``quick`` first."""
    return tuple(sorted(_files(shipped_folder()), key=lambda name: (name != FIRST, name)))


def preset_entries() -> tuple[PresetEntry, ...]:
    """The shipped presets, ``quick`` first, then the user's by name. A file that cannot be used has the reason."""
    shipped = _files(shipped_folder())
    names = {name_key(name) for name in shipped}
    entries = [_entry(name, shipped[name], own=False) for name in preset_names()]
    for name, path in _files(user_folder()).items():
        entry = _entry(name, path, own=True)
        if name_key(name) in names:
            problem = f"A shipped preset has this name already: rename {one_line(str(path))}."
            entry = PresetEntry(name, entry.description, True, 0, problem)
        names.add(name_key(name))
        entries.append(entry)
    return tuple(entries)


def load_preset(reference: str) -> Selection:
    """The selection of a preset's name, shipped or the user's own, or of a path to a preset file. Raises PresetError
    for a file that cannot be used, SelectionError for an unknown name."""
    return _read(_path_of(reference))[1]


def save_preset(name: str, selection: Selection) -> Path:
    """Write the selection as a preset of the user's and return its file; one of that name is overwritten, all but its
    description. Written wholly or not at all. Raises PresetError for a name that cannot be one or is a shipped
    preset's, for a selection of nothing, and when the file cannot be written."""
    name = _checked(name)
    if not selection.models and not selection.layers:
        raise PresetError("Nothing is selected.", "Choose at least one model or layer, then save the preset.")
    outside = [entry.name for entry in selection.models if entry.params]
    outside += [entry.name for entry in selection.layers if entry.op == LAYER_OF_MODEL]
    if outside:
        sentence = (
            f"A preset cannot name {quoted(outside[0])}: code, and layers of a model, are named when they are run."
        )
        raise PresetError(sentence, "Untick it, then save the preset.")
    folder = user_folder()
    path = _find(name, _files(folder)) or folder / f"{name}{SUFFIX}"
    description = _entry(name, path, own=True).description
    try:
        write_atomically(path, _toml(selection, description), parents=True)
    except StoreError as error:
        raise PresetError(error.message, "Own presets are in a folder beside config.toml.") from error
    return path


def name_problem(name: str) -> str:
    """Why ``save_preset`` would refuse that name, in a sentence or two; empty when it would not."""
    try:
        _checked(name)
    except PresetError as error:
        return f"{error.message} {error.hint}".strip()
    return ""


def delete_preset(name: str) -> None:
    """Delete a preset of the user's. Raises PresetError when there is none of that name or it cannot be deleted."""
    own = _files(user_folder())
    path = _find(name, own)
    if path is None:
        if _find(name, _files(shipped_folder())):
            raise PresetError(f"{quoted(name)} is a shipped preset.", "Only presets of your own can be deleted.")
        raise PresetError(f"There is no preset {quoted(name)} of your own.", nearest(name, own))
    try:
        path.unlink()
    except OSError as error:
        raise PresetError(f"{one_line(str(path))} cannot be deleted: {os_reason(error)}.") from error


def _files(folder: Path) -> dict[str, Path]:
    """The preset files of a folder by name, sorted; none when it is missing or cannot be read."""
    try:
        paths = [path for path in folder.iterdir() if path.suffix == SUFFIX and not path.name.startswith(".")]
    except OSError:
        return {}
    return {path.stem: path for path in sorted(paths)}


def _find(name: str, files: Mapping[str, Path]) -> Path | None:
    """The file of that very name, else the first whose name compares as equal."""
    return files.get(name) or next((path for each, path in files.items() if name_key(each) == name_key(name)), None)


def _path_of(reference: str) -> Path:
    """The file behind a name or a path. A shipped name wins over an own one, and both over a file of that name in the
    current folder: ``./quick`` is the file."""
    shipped, own = _files(shipped_folder()), _files(user_folder())
    path = _find(reference, shipped) or _find(reference, own)
    if path is not None:
        return path
    if _looks_like_path(reference):
        return Path(os.path.expanduser(reference))  # Path's own raises for an unknown user
    hint = f"{nearest(reference, [*own, *shipped])} `cvbench-tui list presets` shows all; a file is given by its path."
    raise SelectionError(f"Unknown preset {quoted(reference)}.", hint.strip())


def _looks_like_path(reference: str) -> bool:
    """True for what is written like a path, or is the name of something in the current folder."""
    if re.search(r"[/\\]|^~|\.toml\Z", reference, re.IGNORECASE):
        return bool(reference.strip())
    return bool(reference.strip()) and os.path.exists(reference)


def _entry(name: str, path: Path, *, own: bool) -> PresetEntry:
    try:
        description, selection = _read(path)
    except CvbenchError as error:
        return PresetEntry(name, "", own, 0, error.message)
    return PresetEntry(name, description, own, len(selection.models) + len(selection.layers), "", selection.protocol)


def _read(path: Path) -> tuple[str, Selection]:
    """The file's description, and its names looked up. Raises PresetError with the first thing that is wrong."""
    file = TomlFile(path, "preset file", PresetError, "The shipped presets are examples of preset files.")

    def complain(sentence: str, hint: str) -> None:
        keys = f"Keys are {', '.join(each.name for each in PRESET_KEYS)}."
        raise PresetError(f"{file.name}: {sentence}", f"{hint} {keys}".strip())

    def entries(key: str, find: Callable[[str], tuple[Any, ...]]) -> tuple[Any, ...]:
        """What ``find`` gives for all names of that key, each once."""
        try:
            return tuple(dict.fromkeys(entry for text in values[key] for entry in find(text)))
        except SelectionError as error:
            message = error.message[0].lower() + error.message[1:]
            raise PresetError(f"{file.name}: {key}: {message}", error.hint) from error

    try:
        data = file.parse(file.read())
    except FileNotFoundError as error:
        names = list(_files(shipped_folder()))
        hint = f"{nearest(path.stem, names)} Shipped presets: {', '.join(names)}.".strip()
        raise PresetError(f"There is no preset file {file.name}.", hint) from error
    values = read_keys(data, PRESET_KEYS, complain)
    if not values["models"] and not values["layers"]:
        raise PresetError(f"{file.name}: nothing is selected.", "Give models, layers or both a list of names.")
    if values["devices"] == ():
        sentence = f"{file.name}: devices: expected {DEVICES.expected}, got an empty list."
        raise PresetError(sentence, "Leave the key out to take the machine's own choice.")
    models, layers = entries("models", _models), entries("layers", _layers)
    devices = None if values["devices"] is None else entries("devices", lambda text: (check_device_name(text),))
    extras = tuple(dict.fromkeys(values["extras"]))
    chosen = tuple(
        (axis.name, tuple(dict.fromkeys(map(str, values[axis.name])))) for axis in LISTED if values[axis.name]
    )
    batches, images, phases = (tuple(dict.fromkeys(values[key])) for key in ("batch", "image", "phases"))
    rest = batches, images, values["protocol"], extras, chosen, phases
    return values["description"], Selection(path.stem, models, layers, devices, *rest, alternate=values["alternate"])


def _models(name: str) -> tuple[ModelEntry, ...]:
    try:
        return MODELS if name_key(name) == "all" else (find_model(name),)
    except SelectionError as error:
        if not looks_like_code(name) or names_source(name):
            raise
        raise SelectionError(f"A preset cannot name code, as {quoted(name)} is.", "Name it with -m.") from error


def _layers(name: str) -> tuple[LayerEntry, ...]:
    if name_key(name) == "modern":
        return tuple(entry for entry in LAYERS if entry.family != ORIGINAL)
    if ":" in name:
        raise SelectionError(f"A preset cannot name a layer of a model, as {quoted(name)} is.", "Name it with -l.")
    return LAYERS if name_key(name) == "all" else (find_layer(name),)


def _checked(name: str) -> str:
    """The name without blanks around it. Raises PresetError when a new preset cannot have it."""
    name = name.strip()
    if not name or len(name) > MAX_NAME or not all(letter.isalnum() or letter in "-_ " for letter in name):
        rule = f"A name has at most {MAX_NAME} letters, digits, blanks, - and _."
        raise PresetError(f"{quoted(name)} cannot be a preset's name." if name else "The preset has no name.", rule)
    if _find(name, _files(shipped_folder())):
        raise PresetError(f"{quoted(name)} is a shipped preset.", "Save yours under another name.")
    return name


def _as_written(axis: Axis, value: str) -> int | str:
    """A number without quotes."""
    number = axis.number(value)
    return value if number is None else number


def _toml(selection: Selection, description: str) -> str:
    import tomlkit  # 60 ms that opening a preset need not wait for

    chosen = dict(selection.settings)
    settings = {axis.name: [_as_written(axis, each) for each in chosen.get(axis.name, ())] for axis in LISTED}
    values: dict[str, object] = {
        "description": description,
        "models": [entry.name for entry in selection.models],
        "layers": [entry.name for entry in selection.layers],
        "devices": list(selection.devices or ()),
        "batch": BATCHES.written(selection.batches),
        "image": IMAGES.written(selection.images),
        **{axis.name: values_kind(axis).written(settings[axis.name]) for axis in LISTED},
        "phases": PHASE_NAMES.written(selection.phases),
        "alternate": selection.alternate,
        "protocol": selection.protocol.strip().casefold(),
        "extras": list(selection.extras),
    }
    document = tomlkit.document()
    for name, value in values.items():
        if isinstance(value, list):
            array = tomlkit.array().multiline(len(value) > MAX_IN_A_LINE)
            array.extend(value)
            value = array
        if value:
            document.add(name, tomlkit.item(value))
    return tomlkit.dumps(document)
