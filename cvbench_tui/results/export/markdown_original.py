"""A run as the original page: its headings, its tables, its units, and bold for the fastest framework.

Rows are arranged as there: a table for each device, in it the same work of all frameworks together.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from cvbench_tui.base.escape import escape, escape_start
from cvbench_tui.core.grading.reasons import WIDTHS, Grade
from cvbench_tui.core.measurement import Failure, Phase
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.row_names import batch_text
from cvbench_tui.core.row_names import title as title_of
from cvbench_tui.core.run import Run
from cvbench_tui.core.workload import Kind
from cvbench_tui.results.export.about_lines import beside_lines
from cvbench_tui.results.export.markdown_table import (
    began_line,
    clean_line,
    environment_line,
    meaning,
    rows_line,
    span_line,
)
from cvbench_tui.results.stats.phase_stats import is_published, reported
from cvbench_tui.results.stats.published import difference_line
from cvbench_tui.results.stats.row_data import RowData, RowNote, row_data
from cvbench_tui.results.stats.together import together
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.view import View
from cvbench_tui.results.text.layer_text import describe
from cvbench_tui.results.text.units import MILLISECONDS, SECONDS, Scale, percent_text, relative_text

_FRAMEWORK_NAMES = {"torch": "Pytorch"}  # as the original page writes them; any other is capitalised
_TITLES: dict[Phase, str] = {
    "forward": "Forward Pass",
    "backward": "Backward Pass",
    "total": "Total Time",
    "inference": "Inference",
}
_SHOWN: dict[Kind, tuple[Phase, ...]] = {"model": tuple(_TITLES), "layer": ("forward", "backward", "total")}
"""The page has no inference of layers, and no step of an optimiser."""
_SCALES: dict[Kind, Scale] = {"model": SECONDS, "layer": MILLISECONDS}
"""The page's units; its four decimals would cut 2.250 ms to 0.0023 s, so digits follow the interval."""

_Rows = Sequence[RowData]
_Which = Literal["reported", "minimum", "clean"]  # of a row's numbers
_Group = tuple[str, _Rows]  # a workload's name, and its row in every framework that measured it


def render_original(run: Run, view: View) -> str:
    """The markdown of a run, ending in a newline. Columns and groups are the page's, rows and order the view's.

    Raises SelectionError for a column that is not there.
    """
    run = together(run, view.beside)
    table = build(run, replace(view, group="none"))
    rows = [row_data(run, run.plan.case(row.key)) for row in table.rows]
    models, layers = ([row for row in rows if row.case.workload.kind == kind] for kind in _SHOWN)
    dimensions = _by_dimension(rows)
    names = [name for _, names in dimensions for name in names]
    several = {name for name in names if names.count(name) > 1}
    blocks: list[str] = []
    if models or not layers:
        blocks += ["# Popular Computer Vision Model Benchmarks", _dimensions(dimensions)]
        blocks += _tables(run, models, several)
    if layers:
        blocks += ["# Individual Layer Benchmarks"]
        blocks += [] if models else [_dimensions(dimensions)]
        blocks += [_descriptions(layers), *_tables(run, layers, several)]
    blocks += [
        "# NOTE",
        _note(run, inference=bool(models)),
    ]
    blocks += [difference_line(rows, _shown)]
    notes = [f"* {line}" for row in rows for line in _row_notes(run, row)]
    blocks += ["\n".join(notes)] if notes else []
    blocks += [
        span_line(run, [row.case for row in rows]),
        escape(began_line(run)),
        escape(environment_line(run)),
        *map(escape, beside_lines(run, [row.case for row in rows])),
        rows_line(table, view),
    ]
    return "\n\n".join(filter(None, blocks)) + "\n"


def _framework(run: Run, case: Case) -> str:
    """``Pytorch 2.14.1``: without what a build adds to its version, ``+cu130``; with the device where rows of other
    runs stand beside."""
    if case.case_id in run.borrowed or case.case_id in run.figures:
        return row_data(run, case).origin
    name = _FRAMEWORK_NAMES.get(case.framework, case.framework.capitalize())
    version = run.environment.version(case.framework) if run.environment is not None else None
    name = f"{name} {re.sub(r'[+][0-9A-Za-z.]+$', '', version)}" if version else name
    device = run.device_of(case) if run.borrowed else None
    return f"{name}, {device.name}" if device is not None else name


def _notes(row: RowData, *grades: Grade | None) -> Iterator[RowNote]:
    """Its notes of these grades, as far as they are about the whole row or a phase that the page shows."""
    for note in row.row_notes:
        if note.grade in grades and (note.grade is None or set(note.phases) & set(_shown(row))):
            yield note


def _shown(row: RowData) -> tuple[Phase, ...]:
    return _SHOWN[row.case.workload.kind]


