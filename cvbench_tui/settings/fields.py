"""Every key of the settings file, declared once: name, default, what is accepted, and a line of help.

It reads and writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from cvbench_tui.catalog.selection import MAX_BATCH, MAX_IMAGE
from cvbench_tui.core.protocol import PROTOCOLS

KEYS = "keys"
"""The table of the file that gives bindings other keys."""
LAST = "last"
"""The table of the file that holds what was ticked last."""
NO_KEYS: Mapping[str, str] = MappingProxyType({})
"""Every binding has its own keys."""


@dataclass(frozen=True)
class AnyText:
    """Any text."""

    expected: str = "text in quotes"

    def accepts(self, value: object) -> bool:
        """True for text, the empty one too."""
        return isinstance(value, str)


@dataclass(frozen=True)
class Flag:
    """Yes or no."""

    expected: str = "true or false"

    def accepts(self, value: object) -> bool:
        """True for TOML's own two words only."""
        return isinstance(value, bool)


@dataclass(frozen=True)
class Choice:
    """One of a few names; the empty one stands for none of them."""

    names: tuple[str, ...]

    @property
    def expected(self) -> str:
        """All of them in words."""
        return f"one of {', '.join(name or 'empty' for name in self.names)}"

    def accepts(self, value: object) -> bool:
        """True for a name as it is written here."""
        return isinstance(value, str) and value in self.names


@dataclass(frozen=True)
class Names:
    """A list of names."""

    expected: str = "a list of names in quotes"

    def accepts(self, value: object) -> bool:
        """True for a list of texts; an empty one counts."""
        return isinstance(value, list) and all(isinstance(name, str) for name in value)


@dataclass(frozen=True)
class Whole:
    """A whole number from 1 on."""

    most: int

    @property
    def expected(self) -> str:
        """The range in words."""
        return f"a whole number from 1 to {self.most}"

    def accepts(self, value: object) -> bool:
        """True within the range; ``true`` is no number."""
        return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= self.most


Kind = AnyText | Flag | Choice | Names | Whole


@dataclass(frozen=True)
class Field:
    """One key."""

    name: str
    default: object
    """What holds when the key is left out; None: nothing is chosen."""
    kind: Kind
    help: str
    """What it is for, one line of the manual."""


@dataclass(frozen=True)
class Last:
    """What was ticked and set when the app was last used."""

    models: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    batch: int | None = None
    """Of every row; None: each workload's own."""
    image: int | None = None
    """Pixels a side; None: each model's own."""
    protocol: str = ""
    """Empty: the default one."""


@dataclass(frozen=True)
class Settings:
    """What the user has chosen; every field is a key of the file, explained in ``FIELDS``."""

    theme: str = "cvbench-dark"
    ascii: str = "auto"
    gauges: str = "auto"
    autosave: bool = False
    save_folder: str = ""
    layout: Literal["wide", "original"] = "wide"
    columns: tuple[str, ...] = ()
    sort: str = ""
    descending: bool = False
    group: Literal["none", "workload", "kind", "device"] = "none"
    keys: Mapping[str, str] = field(default_factory=lambda: NO_KEYS)
    """Id of a binding to comma separated keys."""
    last: Last = Last()


_DEFAULTS = Settings()


def _field(name: str, kind: Kind, help_line: str) -> Field:
    """A key at the top of the file; its default is that of the record."""
    return Field(name, getattr(_DEFAULTS, name), kind, help_line)


def _last(name: str, kind: Kind, help_line: str) -> Field:
    return Field(name, getattr(_DEFAULTS.last, name), kind, help_line)


FIELDS: tuple[Field, ...] = (
    _field("theme", AnyText(), "Name of the theme."),
    _field("ascii", Choice(("auto", "on", "off")), "Draw with ASCII only; `auto` decides by the locale."),
    _field("gauges", Choice(("auto", "off")), "The live line of the device; `auto` rests where it would disturb."),
    _field("autosave", Flag(), "Write the table as markdown at the end of every run."),
    _field(
        "save_folder",
        AnyText(),
        "Where tables are saved; empty is the current folder. The app keeps the last one here.",
    ),
    _field("layout", Choice(("wide", "original")), "Layout of saved markdown: one wide table, or the published one."),
    _field("columns", Names(), "Columns shown, in the table's order; an empty list shows what fits."),
    _field("sort", AnyText(), "Column the table is sorted by; empty keeps the order of the plan."),
    _field("descending", Flag(), "Sort from the largest down."),
    _field("group", Choice(("none", "workload", "kind", "device")), "What rows that stand together have in common."),
)
"""Keys at the top of the file."""

LAST_FIELDS: tuple[Field, ...] = (
    _last("models", Names(), "Models that were ticked."),
    _last("layers", Names(), "Layers that were ticked."),
    _last("devices", Names(), "Devices that were ticked."),
    _last("batch", Whole(MAX_BATCH), "Batch of every row; left out: each workload's own."),
    _last("image", Whole(MAX_IMAGE), "Pixels a side of every image; left out: each model's own."),
    _last("protocol", Choice(("", *PROTOCOLS)), "Protocol of the next run; empty: the default one."),
)
"""Keys of the table ``last``, which the app writes."""

KEYS_FIELD = _field(KEYS, AnyText('key names in quotes, such as "r,f5"'), "Other keys: a binding's id to its keys.")
"""Stands for any key of the table ``keys``."""


def field_of(name: str) -> Field | None:
    """The field of a dotted name such as ``theme``, ``last.batch`` or ``keys.app.run``; None when there is none."""
    table, _, rest = name.partition(".")
    if table == KEYS and rest:
        return KEYS_FIELD
    fields, wanted = (LAST_FIELDS, rest) if table == LAST and rest else (FIELDS, name)
    return next((each for each in fields if each.name == wanted), None)
