"""Every column of the table, declared once: the screen, the terminal, markdown, sorting and the help follow from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from cvbench_tui.core.grading.reasons import Grade
from cvbench_tui.core.measurement import PHASES, Phase
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.results.stats.phase_stats import is_published, worst_grade
from cvbench_tui.results.stats.row_data import RowData
from cvbench_tui.results.stats.row_state import STATE_HELP
from cvbench_tui.results.table.cell_text import (
    PHASE_MEANINGS,
    bandwidth_text,
    compute_text,
    energy_text,
    mean_text,
    median_text,
    samples_text,
    throughput_text,
    versus_text,
)
from cvbench_tui.results.text.units import MISSING, Scale, bytes_text, seconds_text

Value = str | int | float | None


def _ungraded(row: RowData) -> Grade | None:
    return None


@dataclass(frozen=True)
class Column:
    """One column: functions that give a row's value and its text."""

    key: str
    heading: str
    unit: Literal["", "s", "per_s", "bytes", "px", "j"]  # unit of the values; the texts carry their own
    alignment: Literal["left", "right"]
    help: str
    value: Callable[[RowData], Value]  # what is sorted and exported; None: not available
    text: Callable[[RowData, Scale], str]  # what is shown; times of a column with ``scaled`` are in its scale
    grade: Callable[[RowData], Grade | None] = _ungraded
    """The grade of the number in it; None where there is none, or where nothing was timed for it."""
    scaled: bool = False  # True for times that share one unit from top to bottom
    room: int = 0
    """Cells counted for its text before there is one, so that no column goes when the first row is measured."""
    secondary: bool = False  # True for what is no time: the first to go on a narrow screen
    optional: bool = False  # True for what not every device has: left out where no row has it
    phase: Phase | None = None
    """The phase whose time makes rows of equal work faster or slower in this column; None where nothing is ranked."""
    fastest: Literal["least", "most"] = "least"
    max_cells: int | None = None
    """Cells its text takes at most on a screen; files have all of it. None: as many as it needs."""


def _phase(phase: Phase, *, published: bool = False) -> Column:
    """A phase: its median, interval and grade; under the published method the mean, and the minimum."""
    number, write = ("mean_s", mean_text) if published else ("median_s", median_text)

    def value(row: RowData) -> Value:
        return getattr(row.phases[phase], number) if phase in row.phases else None

    def text(row: RowData, scale: Scale) -> str:
        return write(row.phases[phase], scale) if phase in row.phases else MISSING

    help_text = (
        "Mean time of one iteration, half its 95% interval, its grade, and the least sample."
        if published
        else "Median time of one iteration, half its 95% interval, and its grade. "
        "Two times, faster/slower, where the samples have two speeds."
    )
    return Column(
        phase, f"{phase.capitalize()}{' mean' * published}", "s", "right", f"{PHASE_MEANINGS[phase]} {help_text}",
        value, text, lambda row: _grade(row, phase), scaled=True, room=len("120.0\u00b10.2% A"), phase=phase,
    )  # fmt: skip


def _grade(row: RowData, phase: Phase) -> Grade | None:
    return row.phases[phase].grade if phase in row.phases else None


def _inference_grade(row: RowData) -> Grade | None:
    return _grade(row, "inference")


def _row_grade(row: RowData) -> Grade | None:
    return worst_grade(row.phases)


def _plain(text: object) -> str:
    return MISSING if text is None else str(text)


def _first_call(row: RowData) -> float | None:
    return row.measurement.first_call_s if row.measurement is not None else None


