"""Runs as the original page: its headings, its tables, its units, and bold for the fastest framework.

Rows are arranged as there: a table for each device, in it the same work of all frameworks together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cvbench_tui.base.escape import escape, escape_start
from cvbench_tui.core.grading.reasons import Grade
from cvbench_tui.core.measurement import PHASES, Failure, Measurement, Phase
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.run import Run
from cvbench_tui.core.workload import Kind
from cvbench_tui.results.export.markdown_table import began_line, environment_line
from cvbench_tui.results.stats.phase_stats import is_published, reported
from cvbench_tui.results.stats.row_data import RowData, RowNote, row_data
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.view import View
from cvbench_tui.results.text.layer_text import describe
from cvbench_tui.results.text.units import MILLISECONDS, SECONDS, Scale, percent_text

_FRAMEWORK_NAMES = {"torch": "Pytorch"}  # as the original page writes them; any other is capitalised
_TITLES: dict[Phase, str] = {
    "forward": "Forward Pass",
    "backward": "Backward Pass",
    "total": "Total Time",
    "inference": "Inference",
}
_SHOWN: dict[Kind, tuple[Phase, ...]] = {"model": PHASES, "layer": ("forward", "backward", "total")}
"""The page has no inference of layers."""
_SCALES: dict[Kind, Scale] = {"model": SECONDS, "layer": MILLISECONDS}
"""The page's units; its four decimals would cut 2.250 ms to 0.0023 s, so digits follow the interval."""


@dataclass(frozen=True)
class FrameworkRow:
    """One framework's row in a group."""

    run: Run
    data: RowData

    @property
    def case(self) -> Case:
        """What was asked for."""
        return self.data.case

    @property
    def framework(self) -> str:
        """``Pytorch 2.14.1``: without what a build adds to its version, ``+cu130``."""
        name = _FRAMEWORK_NAMES.get(self.case.framework, self.case.framework.capitalize())
        version = self.run.environment.version(self.case.framework) if self.run.environment is not None else None
        return f"{name} {re.sub(r'[+][0-9A-Za-z.]+$', '', version)}" if version else name

    @property
    def device_name(self) -> str:
        """The device's product name, or its id while that is unknown."""
        device = self.run.environment.device(self.case.device) if self.run.environment is not None else None
        return device.name if device is not None else self.case.device

    @property
    def shown(self) -> tuple[Phase, ...]:
        """The phases that the page has of such a workload."""
        return _SHOWN[self.case.workload.kind]

    def reported_s(self, phase: Phase) -> float | None:
        """The number of its protocol, seconds per iteration; None when it was not measured, or is of grade X."""
        result = self.data.phases.get(phase)
        return reported(self.run.plan.protocol, result)[0] if result is not None and result.valid else None

    def relative(self, phase: Phase) -> float | None:
        """Half width of that number's interval as a share of it; None without one."""
        result = self.data.phases.get(phase)
        return reported(self.run.plan.protocol, result)[1] if result is not None else None

    def min_s(self, phase: Phase) -> float | None:
        """The smallest sample, seconds per iteration; None when it was not measured, or is of grade X."""
        result = self.data.phases.get(phase)
        return result.min_s if result is not None and result.valid else None

    def notes(self, *grades: Grade | None) -> Iterator[RowNote]:
        """Its notes of these grades, as far as they are about the whole row or a phase that the page shows."""
        for note in self.data.row_notes:
            if note.grade in grades and (note.grade is None or set(note.phases) & set(self.shown)):
                yield note


_Rows = Sequence[FrameworkRow]
_Group = tuple[str, _Rows]  # a workload's name, and its row in every framework that measured it
_NumberOf = Callable[[FrameworkRow, Phase], "float | None"]


def render_original(runs: Sequence[Run], *, sort: str | None = None, descending: bool = False) -> str:
    """The markdown of one run, or of several side by side. Raises SelectionError for an unknown column."""
    rows = [
        FrameworkRow(run, row_data(run, run.plan.case(row.key)))
        for run in runs
        for row in build(run, View(sort=sort, descending=descending)).rows
    ]
    models, layers = ([row for row in rows if row.case.workload.kind == kind] for kind in ("model", "layer"))
    blocks: list[str] = []
    if models or not layers:
        blocks += ["# Popular Computer Vision Model Benchmarks", _dimensions(rows), *_tables(models, rows)]
    if layers:
        blocks += ["# Individual Layer Benchmarks"]
        blocks += [] if models else [_dimensions(rows)]
        blocks += [_descriptions(layers), *_tables(layers, rows)]
    blocks += ["# NOTE", *_closing(runs, rows)]
    return "\n\n".join(blocks) + "\n"


