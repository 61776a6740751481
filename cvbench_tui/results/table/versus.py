"""What the column ``vs_ref`` compares with, in a sentence below the table."""

from __future__ import annotations

from cvbench_tui.core.row_names import batch_text, differing
from cvbench_tui.core.run import Run
from cvbench_tui.results.stats.comparison import phase_of
from cvbench_tui.results.stats.together import together
from cvbench_tui.results.table.column_fit import visible_columns
from cvbench_tui.results.table.model import REFERENCE, Table
from cvbench_tui.results.table.view import View

BY = "by the total, or by inference where one of the two has no total"


def versus_line(run: Run, table: Table, view: View) -> str:
    """``vs ref: how many times as fast per input as Resnet18 (cpu, batch 8), by the total, ... The rows differ from it
    in precision.``; empty where no such column is shown."""
    places = [place for place in visible_columns(table) if table.columns[place].key == REFERENCE]
    if not places:
        return ""
    if view.reference is None:
        axis, only = view.compare.replace("_", " "), phase_of(view.compare)
        by = BY if only is None else f"by the {only}"
        return f"vs ref: how many times as fast per input as the row marked ref, which differs in {axis} only, {by}."
    run = together(run, view.beside)
    case = run.plan.case(view.reference)
    compared = [run.plan.case(row.key) for row in table.rows if row.cells[places[0]].value is not None]
    name = run.plan.label(case, without=("device", "batch"))
    sentence = f"vs ref: how many times as fast per input as {name} ({case.device}, {batch_text(case)}), {BY}."
    differ = dict.fromkeys(name for each in compared for name in differing((case, each)))
    return f"{sentence} {_in(tuple(differ))}".rstrip()


def _in(differ: tuple[str, ...]) -> str:
    """``The rows differ from it in precision and batch.``"""
    if not differ:
        return ""
    *most, last = [name.replace("_", " ") for name in differ]
    return f"The rows differ from it in {' and '.join(filter(None, (', '.join(most), last)))}."
