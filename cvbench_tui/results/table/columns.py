"""Every column of the table, declared once: the screen, the terminal, markdown, sorting and the help follow from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from cvbench_tui.core.grading.reasons import Grade
from cvbench_tui.core.measurement import PHASES, WHOLE_PHASE, Phase
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.results.stats.phase_stats import PhaseResult, is_published, worst_grade
from cvbench_tui.results.stats.row_data import RowData
from cvbench_tui.results.stats.row_state import STATE_HELP
from cvbench_tui.results.text import units

Value = str | int | float | None


@dataclass(frozen=True)
class Column:
    """One column: functions that give a row's value and its text."""

    key: str
    heading: str
    unit: Literal["", "s", "per_s", "bytes", "px", "j"]  # unit of the values; the texts carry their own
    alignment: Literal["left", "right"]
    help: str
    value: Callable[[RowData], Value]  # what is sorted and exported; None: not available
    text: Callable[[RowData, units.Scale], str]  # what is shown; times of a column with ``scaled`` are in its scale
    grade: Callable[[RowData], Grade | None] = lambda row: None
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


PHASE_MEANINGS: dict[Phase, str] = {
    "forward": "Forward pass in training mode.",
    "backward": "Backward pass, gradients for the parameters and, for a layer, for its input.",
    "total": "Forward and backward pass of the same training iteration.",
    "inference": "Forward pass in evaluation mode, without gradients.",
}


def median_text(result: PhaseResult, scale: units.Scale) -> str:
    """``24.51 ms ±1.2% A``; ``24.51/31.20 ms C`` where the samples have two speeds."""
    if result.modes is not None:
        return f"{modes_text(result, scale)} {result.grade}"
    return graded_text(scale.text(result.median_s), result.relative, result.grade)


def mean_text(result: PhaseResult, scale: units.Scale) -> str:
    """``24.51 ms ±1.2% A (min 24.01)``."""
    mean = graded_text(scale.text(result.mean_s), result.mean_relative, result.grade)
    return f"{mean} (min {scale.number(result.min_s)})"


def modes_text(result: PhaseResult, scale: units.Scale) -> str:
    """Both speeds, the faster one first: ``24.51/31.20 ms``."""
    assert result.modes is not None, "only where there are two"
    return f"{scale.number(result.modes.low_s)}/{scale.text(result.modes.high_s)}"


def graded_text(text: str, relative: float | None, grade: Grade) -> str:
    """A number with its interval, where it has one and is valid, and its grade: an interval would make an X look
    reliable."""
    if relative is None or grade == "X":
        return f"{text} {grade}"
    return f"{text} {units.relative_text(relative)} {grade}"


def throughput_text(row: RowData) -> str:
    """``326.1 img/s ±0.4% A``; the interval is the mean's."""
    result, per_s = row.phases.get("inference"), row.inference_per_s
    if result is None or per_s is None:
        return units.MISSING
    unit = "img/s" if row.case.image is not None else "inputs/s"
    return graded_text(units.rate_text(per_s, unit), result.mean_relative, result.grade)


def compute_text(row: RowData) -> str:
    """``30.00 TFLOP/s 10% ±0.2% A``."""
    return (
        _of_inference(row, units.flops_text(row.rates.flop_per_s, row.rates.flop_share)) if row.rates else units.MISSING
    )


def bandwidth_text(row: RowData) -> str:
    """``250.0 GB/s 10% ±0.2% A``."""
    return (
        _of_inference(row, units.gigabytes_text(row.rates.bytes_per_s, row.rates.bytes_share))
        if row.rates
        else units.MISSING
    )


def _of_inference(row: RowData, text: str) -> str:
    """With the grade of the time that it is computed from, and its interval unless there are two speeds."""
    result = row.phases["inference"]
    return graded_text(text, None if result.modes is not None else result.relative, result.grade)


def energy_text(row: RowData) -> str:
    """``0.2248 J/img A``; one number has no interval."""
    if row.energy is None:
        return units.MISSING
    text = units.joules_text(row.energy.joules_per_input, row.input_noun, doubtful=row.energy.doubtful)
    return f"{text} {row.phases['inference'].grade}" if "inference" in row.phases else text


def versus_text(row: RowData) -> str:
    """``2.31x ±1.2% A``; ``ref`` in the marked row itself."""
    if row.versus is None:
        return units.MISSING
    if row.versus.is_reference:
        return "ref"
    return graded_text(units.times_text(row.versus.ratio), row.versus.relative, row.versus.grade)


def samples_text(row: RowData) -> str:
    """Samples and rounds of both passes: ``120 in 5; 200 in 5 +1``, one round of them having been repeated."""
    texts = [_samples(row.phases[phase]) for phase in WHOLE_PHASE.values() if phase in row.phases]
    return "; ".join(dict.fromkeys(texts)) or units.MISSING


def _samples(result: PhaseResult) -> str:
    return f"{result.n} in {result.rounds}" + (f" +{result.repeated_rounds}" if result.repeated_rounds else "")


def _phase(phase: Phase, *, published: bool = False) -> Column:
    """A phase: its median, interval and grade; under the published method the mean, and the minimum."""
    number, write = ("mean_s", mean_text) if published else ("median_s", median_text)

    def value(row: RowData) -> Value:
        return getattr(row.phases[phase], number) if phase in row.phases else None

    def text(row: RowData, scale: units.Scale) -> str:
        return write(row.phases[phase], scale) if phase in row.phases else units.MISSING

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
    return units.MISSING if text is None else str(text)


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
        lambda row: row.memory_bytes, lambda row, scale: units.bytes_text(row.memory_bytes),
        room=len("12.34 GiB"),
    ),
    Column(
        "first_call", "First call", "s", "right",
        "Time of the very first training iteration in a fresh process, start-up and autotuning included.",
        _first_call, lambda row, scale: units.seconds_text(_first_call(row)), secondary=True,
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
