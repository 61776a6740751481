"""Runs as the original page: its headings, its tables, its units, and bold for the fastest framework.

Rows are arranged as there: a table for each device, in it the same work of all frameworks together.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

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

    def notes(self, *grades: Grade | None) -> Iterator[RowNote]:
        """Its notes of these grades, as far as they are about the whole row or a phase that the page shows."""
        for note in self.data.row_notes:
            if note.grade in grades and (note.grade is None or set(note.phases) & set(self.shown)):
                yield note


_Rows = Sequence[FrameworkRow]
_Group = tuple[str, _Rows]  # a workload's name, and its row in every framework that measured it


def render_original(runs: Sequence[Run], view: View | None = None) -> str:
    """The markdown of one run, or of several side by side. Raises SelectionError for an unknown column."""
    rows = [FrameworkRow(run, row_data(run, run.plan.case(row.key))) for run in runs for row in build(run, view).rows]
    models, layers = (_by_device([row for row in rows if row.case.workload.kind == kind]) for kind in _SHOWN)
    dimensions = _by_dimension(rows)
    names = [name for _, names in dimensions for name in names]
    several = {name for name in names if names.count(name) > 1}
    blocks: list[str] = []
    if models or not layers:
        blocks += ["# Popular Computer Vision Model Benchmarks", _dimensions(dimensions), *_tables(models, several)]
    if layers:
        blocks += ["# Individual Layer Benchmarks"]
        blocks += [] if models else [_dimensions(dimensions)]
        blocks += [_descriptions(layers), *_tables(layers, several)]
    blocks += ["# NOTE", *_closing(runs, rows)]
    return "\n\n".join(blocks) + "\n"


def _by_device(rows: _Rows) -> _Rows:
    """Rows of one device together: accelerators first, as on the page, then in order of appearance."""
    devices = list(dict.fromkeys(map(_device, rows)))
    return sorted(rows, key=lambda row: (row.case.device == "cpu", devices.index(_device(row))))


def _device(row: FrameworkRow) -> tuple[str, str]:
    return row.case.device, row.device_name


def _by_dimension(rows: _Rows) -> list[tuple[Case, list[str]]]:
    """A case of every batch and shape, and the names of all workloads at it; that of the most workloads first."""
    found: dict[object, tuple[Case, dict[str, None]]] = {}
    for case in (row.case for row in rows):
        key = (case.batch, case.workload.input_shape, case.image is not None)
        found.setdefault(key, (case, {}))[1][case.workload.name] = None
    return sorted(((case, list(names)) for case, names in found.values()), key=lambda each: -len(each[1]))


def _dimensions(dimensions: Sequence[tuple[Case, Sequence[str]]]) -> str:
    """``1. Batch Size = 8, Image = 3 x 224 x 224``, the exceptions with their names."""
    lines = ["## Input Dimensions"]
    for number, (case, names) in enumerate(dimensions, 1):
        kind = "Image" if case.image is not None else "Input"
        line = f"{number}. Batch Size = {case.batch}, {kind} = {_product(case.workload.input_shape)}"
        lines.append(line + (" (IF NOTHING SPECIFIED)" if number == 1 and len(dimensions) > 1 else ""))
        lines += [f"    * {escape_start(name)}" for name in names] if number > 1 else []
    return "\n".join(lines)


def _product(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes))


def _descriptions(rows: _Rows) -> str:
    workloads = (row.case.workload for row in rows)
    texts = dict.fromkeys(f"{escape_start(workload.name)} = {escape(describe(workload))}" for workload in workloads)
    return "\n".join(["## Layer Descriptions", *(f"{number}. {text}" for number, text in enumerate(texts, 1))])


def _groups(rows: Iterable[FrameworkRow], several: Collection[str]) -> list[_Group]:
    """Rows of equal work together, in order of appearance, named with their dimensions where one name has several."""
    groups: dict[object, list[FrameworkRow]] = {}
    for row in rows:
        case = row.case
        work = (case.workload, case.batch, case.precision, case.memory_format, case.compile_mode, case.threads)
        groups.setdefault(work, []).append(row)
    named: list[_Group] = []
    for group in groups.values():
        case, name = group[0].case, group[0].case.workload.name
        sizes = f" ({_product((case.batch, *case.workload.input_shape))})" if name in several else ""
        named.append((f"{name}{sizes}", group))
    return named


def _tables(rows: _Rows, several: Collection[str]) -> Iterator[str]:
    """Each device's table, its minima where the method has them, the reasons of its dashes and of its doubts."""
    names = [name for _, name in dict.fromkeys(map(_device, rows))]
    for (device, name), mine in groupby(rows, _device):
        groups = _groups(mine, several)
        twin = f" ({device})" if names.count(name) > 1 else ""
        heading = f"{'CPU' if device == 'cpu' else 'GPU'} USED --- {name}{twin}"
        yield _table(heading, groups)
        if any(is_published(row.run.plan.protocol) for _, group in groups for row in group):
            yield _table(f"{heading} (minimum)", groups, minimum=True)
        for title, lines_of in (("Not measured:", _dashes), ("Below grade B:", _doubts)):
            lines = [f"* {line}" for name, group in groups for row in group for line in lines_of(name, row)]
            if lines:
                yield "\n".join([title, "", *lines])


