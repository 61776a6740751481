"""A run, a row or the table as markdown: the columns and rounding of the screen, then reasons and circumstances.

The layout of the published tables is ``results.export.markdown_original``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from cvbench_tui.base.choices import Layout
from cvbench_tui.base.escape import escape, escape_start
from cvbench_tui.core.grading.reasons import GRADE_HELP
from cvbench_tui.core.measurement import Failure
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.results.export.markdown_original import render_original
from cvbench_tui.results.export.markdown_table import began_line, environment_line, pipe_blocks, pipe_lines
from cvbench_tui.results.stats.phase_stats import is_published
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.results.stats.row_state import NOTICE_MARK, row_state
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.column_fit import visible_columns
from cvbench_tui.results.table.model import REFERENCE, Table
from cvbench_tui.results.table.view import View
from cvbench_tui.results.text.units import flops_text, gigabytes_text, percent_text


def render(run: Run, layout: Layout, view: View | None = None) -> str:
    """The markdown of a run as the view has it, ending in a newline.

    The original layout has columns and groups of its own and takes rows and order from the view. Raises SelectionError
    for a column that is not there.
    """
    view = view or View()
    table = build(run, view)
    shown = {row.key for row in table.rows}
    cases = tuple(case for case in run.plan.cases if case.case_id in shown)
    rows_line = _rows_line(table, view)
    if layout == "original":
        text = render_original(
            [replace(run, plan=replace(run.plan, cases=cases)) if rows_line else run],
            sort=view.sort,
            descending=view.descending,
        )
        return f"{text}\n{rows_line}\n" if rows_line else text
    blocks = [
        [f"# cvbench-tui: {escape(run.plan.name)}"],
        [rows_line] if rows_line else [],
        *pipe_blocks(table),
        _listed("Not measured:", (_failure(run, case) for case in cases)),
        _listed(f"Reasons and notices ({escape(NOTICE_MARK)}):", _notes(run, shown)),
        *([line] for line in _circumstances(run, view, table)),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def row_markdown(run: Run, case_id: str, view: View) -> str:
    """Heading, rule and that row, with the view's columns; ends in a newline. Raises KeyError without such a row."""
    table = build(run, replace(view, filter_text=""))
    rows = [row for row in table.rows if row.key == case_id]
    if not rows:
        raise KeyError(case_id)
    return "\n".join(pipe_lines(table, rows)) + "\n"


def table_markdown(run: Run, view: View) -> str:
    """The table as the view has it, and one line with when, how and where it was measured; ends in a newline."""
    table = build(run, view)
    line = f"{_rows_line(table, view)} {began_line(run)} {environment_line(run)}".strip()
    blocks = ["\n".join(block) for block in pipe_blocks(table)]
    return "\n\n".join([*blocks, line]) + "\n"


def _rows_line(table: Table, view: View) -> str:
    """``3 of 8 rows, filter "vgg".``, escaped; empty without a filter."""
    filter_text = " ".join(view.filter_text.split())
    return escape_start(f'{len(table.rows)} of {table.total} rows, filter "{filter_text}".') if filter_text else ""


def _listed(title: str, items: Iterator[str]) -> list[str]:
    lines = [f"* {item}" for item in items if item]
    return [title, "", *lines] if lines else []


def _label(case: Case) -> str:
    """A row at the start of a list's item: name, device and batch; escaped."""
    return escape_start(f"{case.workload.name} ({case.device}, batch {case.batch})")


def _failure(run: Run, case: Case) -> str:
    """Why that case has no numbers; empty when it has, or may still get some."""
    outcome = run.outcomes.get(case.case_id)
    if not isinstance(outcome, Failure):
        return ""
    return f"{_label(case)}: {row_state(run, case).word}. {escape(outcome.sentence)}"


def _notes(run: Run, shown: Collection[str]) -> Iterator[str]:
    for measurement in run.measured:
        case = run.plan.case(measurement.case_id)
        for note in row_data(run, case).row_notes if case.case_id in shown else ():
            yield f"{_label(case)}: {escape(note.text)}"


def _circumstances(run: Run, view: View, table: Table) -> Iterator[str]:
    yield began_line(run)
    yield environment_line(run)
    for device in sorted(run.ceilings):
        yield escape(_peaks(device, run.ceilings[device]))
    yield _meaning(run)
    if view.reference is not None and REFERENCE in (table.columns[place].key for place in visible_columns(table)):
        case = run.plan.case(view.reference)
        yield escape(
            f"vs ref: how many times as fast per input as {case.workload.name} ({case.device}, batch {case.batch}), by "
            "the total, or by inference where one of the two has no total; \u00b1 is the root of the sum of the "
            "squares of both intervals."
        )
    yield escape("Grades: " + " ".join(f"{grade}: {meaning}" for grade, meaning in GRADE_HELP.items()))


def _peaks(device: str, peak: DevicePeak) -> str:
    """What the percent of compute and bandwidth are shares of."""
    rates = [f"{flops_text(rate)} (matmul, {name})" for name, rate in peak.flops_per_s]
    rates += [f"{gigabytes_text(peak.bytes_per_s)} (copy)"] if peak.bytes_per_s is not None else []
    doubt = " Disturbed, or too slow for larger matrices: they may be too low." if not peak.sure else ""
    return (
        f"Measured peaks of {device}: {', '.join(rates) or 'none'}. Percent of compute is of the matmul "
        f"in the precision that the row may use; percent of bandwidth is of the copy.{doubt}"
    )


def _meaning(run: Run) -> str:
    if is_published(run.plan.protocol):
        return (
            "Times are means per iteration by the method of the published tables, with the smallest iteration in "
            "brackets; \u00b1 is half of the mean's 95% interval (Student's t over ten groups of iterations)."
        )
    precision = percent_text(run.plan.protocol.precision)
    return (
        "Times are medians per iteration; \u00b1 is half of the median's 95% interval, as a share of it "
        "(Student's t over rounds, or over processes from three on, widened because the stop rule tests after every "
        "round). "
        f"OK: \u00b1 reached {precision} in all phases; BUDGET: it did not. The grade covers everything else."
    )
