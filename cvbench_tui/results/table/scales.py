"""In which unit the times of a row are written: models in ms and layers in \u00b5s, where that reads well."""

from __future__ import annotations

from collections.abc import Sequence

from cvbench_tui.core.workload import Kind
from cvbench_tui.results.table.cell import Cell
from cvbench_tui.results.text.units import MICROSECONDS, MILLISECONDS, SCALES, Scale, scale_for

READABLE = (0.1, 10_000.0)  # a time reads well from here to here: neither 0.02 ms nor 16916 \u00b5s
USUAL: dict[Kind, Scale] = {"model": MILLISECONDS, "layer": MICROSECONDS}


def row_scales(rows: Sequence[tuple[Kind, Sequence[Cell]]]) -> list[Scale]:
    """One for each row, given as its kind and the cells of its times.

    The usual unit of its kind, or another in which all times of that kind read well; where there is none, each row has
    the one that suits its own times. Invalid times count where there are no others.
    """
    low, high = READABLE
    times, by_kind = [], dict[Kind, list[tuple[float, bool]]]()
    for kind, cells in rows:
        mine = [(cell.value, cell.valid) for cell in cells if isinstance(cell.value, float) and cell.value > 0]
        by_kind.setdefault(kind, []).extend(mine)
        times.append([seconds for seconds, valid in mine if valid] or [seconds for seconds, _ in mine])
    shared: dict[Kind, Scale | None] = {}
    for kind, all_times in by_kind.items():
        counted = [seconds for seconds, valid in all_times if valid] or [seconds for seconds, _ in all_times]
        ends = (min(counted), max(counted)) if counted else ()
        fits = (each for each in (USUAL[kind], *SCALES) if all(low <= end * each.per_second < high for end in ends))
        shared[kind] = next(fits, None)
    return [shared[kind] or scale_for(mine) for (kind, _), mine in zip(rows, times, strict=True)]