def _by_dimension(rows: _Rows) -> list[tuple[Case, list[str]]]:
    """A case of every batch and shape, and the names of all workloads at it; that of the most workloads first."""
    cases: dict[object, Case] = {}
    names: dict[object, dict[str, None]] = {}
    for row in rows:
        key = (row.case.batch, row.case.workload.input_shape, row.case.image is not None)
        cases.setdefault(key, row.case)
        names.setdefault(key, {})[row.case.workload.name] = None
    return [(cases[key], list(names[key])) for key in sorted(names, key=lambda key: -len(names[key]))]


def _dimensions(rows: _Rows) -> str:
    """``1. Batch Size = 8, Image = 3 x 224 x 224``, the exceptions with their names."""
    lines = ["## Input Dimensions"]
    dimensions = _by_dimension(rows)
    for number, (case, names) in enumerate(dimensions, 1):
        kind = "Image" if case.image is not None else "Input"
        line = f"{number}. Batch Size = {case.batch}, {kind} = {_product(case.workload.input_shape)}"
        lines.append(line + (" (IF NOTHING SPECIFIED)" if number == 1 and len(dimensions) > 1 else ""))
        lines += [f"    * {escape_start(name)}" for name in names] if number > 1 else []
    return "\n".join(lines)


def _product(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes))


def _descriptions(rows: _Rows) -> str:
    workloads = [row.case.workload for _, groups in _devices(rows, rows) for _, group in groups for row in group]
    texts = dict.fromkeys(f"{escape_start(workload.name)} = {escape(describe(workload))}" for workload in workloads)
    return "\n".join(["## Layer Descriptions", *(f"{number}. {text}" for number, text in enumerate(texts, 1))])


def _devices(rows: _Rows, all_rows: _Rows) -> Iterator[tuple[str, list[_Group]]]:
    """Heading and groups of each device: accelerators first, as on the page, then in order of appearance."""
    by_device: dict[tuple[str, str], list[FrameworkRow]] = {}
    for row in rows:
        by_device.setdefault((row.case.device, row.device_name), []).append(row)
    names = [name for _, name in by_device]
    for device, name in sorted(by_device, key=lambda device: device[0] == "cpu"):
        twin = f" ({device})" if names.count(name) > 1 else ""
        yield f"{'CPU' if device == 'cpu' else 'GPU'} USED --- {name}{twin}", _groups(by_device[device, name], all_rows)


def _groups(rows: _Rows, all_rows: _Rows) -> list[_Group]:
    """Rows of equal work together, in order of appearance, named with their dimensions where one name has several."""
    groups: dict[object, list[FrameworkRow]] = {}
    for row in rows:
        case = row.case
        work = (case.workload, case.batch, case.precision, case.memory_format, case.compile_mode, case.threads)
        groups.setdefault(work, []).append(row)
    at_dimensions = [name for _, names in _by_dimension(all_rows) for name in names]
    named: list[_Group] = []
    for group in groups.values():
        case, name = group[0].case, group[0].case.workload.name
        several = at_dimensions.count(name) > 1
        named.append((f"{name} ({_product((case.batch, *case.workload.input_shape))})" if several else name, group))
    return named


def _tables(rows: _Rows, all_rows: _Rows) -> Iterator[str]:
    """Each device's table, its minima where the method has them, the reasons of its dashes and of its doubts."""
    for heading, groups in _devices(rows, all_rows):
        yield _table(heading, groups, FrameworkRow.reported_s)
        if any(is_published(row.run.plan.protocol) for _, group in groups for row in group):
            yield _table(f"{heading} (minimum)", groups, FrameworkRow.min_s)
        for title, lines_of in (("Not measured:", _dashes), ("Below grade B:", _doubts)):
            lines = [f"* {line}" for name, group in groups for row in group for line in lines_of(name, row)]
            if lines:
                yield "\n".join([title, "", *lines])


def _table(heading: str, groups: Sequence[_Group], number_of: _NumberOf) -> str:
    """One table under its heading; a group's name stands in its first row only."""
    first = groups[0][1][0]
    titles = [first.case.workload.kind.capitalize(), "Framework", *(_TITLES[phase] for phase in first.shown)]
    lines = [f"## {escape(heading)}", f"|{'|'.join(titles)}|", "|" + ":---:|" * len(titles)]
    for name, group in groups:
        columns = [_column(group, phase, number_of) for phase in first.shown]
        for index, row in enumerate(group):
            texts = [escape(name) if index == 0 else "", escape(row.framework), *(column[index] for column in columns)]
            lines.append(f"|{'|'.join(texts)}|")
    return "\n".join(lines)


