"""Where the settings file is, and what is in it: always usable settings, and a sentence for each thing that is wrong.

It writes nothing, and imports nothing that the first frame would wait for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from types import MappingProxyType
from typing import Any

from cvbench_tui.base.escape import visible
from cvbench_tui.base.nearest import nearest, quoted
from cvbench_tui.errors import StoreError
from cvbench_tui.settings.fields import FIELDS, KEYS, KEYS_FIELD, LAST, LAST_FIELDS, Choice, Field, Last, Settings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

VARIABLE = "CVBENCH_CONFIG"
"""Environment variable that names the settings file."""
MAX_BYTES = 1 << 20
"""A larger file is something else: a full one has about 2 kB."""
MAX_SENTENCES = 20
"""A file of another program has a thousand unknown keys; a toast has not that many lines."""


def settings_path() -> Path:
    """``CVBENCH_CONFIG``, else ``config.toml`` in the user's configuration folder. Creates nothing."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(os.path.expanduser(named))
    import platformdirs

    return Path(platformdirs.user_config_dir("cvbench-tui", appauthor=False)) / "config.toml"


def load(path: Path) -> tuple[Settings, tuple[str, ...]]:
    """The settings, and what is wrong with the file in sentences. Raises nothing.

    A file that is not there is no problem; one that cannot be used gives all defaults and one sentence.
    A key that cannot be used gives its own default and a sentence; the others hold.
    """
    try:
        text = read_text(path)
        data = {} if text is None else parse(path, text)
    except StoreError as error:
        return Settings(), (f"{error.message} The default settings are used.",)
    complaints: list[str] = []
    values = _table(data, FIELDS, "", complaints, (KEYS, LAST))
    keys = MappingProxyType(dict(_keys(data.get(KEYS), complaints)))
    last = Last(**_table(_subtable(data, complaints), LAST_FIELDS, f"{LAST}.", complaints))
    settings = Settings(**values, keys=keys, last=last)
    return settings, tuple(f"{shown(path)}: {complaint}" for complaint in complaints[:MAX_SENTENCES])


def read_text(path: Path) -> str | None:
    """What is written in the file; None when there is none. Raises StoreError for what is no small text file.

    Only a regular file is opened: reading a pipe could wait for ever.
    """
    try:
        status = path.stat()
        if S_ISDIR(status.st_mode):
            raise StoreError(f"{shown(path)} is a folder, not a settings file.")
        if not S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
            raise StoreError(f"{shown(path)} is no settings file: that is a TOML file of at most 1 MiB.")
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise StoreError(f"{shown(path)} is no text file: byte {error.start} is not UTF-8.") from error
    except OSError as error:
        raise StoreError(f"{shown(path)} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise StoreError(f"{shown(path)} is no file name.") from error


def parse(path: Path, text: str) -> dict[str, Any]:
    """The text of that file as TOML. Raises StoreError with the place of what is wrong."""
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise StoreError(f"{shown(path)} is nested too deeply.") from error
    except ValueError as error:
        raise StoreError(f"{shown(path)} is not valid TOML: {visible(str(error))}.") from error


def shown(path: Path) -> str:
    """The path for a sentence."""
    return visible(str(path))


def _table(
    data: Mapping[str, Any],
    fields: tuple[Field, ...],
    prefix: str,
    complaints: list[str],
    others: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The value of every field, and a complaint for every key that is none of them nor of ``others``."""
    names = {each.name for each in fields}
    for name in data:
        if name not in names and name not in others:
            near = nearest(name, [*names, *others])
            complaints.append(f"{quoted(prefix + name)} is no setting. {near}".rstrip())
    return {each.name: _value(data, each, prefix, complaints) for each in fields}


def _value(data: Mapping[str, Any], wanted: Field, prefix: str, complaints: list[str]) -> object:
    """What the file says, or the default when it says nothing usable."""
    if wanted.name not in data:
        return wanted.default
    value = data[wanted.name]
    if wanted.kind.accepts(value):
        return tuple(value) if isinstance(value, list) else value
    complaints.append(f"{prefix}{wanted.name}: {_expected(wanted, value)}")
    return wanted.default


def _expected(wanted: Field, value: object) -> str:
    """``expected one of auto, on, off, got 'onn'. Nearest: on.``"""
    kind = wanted.kind
    near = nearest(value, kind.names) if isinstance(kind, Choice) and isinstance(value, str) else ""
    return f"expected {kind.expected}, got {_value_text(value)}. {near}".rstrip()


def _value_text(value: object) -> str:
    """A TOML value as a person would recognise it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        return "a table"
    return "a list" if isinstance(value, list) else quoted(str(value)).strip("'")


def _subtable(data: Mapping[str, Any], complaints: list[str]) -> Mapping[str, Any]:
    """The table of what was ticked last; an empty one when it is something else."""
    found = data.get(LAST, {})
    if isinstance(found, dict):
        return found
    complaints.append(f"{LAST}: expected a table, got {_value_text(found)}.")
    return {}


def _keys(found: object, complaints: list[str], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Ids and keys. ``app.run`` without quotes is a table inside a table to TOML; here it is the same id."""
    if found is None:
        return
    if not isinstance(found, dict):
        complaints.append(f"{KEYS}: expected a table, got {_value_text(found)}.")
        return
    for name, value in found.items():
        if isinstance(value, dict):
            yield from _keys(value, complaints, f"{prefix}{name}.")
        elif KEYS_FIELD.kind.accepts(value):
            yield prefix + name, value
        else:
            complaints.append(f"{KEYS}.{visible(prefix + name)}: {_expected(KEYS_FIELD, value)}")
