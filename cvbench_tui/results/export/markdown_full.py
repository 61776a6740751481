"""The layout ``full``: every column of the view, every reason and notice, and the circumstances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cvbench_tui.base.escape import escape, escape_start
from cvbench_tui.core.grading.reasons import GRADE_HELP
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.run import Run
from cvbench_tui.results.export.about_lines import beside_lines
from cvbench_tui.results.export.markdown_table import (
    began_line,
    environment_line,
    meaning,
    pipe_lines,
    rows_line,
    span_line,
)
from cvbench_tui.results.stats.layer_sums import layer_lines
from cvbench_tui.results.stats.phase_stats import is_published
from cvbench_tui.results.stats.published import difference_line
from cvbench_tui.results.stats.quality import cpu_instead
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.results.stats.shared_notes import SharedNote, shared_failures, shared_notes
from cvbench_tui.results.stats.steadiness import steadiness
from cvbench_tui.results.stats.together import together
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.cell import cell_text
from cvbench_tui.results.table.column_fit import visible_columns
from cvbench_tui.results.table.model import Row, Table
from cvbench_tui.results.table.versus import versus_line
from cvbench_tui.results.table.view import View
from cvbench_tui.results.text.units import count_text


def render_full(run: Run, view: View) -> str:
    """The markdown of a run as the view has it, ending in a newline. Raises SelectionError for an unknown column."""
    run = together(run, view.beside)
    table = build(run, view)
    shown = {row.key for row in table.rows}
    cases = tuple(case for case in run.plan.cases if case.case_id in shown)
    rows = rows_line(table, view)
    blocks = [
        [f"# cvbench-tui: {escape(run.name or run.plan.name)}"],
        [rows] if rows else [],
        *_tables(table),
        _listed("Not measured:", shared_failures(run, cases)),
        _listed("Reasons and notices:", shared_notes(run, cases)),
        *([escape(line)] for line in layer_lines(run, cases)),
        *([line] for line in _circumstances(run, view, table) if line),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _tables(table: Table) -> Iterator[list[str]]:
    """One table, or one for each group below a heading with its title."""
    rows = {row.key: row for row in table.rows}
    for group in table.groups:
        yield [f"## {escape(group.title)}".rstrip()]
        yield _lines(table, [rows[key] for key in group.keys])
    if not table.groups:
        yield _lines(table, table.rows)


def _lines(table: Table, rows: Sequence[Row]) -> list[str]:
    places = visible_columns(table, "file")
    headings = [(table.columns[place].heading, table.columns[place].right) for place in places]
    texts = []
    for row in rows:
        texts.append([_text(table, row, place) for place in places])
    return pipe_lines(headings, texts)


def _text(table: Table, row: Row, place: int) -> str:
    """The cell; the fastest of equal work in bold. A number of grade X is struck through, so that it is marked where it
    is pasted, rendered or not."""
    cell, text = row.cells[place], escape(table.texts(row, "file")[place])
    if cell.valid or isinstance(cell.value, str):
        return f"**{text}**" if place in row.best else text
    scale = row.scale if table.columns[place].scaled else None
    return f"~~{escape(cell_text(cell, scale))}~~"


def _listed(title: str, notes: Sequence[SharedNote]) -> list[str]:
    lines = [f"* {escape_start(note.text)}" for note in notes]
    return [title, "", *lines] if lines else []


def _circumstances(run: Run, view: View, table: Table) -> Iterator[str]:
    yield escape(began_line(run))
    if steady := steadiness(run):
        yield steady
    if why := cpu_instead(run.plan, run.environment):
        yield escape(why)
    yield escape(environment_line(run))
    for device in sorted(run.ceilings):
        yield escape(_peaks(device, run.ceilings[device]))
    yield f"{meaning(run)}{' In brackets: the smallest iteration.' * is_published(run.plan.protocol)}"
    cases = [run.plan.case(row.key) for row in table.rows]
    yield from map(escape, beside_lines(run, cases))
    yield span_line(run, cases)
    yield difference_line([row_data(run, case) for case in cases])
    if line := versus_line(run, table, view):
        yield escape(f"{line} \u00b1 is the root of the sum of the squares of both intervals.")
    yield escape("Grades: " + " ".join(f"{grade}: {meaning}" for grade, meaning in GRADE_HELP.items()))


def _peaks(device: str, peak: DevicePeak) -> str:
    """What the percent of compute and bandwidth are shares of."""
    rates = [f"{count_text(rate, 'FLOP/s')} (matmul, {name})" for name, rate in peak.flops_per_s]
    rates += [f"{count_text(peak.bytes_per_s, 'B/s')} (copy)"] if peak.bytes_per_s is not None else []
    doubt = " Disturbed, or too slow for larger matrices: they may be too low." if not peak.sure else ""
    return (
        f"Measured peaks of {device}: {', '.join(rates) or 'none'}. Percent of compute is of the matmul "
        f"in the precision that the row may use; percent of bandwidth is of the copy.{doubt}"
    )
