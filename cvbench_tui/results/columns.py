"""Every column of the table, declared once: the screen, the terminal, markdown, sorting and the help follow from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from cvbench_tui.core.measurement import PHASES, Measurement, Phase
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.run import Run
from cvbench_tui.results.state import STATE_HELP, State, state_of
from cvbench_tui.results.statistics import PhaseResult, is_published, phase_results, throughput_per_s
from cvbench_tui.results.units import MISSING, Scale, bytes_text, rate_text, relative_text

Value = str | int | float | None


@dataclass(frozen=True)
class Reading:
    """What the columns are read from: one case, with the statistics of its phases computed once."""

    case: Case
    state: State
    measurement: Measurement | None
    """None while there are no numbers."""
    phases: Mapping[Phase, PhaseResult]
    """The measured phases only."""


@dataclass(frozen=True)
class Column:
    """One column: how a row's value and its text are had."""

    key: str
    """What sorting names."""
    heading: str
    unit: Literal["", "s", "per_s", "bytes", "px"]
    """Unit of the values; the texts carry their own."""
    alignment: Literal["left", "right"]
    help: str
    """One or two sentences for the help page."""
    value: Callable[[Reading], Value]
    """What is sorted and exported; None: not available."""
    text: Callable[[Reading, Scale], str]
    """What is shown; times are in the column's scale."""


def read(run: Run, case: Case) -> Reading:
    """The case as the columns see it."""
    outcome = run.outcomes.get(case.case_id)
    measurement = outcome if isinstance(outcome, Measurement) else None
    phases = phase_results(measurement) if measurement is not None else {}
    return Reading(case, state_of(run, case), measurement, phases)


def columns_for(protocol: Protocol) -> tuple[Column, ...]:
    """The columns of a run under that protocol; keys and order are always those of ``COLUMNS``."""
    if not is_published(protocol):
        return COLUMNS
    return tuple(_published(column) for column in COLUMNS)


def _phase(phase: Phase, meaning: str) -> Column:
    """A phase: its median and interval."""

    def value(reading: Reading) -> Value:
        result = reading.phases.get(phase)
        return result.median_s if result is not None else None

    def text(reading: Reading, scale: Scale) -> str:
        result = reading.phases.get(phase)
        return _with_interval(scale, result.median_s, result.relative) if result is not None else MISSING

    help_text = f"{meaning} Median time of one iteration; ± is half its 95% interval."
    return Column(phase, phase.capitalize(), "s", "right", help_text, value, text)


def _published(column: Column) -> Column:
    """A phase's column under the published method: the mean, with the minimum beside it. Others are unchanged."""
    phase = next((phase for phase in PHASES if phase == column.key), None)
    if phase is None:
        return column

    def value(reading: Reading) -> Value:
        result = reading.phases.get(phase)
        return result.mean_s if result is not None else None

    def text(reading: Reading, scale: Scale) -> str:
        result = reading.phases.get(phase)
        if result is None:
            return MISSING
        mean = _with_interval(scale, result.mean_s, result.mean_relative)
        return f"{mean} (min {scale.number(result.min_s)})"

    help_text = f"{_MEANINGS[phase]} Mean time of one iteration, and the smallest; ± is half the mean's 95% interval."
    return replace(column, heading=f"{column.heading} mean", help=help_text, value=value, text=text)


def _with_interval(scale: Scale, seconds: float, relative: float | None) -> str:
    """``24.51 ms ±1.2%``, or the time alone when it has no interval."""
    text = scale.text(seconds)
    return text if relative is None else f"{text} {relative_text(relative)}"


def _image(reading: Reading, scale: Scale) -> str:
    return MISSING if reading.case.image is None else str(reading.case.image)


def _throughput(reading: Reading) -> float | None:
    """Inputs per second in inference; None when that was not measured."""
    result = reading.phases.get("inference")
    return throughput_per_s(reading.case, result) if result is not None else None


def _throughput_text(reading: Reading, scale: Scale) -> str:
    return rate_text(_throughput(reading), "img/s" if reading.case.image is not None else "inputs/s")


def _memory(reading: Reading) -> int | None:
    return reading.measurement.memory_peak_bytes if reading.measurement is not None else None


_MEANINGS: dict[Phase, str] = {
    "forward": "Forward pass in training mode.",
    "backward": "Backward pass, gradients for the parameters and, for a layer, for its input.",
    "total": "Forward and backward pass of the same training iteration.",
    "inference": "Forward pass in evaluation mode, without gradients.",
}

COLUMNS: tuple[Column, ...] = (
    Column(
        "name", "Name", "", "left", "The model or the layer.",
        lambda reading: reading.case.workload.name, lambda reading, scale: reading.case.workload.name,
    ),
    Column(
        "device", "Device", "", "left", "Where it ran: cpu, cuda:N, mps or xpu:N.",
        lambda reading: reading.case.device, lambda reading, scale: reading.case.device,
    ),
    Column(
        "batch", "Batch", "", "right", "Images, or other inputs, per iteration.",
        lambda reading: reading.case.batch, lambda reading, scale: str(reading.case.batch),
    ),
    Column(
        "image", "Image", "px", "right", "Side of the square input image in pixels; a dash for other inputs.",
        lambda reading: reading.case.image, _image,
    ),
    *(_phase(phase, meaning) for phase, meaning in _MEANINGS.items()),
    Column(
        "throughput", "Inference rate", "per_s", "right",
        "Images, or other inputs, per second in inference: the batch over the mean time.",
        _throughput, _throughput_text,
    ),
    Column(
        "memory", "Memory", "bytes", "right",
        "Peak memory of the row: allocated on the accelerator, or growth of the process on the CPU.",
        _memory, lambda reading, scale: bytes_text(_memory(reading)),
    ),
    Column("state", "State", "", "left", STATE_HELP,
           lambda reading: reading.state.word, lambda reading, scale: reading.state.text),
)  # fmt: skip
"""In the order they are shown."""
