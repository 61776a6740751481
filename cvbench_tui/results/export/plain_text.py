"""A run in plain sentences, for a screen reader: a paragraph for each row, every column of the table in words.

Same rows, order, units and rounding as the table; nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Sequence

from cvbench_tui.base.escape import visible
from cvbench_tui.core.row_names import batch_text, title
from cvbench_tui.core.run import Run
from cvbench_tui.core.text import plural
from cvbench_tui.results.export.about_lines import beside_lines
from cvbench_tui.results.export.markdown_table import meaning
from cvbench_tui.results.stats.layer_sums import layer_lines
from cvbench_tui.results.stats.outcome import outcome_text
from cvbench_tui.results.stats.published import difference_line
from cvbench_tui.results.stats.quality import cpu_instead, ended_text
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.results.stats.shared_notes import shared_failures, shared_notes
from cvbench_tui.results.stats.together import together
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.cell import Cell, number_and_unit
from cvbench_tui.results.table.column_fit import visible_columns
from cvbench_tui.results.table.columns import Column
from cvbench_tui.results.table.model import Row, Table
from cvbench_tui.results.table.versus import versus_line
from cvbench_tui.results.table.view import View
from cvbench_tui.results.text.units import SMALLEST_SHARE, Scale, percent_number, utc_text

SPOKEN = {
    "\u00b5s": "microseconds", "img/s": "images per second", "inputs/s": "inputs per second",
    "J/img": "joules per image", "J/input": "joules per input", "px": "pixels",
}  # fmt: skip
"""Units that would be misheard; any other with ``/s`` in it is so much per second."""


def sentences(run: Run, view: View | None = None) -> str:
    """The run as paragraphs, ending in a newline. Raises SelectionError for a column that is not there."""
    run = together(run, (view or View()).beside)
    table = build(run, view)
    rows = plural(len(table.rows), "row")
    head = f"{run.plan.name}: {rows}, protocol {run.plan.protocol.name}, {outcome_text(run)}."
    apart = difference_line([row_data(run, run.plan.case(row.key)) for row in table.rows])
    cases = [run.plan.case(row.key) for row in table.rows]
    notes = [_one_line(note.text) for note in (*shared_failures(run, cases), *shared_notes(run, cases))]
    named = [place for place in visible_columns(table, "file") if not table.columns[place].identifies]
    rest = (*notes, apart, *layer_lines(run, cases), versus_line(run, table, view or View()), _circumstances(run),
            *map(_one_line, beside_lines(run, cases)))  # fmt: skip
    paragraphs = [head, *(_paragraph(run, table, row, named) for row in table.rows), *rest]
    return "\n\n".join(map(visible, filter(None, paragraphs))) + "\n"


def _paragraph(run: Run, table: Table, row: Row, named: Sequence[int]) -> str:
    """``Resnet18 on cpu, batch 8: forward 64.15 ms, plus or minus 11 percent; ...``. ``named``: places of columns."""
    case = run.plan.case(row.key)
    image = f", image {case.image} pixels" if case.image is not None else ""
    origin = row_data(run, case).origin
    name = f"{title(case)}{', ' * bool(origin)}{origin} on {case.device}, {batch_text(case)}{image}"
    if not row.quality.numbers:
        return f"{name}: {row.quality.text}."
    values = "; ".join(_words(table.columns[place], row.cells[place], row.scale) for place in named)
    return f"{name}: {values}."


def _words(column: Column, cell: Cell, scale: Scale) -> str:
    """``forward 64.1 ms, plus or minus 1.2 percent``."""
    heading = column.spoken or column.heading.lower()
    if cell.value is None:
        return f"{heading} not available"
    if isinstance(cell.value, str):
        return f"{heading} {cell.value}"
    if cell.passes:
        passes = dict.fromkeys(cell.passes)
        counts = [
            f"{n} in {plural(rounds, 'round')}" + f" and {more} repeated" * bool(more) for n, rounds, more in passes
        ]
        return f"{heading} {', then '.join(counts)}"
    number, unit = number_and_unit(cell, scale if column.scaled else None, between=" or ")
    spoken = SPOKEN.get(unit, unit.replace("/s", " per second"))
    parts = [f"{heading} {number} {spoken}".rstrip()]
    parts += ["its two sources differ"] if cell.doubtful else []
    parts += [f"{_percent(cell.share)} of the measured peak"] if cell.share is not None else []
    parts += [f"plus or minus {_percent(cell.relative)}"] if cell.relative is not None and cell.valid else []
    parts += ["invalid"] if not cell.valid else []
    parts += [f"least {scale.number(cell.minimum, cell.relative)}"] if cell.minimum is not None else []
    return ", ".join(parts)


def _percent(share: float) -> str:
    return f"{percent_number(share) if share >= SMALLEST_SHARE else 'less than 0.1'} percent"


def _circumstances(run: Run) -> str:
    if run.only_figures:
        return meaning(run)
    lines = [f"Measured {utc_text(run.started_at_s)} with cvbench-tui {run.program}, run {run.id}."]
    environment = run.environment
    if environment is not None:
        lines.append(_one_line(cpu_instead(run.plan, environment)))
        lines.append(", ".join(f"{name} {version}" for name, version in environment.versions) + ".")
        own = (case.device for case in run.plan.cases if case.case_id not in run.borrowed)
        devices = map(environment.device, dict.fromkeys(own))
        lines += [f"{device.id} is {device.name}." for device in devices if device is not None]
    return " ".join(filter(None, [*lines, _one_line(ended_text(run))]))


def _one_line(text: str) -> str:
    """Without line ends, which would end the paragraph, and with the one sign that is not read aloud in words."""
    return " ".join(text.split()).replace("\u00b1", "plus or minus ")
