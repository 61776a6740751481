"""Ready selections by name: the shipped presets, one's own, or anybody's file by its path.

What is in a preset file is ``catalog.preset_files``' business.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cvbench_tui.base.nearest import key, nearest, quoted
from cvbench_tui.catalog.preset_files import (
    SUFFIX,
    Preset,
    files_in,
    read_preset,
    selection_of,
    shipped_folder,
    shown,
    user_folder,
)
from cvbench_tui.catalog.selection import Selection
from cvbench_tui.errors import CvbenchError, PresetError, SelectionError

__all__ = [
    "Preset",
    "PresetEntry",
    "delete_preset",
    "load_preset",
    "name_problem",
    "preset_description",
    "preset_entries",
    "preset_names",
    "save_preset",
    "shipped_folder",
    "user_folder",
]

FIRST = "quick"
"""The preset that is listed first."""

MAX_NAME = 60
"""Characters: in UTF-8 at most 240 bytes, and file systems take 255 for a name."""

MAX_IN_A_LINE = 4
"""Names in one line of a file; more stand one a line."""


@dataclass(frozen=True)
class PresetEntry:
    """One line of the list of presets."""

    name: str
    description: str
    own: bool
    """True for one of the user's, which can be written over and deleted."""
    workloads: int
    """Models and layers in it; 0 where there is a problem."""
    problem: str
    """Why it cannot be used, in one sentence; empty when it can."""


def preset_names() -> tuple[str, ...]:
    """The shipped presets, ``quick`` first."""
    return tuple(sorted(files_in(shipped_folder()), key=lambda name: (name != FIRST, name)))


def preset_entries() -> tuple[PresetEntry, ...]:
    """The shipped presets, ``quick`` first, then one's own by name. A file that cannot be used says why."""
    shipped = files_in(shipped_folder())
    taken = {key(name) for name in shipped}
    entries = [_entry(name, shipped[name], own=False) for name in preset_names()]
    for name, path in files_in(user_folder()).items():
        entry = _entry(name, path, own=True)
        if key(name) in taken:
            problem = f"A shipped preset has this name already: rename {shown(path)}."
            entry = PresetEntry(name, entry.description, True, 0, problem)
        taken.add(key(name))
        entries.append(entry)
    return tuple(entries)


def preset_description(reference: str) -> str:
    """The preset's own line about itself; empty when it has none. Raises like ``load_preset``."""
    return read_preset(_path_of(reference)).description


def load_preset(reference: str) -> Selection:
    """The selection of a preset's name, shipped or one's own, or of a path to a preset file.

    Raises PresetError for a file that cannot be used, SelectionError for an unknown name.
    """
    path = _path_of(reference)
    return selection_of(read_preset(path), path)


def save_preset(name: str, selection: Selection, description: str = "") -> Path:
    """Write the selection as a preset of one's own and return its file; one of that name is written over.

    Written wholly or not at all. Raises PresetError for a name that cannot be one or is a shipped preset's, for a
    selection of nothing, and when the file cannot be written.
    """
    name = _checked(name)
    if not selection.models and not selection.layers:
        raise PresetError("Nothing is selected.", "Choose at least one model or layer, then save the preset.")
    folder = user_folder()
    path = _by_key(files_in(folder)).get(key(name), folder / f"{name}{SUFFIX}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _replace(path, _toml(selection, description))
    except (OSError, ValueError) as error:
        raise _refusal("written", path, error) from error
    return path


def name_problem(name: str) -> str:
    """Why ``save_preset`` would refuse that name, in a sentence or two; empty when it would not."""
    try:
        _checked(name)
    except PresetError as error:
        return f"{error.message} {error.hint}".strip()
    return ""


def delete_preset(name: str) -> None:
    """Delete a preset of one's own. Raises PresetError when there is none of that name or it cannot be deleted."""
    own = files_in(user_folder())
    path = own.get(name) or _by_key(own).get(key(name))
    if path is None:
        if key(name) in _by_key(files_in(shipped_folder())):
            raise PresetError(f"{quoted(name)} is a shipped preset.", "Only presets of your own can be deleted.")
        raise PresetError(f"There is no preset {quoted(name)} of your own.", nearest(name, own))
    try:
        path.unlink()
    except OSError as error:
        raise _refusal("deleted", path, error) from error


def _path_of(reference: str) -> Path:
    """The file behind a name or a path. A shipped name wins over an own one, and both over a file of that name in the
    current folder: ``./quick`` is the file."""
    shipped, own = files_in(shipped_folder()), files_in(user_folder())
    path = _by_key(shipped).get(key(reference)) or own.get(reference) or _by_key(own).get(key(reference))
    if path is not None:
        return path
    if _looks_like_path(reference):
        return Path(reference).expanduser()
    hint = f"{nearest(reference, [*own, *shipped])} `cvbench-tui list presets` shows all; a file is given by its path."
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


def _by_key(files: Mapping[str, Path]) -> dict[str, Path]:
    """The files by what names are compared by; of two with the same, the first."""
    return {key(name): path for name, path in reversed(list(files.items()))}


def _entry(name: str, path: Path, *, own: bool) -> PresetEntry:
    try:
        preset = read_preset(path)
        selection = selection_of(preset, path)
    except CvbenchError as error:
        return PresetEntry(name, "", own, 0, error.message)
    return PresetEntry(name, preset.description, own, len(selection.models) + len(selection.layers), "")


def _checked(name: str) -> str:
    """The name without blanks around it. Raises PresetError when a new preset cannot have it."""
    name = name.strip()
    if not name or len(name) > MAX_NAME or not all(letter.isalnum() or letter in "-_ " for letter in name):
        rule = f"A name has at most {MAX_NAME} letters, digits, blanks, - and _."
        raise PresetError(f"{quoted(name)} cannot be a preset's name." if name else "The preset has no name.", rule)
    if key(name) in _by_key(files_in(shipped_folder())):
        raise PresetError(f"{quoted(name)} is a shipped preset.", "Save yours under another name.")
    return name


def _toml(selection: Selection, description: str) -> str:
    """The selection as a preset file; what is not set is left out."""
    import tomlkit  # 60 ms that opening a preset need not wait for

    values: dict[str, object] = {
        "description": description,
        "models": [entry.name for entry in selection.models],
        "layers": [entry.name for entry in selection.layers],
        "devices": None if selection.devices is None else list(selection.devices),
        "batch": selection.batch,
        "image": selection.image,
        "protocol": selection.protocol.strip().casefold(),
        "extras": list(selection.extras),
    }
    document = tomlkit.document()
    for name, value in values.items():
        if value is None or value in ("", []):
            continue
        if isinstance(value, list):
            array = tomlkit.array().multiline(len(value) > MAX_IN_A_LINE)
            array.extend(value)
            value = array
        document.add(name, tomlkit.item(value))
    return tomlkit.dumps(document)


def _replace(path: Path, text: str) -> None:
    """Put the text into the file, links followed, by a rename over what was there. Raises OSError."""
    target = Path(os.path.realpath(path))
    temporary = target.parent / f".cvbench-{secrets.token_hex(8)}"
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _refusal(what: str, path: Path, error: Exception) -> PresetError:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return PresetError(f"{shown(path)} cannot be {what}: {reason}.", "Own presets are in a folder beside config.toml.")