def _column(group: _Rows, phase: Phase, number_of: _NumberOf) -> list[str]:
    """One phase of a group as texts, the fastest in bold where frameworks can be compared; never one of two speeds."""
    values = [number_of(row, phase) for row in group]
    compared = [value if row.data.comparable(phase) else None for row, value in zip(group, values, strict=True)]
    by_framework = {row.framework: value for row, value in zip(group, compared, strict=True) if value is not None}
    fastest = min(value for value in compared if value is not None) if len(by_framework) > 1 else None
    scale = _SCALES[group[0].case.workload.kind]
    texts = [scale.text(value, row.relative(phase)) for row, value in zip(group, values, strict=True)]
    return [
        f"__{text}__" if mine is not None and mine == fastest else text
        for text, mine in zip(texts, compared, strict=True)
    ]


def _dashes(name: str, row: FrameworkRow) -> Iterator[str]:
    outcome = row.run.outcomes.get(row.case.case_id)
    who = f"{name}, {row.framework}"
    missing = [phase for phase in row.shown if phase not in row.data.phases]
    if isinstance(outcome, Failure):
        yield escape_start(f"{who}: {row.data.state.word}. {outcome.sentence}")
    elif not isinstance(outcome, Measurement):
        yield escape_start(f"{who}: {row.data.state.text}.")
    elif missing:
        yield escape_start(f"{who}: no {', '.join(missing)}.")
    yield from (escape_start(f"{who}: {note.text}") for note in row.notes("X"))


def _doubts(name: str, row: FrameworkRow) -> Iterator[str]:
    for note in row.notes("C"):
        speeds = _speeds(row) if note.code == "bimodal" else ""
        yield escape_start(f"{name}, {row.framework}: {note.text}{speeds}")


def _speeds(row: FrameworkRow) -> str:
    """Both speeds of every phase with two: the table has one number."""
    scale, texts = _SCALES[row.case.workload.kind], []
    for phase in row.shown:
        modes = row.data.phases[phase].modes if phase in row.data.phases else None
        texts += [f"{phase} {scale.both(modes.low_s, modes.high_s)}"] if modes is not None else []
    return f" The speeds are {', '.join(texts)}; the table's number describes neither." if texts else ""


def _closing(runs: Sequence[Run], rows: _Rows) -> Iterator[str]:
    """How the numbers were measured, what is noted about single rows, and where."""
    for protocol in dict.fromkeys(run.plan.protocol for run in runs):
        yield _published_note(protocol) if is_published(protocol) else _median_note(protocol)
    notes = [f"* {line}" for row in rows for line in _row_notes(row)]
    if notes:
        yield "\n".join(notes)
    for run in runs:
        yield escape(began_line(run))
        yield escape(environment_line(run))


def _row_notes(row: FrameworkRow) -> Iterator[str]:
    """Notes of one row, without the reasons that are listed below its table."""
    who = f"{row.case.workload.name} on {row.case.device}, {row.framework}"
    if row.data.state.word == "BUDGET" and all(note.code != "imprecise" for note in row.data.row_notes):
        yield escape_start(f"{who}: stopped before {percent_text(row.run.plan.protocol.precision)} was reached.")
    yield from (escape_start(f"{who}: {note.text}") for note in row.notes(None, "A", "B"))


def _median_note(protocol: Protocol) -> str:
    return (
        f"Times are medians per iteration, to a precision of {percent_text(protocol.precision)} unless noted "
        "otherwise. Forward, backward and total are of the same training iteration, with fresh gradients; inference "
        "is in evaluation mode without gradients. The page this layout is taken from used another method, which the "
        "protocol `original` repeats."
    )


def _published_note(protocol: Protocol) -> str:
    return (
        f"Times are means of {protocol.iterations - 1} iterations ({protocol.iterations_cpu - 1} on a CPU) by the "
        "method of the original page; the tables of minima show the smallest of the same iterations, because that page "
        "mixed both. As there, gradients accumulate and inputs take none. Two things differ: the iteration "
        "left out is the first, cold one (there it was the second, and the cold one counted), and inference is really "
        "inference (there it repeated the training forward pass)."
    )
