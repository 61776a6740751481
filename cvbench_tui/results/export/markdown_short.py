"""The layout ``short``: tables to paste. What all rows share is in the title, the circumstances are folded away."""

from __future__ import annotations

import html
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from cvbench_tui.base.cells import cell_len, shorten
from cvbench_tui.base.escape import escape, escape_start, one_line
from cvbench_tui.core.axes import labels
from cvbench_tui.core.plan import Case
from cvbench_tui.core.row_names import batch_text, settings_of
from cvbench_tui.core.run import Run
from cvbench_tui.core.text import plural
from cvbench_tui.core.workload import Kind
from cvbench_tui.results.export.about_lines import beside_lines
from cvbench_tui.results.export.markdown_table import (
    began_line,
    environment_line,
    meaning,
    pipe_lines,
    rows_line,
    span_line,
)
from cvbench_tui.results.export.rerun_command import command_lines, differs
from cvbench_tui.results.stats.layer_sums import layer_lines
from cvbench_tui.results.stats.phase_stats import is_published
from cvbench_tui.results.stats.published import difference_line
from cvbench_tui.results.stats.quality import cpu_instead, ended_text
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.results.stats.shared_notes import shared_failures, shared_notes
from cvbench_tui.results.stats.steadiness import steadiness
from cvbench_tui.results.stats.together import together
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.cell import cell_text, number_and_unit
from cvbench_tui.results.table.model import Row, Table
from cvbench_tui.results.table.scales import row_scales
from cvbench_tui.results.table.versus import versus_line
from cvbench_tui.results.table.view import View
from cvbench_tui.results.text.units import MISSING, Scale, percent_text, relative_text

MAX_WIDTH = 100  # cells of a table, and of every other line
MIN_NAME = 24  # cells that a name keeps: columns go first, since a shorter one could be that of another row
SUPERSCRIPTS = str.maketrans("0123456789", "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")
MAX_PLAN = 40  # cells of the plan's name in a title
NEVER = ("name", "device", "unit")  # columns whose content is elsewhere: in front, in the title
_Shown = tuple[str, bool, Sequence[str]]  # a column's heading, whether it is aligned to the right, a text for each row


def render_short(run: Run, view: View, only: str | None = None) -> str:
    """The markdown of a run as the view has it, ending in a newline.

    ``only``: id of the one row to write, with its notes and without the circumstances. Raises KeyError without such a
    row, SelectionError for a column that is not there.
    """
    run = together(run, view.beside)
    table = build(run, view if only is None else replace(view, filter_text=""))
    rows = [row for row in table.rows if only in (None, row.key)]
    if only is not None and not rows:
        raise KeyError(only)
    cases = {case.case_id: case for case in run.plan.cases}
    marks, notes = _notes(run, [cases[row.key] for row in rows])
    parts: dict[tuple[Kind, object], list[Row]] = {}
    for row in rows:
        case = cases[row.key]
        place = None if run.borrowed or run.figures else (case.device, case.framework)  # they are in the column From
        parts.setdefault((case.workload.kind, place), []).append(row)
    several = len({kind for kind, _ in parts}) > 1
    blocks = [rows_line(table, view)] if view.filter_text and only is None else []
    for (kind, _), mine in parts.items():
        blocks += [f"### {escape(_title(run, [cases[row.key] for row in mine], several=several))}"]
        blocks += ["\n".join(_table(table, kind, mine, marks))]
    protocol = run.plan.protocol
    method = f"Means, protocol {protocol.name}"
    if protocol.clean is not None:
        method += f"; clean: medians by today's method (\u00b1{percent_text(protocol.clean.precision)})"
    if not is_published(protocol):
        method = f"Medians, protocol {protocol.name} (\u00b1{percent_text(protocol.precision)})"
    sentences = [
        f"{method}; the interval is the widest of the row. {ended_text(run)}" if not run.only_figures else meaning(run)
    ]
    sentences += [steadiness(run), cpu_instead(run.plan, run.environment)]
    sentences += [versus_line(run, table, view)]
    sentences += [span_line(run, [cases[row.key] for row in rows])]
    sentences += [difference_line([row_data(run, cases[row.key]) for row in rows])]
    sentences += map(escape, layer_lines(run, [cases[row.key] for row in rows]))
    sentences += map(escape, beside_lines(run, [cases[row.key] for row in rows]))
    blocks.append("\n".join(map(_folded, filter(None, (*sentences, *notes)))))
    blocks += _details(run) if only is None and not run.only_figures else []
    return "\n\n".join(filter(None, blocks)) + "\n"