def _by_dimension(rows: _Rows) -> list[tuple[Case, list[str]]]:
    """A case of every batch and shape, and the names of all workloads at it; that of the most workloads first."""
    found: dict[object, tuple[Case, dict[str, None]]] = {}
    for case in (row.case for row in rows):
        key = (batch_text(case), case.workload.input_shape, case.image is not None)
        found.setdefault(key, (case, {}))[1][title_of(case)] = None
    return sorted(((case, list(names)) for case, names in found.values()), key=lambda each: -len(each[1]))


def _dimensions(dimensions: Sequence[tuple[Case, Sequence[str]]]) -> str:
    """``1. Batch Size = 8, Image = 3 x 224 x 224``, the exceptions with their names."""
    lines = ["## Input Dimensions"]
    for number, (case, names) in enumerate(dimensions, 1):
        kind = "Image" if case.image is not None else "Input"
        batch = batch_text(case).removeprefix("batch ")
        line = f"{number}. Batch Size = {batch}, {kind} = {_product(case.workload.input_shape)}"
        lines.append(line + (" (IF NOTHING SPECIFIED)" if number == 1 and len(dimensions) > 1 else ""))
        lines += [f"    * {escape_start(name)}" for name in names] if number > 1 else []
    return "\n".join(lines)


def _product(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes))


def _devices(rows: _Rows) -> list[str]:
    """Accelerators first, as on the page, then in order of appearance."""
    return sorted(dict.fromkeys(row.case.device for row in rows), key=lambda device: device == "cpu")


def _descriptions(rows: _Rows) -> str:
    workloads = [row.case.workload for device in _devices(rows) for row in rows if row.case.device == device]
    texts = dict.fromkeys(f"{escape_start(workload.name)} = {escape(describe(workload))}" for workload in workloads)
    return "\n".join(["## Layer Descriptions", *(f"{number}. {text}" for number, text in enumerate(texts, 1))])


def _groups(rows: _Rows, several: set[str]) -> list[_Group]:
    """Rows of equal work together, in order of appearance, named with their dimensions where one name has several."""
    groups: dict[object, list[RowData]] = {}
    for row in rows:
        case = row.case
        work = (case.workload, case.batch, case.settings)
        groups.setdefault(work, []).append(row)
    return [(_name(group[0].case, several), group) for group in groups.values()]


def _name(case: Case, several: set[str]) -> str:
    name, sizes = title_of(case), _product((case.batch, *case.workload.input_shape))
    return f"{name} ({'max ' * case.finds_batch}{sizes})" if name in several else name


def _tables(run: Run, rows: _Rows, several: set[str]) -> Iterator[str]:
    """Each device's table, its minima and clean numbers where the method has them, the reasons of its dashes and of its
    doubts."""
    for heading, mine in _parts(run, rows):
        groups = _groups(mine, several)
        yield _table(run, heading, groups)
        if is_published(run.plan.protocol):
            yield _table(run, f"{heading} (minimum)", groups, "minimum")
        if any(row.clean for _, group in groups for row in group):
            yield _table(run, f"{heading} (clean)", groups, "clean")
        for title, texts_of in (("Not measured:", _dashes), ("Below grade B:", _doubts)):
            lines = [
                "* " + escape_start(f"{name}, {_framework(run, row.case)}{text}")
                for name, group in groups
                for row in group
                for text in texts_of(run, row)
            ]
            if lines:
                yield "\n".join([title, "", *lines])


def _parts(run: Run, rows: _Rows) -> Iterator[tuple[str, _Rows]]:
    """Each table's heading and rows: one for each device, or where rows of other runs stand beside one for all cards
    and one for all processors, so that the fastest of each cell is found as on the page."""
    if run.borrowed:
        for kind, on_cpu in (("GPU", False), ("CPU", True)):
            mine = [row for row in rows if (row.case.device == "cpu") == on_cpu]
            devices = [run.device_of(row.case) for row in mine]
            known = dict.fromkeys(device.name for device in devices if device is not None)
            if mine:
                yield f"{kind} USED --- {', '.join(known)}", mine
        return
    products = {device.id: device.name for device in run.environment.devices} if run.environment is not None else {}
    names = {device: products.get(device, device) for device in _devices(rows)}
    for device, name in names.items():
        twin = f" ({device})" if list(names.values()).count(name) > 1 else ""
        mine = [row for row in rows if row.case.device == device]
        yield f"{'CPU' if device == 'cpu' else 'GPU'} USED --- {name}{twin}", mine


