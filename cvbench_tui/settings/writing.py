"""Changing single keys of the settings file: comments, unknown keys and the order of the rest stay as they are.

It decides nothing about what is worth keeping. A file that cannot be read is never written over.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cvbench_tui.base.atomic import write_atomically
from cvbench_tui.base.toml import TomlFile
from cvbench_tui.errors import StoreError
from cvbench_tui.settings.fields import KEYS, field_of
from cvbench_tui.settings.reading import settings_file

_HINT = "Mend the file, or delete it to begin with the defaults."


def save(path: Path, changes: Mapping[str, object]) -> None:
    """Put dotted names such as ``theme``, ``last.models`` or ``keys.app.run`` into the file; None removes one.

    Written wholly or not at all; nothing is written when nothing changes. Folders are created. Raises StoreError
    when it cannot be done, also when the present file is no valid TOML; ValueError for a name or value that is no
    setting, which is a bug of the caller.
    """
    values = {name: _value(name, value) for name, value in changes.items()}
    file = settings_file(path)
    try:
        before = file.read()
        file.parse(before)
    except FileNotFoundError:
        before = ""
    except StoreError as error:
        raise StoreError(f"Settings are not saved: {error.message}", _HINT) from error
    after = _changed(file, before, values)
    if after != before:
        write_atomically(path, after, parents=True)


def _value(name: str, value: object) -> object:
    known = field_of(name)
    if known is None:
        raise ValueError(f"no setting: {name}")
    value = list(value) if isinstance(value, tuple) else value
    if value is not None and not known.kind.accepts(value):
        raise ValueError(f"{name}: expected {known.kind.expected}, got {value!r}")
    return value


def _changed(file: TomlFile, text: str, changes: Mapping[str, object]) -> str:
    """The file's text with the changes in it. Raises StoreError when it would not hold them."""
    import tomlkit  # 60 ms that the first frame need not wait for
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
        for name, value in changes.items():
            _put(document, name, value)
        after = tomlkit.dumps(document)
        data = file.parse(after)
    except (TOMLKitError, StoreError) as error:
        raise _unusual(file) from error
    if any(_get(data, name) != value for name, value in changes.items()):
        raise _unusual(file)
    return after


def _unusual(file: TomlFile) -> StoreError:
    """The two readers of TOML disagree about the file: better no change than a lost one."""
    return StoreError(f"Settings are not saved: {file.name} is too unusual to be changed.", _HINT)


def _get(data: Any, name: str) -> object:
    table, key = _place(data, name)
    return table.get(key) if isinstance(table, dict) else None


def _put(document: Any, name: str, value: object) -> None:
    """One change. Only what differs is touched: a list over many lines with comments stays one."""
    table, key = _place(document, name)
    if not isinstance(table, dict):
        if value is None:
            return
        document[name.partition(".")[0]] = {}
        table, key = _place(document, name)
    if value is None:
        table.pop(key, None)
    elif key not in table or table[key] != value or isinstance(table[key], bool) is not isinstance(value, bool):
        table[key] = value


def _place(data: Any, name: str) -> tuple[Any, str]:
    """The table that a dotted name is or belongs in, None where it is not there yet, and its key in it.

    ``keys.app.run`` stands in the table ``keys`` as one quoted name, or table inside table.
    """
    table, _, key = name.partition(".")
    if not key:
        return data, name
    inner = data.get(table)
    while table == KEYS and isinstance(inner, dict) and key not in inner:
        head, _, rest = key.partition(".")
        if not rest or not isinstance(inner.get(head), dict):
            break
        inner, key = inner[head], rest
    return inner, key
