"""The settings file: read into settings that can always be used, with a sentence for each thing that is wrong, and
single keys of it changed, comments, unknown keys and the order of the rest staying as they are.

It imports nothing that the first frame would wait for. A file that cannot be read is never written over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cvbench_tui.base.atomic import write_atomically
from cvbench_tui.base.escape import visible
from cvbench_tui.base.toml import MAX_ITEMS, TABLE, Complain, TomlFile, read_keys
from cvbench_tui.errors import StoreError
from cvbench_tui.settings.fields import FIELDS, KEYS, KEYS_FIELD, LAST, LAST_FIELDS, Last, Settings, field_of

MAX_SENTENCES = 20  # a file of another program has a thousand unknown keys; a toast has not that many lines

_HINT = "Fix the file, or delete it to use the defaults."


def load(path: Path) -> tuple[Settings, tuple[str, ...]]:
    """The settings, and what is wrong with the file in sentences. Raises nothing. A file that is not there is no
    problem; one that cannot be used gives all defaults and one sentence. A key that cannot be used gives its own
    default and a sentence; the others hold."""
    file = TomlFile(path, "settings file", StoreError)
    sentences: list[str] = []

    def complain(sentence: str, hint: str) -> None:
        sentences.append(f"{file.name}: {sentence} {hint}".rstrip())

    try:
        data = file.parse(file.read())
    except FileNotFoundError:
        return Settings(), ()
    except StoreError as error:
        return Settings(), (f"{error.message} The default settings are used.",)
    if data.get("layout") == "wide":  # the default until 0.1, which every save wrote
        del data["layout"]
    values = read_keys(data, FIELDS, complain, others=(KEYS, LAST))
    keys = MappingProxyType(dict(islice(_keys(_table(data, KEYS, complain), complain), MAX_ITEMS)))
    last = Last(**read_keys(_table(data, LAST, complain), LAST_FIELDS, complain, f"{LAST}."))
    return Settings(**values, keys=keys, last=last), tuple(sentences[:MAX_SENTENCES])


def _table(data: Mapping[str, Any], name: str, complain: Complain) -> dict[str, Any]:
    """That table of the file; an empty one when it is something else."""
    value = data.get(name, {})
    if TABLE.accepts(value):
        return dict(value)
    complain(*TABLE.mistake(name, value))
    return {}


def _keys(table: Mapping[str, Any], complain: Complain, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Ids and keys. ``app.run`` without quotes is a table inside a table to TOML; here it is the same id."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _keys(value, complain, f"{prefix}{name}.")
        elif KEYS_FIELD.kind.accepts(value):
            yield prefix + name, value
        else:
            complain(*KEYS_FIELD.kind.mistake(f"{KEYS}.{visible(prefix + name)}", value))


def save(path: Path, changes: Mapping[str, object]) -> None:
    """Put dotted names such as ``theme``, ``last.models`` or ``keys.app.run`` into the file; None removes one.

    Written wholly or not at all; nothing is written when nothing changes. Folders are created. Raises StoreError
    when it cannot be done, also when the present file is no valid TOML; ValueError for a name or value that is no
    setting, which is a bug of the caller.
    """
    values = {name: _value(name, value) for name, value in changes.items()}
    file = TomlFile(path, "settings file", StoreError)
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
    value = known.kind.written(value) if isinstance(value, tuple) else value
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
        for name, value in changes.items():
            table, key = _place(data, name)
            if (table.get(key) if isinstance(table, dict) else None) != value:
                raise StoreError(f"{name} is read as another value.")
    except (TOMLKitError, StoreError) as error:  # the two readers disagree: better no change than a lost one
        message = f"Settings are not saved: {file.name} cannot be changed safely; edit it yourself."
        raise StoreError(message, _HINT) from error
    return after


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
    ``keys.app.run`` stands in the table ``keys`` as one quoted name, or table inside table."""
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
