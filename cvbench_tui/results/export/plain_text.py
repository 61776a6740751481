"""A run in plain sentences, for a screen reader: a paragraph for each row, every column of the table in words.

Same rows, order, units and rounding as the table; nothing is computed here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cvbench_tui.base.escape import visible
from cvbench_tui.core.measurement import Failure
from cvbench_tui.core.run import Run
from cvbench_tui.core.text import plural
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.results.stats.row_state import NOTICE_MARK, ended_text, outcome_text, row_state
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.column_fit import visible_columns
from cvbench_tui.results.table.columns import Column
from cvbench_tui.results.table.model import Cell, Row, Table
from cvbench_tui.results.table.view import View
from cvbench_tui.results.text.units import MISSING, utc_text

NOT_AVAILABLE = "not available"
_IN_THE_NAME = ("name", "device", "batch", "image")  # columns that say which row it is; they begin the paragraph
_WORDS = (
    (re.compile("\u00b1<"), "\u00b1less than "),
    (re.compile(r" ?\u00b1([^%]+)%"), r", plus or minus \1 percent"),
    (re.compile(r" ([0-9.<]+)%"), r", \1 percent of the measured peak"),
    (re.compile(r" \(min ([^)]+)\)"), r", least \1"),
    (re.compile(r"\?(?=,|$)"), ", its two sources differ"),
    (re.compile(r"(?<=[0-9])/(?=[0-9])"), " or "),
    (re.compile(r"J/"), "joules per "),
    (re.compile(r"/s\b"), " per second"),
    (re.compile(r"\bimg(?= per)"), "images"),
    (re.compile(r"\bimg\b"), "image"),
    (re.compile("\u00b5s"), "microseconds"),
)
_HEADINGS = {"grade": "worst grade", "samples": "samples"}  # where the column's own heading would be misheard
_SAMPLES = re.compile(r"([0-9]+) in ([0-9]+)(?: \+([0-9]+))?")


def sentences(run: Run, *, sort: str | None = None, descending: bool = False) -> str:
    """The run as paragraphs, ending in a newline. Raises SelectionError for a column that is not there."""
    table = build(run, View(sort=sort, descending=descending))
    rows = plural(len(table.rows), "row")
    head = f"{run.plan.name}: {rows}, protocol {run.plan.protocol.name}, {outcome_text(run)}."
    paragraphs = [head, *(_paragraph(run, table, row) for row in table.rows), _circumstances(run)]
    return "\n\n".join(map(visible, paragraphs)) + "\n"


def _paragraph(run: Run, table: Table, row: Row) -> str:
    """``Resnet18 on cpu, batch 8: forward 64.15 ms, plus or minus 11 percent, grade C; ...`` and the reasons."""
    case = run.plan.case(row.key)
    outcome = run.outcomes.get(row.key)
    image = f", image {case.image} pixels" if case.image is not None else ""
    name = f"{case.workload.name} on {case.device}, batch {case.batch}{image}"
    if isinstance(outcome, Failure):
        return f"{name}: {row.state}. {_one_line(outcome.sentence)}"
    if outcome is None:
        return f"{name}: {row_state(run, case).text}."
    values = "; ".join(_values(table, row))
    reasons = " ".join(_one_line(note.text) for note in row_data(run, case).row_notes)
    return f"{name}: {values}. {reasons}".rstrip()


def _values(table: Table, row: Row) -> Iterator[str]:
    """Every other column that has a value, with its heading."""
    for place in visible_columns(table):
        column = table.columns[place]
        if column.key not in _IN_THE_NAME:
            heading = _HEADINGS.get(column.key, column.heading.lower())
            yield f"{heading} {_words(column, row.cells[place])}"


def _words(column: Column, cell: Cell) -> str:
    if cell.text == MISSING:
        return NOT_AVAILABLE
    if column.key == "samples":
        return _SAMPLES.sub(_rounds, cell.text).replace("; ", ", then ")
    if column.alignment == "left":
        return cell.text.replace(NOTICE_MARK, ", with remarks")
    text = cell.text
    if cell.grade is not None:
        text = re.sub(rf" {cell.grade}(?= \(|$)", "", text)
    for short, words in _WORDS:
        text = short.sub(words, text)
    return text if cell.grade is None else f"{text}, grade {cell.grade}"


def _rounds(match: re.Match[str]) -> str:
    """``50 in 5 +1`` in words."""
    repeated = f" and {match[3]} repeated" if match[3] else ""
    return f"{match[1]} in {match[2]} rounds{repeated}"


def _circumstances(run: Run) -> str:
    lines = [f"Measured {utc_text(run.started_at_s)} with cvbench-tui {run.program}, run {run.id}."]
    environment = run.environment
    if environment is not None:
        lines.append(", ".join(f"{name} {version}" for name, version in environment.versions) + ".")
        devices = map(environment.device, dict.fromkeys(case.device for case in run.plan.cases))
        lines += [f"{device.id} is {device.name}." for device in devices if device is not None]
    return " ".join([*lines, _one_line(ended_text(run))]).rstrip()


def _one_line(text: str) -> str:
    """Without line ends, which would end the paragraph, and with the one sign that is not read aloud in words."""
    return " ".join(text.split()).replace("\u00b1", "plus or minus ")
