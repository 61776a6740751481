"""The layout ``short``: tables to paste. What all rows share is in the title, the circumstances are folded away."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from cvbench_tui.base.cells import cell_len, shorten
from cvbench_tui.base.escape import escape, escape_start, one_line
from cvbench_tui.core.grading.reasons import REASONS
from cvbench_tui.core.measurement import Failure, FailureKind
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.core.workload import Kind
from cvbench_tui.results.export.markdown_table import (
    began_line,
    environment_line,
    meaning,
    pipe_lines,
    rows_line,
    versus_line,
)
from cvbench_tui.results.export.rerun_command import command_lines
from cvbench_tui.results.stats.phase_stats import is_published
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.results.stats.row_state import ended_text
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.cell import PEAK_UNITS, Cell, cell_text, number_and_unit
from cvbench_tui.results.table.columns import Column
from cvbench_tui.results.table.model import Row, Table
from cvbench_tui.results.table.scales import row_scales
from cvbench_tui.results.table.view import ALWAYS, View
from cvbench_tui.results.text.units import MISSING, Scale, part_text, percent_text, relative_text, utc_text

MAX_WIDTH = 100  # cells of a table, and of every other line
MIN_NAME = 24  # cells that a name keeps: columns go first, since a shorter one could be that of another row
SUPERSCRIPTS = str.maketrans("0123456789", "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")
PRECISIONS = {"float32": "fp32"}  # short names, as the field writes them
KINDS: dict[Kind, str] = {"model": "Models", "layer": "Layers"}
FAILED: dict[FailureKind, str] = {
    "out_of_memory": "The device had too little memory.",
    "crashed": "The measuring process ended.",
    "timed_out": "There was no result within the time limit.",
    "cancelled": "Cancelled by the user.",
    "skipped": "Skipped by the user.",
}
"""One note for all rows of that kind when their sentences differ; any other failure has its own."""


def render_short(run: Run, view: View, only: str | None = None) -> str:
    """The markdown of a run as the view has it, ending in a newline.

    ``only``: id of the one row to write, with its notes and without the circumstances. Raises KeyError without such a
    row.
    """
    table = build(run, replace(view, filter_text="") if only is not None else view)
    rows = [row for row in table.rows if only in (None, row.key)]
    if only is not None and not rows:
        raise KeyError(only)
    notes = _Notes(run)
    blocks = [rows_line(table, view)] if only is None else []
    for part in _parts(run, table, rows):
        blocks += [f"### {escape(part.title)}", "\n".join(part.lines(notes))]
    blocks.append("\n".join(_remarks(run, view, notes)))
    blocks += _details(run) if only is None else []
    return "\n\n".join(filter(None, blocks)) + "\n"


@dataclass
class _Notes:
    """Reasons and failures, numbered in the order in which rows have them."""

    run: Run
    sentences: dict[str, dict[str, None]] = field(default_factory=dict)  # those of all rows, by what they share
    kinds: dict[str, FailureKind] = field(default_factory=dict)

    def of(self, case: Case) -> str:
        """The numbers of that row's notes, raised."""
        outcome, keys = self.run.outcomes.get(case.case_id), []
        if isinstance(outcome, Failure):
            keys.append(outcome.kind if outcome.kind in FAILED else outcome.sentence)
            self.kinds[keys[0]] = outcome.kind
            self.sentences.setdefault(keys[0], {})[outcome.sentence] = None
        for note in row_data(self.run, case).row_notes:
            if note.grade is not None and note.grade != "A":
                keys.append(note.code)
                self.sentences.setdefault(note.code, {})[note.sentence] = None
        numbers = sorted({list(self.sentences).index(key) + 1 for key in keys})
        return " ".join(map(str, numbers)).translate(SUPERSCRIPTS)

    def lines(self) -> Iterator[str]:
        """A sentence for each number: what was seen in the one row that has it, else what it means."""
        for number, (key, sentences) in enumerate(self.sentences.items(), start=1):
            first = next(iter(sentences))
            general = FAILED.get(self.kinds[key]) if key in self.kinds else REASONS[key].meaning
            yield f"{str(number).translate(SUPERSCRIPTS)} {first if len(sentences) == 1 or not general else general}"


