"""The order of a table's rows by one of its columns. ``results.table.build`` makes the rows and groups."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

from cvbench_tui.results.table.columns import Value

if TYPE_CHECKING:
    from cvbench_tui.results.table.build import Row


def in_order(rows: Sequence[Row], place: int, descending: bool) -> list[Row]:
    """The rows with a valid value sorted, then those with one of grade X, then those without."""
    valid = [row for row in rows if row.cells[place].value is not None and row.cells[place].valid]
    invalid = [row for row in rows if row.cells[place].value is not None and not row.cells[place].valid]
    missing = [row for row in rows if row.cells[place].value is None]
    parts = (
        sorted(part, key=lambda row: _order(row.cells[place].value), reverse=descending) for part in (valid, invalid)
    )
    return [*chain.from_iterable(parts), *missing]


def _order(value: Value) -> tuple[tuple[int, float, str], ...]:
    """What a value is compared by: numbers as such, text without case and with the numbers in it as numbers."""
    if not isinstance(value, str):
        return ((0, float(value or 0), ""),)
    parts = re.findall(r"[0-9]+|[^0-9]+", value.casefold())
    return tuple((0, float(part), "") if part.isdecimal() else (1, 0.0, part) for part in parts)
