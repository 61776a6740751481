"""View of the table: order, groups, filter, columns and the row that others are compared with.

Plain data. ``results.table.build`` makes the table that a view asks for; nothing here reads a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cvbench_tui.base.nearest import nearest, quoted
from cvbench_tui.errors import SelectionError

if TYPE_CHECKING:
    from cvbench_tui.core.run import Run

ALWAYS = "name"  # key of the column that every view has: without it a row has no label
RENAMED = {"grade": "quality", "state": "quality"}  # columns that this one took the place of: settings may name them


@dataclass(frozen=True)
class View:
    """What of a run is shown, and in which order. The default shows all of it, in the plan's."""

    sort: str | None = None  # key of the column that the rows are sorted by; None: the plan's order
    descending: bool = False
    group: str = "none"  # one of ``catalog.axes.GROUPINGS``
    filter_text: str = ""  # only rows with every word of it in name, device, batch, settings or quality are shown
    columns: tuple[str, ...] = ()  # keys of the columns that were chosen; none: as many as there is room for
    reference: str | None = None  # id of the case that the column ``vs_ref`` compares with
    compare: str = ""
    """One of ``catalog.axes.COMPARED``: rows that differ in nothing else are ranked together, and while no row is
    marked ``vs_ref`` compares each with the one of them that has the default."""
    beside: tuple[Run, ...] = ()  # runs whose rows of the same workloads stand beside those of the run


def check_columns(keys: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The keys that are columns, in the table's order and each once; and a sentence about each of the others."""
    known, keys = _keys(), [RENAMED.get(key, key) for key in keys]
    kept = tuple(key for key in known if key in keys)
    unknown = dict.fromkeys(key for key in keys if key not in known)
    return kept, tuple(f"There is no column {quoted(key)}. {nearest(key, known, 1)}".rstrip() for key in unknown)


def check_column(key: str) -> str:
    """The key itself, or what has become of it. Raises SelectionError, naming the nearest, when no column has it."""
    keys, key = _keys(), RENAMED.get(key, key)
    if key in keys:
        return key
    hint = f"{nearest(key, keys, 1)} Columns: {', '.join(keys)}.".lstrip()
    raise SelectionError(f"There is no column {quoted(key)}.", hint)


def _keys() -> list[str]:
    """Of every column. Imported here: a view is made before the first frame, and the columns bring the statistics."""
    from cvbench_tui.results.table.columns import COLUMNS

    return [column.key for column in COLUMNS if not column.drawn]
