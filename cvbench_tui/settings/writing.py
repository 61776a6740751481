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
from cvbench_tui.settings.fields import KEYS, LAST, field_of
from cvbench_tui.settings.reading import settings_file

_MEND = "Mend the file, or delete it to begin with the defaults."


def save(path: Path, changes: Mapping[str, object]) -> None:
    """Put dotted names such as ``theme``, ``last.models`` or ``keys.app.run`` into the file; None removes one.

    Written wholly or not at all; nothing is written when nothing changes. Folders are created. Raises StoreError
    when it cannot be done, also when the present file is no valid TOML; ValueError for a name or value that is no
    setting, which is a bug of the caller.
    """
    plain = {name: _plain(name, value) for name, value in changes.items()}
    file = settings_file(path)
    try:
        before = file.read()
        file.parse(before)
    except FileNotFoundError:
        before = ""
    except StoreError as error:
        raise StoreError(f"Settings are not saved: {error.message}", _MEND) from error
    after = _changed(file, before, plain)
    if after != before:
        write_atomically(path, after, parents=True)


def _plain(name: str, value: object) -> object:
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
    if any(_found(data, name) != value for name, value in changes.items()):
        raise _unusual(file)
    return after


def _unusual(file: TomlFile) -> StoreError:
    """The two readers of TOML disagree about the file: better no change than a lost one."""
    return StoreError(f"Settings are not saved: {file.name} is too unusual to be changed.", _MEND)


def _found(data: Any, name: str) -> object:
    """What the file says under a dotted name; None when nothing."""
    table, _, rest = name.partition(".")
    if not rest:
        return data.get(name)
    inner = data.get(table, {})
    place, key = _place(inner, rest) if table == KEYS else (inner, rest)
    found: object = place.get(key)
    return found


def _put(document: Any, name: str, value: object) -> None:
    """One change, in the table where its key is or belongs."""
    table, _, rest = name.partition(".")
    if not rest:
        _set(document, name, value)
    elif table in (KEYS, LAST):
        if not isinstance(document.get(table), dict):
            if value is None:
                return
            document[table] = {}
        place, key = _place(document[table], rest) if table == KEYS else (document[table], rest)
        _set(place, key, value)


def _place(table: Any, name: str) -> tuple[Any, str]:
    """Where ``app.run`` stands in the table of keys: as one quoted name, or table inside table."""
    head, _, rest = name.partition(".")
    if name not in table and rest and isinstance(table.get(head), dict):
        return _place(table[head], rest)
    return table, name


def _set(table: Any, key: str, value: object) -> None:
    """Only what differs is touched: a list over many lines with comments stays one."""
    if value is None:
        if key in table:
            del table[key]
    elif key not in table or table[key] != value or isinstance(table[key], bool) is not isinstance(value, bool):
        table[key] = value
