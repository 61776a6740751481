"""Which numbers are the fastest among rows of equal work, as the published tables put them in bold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cvbench_tui.core.measurement import Phase
from cvbench_tui.results.stats.row_data import RowData
from cvbench_tui.results.table.columns import Column

Rivals = Sequence[Sequence[int]]
"""Places of rows of equal work, as far as there are several."""


def rivals(readings: Sequence[RowData]) -> Rivals:
    """Which rows have the same workload, batch and image, and can be compared if their numbers can."""
    found: dict[object, list[int]] = {}
    for place, reading in enumerate(readings):
        if reading.phases:
            found.setdefault((reading.case.workload, reading.case.batch), []).append(place)
    return [places for places in found.values() if len(places) > 1]


def fastest(column: Column, readings: Sequence[RowData], among: Rivals) -> frozenset[int]:
    """The places with the fastest number of that column, or of several that are equally fast, wherever at least two can
    be compared. Empty for a column that ranks nothing."""
    if column.phase is None:
        return frozenset()
    return frozenset(place for places in among for place in _first(column, column.phase, readings, places))


def _first(column: Column, phase: Phase, readings: Sequence[RowData], places: Sequence[int]) -> Iterator[int]:
    values = {place: column.value(readings[place]) for place in places if readings[place].comparable(phase)}
    numbers = {place: value for place, value in values.items() if isinstance(value, (int, float))}
    if len(numbers) > 1:
        best = (min if column.fastest == "least" else max)(numbers.values())
        yield from (place for place, value in numbers.items() if value == best)
