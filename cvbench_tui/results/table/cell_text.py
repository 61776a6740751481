"""The texts of a table's cells: number, interval, grade."""

from __future__ import annotations

from cvbench_tui.core.grading.reasons import Grade
from cvbench_tui.core.measurement import Phase
from cvbench_tui.results.stats.phase_stats import PhaseResult
from cvbench_tui.results.stats.row_data import PHASE_OF_PASS, RowData
from cvbench_tui.results.text.units import (
    MISSING,
    Scale,
    flops_text,
    gigabytes_text,
    joules_text,
    rate_text,
    relative_text,
    times_text,
)

PHASE_MEANINGS: dict[Phase, str] = {
    "forward": "Forward pass in training mode.",
    "backward": "Backward pass, gradients for the parameters and, for a layer, for its input.",
    "total": "Forward and backward pass of the same training iteration.",
    "inference": "Forward pass in evaluation mode, without gradients.",
}


def median_text(result: PhaseResult, scale: Scale) -> str:
    """``24.51 ms ±1.2% A``; ``24.51/31.20 ms C`` where the samples have two speeds."""
    if result.modes is not None:
        return f"{modes_text(result, scale)} {result.grade}"
    return graded_text(scale.text(result.median_s), result.relative, result.grade)


def mean_text(result: PhaseResult, scale: Scale) -> str:
    """``24.51 ms ±1.2% A (min 24.01)``."""
    mean = graded_text(scale.text(result.mean_s), result.mean_relative, result.grade)
    return f"{mean} (min {scale.number(result.min_s)})"


def modes_text(result: PhaseResult, scale: Scale) -> str:
    """Both speeds, the faster one first: ``24.51/31.20 ms``."""
    assert result.modes is not None, "only where there are two"
    return f"{scale.number(result.modes.low_s)}/{scale.text(result.modes.high_s)}"


def graded_text(text: str, relative: float | None, grade: Grade) -> str:
    """A number with its interval, where it has one and is valid, and its grade: an interval would make an X look
    reliable."""
    if relative is None or grade == "X":
        return f"{text} {grade}"
    return f"{text} {relative_text(relative)} {grade}"


def throughput_text(row: RowData) -> str:
    """``326.1 img/s ±0.4% A``; the interval is the mean's."""
    result, per_s = row.phases.get("inference"), row.inference_per_s
    if result is None or per_s is None:
        return MISSING
    unit = "img/s" if row.case.image is not None else "inputs/s"
    return graded_text(rate_text(per_s, unit), result.mean_relative, result.grade)


def compute_text(row: RowData) -> str:
    """``30.00 TFLOP/s 10% ±0.2% A``."""
    return _of_inference(row, flops_text(row.rates.flop_per_s, row.rates.flop_share)) if row.rates else MISSING


def bandwidth_text(row: RowData) -> str:
    """``250.0 GB/s 10% ±0.2% A``."""
    return _of_inference(row, gigabytes_text(row.rates.bytes_per_s, row.rates.bytes_share)) if row.rates else MISSING


def _of_inference(row: RowData, text: str) -> str:
    """With the grade of the time that it is computed from, and its interval unless there are two speeds."""
    result = row.phases["inference"]
    return graded_text(text, None if result.modes is not None else result.relative, result.grade)


def energy_text(row: RowData) -> str:
    """``0.2248 J/img A``; one number has no interval."""
    if row.energy is None:
        return MISSING
    text = joules_text(row.energy.joules_per_input, row.input_noun, doubtful=row.energy.doubtful)
    return f"{text} {row.phases['inference'].grade}" if "inference" in row.phases else text


def versus_text(row: RowData) -> str:
    """``2.31x ±1.2% A``; ``ref`` in the marked row itself."""
    if row.versus is None:
        return MISSING
    if row.versus.is_reference:
        return "ref"
    return graded_text(times_text(row.versus.ratio), row.versus.relative, row.versus.grade)


def samples_text(row: RowData) -> str:
    """Samples and rounds of both passes: ``120 in 5; 200 in 5 +1``, one round of them having been repeated."""
    texts = [_samples(row.phases[phase]) for phase in PHASE_OF_PASS if phase in row.phases]
    return "; ".join(dict.fromkeys(texts)) or MISSING


def _samples(result: PhaseResult) -> str:
    return f"{result.n} in {result.rounds}" + (f" +{result.repeated_rounds}" if result.repeated_rounds else "")
