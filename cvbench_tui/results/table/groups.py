"""Which rows a view shows and under which titles. Their order inside a group is ``results.table.build``'s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cvbench_tui.base.cells import shorten
from cvbench_tui.base.choices import GroupBy
from cvbench_tui.base.escape import one_line
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.results.stats.phase_stats import worst_grade
from cvbench_tui.results.stats.row_data import RowData

TITLES = {"model": "Models", "layer": "Layers"}
TITLE_CELLS = 60
"""Most cells of a title: a device's name is text from outside."""


@dataclass(frozen=True)
class RowGroup:
    """Rows that belong together."""

    title: str
    """One line, in which everything can be seen."""
    keys: tuple[str, ...]
    """Of its rows, from top to bottom."""


def matches(reading: RowData, filter_text: str) -> bool:
    """True when every word of the filter_text is in name, device, batch, state or grade, in any case."""
    if not filter_text:
        return True
    grade = worst_grade(reading.phases) or ""
    case = reading.case
    fields = (case.workload.name, case.device, str(case.batch), reading.state.word, grade)
    text = "\n".join(fields).casefold()
    return all(word in text for word in filter_text.casefold().split())


def group_titles(run: Run, by: GroupBy) -> Mapping[str, str]:
    """The title of each case's group, by case id, in the plan's order; empty without groups."""
    return {} if by == "none" else {case.case_id: _title(run, case, by) for case in run.plan.cases}


def grouped(keys: Sequence[str], titles: Mapping[str, str]) -> tuple[RowGroup, ...]:
    """The keys by title: groups in the plan's order of their first row, keys as they came; a group without any is left
    out."""
    found: dict[str, list[str]] = {title: [] for title in titles.values()}
    for key in keys if titles else ():
        found[titles[key]].append(key)
    return tuple(RowGroup(title, tuple(mine)) for title, mine in found.items() if mine)


def _title(run: Run, case: Case, by: GroupBy) -> str:
    """``Resnet18``, ``Layers``, ``cuda:0, NVIDIA H100``."""
    if by == "kind":
        return TITLES[case.workload.kind]
    if by == "workload":
        return shorten(one_line(case.workload.name), TITLE_CELLS)
    device = run.environment.device(case.device) if run.environment is not None else None
    name = f"{case.device}, {device.name}" if device is not None and device.name else case.device
    return shorten(one_line(name), TITLE_CELLS)