def _table(heading: str, groups: Sequence[_Group], *, minimum: bool = False) -> str:
    """One table under its heading; a group's name stands in its first row only."""
    first = groups[0][1][0]
    titles = [first.case.workload.kind.capitalize(), "Framework", *(_TITLES[phase] for phase in first.shown)]
    lines = [f"## {escape(heading)}", f"|{'|'.join(titles)}|", "|" + ":---:|" * len(titles)]
    for name, group in groups:
        columns = [_column(group, phase, minimum=minimum) for phase in first.shown]
        for index, row in enumerate(group):
            texts = [escape(name) if index == 0 else "", escape(row.framework), *(column[index] for column in columns)]
            lines.append(f"|{'|'.join(texts)}|")
    return "\n".join(lines)


def _column(group: _Rows, phase: Phase, *, minimum: bool) -> list[str]:
    """One phase of a group as texts: the number of its protocol, or the smallest sample; a dash for one of grade X.

    The fastest is bold where frameworks can be compared; never one of two speeds.
    """
    scale = _SCALES[group[0].case.workload.kind]
    texts: list[str] = []
    compared: list[tuple[str, float] | None] = []
    for row in group:
        result = row.data.phases.get(phase)
        value, relative = reported(row.run.plan.protocol, result) if result and result.valid else (None, None)
        value = result.min_s if result and value is not None and minimum else value
        texts.append(scale.text(value, relative))
        compared.append((row.framework, value) if value is not None and row.data.comparable(phase) else None)
    known = [each for each in compared if each is not None]
    several = len({framework for framework, _ in known}) > 1
    fastest = min(value for _, value in known) if several else None
    return [f"__{text}__" if each and each[1] == fastest else text for text, each in zip(texts, compared, strict=True)]


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
    yield from map(_method, dict.fromkeys(run.plan.protocol for run in runs))
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


def _method(protocol: Protocol) -> str:
    if is_published(protocol):
        return (
            f"Times are means of {protocol.iterations - 1} iterations ({protocol.iterations_cpu - 1} on a CPU) by the "
            "method of the original page; the tables of minima show the smallest of the same iterations, because that "
            "page mixed both. As there, gradients accumulate and inputs take none. Two things differ: the iteration "
            "left out is the first, cold one (there it was the second, and the cold one counted), and inference is "
            "really inference (there it repeated the training forward pass)."
        )
    return (
        f"Times are medians per iteration, to a precision of {percent_text(protocol.precision)} unless noted "
        "otherwise. Forward, backward and total are of the same training iteration, with fresh gradients; inference "
        "is in evaluation mode without gradients. The page this layout is taken from used another method, which the "
        "protocol `original` repeats."
    )
