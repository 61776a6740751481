"""In which unit the times of a row are written: models in ms and layers in \u00b5s, where that reads well."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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
    shared: dict[Kind, Scale | None] = {}
    low, high = READABLE
    for kind, usual in USUAL.items():
        times = _times([cell for its, cells in rows if its == kind for cell in cells])
        ends = (min(times), max(times)) if times else ()
        fits = (each for each in (usual, *SCALES) if all(low <= end * each.per_second < high for end in ends))
        shared[kind] = next(fits, None)
    return [shared[kind] or scale_for(_times(cells)) for kind, cells in rows]


def _times(cells: Iterable[Cell]) -> list[float]:
    """Positive seconds; of the valid cells if there are any."""
    times = [(cell.value, cell.valid) for cell in cells if isinstance(cell.value, float) and cell.value > 0]
    return [seconds for seconds, valid in times if valid] or [seconds for seconds, _ in times]
