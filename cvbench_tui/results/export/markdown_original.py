"""Runs as the original page: its headings, its tables, its units, four decimals and bold for the fastest framework."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from cvbench_tui.base.escape import escape, escape_start
from cvbench_tui.core.grading.reasons import Grade
from cvbench_tui.core.measurement import PHASES, Failure, Measurement, Phase
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.run import Run
from cvbench_tui.core.workload import Kind
from cvbench_tui.results.export.markdown_groups import (
    DeviceTable,
    Dimension,
    FrameworkRow,
    WorkloadGroup,
    device_tables,
    dimensions,
    entries_of,
)
from cvbench_tui.results.export.markdown_wide import began_line, environment_line
from cvbench_tui.results.stats.phase_stats import is_published
from cvbench_tui.results.stats.row_notes import RowNote
from cvbench_tui.results.table.cell_text import modes_text
from cvbench_tui.results.text.layer_text import describe
from cvbench_tui.results.text.units import fixed_milliseconds, fixed_seconds, percent_text, scale_for

_Pick = Callable[[FrameworkRow, Phase], "float | None"]

_TITLES: dict[Phase, str] = {
    "forward": "Forward Pass",
    "backward": "Backward Pass",
    "total": "Total Time",
    "inference": "Inference",
}
_SHOWN: dict[Kind, tuple[Phase, ...]] = {"model": PHASES, "layer": ("forward", "backward", "total")}
"""The page has no inference of layers."""
_WRITTEN = {"model": fixed_seconds, "layer": fixed_milliseconds}


def render_original(runs: Sequence[Run], *, sort: str | None = None, descending: bool = False) -> str:
    """The markdown of one run, or of several side by side. Raises SelectionError for an unknown column."""
    entries = entries_of(runs, sort=sort, descending=descending)
    models, layers = device_tables(entries, "model"), device_tables(entries, "layer")
    blocks: list[str] = []
    if models or not layers:
        blocks += ["# Popular Computer Vision Model Benchmarks", _dimensions(dimensions(entries))]
        blocks += _tables(models, "model")
    if layers:
        blocks += ["# Individual Layer Benchmarks"]
        blocks += [] if models else [_dimensions(dimensions(entries))]
        blocks += [_descriptions(layers), *_tables(layers, "layer")]
    blocks += ["# NOTE", *_notes(runs, entries)]
    return "\n\n".join(blocks) + "\n"


def _dimensions(found: Sequence[Dimension]) -> str:
    """``1. Batch Size = 8, Image = 3 x 224 x 224``, the exceptions with their names."""
    lines = ["## Input Dimensions"]
    for number, dimension in enumerate(found, 1):
        shape = " x ".join(str(size) for size in dimension.shape)
        line = f"{number}. Batch Size = {dimension.batch}, {'Image' if dimension.is_image else 'Input'} = {shape}"
        lines.append(line + (" (IF NOTHING SPECIFIED)" if number == 1 and len(found) > 1 else ""))
        lines += [f"    * {escape_start(name)}" for name in dimension.names] if number > 1 else []
    return "\n".join(lines)


def _descriptions(tables: Sequence[DeviceTable]) -> str:
    """Every layer once, in order of appearance."""
    workloads = [entry.case.workload for table in tables for group in table.groups for entry in group.entries]
    texts = dict.fromkeys(f"{escape_start(workload.name)} = {escape(describe(workload))}" for workload in workloads)
    return "\n".join(["## Layer Descriptions", *(f"{number}. {text}" for number, text in enumerate(texts, 1))])


def _tables(tables: Sequence[DeviceTable], kind: Kind) -> Iterator[str]:
    """Each device's table, its minima where the method has them, the reasons of its dashes and of its doubts."""
    for table in tables:
        yield _table(table.heading, table, kind, FrameworkRow.headline_s)
        if any(is_published(entry.run.plan.protocol) for group in table.groups for entry in group.entries):
            yield _table(f"{table.heading} (minimum)", table, kind, FrameworkRow.min_s)
        entries = [(group.name, entry) for group in table.groups for entry in group.entries]
        for title, lines_of in (("Not measured:", _dashes), ("Below grade B:", _doubts)):
            lines = [f"* {line}" for name, entry in entries for line in lines_of(name, entry, kind)]
            if lines:
                yield "\n".join([title, "", *lines])


def _table(heading: str, table: DeviceTable, kind: Kind, pick: _Pick) -> str:
    """One table under its heading."""
    titles = [kind.capitalize(), "Framework", *(_TITLES[phase] for phase in _SHOWN[kind])]
    lines = [f"## {escape(heading)}", f"|{'|'.join(titles)}|", "|" + ":---:|" * len(titles)]
    return "\n".join([*lines, *(line for group in table.groups for line in _rows(group, kind, pick))])


