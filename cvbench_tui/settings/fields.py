"""Every key of the settings file, declared once: name, default, what is accepted, and a line of help."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from cvbench_tui.base.choices import LAYOUTS, Layout
from cvbench_tui.base.toml import FLAG, NAMES, TEXT, Key, Kind, keys_of, one_of, toml_key
from cvbench_tui.catalog.axes import BATCHES, GROUPINGS, IMAGES, PHASE_NAMES, SETTINGS, Batch
from cvbench_tui.core.measurement import Phase
from cvbench_tui.core.protocol import PROTOCOLS

KEYS = "keys"  # the table of the file that gives bindings other keys
LAST = "last"  # the table of the file that holds what was ticked last
SAVE_FOLDER_HELP = "Where tables are saved; empty is the current folder. The app keeps the last one here."


@dataclass(frozen=True)
class Last:
    """The table ``last``, which the app writes: what was ticked and set when it was last used."""

    models: tuple[str, ...] = toml_key((), NAMES, "Models that were ticked.")
    layers: tuple[str, ...] = toml_key((), NAMES, "Layers that were ticked.")
    devices: tuple[str, ...] = toml_key((), NAMES, "Devices that were ticked.")
    batch: tuple[Batch, ...] = toml_key((), BATCHES, "Batches of every row; left out: each workload's own.")
    image: tuple[int, ...] = toml_key((), IMAGES, "Pixels a side of every image; left out: each model's own.")
    protocol: str = toml_key("", one_of(("", *PROTOCOLS)), "Protocol of the next run; empty: the default one.")
    settings: tuple[str, ...] = toml_key((), SETTINGS, "Values of axes, each as axis=value.")
    phases: tuple[Phase, ...] = toml_key((), PHASE_NAMES, "Phases that are measured; left out: all but step.")


@dataclass(frozen=True)
class Settings:
    """What the user has chosen."""

    theme: str = toml_key("cvbench-dark", TEXT, "Name of the theme.")
    ascii: str = toml_key("auto", one_of(("auto", "on", "off")), "Draw with ASCII only; `auto` decides by the locale.")
    gauges: str = toml_key(
        "auto", one_of(("auto", "off")), "Live gauges; `auto` turns them off while they would disturb the timing."
    )
    autosave: bool = toml_key(False, FLAG, "Write the table as markdown at the end of every run.")
    save_folder: str = toml_key("", TEXT, SAVE_FOLDER_HELP)
    layout: Layout = toml_key(
        LAYOUTS[0], one_of(LAYOUTS), "Layout of saved markdown: tables to paste, all columns, or the published tables."
    )
    columns: tuple[str, ...] = toml_key(
        (), NAMES, "Columns shown, in the table's order; an empty list shows what fits."
    )
    sort: str = toml_key("", TEXT, "Column the table is sorted by; empty keeps the order of the plan.")
    descending: bool = toml_key(False, FLAG, "Sort from the largest down.")
    group: str = toml_key("none", one_of(GROUPINGS), "What the rows are grouped by.")
    keys: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # by a binding's id, with commas
    last: Last = Last()


FIELDS = keys_of(Settings)  # keys at the top of the file
LAST_FIELDS = keys_of(Last)  # keys of the table ``last``
KEYS_FIELD = Key(
    KEYS, "", Kind('key names in quotes, such as "r,f5"', TEXT.test), "Other keys: a binding's id to its keys."
)


def field_of(name: str) -> Key | None:
    """The field of a dotted name such as ``theme``, ``last.batch`` or ``keys.app.run``; None when there is none."""
    table, _, rest = name.partition(".")
    if table == KEYS and rest:
        return KEYS_FIELD
    fields, wanted = (LAST_FIELDS, rest) if table == LAST and rest else (FIELDS, name)
    return next((each for each in fields if each.name == wanted), None)