COLUMNS: tuple[Column, ...] = (
    Column(
        "name", "Name", "", "left", "The model or the layer.",
        lambda row: row.case.workload.name, lambda row, scale: row.case.workload.name, max_cells=40,
    ),
    Column(
        "device", "Device", "", "left", "Where it ran: cpu, cuda:N, mps or xpu:N.",
        lambda row: row.case.device, lambda row, scale: row.case.device, max_cells=20,
    ),
    Column(
        "batch", "Batch", "", "right", "Images, or other inputs, per iteration.",
        lambda row: row.case.batch, lambda row, scale: str(row.case.batch),
    ),
    Column(
        "image", "Image", "px", "right", "Side of the square input image in pixels; a dash for other inputs.",
        lambda row: row.case.image, lambda row, scale: _plain(row.case.image),
    ),
    *(_phase(phase) for phase in PHASES),
    Column(
        "grade", "Grade", "", "left",
        "The grade of the row's worst phase: A, B, C or X. The reasons are below the table and in the row's detail.",
        _row_grade, lambda row, scale: _plain(_row_grade(row)), _row_grade,
    ),
    Column(
        "throughput", "Throughput", "per_s", "right",
        "Images, or other inputs, per second in inference: the batch over the mean time, with the mean's interval.",
        lambda row: row.inference_per_s, lambda row, scale: throughput_text(row), _inference_grade,
        room=len("1234 img/s \u00b10.2% A"), phase="inference", fastest="most",
    ),
    Column(
        "samples", "Samples in rounds", "", "right",
        "Samples and the rounds they are from, training then inference; +1: one round that something outside "
        "disturbed and that was repeated.",
        lambda row: row.samples, lambda row, scale: samples_text(row), secondary=True,
    ),
    Column(
        "compute", "Inference compute", "per_s", "right",
        "Floating-point operations per second of inference, two for a multiply-add, by formula over the median time; "
        "percent: of a large matmul measured on this device; interval and grade of that time.",
        lambda row: row.rates.flop_per_s if row.rates else None,
        lambda row, scale: compute_text(row),
        _inference_grade, room=len("12.34 TFLOP/s 12% \u00b10.2% A"), secondary=True, optional=True,
    ),
    Column(
        "bandwidth", "Inference bandwidth", "per_s", "right",
        "Bytes that the operators of inference read and write per second, by formula over the median time; percent: of "
        "a large copy measured on this device, more than 100% where caches serve it; interval and grade of that time.",
        lambda row: row.rates.bytes_per_s if row.rates else None,
        lambda row, scale: bandwidth_text(row),
        _inference_grade, secondary=True, optional=True,
    ),
    Column(
        "energy", "Inference energy", "j", "right",
        "Joules of the device for one image, or other input, in inference, by its energy counter; ?: a sum of its "
        "power readings differs by more than 5%; the grade is that of inference.",
        lambda row: row.energy.joules_per_input if row.energy else None,
        lambda row, scale: energy_text(row),
        _inference_grade, secondary=True, optional=True,
    ),
    Column(
        "memory", "Memory", "bytes", "right",
        "Peak memory of the row: allocated on the accelerator, or growth of the process on the CPU.",
        lambda row: row.memory_bytes, lambda row, scale: bytes_text(row.memory_bytes),
        room=len("12.34 GiB"),
    ),
    Column(
        "first_call", "First call", "s", "right",
        "Time of the very first training iteration in a fresh process, start-up and autotuning included.",
        _first_call, lambda row, scale: seconds_text(_first_call(row)), secondary=True,
    ),
    Column(
        "vs_ref", "vs ref", "", "right",
        "How many times as fast per input as the row that is marked as reference: by the total, or by inference where "
        "one of the two has no total. \u00b1 is the root of the sum of the squares of both intervals; the grade is the "
        "worse one. Only there while a row with numbers is marked.",
        lambda row: row.versus.ratio if row.versus else None, lambda row, scale: versus_text(row),
        lambda row: row.versus.grade if row.versus and not row.versus.is_reference else None,
        room=len("12.3x \u00b10.2% A"),
    ),
    Column("state", "State", "", "left", STATE_HELP,
           lambda row: row.state.word, lambda row, scale: row.state.mark, room=len("BUDGET*")),
)  # fmt: skip
PUBLISHED_COLUMNS = tuple(
    _phase(column.phase, published=True) if column.phase == column.key else column for column in COLUMNS
)


def columns_for(protocol: Protocol) -> tuple[Column, ...]:
    """The columns of a run under that protocol; keys and order are always those of ``COLUMNS``."""
    return PUBLISHED_COLUMNS if is_published(protocol) else COLUMNS
