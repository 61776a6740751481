"""What is in the settings file: always usable settings, and a sentence for each thing that is wrong.

It imports nothing that the first frame would wait for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cvbench_tui.base.escape import visible
from cvbench_tui.base.toml import TABLE, TomlFile, read_keys
from cvbench_tui.errors import StoreError
from cvbench_tui.settings.fields import FIELDS, KEYS, KEYS_FIELD, LAST, LAST_FIELDS, Last, Settings

MAX_SENTENCES = 20
"""A file of another program has a thousand unknown keys; a toast has not that many lines."""

Complain = Callable[[str, str], None]


def settings_file(path: Path) -> TomlFile:
    """The file, whose mistakes are StoreErrors."""
    return TomlFile(path, "settings file", StoreError)


def load(path: Path) -> tuple[Settings, tuple[str, ...]]:
    """The settings, and what is wrong with the file in sentences. Raises nothing.

    A file that is not there is no problem; one that cannot be used gives all defaults and one sentence.
    A key that cannot be used gives its own default and a sentence; the others hold.
    """
    file = settings_file(path)
    sentences: list[str] = []

    def complain(sentence: str, hint: str) -> None:
        sentences.append(f"{file.name}: {sentence} {hint}".rstrip())

    try:
        data = file.parse(file.read())
    except FileNotFoundError:
        return Settings(), ()
    except StoreError as error:
        return Settings(), (f"{error.message} The default settings are used.",)
    values = read_keys(data, FIELDS, complain, others=(KEYS, LAST))
    keys = MappingProxyType(dict(_keys(_table(data, KEYS, complain), complain)))
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
