"""Which rows do the same work, so that they can be ranked together; all but one axis, where that is to be compared."""

from __future__ import annotations

from collections.abc import Sequence

from cvbench_tui.core import axes
from cvbench_tui.core.plan import Case
from cvbench_tui.core.row_names import settings_of
from cvbench_tui.results.stats.row_data import RowData


def work_of(case: Case, along: str = "") -> object:
    """Equal for rows that differ in nothing but the device, the framework and the axis ``along``, which is one of
    ``catalog.axes.COMPARED`` or empty. Rows that find their batch are of one batch, whatever they find."""
    workload, settings = case.workload, case.settings
    batch: object = "max" if case.finds_batch else case.batch
    if along == "batch":
        batch, settings = None, settings_of(case)
    elif along == "image":
        workload = workload.with_image(1)
    elif along:
        settings = tuple(each for each in settings if each[0] != along)
    return workload, batch, settings


def reference_of(rows: Sequence[RowData], along: str) -> RowData:
    """The row that the others are compared with: of the axis' default, or of what comes next in its order; the smallest
    batch or image."""
    return min(rows, key=lambda row: order(row.case, along))


def order(case: Case, along: str) -> int:
    """Where the case stands along that axis."""
    if along == "batch":
        return case.batch
    if along == "image":
        return case.image or 0
    axis = axes.axis(along)
    return axis.order(case.setting(along)) if axis is not None else 0
