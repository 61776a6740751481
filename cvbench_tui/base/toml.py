"""A TOML file that a user wrote: how it is read, what its keys may hold, and a sentence for every mistake in it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any, TypeVar

from cvbench_tui.base.escape import one_line
from cvbench_tui.base.nearest import nearest, quoted
from cvbench_tui.errors import CvbenchError, os_reason

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_BYTES = 1 << 20  # a larger file is something else: full settings have 2 kB, the largest shipped preset 1 kB

MAX_DOTS = 64  # in a line. Of 300,000 dotted parts of a key tomllib makes as many tuples: 600 kB took all memory.
MAX_UNKNOWN = 20  # unknown keys that are named: a near name for each of 80,000 takes 4 s
MAX_ITEMS = 1000  # of a list; there are 84 models and 44 layers
MAX_TEXT = 4096  # characters of a text; a path has at most as many
MAX_SHOWN = 10**15  # a whole number from here on is not written: Python refuses to, of more than 4,300 digits

Default = TypeVar("Default")
Complain = Callable[[str, str], None]  # gets a sentence and a hint


@dataclass(frozen=True)
class TomlFile:
    """One file, and the kind of error that its mistakes are."""

    path: Path
    noun: str  # what it should be: ``preset file``
    error: type[CvbenchError]
    hint: str = ""

    @property
    def name(self) -> str:
        """The path for a sentence."""
        return one_line(str(self.path))

    def read(self) -> str:
        """What is written in it. Raises FileNotFoundError, and ``error`` for what is no small text file. Only a regular
        file is opened: reading a pipe could wait for ever."""
        try:
            status = self.path.stat()
            if S_ISDIR(status.st_mode):
                raise self._refusal(f"is a folder, not a {self.noun}")
            if not S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
                raise self._refusal(f"is not a {self.noun}: that is a TOML file of at most 1 MiB")
            return self.path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise self._refusal(f"is not a text file: byte {error.start} is not UTF-8") from error
        except FileNotFoundError:
            raise
        except OSError as error:
            raise self._refusal(f"cannot be read: {os_reason(error)}") from error
        except ValueError as error:
            raise self._refusal("is not a file name") from error

    def parse(self, text: str) -> dict[str, Any]:
        """The text of that file as TOML. Raises ``error`` with the place of what is wrong."""
        if any(line.count(".") > MAX_DOTS for line in text.splitlines()):
            raise self._refusal(f"has a line with more than {MAX_DOTS} dots")
        try:
            return tomllib.loads(text)
        except RecursionError as error:
            raise self._refusal("is nested too deeply") from error
        except ValueError as error:
            raise self._refusal(f"is not valid TOML: {one_line(str(error))}") from error

    def _refusal(self, sentence: str) -> CvbenchError:
        return self.error(f"{self.name} {sentence}.", self.hint)


@dataclass(frozen=True)
class Kind:
    """Type of a key's value."""

    expected: str
    test: Callable[[object], bool]  # True for such a value; for each item where it is a list
    names: tuple[str, ...] = ()  # the only ones, where there are few
    is_list: bool = False
    single: bool = False  # of a list: one item may stand without brackets, and is written so
    cutoff: float = 0.6  # of ``nearest`` among the names

    def accepts(self, value: object) -> bool:
        """True for a value that can be used."""
        if not self.is_list or (self.single and not isinstance(value, list)):
            return self.test(value) and not (isinstance(value, str) and len(value) > MAX_TEXT)
        return isinstance(value, list) and len(value) <= MAX_ITEMS and all(map(self.test, value))

    def written(self, items: Sequence[object]) -> object:
        """These items of a list as they are put into a file: one that may stand alone does, as older versions read it.
        None for no item, where the key is left out."""
        if not self.single:
            return list(items)
        return items[0] if len(items) == 1 else list(items) or None

    def mistake(self, place: str, value: object) -> tuple[str, str]:
        """A sentence about a value that is not accepted, and the nearest name as a hint, as far as there is one."""
        if self.is_list and isinstance(value, list):
            if len(value) > MAX_ITEMS:
                return f"{place}: more than {MAX_ITEMS:,} items.", ""
            index = next(index for index, item in enumerate(value) if not self.test(item))
            place, value = f"{place}[{index}]", value[index]
        if isinstance(value, str) and len(value) > MAX_TEXT:
            return f"{place}: more than {MAX_TEXT:,} characters.", ""
        near = nearest(value, self.names, cutoff=self.cutoff) if isinstance(value, str) else ""
        return f"{place}: expected {self.expected}, got {value_text(value)}.", near


TEXT = Kind("text in quotes", lambda value: isinstance(value, str))
FLAG = Kind("true or false", lambda value: isinstance(value, bool))
NAMES = Kind("a list of names in quotes", TEXT.test, is_list=True)
TABLE = Kind("a table", lambda value: isinstance(value, dict))


def one_of(names: Iterable[str]) -> Kind:
    """One of a few names; an empty one stands for no choice."""
    names = tuple(names)
    return Kind(f"one of {', '.join(name or 'empty' for name in names)}", lambda value: value in names, names)


def some_of(names: Iterable[str]) -> Kind:
    """A list of some of a few names."""
    names = tuple(names)
    return Kind(f"a list of {', '.join(names)}", lambda value: value in names, names, is_list=True)


def whole(most: int, what: str = "number") -> Kind:
    """A whole number from 1 on; ``true`` is none."""
    return Kind(f"a whole {what} from 1 to {most}", lambda value: type(value) is int and 1 <= value <= most)


@dataclass(frozen=True)
class Key:
    """One key of a file."""

    name: str
    default: object  # what holds when the key is left out; None: nothing is chosen
    kind: Kind
    help: str  # what it is for, one line of the manual


def toml_key(default: Default, kind: Kind, help_line: str = "") -> Default:
    """A field of a dataclass that is a key of a file."""
    return field(default=default, metadata={"key": (kind, help_line)})


def keys_of(record: type) -> tuple[Key, ...]:
    """The keys that a dataclass declares, in its order."""
    return tuple(Key(each.name, each.default, *each.metadata["key"]) for each in fields(record) if each.metadata)


def read_keys(
    data: Mapping[str, Any], keys: Sequence[Key], complain: Complain, prefix: str = "", others: Sequence[str] = ()
) -> dict[str, Any]:
    """The value of every key, lists as tuples; the default of one that is not there or cannot be used. ``complain`` is
    called with a sentence and a hint for each value that cannot be used, and for each name that is neither a key nor
    one of ``others``."""
    names = [*(each.name for each in keys), *others]
    for name in [name for name in data if name not in names][:MAX_UNKNOWN]:
        complain(f"unknown key {quoted(prefix + name)}.", nearest(name, names))
    values = {each.name: each.default for each in keys}
    for each in (key for key in keys if key.name in data):
        value = data[each.name]
        if each.kind.accepts(value):
            listed = [value] if each.kind.single and not isinstance(value, list) else value
            values[each.name] = tuple(listed) if isinstance(listed, list) else listed
        else:
            complain(*each.kind.mistake(prefix + each.name, value))
    return values


def value_text(value: object) -> str:
    """A TOML value as a person would recognise it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, int) and abs(value) >= MAX_SHOWN:
        return "a number of that length"
    if isinstance(value, dict):
        return "a table"
    return "a list" if isinstance(value, list) else quoted(str(value)).strip("'")