def _notes(run: Run, cases: Sequence[Case]) -> tuple[Mapping[str, str], list[str]]:
    """The raised numbers of each row's notes by its key, and what each number says."""
    notes = [*shared_failures(run, cases), *(note for note in shared_notes(run, cases) if note.costs)]
    places: dict[str, list[int]] = {case.case_id: [] for case in cases}
    for place, note in enumerate(notes, 1):
        for case in note.rows:
            places[case.case_id].append(place)
    texts = [f"{place} ".translate(SUPERSCRIPTS) + note.alone for place, note in enumerate(notes, 1)]
    return {key: " ".join(map(str, mine)).translate(SUPERSCRIPTS) for key, mine in places.items()}, texts


def _table(table: Table, kind: Kind, rows: Sequence[Row], marks: Mapping[str, str]) -> list[str]:
    """Rows of one device and kind, at most ``MAX_WIDTH`` cells wide unless the user chose the columns.

    Columns give way by their priority of hiding, except those that tell rows apart.
    """
    places = [place for place, column in enumerate(table.columns) if column.scaled]
    scales = row_scales([(kind, [row.cells[place] for place in places]) for row in rows])
    columns: dict[int, _Shown] = {}
    for place, column in enumerate(table.columns):
        made = _column(table, kind, place, rows, [scale if column.scaled else None for scale in scales])
        if made is not None:
            columns[place] = made
    columns[len(table.columns)] = ("95% CI", True, [_interval(row, places) + marks[row.key] for row in rows])
    names = [one_line(str(row.cells[0].value)) for row in rows]
    wanted = max(len(kind), min(MIN_NAME, max(cell_len(escape(name)) for name in set(names))))
    widths = {place: max(map(cell_len, (head, *texts))) + 3 for place, (head, _, texts) in columns.items()}
    hidable = [(each.hide, place) for place, each in enumerate(table.columns) if each.hide and not each.identifies]
    for _, place in sorted(hidable, reverse=True) if not table.chosen else ():
        if place in columns and MAX_WIDTH - sum(widths.values()) - 4 < wanted:
            del columns[place], widths[place]
    room = max(MAX_WIDTH - sum(widths.values()) - 4, wanted)
    fitted = {
        name: next(text for cells in range(room, -1, -1) if cell_len(text := escape(shorten(name, cells))) <= room)
        for name in dict.fromkeys(names)
    }
    shown = [(kind.capitalize(), False, [fitted[name] for name in names]), *columns.values()]
    return pipe_lines([(head, right) for head, right, _ in shown], list(zip(*(each[2] for each in shown), strict=True)))


def _column(table: Table, kind: Kind, place: int, rows: Sequence[Row], scales: Sequence[Scale | None]) -> _Shown | None:
    """The numbers alone, below the unit that they share, and a dash for one that is invalid; None for a column that is
    not shown: without values, or of what is the same in all rows."""
    column, cells = table.columns[place], [row.cells[place] for row in rows]
    values = {cell.value for cell in cells} - {None}
    wanted = column.key in table.chosen if table.chosen else kind in column.pasted
    differ = len(values) > 1 or (column.optional and len({cell.value for cell in cells}) > 1)
    if column.key in NEVER or not values or not (differ if column.identifies else wanted):
        return None
    numbers = [number_and_unit(cell, scale) for cell, scale in zip(cells, scales, strict=True)]
    units = {unit for cell, (_, unit) in zip(cells, numbers, strict=True) if cell.value is not None}
    shared = units.pop() if len(units) == 1 else ""
    texts = []
    for cell, scale, made in zip(cells, scales, numbers, strict=True):
        shown = cell.valid or isinstance(cell.value, str)
        texts.append(escape(cell_text(cell, scale, unit=not shared, alone=True, made=made)) if shown else MISSING)
    means = column.scaled and not column.clean  # below the table it says whether they are
    name = column.key.capitalize() if means else column.heading
    return shared if column.named_by_unit and shared else f"{name} {shared}".rstrip(), column.right, texts