def _rows(group: WorkloadGroup, kind: Kind, pick: _Pick) -> Iterator[str]:
    """The group's rows; its name stands in the first one only."""
    columns = [_column(group, phase, kind, pick) for phase in _SHOWN[kind]]
    for index, entry in enumerate(group.entries):
        name = escape(group.name) if index == 0 else ""
        yield "|" + "|".join([name, escape(entry.framework), *(column[index] for column in columns)]) + "|"


def _column(group: WorkloadGroup, phase: Phase, kind: Kind, pick: _Pick) -> list[str]:
    """One phase of a group as texts, the fastest in bold where frameworks can be compared; never one of two speeds."""
    values = [pick(entry, phase) for entry in group.entries]
    compared = [value if entry.comparable(phase) else None for entry, value in zip(group.entries, values, strict=True)]
    found = {entry.framework: value for entry, value in zip(group.entries, compared, strict=True) if value is not None}
    fastest = min(value for value in compared if value is not None) if len(found) > 1 else None
    texts = [_WRITTEN[kind](value) for value in values]
    return [
        f"__{text}__" if value is not None and value == fastest else text
        for text, value in zip(texts, compared, strict=True)
    ]


def _dashes(name: str, entry: FrameworkRow, kind: Kind) -> Iterator[str]:
    """Why there are dashes in this row."""
    outcome = entry.run.outcomes.get(entry.case.case_id)
    who = f"{name}, {entry.framework}"
    missing = [phase for phase in _SHOWN[kind] if phase not in entry.phases]
    if isinstance(outcome, Failure):
        yield escape_start(f"{who}: {entry.state.word}. {outcome.sentence}")
    elif not isinstance(outcome, Measurement):
        yield escape_start(f"{who}: {entry.state.text}.")
    elif missing:
        yield escape_start(f"{who}: no {', '.join(missing)}.")
    yield from (escape_start(f"{who}: {remark.text}") for remark in _graded(entry, kind, "X"))


def _doubts(name: str, entry: FrameworkRow, kind: Kind) -> Iterator[str]:
    """What makes numbers of this row doubtful."""
    for remark in _graded(entry, kind, "C"):
        speeds = _speeds(entry, kind) if remark.code == "bimodal" else ""
        yield escape_start(f"{name}, {entry.framework}: {remark.text}{speeds}")


def _speeds(entry: FrameworkRow, kind: Kind) -> str:
    """Both speeds of every phase with two: the table has one number, and four decimals would not tell them apart."""
    found = [(phase, entry.phases[phase]) for phase in _SHOWN[kind] if phase in entry.phases]
    texts = [
        f"{phase} {modes_text(each, scale_for([each.median_s]))}" for phase, each in found if each.modes is not None
    ]
    return f" The speeds are {', '.join(texts)}; the table's number stands for neither." if texts else ""


def _graded(entry: FrameworkRow, kind: Kind, grade: Grade) -> Iterator[RowNote]:
    """The reasons for that grade in the phases that the page shows."""
    for remark in entry.row_notes:
        if remark.grade == grade and set(remark.phases) & set(_SHOWN[kind]):
            yield remark


def _notes(runs: Sequence[Run], entries: Sequence[FrameworkRow]) -> Iterator[str]:
    """How the numbers were taken, what is noted about single rows, and where."""
    for protocol in dict.fromkeys(run.plan.protocol for run in runs):
        yield _published_note(protocol) if is_published(protocol) else _median_note(protocol)
    remarks = [f"* {line}" for entry in entries for line in _remarks(entry)]
    if remarks:
        yield "\n".join(remarks)
    for run in runs:
        yield began_line(run)
        yield environment_line(run)


def _remarks(entry: FrameworkRow) -> Iterator[str]:
    """What a reader of one row should know, beside the reasons that stand below its table."""
    who = f"{entry.case.workload.name} on {entry.case.device}, {entry.framework}"
    if entry.state.word == "BUDGET" and all(remark.code != "imprecise" for remark in entry.row_notes):
        yield escape_start(f"{who}: stopped before {percent_text(entry.run.plan.protocol.precision)} was reached.")
    shown = set(_SHOWN[entry.case.workload.kind])
    for remark in entry.row_notes:
        if remark.grade is None or (remark.grade in ("A", "B") and shown & set(remark.phases)):
            yield escape_start(f"{who}: {remark.text}")


def _median_note(protocol: Protocol) -> str:
    return (
        f"Times are medians per iteration, to a precision of {percent_text(protocol.precision)} where nothing else is "
        "said. Forward, backward and total are of the same training iteration, with fresh gradients; inference is in "
        "evaluation mode without gradients. The page this layout is taken from used another method, which the "
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
