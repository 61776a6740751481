"""A phase's result as the text of a cell: number, interval, grade."""

from __future__ import annotations

from cvbench_tui.core.grading.reasons import Grade
from cvbench_tui.core.measurement import Phase
from cvbench_tui.results.stats.phase_stats import PhaseResult
from cvbench_tui.results.text.units import Scale, relative_text

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
    """A number with its interval, where it has one and is valid, and its grade: an interval would vouch for an X."""
    if relative is None or grade == "X":
        return f"{text} {grade}"
    return f"{text} {relative_text(relative)} {grade}"


def samples_text(result: PhaseResult) -> str:
    """``120 in 5``, samples and rounds; ``120 in 5 +1`` with a round that was set aside."""
    return f"{result.n} in {result.rounds}" + (f" +{result.repeated_rounds}" if result.repeated_rounds else "")