def _interval(row: Row, places: Sequence[int]) -> str:
    """The widest one of the row's times; the quality of a row without any."""
    valid = [cell for cell in (row.cells[place] for place in places) if cell.value is not None and cell.valid]
    widths = [cell.relative for cell in valid if cell.relative is not None]
    return relative_text(max(widths)) if widths else MISSING if valid else row.quality.text


def _title(run: Run, cases: Sequence[Case], *, several: bool) -> str:
    """``original-models on NVIDIA H100: fp32, batch 8, 224 px``: what all these rows share. The device has its id where
    another of the run has the same name, and a CPU its threads."""
    first, environment = cases[0], run.environment
    kinds = f"{first.workload.kind}s"
    name = run.plan.name
    before = kinds.capitalize() if name == "selection" else f"{name}, {kinds}" if several else name
    all_shared = set(first.settings).intersection(*(case.settings for case in cases))
    differ = {name for case in cases for name, _ in case.settings} - {name for name, _ in all_shared}
    on_cpu = all(case.device == "cpu" for case in cases)
    default = "fp32" if on_cpu or run.only_figures else "default precision"  # which a card computes in TF32 in part
    shared = [default] if "precision" not in differ and first.setting("precision") == "default" else []
    shared += labels([each for each in settings_of(first) if each in all_shared])
    frameworks = {case.framework for case in cases}
    shared += [first.framework] if frameworks == {first.framework} != {"torch"} else []
    shared += [batch_text(first)] if len(set(map(batch_text, cases))) == 1 else []
    sizes = {case.image for case in cases if case.image is not None}
    some = "" if all(case.image is not None for case in cases) else "images "
    shared += [f"{some}{size} px" for size in sizes if len(sizes) == 1]
    known = {each.id: each for each in (environment.devices if environment is not None else ())}
    device, used = run.device_of(first), dict.fromkeys(case.device for case in run.plan.cases)
    name = (device.name if device is not None else "") or first.device
    twins = [each for each in used if each in known and known[each].name == name]
    more = [first.device] if len(twins) > 1 else []
    more += [device.detail] if device is not None and device.id == "cpu" and device.detail else []
    name = one_line(f"{name} ({', '.join(more)})" if more else name)
    name += " and others" * (len({(row.id, mine.device) for row, mine in map(run.home, cases)}) > 1)
    before, after = f"{shorten(one_line(before), MAX_PLAN)} on ", f": {', '.join(shared)}"
    room = MAX_WIDTH - cell_len(before) - len("### ")
    after = shorten(one_line(after), room - MIN_NAME)
    return before + shorten(name, room - cell_len(after)) + after


def _details(run: Run) -> Iterator[str]:
    """Environment, method and commands behind a line to click on."""
    versions = dict(run.environment.versions) if run.environment is not None else {}
    names = {"torch": "PyTorch"}
    if any(case.device != "cpu" for case in run.plan.cases):
        names |= {"cuda": "CUDA", "driver": "driver"}
    facts = [f"{name} {versions[key].partition('+')[0]}" for key, name in names.items() if versions.get(key)]
    summary = ", ".join([*facts, time.strftime("%Y-%m-%d", time.gmtime(run.started_at_s))])
    yield f"<details><summary>\n{html.escape(one_line(summary))}: environment, method, how to reproduce\n</summary>"
    yield from map(_folded, (began_line(run), environment_line(run), meaning(run)))
    commands, left_out = command_lines(run, MAX_WIDTH)
    yield "\n".join(["```", *commands, "```"]) if commands else ""
    yield f"No command repeats {plural(left_out, 'row')}." if left_out else ""
    protocol = run.plan.protocol
    yield _folded(f"The protocol {protocol.name} has other numbers in this version.") if differs(protocol) else ""
    yield "</details>"


def _folded(text: str) -> str:
    """A paragraph in lines of at most ``MAX_WIDTH``."""
    lines = textwrap.wrap(one_line(text), MAX_WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n".join(map(escape_start, lines))