def _table(run: Run, heading: str, groups: Sequence[_Group], which: _Which = "reported") -> str:
    """One table under its heading; a group's name stands in its first row only."""
    first = groups[0][1][0]
    titles = [first.case.workload.kind.capitalize(), "Framework", *(_TITLES[phase] for phase in _shown(first))]
    lines = [f"## {escape(heading)}", f"|{'|'.join(titles)}|", "|" + ":---:|" * len(titles)]
    for name, group in groups:
        columns = [_column(run.plan.protocol, group, phase, which) for phase in _shown(first)]
        for index, (row, *texts) in enumerate(zip(group, *columns, strict=True)):
            cells = [escape(name) if index == 0 else "", escape(_framework(run, row.case)), *texts]
            lines.append(f"|{'|'.join(cells)}|")
    return "\n".join(lines)


def _column(protocol: Protocol, group: _Rows, phase: Phase, which: _Which) -> list[str]:
    """One phase of a group as texts: the number of the protocol, the smallest sample, or the clean number; a dash for
    one of grade X.

    The fastest is bold where frameworks can be compared; never one of two speeds.
    """
    scale = _SCALES[group[0].case.workload.kind]
    texts: list[str] = []
    compared: list[float | None] = []
    if which == "clean" and protocol.clean is not None:
        protocol = protocol.clean
        group = [replace(row, phases=row.clean) for row in group]
    for row in group:
        result = row.phases.get(phase)
        value, relative = reported(protocol, result) if result and result.valid else (None, None)
        value = result.min_s if result and value is not None and which == "minimum" else value
        printed = row.figure.printed.get(phase, "") if row.figure is not None else ""
        texts.append(printed if printed.endswith(f" {scale.unit}") else scale.text(value, relative))
        compared.append(value if row.comparable(phase) else None)
    known = [value for value in compared if value is not None]
    fastest = min(known) if len(known) > 1 else math.nan
    return [f"__{text}__" if value == fastest else text for text, value in zip(texts, compared, strict=True)]


def _dashes(run: Run, row: RowData) -> Iterator[str]:
    outcome = run.outcomes.get(row.case.case_id)
    missing = [phase for phase in _shown(row) if phase not in row.phases]
    if isinstance(outcome, Failure):
        yield f": {row.quality.word}. {outcome.sentence}"
    elif outcome is None:
        yield f": {row.quality.text}."
    elif missing:
        yield f": no {', '.join(missing)}."
    yield from (f": {note.text}" for note in _notes(row, "X"))


def _doubts(_run: Run, row: RowData) -> Iterator[str]:
    for note in _notes(row, "C", "D"):
        seen = replace(row, phases=row.clean) if note.clean else row
        yield f": {note.text}" + (_speeds(seen) if note.code == "bimodal" else "")


def _speeds(row: RowData) -> str:
    """Both speeds of every phase with two: the table has one number."""
    scale, texts = _SCALES[row.case.workload.kind], []
    for phase in _shown(row):
        modes = row.phases[phase].modes if phase in row.phases else None
        texts += [f"{phase} {scale.both(modes.low_s, modes.high_s)}"] if modes is not None else []
    return f" The speeds are {', '.join(texts)}; the table's number describes neither." if texts else ""


def _row_notes(run: Run, row: RowData) -> Iterator[str]:
    """Notes of one row, without the reasons that are listed below its table."""
    who = f"{title_of(row.case)} on {row.case.device}, {_framework(run, row.case)}"
    widths = [reported(run.plan.protocol, result)[1] for result in row.phases.values() if result.grade in ("C", "D")]
    if known := [width for width in widths if width is not None and width > WIDTHS[1][1]]:
        yield escape_start(f"{who}: its widest interval is {relative_text(max(known))}.")
    yield from (escape_start(f"{who}: {note.text}") for note in _notes(row, None, "A", "B"))


def _note(run: Run, *, inference: bool) -> str:
    protocol = run.plan.protocol
    if run.only_figures:
        return meaning(run)
    return _published_note(protocol, inference=inference) if is_published(protocol) else _median_note(protocol)


def _median_note(protocol: Protocol) -> str:
    return (
        f"Times are medians per iteration, to a precision of {percent_text(protocol.precision)} unless noted "
        "otherwise. Forward, backward and total are of the same training iteration, with fresh gradients; inference "
        "is in evaluation mode without gradients. The page this layout is taken from used another method, which the "
        "protocol `original` repeats."
    )


def _published_note(protocol: Protocol, *, inference: bool) -> str:
    """``inference``: the page shows it."""
    scripts = (
        " One thing differs: Inference is of the inference loop, where the scripts printed the last training forward "
        "pass again."
    )
    return (
        f"Times are means of {protocol.iterations - 1} iterations (models on a CPU: {protocol.iterations_cpu - 1}) by "
        "the method of the original page: the first, cold iteration counts and the second does not, gradients "
        f"accumulate, inputs take none, output gradients are ones{', autograd records inference' * inference}, "
        "Python's collector is on. The tables of minima show the smallest of the same iterations, as that page mixed "
        "both."
        f"{scripts * inference}{clean_line(protocol)}"
    )