@dataclass(frozen=True)
class _Part:
    """Rows of one device and kind: one table."""

    run: Run
    table: Table
    kind: Kind
    title: str
    rows: Sequence[Row]
    cases: Sequence[Case]

    def lines(self, notes: _Notes) -> list[str]:
        """The table, at most ``MAX_WIDTH`` cells wide unless the user chose its columns."""
        names = [one_line(str(row.cells[0].value)) for row in self.rows]
        wanted = max(len(self.kind), min(MIN_NAME, max(cell_len(escape(name)) for name in names)))
        last = [escape(self._interval(row)) + notes.of(case) for row, case in zip(self.rows, self.cases, strict=True)]
        columns = {place: (*self._heading(place), self._texts(place)) for place in self._places()}
        columns[len(self.table.columns)] = ("95% CI", True, last)
        widths = {place: max(map(cell_len, (head, *texts))) + 3 for place, (head, _, texts) in columns.items()}
        droppable = [] if self.table.chosen else [place for place in columns if self._droppable(place)]
        for place in sorted(droppable, key=lambda place: -self.table.columns[place].hide):
            if MAX_WIDTH - sum(widths.values()) - 4 < wanted:
                del columns[place], widths[place]
        room = max(MAX_WIDTH - sum(widths.values()) - 4, wanted)
        shown = [(self.kind.capitalize(), False, [_fitted(name, room) for name in names]), *columns.values()]
        rows = zip(*(texts for *_, texts in shown), strict=True)
        return pipe_lines([(head, right) for head, right, _ in shown], list(rows))

    def _droppable(self, place: int) -> bool:
        """False for what tells rows apart, for the total, and for the interval behind all columns."""
        column = self.table.columns[place] if place < len(self.table.columns) else None
        return column is not None and column.hide > 0 and not column.identifies

    def _places(self) -> list[int]:
        """The columns between the name and the interval: those that differ between rows, times, what was chosen."""
        shown = []
        for place, column in enumerate(self.table.columns):
            values = {row.cells[place].value for row in self.rows} - {None}
            wanted = column.key in self.table.chosen if self.table.chosen else self._pasted(column)
            if column.identifies:  # the name is there anyway, and the device is in the title
                wanted = column.key not in (ALWAYS, "device") and len(values) > 1
            if wanted and values and column.key != "state" and not column.drawn:
                shown.append(place)
        return shown

    def _pasted(self, column: Column) -> bool:
        return column.pasted and (self.kind == "model" or column.key != "throughput")

    @cached_property
    def _scales(self) -> list[Scale]:
        places = [place for place, column in enumerate(self.table.columns) if column.scaled]
        times = [[value for place in places if isinstance(value := row.cells[place].value, float)] for row in self.rows]
        return row_scales([(self.kind, each) for each in times])

    def _heading(self, place: int) -> tuple[str, bool]:
        """With the unit that all cells share, in its place for throughput; and whether it is aligned to the right."""
        column, unit = self.table.columns[place], self._unit(place)
        name = column.key.capitalize() if column.scaled else column.heading  # below it says whether they are means
        return (unit if column.key == "throughput" and unit else f"{name} {unit}".rstrip()), column.right

    def _unit(self, place: int) -> str:
        scaled = self.table.columns[place].scaled
        cells = [row.cells[place] for row in self.rows if row.cells[place].value is not None]
        units = {scale.unit for scale in self._scales} if scaled else {number_and_unit(cell)[1] for cell in cells}
        return units.pop() if len(units) == 1 else ""

    def _texts(self, place: int) -> list[str]:
        """The numbers alone; a dash for one that is invalid."""
        unit, texts = self._unit(place), []
        for row, scale in zip(self.rows, self._scales, strict=True):
            cell = row.cells[place]
            text = _text(cell, scale if self.table.columns[place].scaled else None, with_unit=not unit)
            texts.append(f"**{text}**" if place in row.best else text)
        return texts

    def _interval(self, row: Row) -> str:
        """The widest one of the row's times; the state of a row without any."""
        cells = [cell for cell, column in zip(row.cells, self.table.columns, strict=True) if column.scaled]
        valid = [cell for cell in cells if cell.value is not None and cell.valid]
        widths = [cell.relative for cell in valid if cell.relative is not None]
        return relative_text(max(widths)) if widths else MISSING if valid else row.state


def _fitted(name: str, room: int) -> str:
    """The name as markdown of at most so many cells."""
    texts = (escape(shorten(name, cells)) for cells in range(room, 0, -1))
    return next((text for text in texts if cell_len(text) <= room), "")


def _text(cell: Cell, scale: Scale | None, *, with_unit: bool) -> str:
    if cell.value is None or not cell.valid:
        return MISSING
    if cell.passes or isinstance(cell.value, str):
        return escape(cell_text(cell))
    number, unit = number_and_unit(cell, scale)
    share = f" {part_text(cell.share)}" if cell.unit in PEAK_UNITS else ""
    return escape((f"{number} {unit}" if with_unit and unit else number) + share)


def _parts(run: Run, table: Table, rows: Sequence[Row]) -> Iterator[_Part]:
    """The rows of each device and kind together, in order of appearance."""
    cases = {case.case_id: case for case in run.plan.cases}
    parts: dict[tuple[str, Kind], list[Row]] = {}
    for row in rows:
        case = cases[row.key]
        parts.setdefault((case.device, case.workload.kind), []).append(row)
    several = len({kind for _, kind in parts}) > 1
    for (_, kind), mine in parts.items():
        own = [cases[row.key] for row in mine]
        yield _Part(run, table, kind, _title(run, own, kind, several=several), mine, own)


def _title(run: Run, cases: Sequence[Case], kind: Kind, *, several: bool) -> str:
    """``original-models on NVIDIA H100: fp32, batch 8, 224 px``: what all these rows share."""
    name = run.plan.name
    what = KINDS[kind] if name == "selection" else f"{name}, {KINDS[kind].lower()}" if several else name
    first = cases[0]
    shared = [PRECISIONS.get(first.precision, first.precision)]
    shared += [each for each in (first.memory_format, first.compile_mode) if each not in ("contiguous", "eager")]
    shared += [f"batch {first.batch}"] if len({case.batch for case in cases}) == 1 else []
    shared += [f"{first.image} px"] if {case.image for case in cases} == {first.image} != {None} else []
    before, after = f"{one_line(what)} on ", f": {', '.join(shared)}"
    room = MAX_WIDTH - cell_len(before) - cell_len(after) - len("### ")
    return before + shorten(one_line(_device(run, first.device)), max(room, MIN_NAME)) + after


def _device(run: Run, device_id: str) -> str:
    """The device's name, with its id where another of the run has the same, and the threads of a CPU."""
    environment = run.environment
    device = environment.device(device_id) if environment is not None else None
    if environment is None or device is None or not device.name:
        return device_id
    ids = dict.fromkeys(case.device for case in run.plan.cases)
    twins = [each for each in map(environment.device, ids) if each is not None and each.name == device.name]
    more = [device_id] if len(twins) > 1 else []
    more += [device.detail] if device.is_cpu and device.detail else []
    return f"{device.name} ({', '.join(more)})" if more else device.name


def _remarks(run: Run, view: View, notes: _Notes) -> Iterator[str]:
    """What the numbers are, how the run ended, and the notes; each a line of its own, folded."""
    protocol = run.plan.protocol
    which = "Means" if is_published(protocol) else "Medians"
    goal = "" if is_published(protocol) else f" (\u00b1{percent_text(protocol.precision)})"
    sentences = [f"{which}, protocol {protocol.name}{goal}; the interval is the widest of the row. {ended_text(run)}"]
    if view.reference is not None and any(case.case_id == view.reference for case in run.plan.cases):
        sentences.append(versus_line(run.plan.case(view.reference)))
    for sentence in (*sentences, *notes.lines()):
        yield _folded(sentence)


def _details(run: Run) -> Iterator[str]:
    """Environment, method and commands behind a line to click on."""
    environment = run.environment
    torch = environment.version("torch") if environment is not None else None
    versions = [f"PyTorch {torch.partition('+')[0]}"] if torch else []
    if environment is not None:
        names = (("cuda", "CUDA"), ("driver", "driver"))
        versions += [f"{name} {found}" for key, name in names if (found := environment.version(key))]
    summary = ", ".join([*versions, utc_text(run.started_at_s)[:10]])
    yield f"<details><summary>\n{html.escape(one_line(summary))}: environment, method, how to reproduce\n</summary>"
    yield from map(_folded, (began_line(run), environment_line(run), meaning(run)))
    commands = "\n".join(command_lines(run, MAX_WIDTH))
    yield f"```\n{commands}\n```" if commands else ""
    yield "</details>"


def _folded(text: str) -> str:
    """A paragraph in lines of at most ``MAX_WIDTH``."""
    lines = textwrap.wrap(one_line(text), MAX_WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n".join(map(escape_start, lines))
