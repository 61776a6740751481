"""One phase of a row as labelled texts: grade and reasons, statistics, work, other ways of measuring, memory."""

from __future__ import annotations

from collections.abc import Iterator

from cvbench_tui.core.grading.reasons import GRADE_HELP
from cvbench_tui.core.measurement import (
    PASS_OF,
    Clock,
    Measurement,
    Phase,
    PhaseMemory,
    PhaseSamples,
    Stop,
    VariantKind,
)
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.results.stats.derived_metrics import Rates, VariantResult, others, rates
from cvbench_tui.results.stats.phase_stats import PhaseResult, Terms, phase_results
from cvbench_tui.results.stats.row_notes import remedy_of
from cvbench_tui.results.table.cell_text import modes_text
from cvbench_tui.results.text.units import (
    MISSING,
    Scale,
    bytes_text,
    count_text,
    flops_text,
    gigabytes_text,
    part_text,
    percent_text,
    ratio_text,
    relative_text,
    scale_for,
    seconds_text,
)

Pairs = tuple[tuple[str, str], ...]

_CLOCKS: dict[Clock, str] = {
    "perf_counter": "host clock",
    "cuda_event": "CUDA events",
    "host_synchronize": "host clock around a synchronise",
}
_VARIANTS: dict[VariantKind, str] = {
    "alone": "timed alone",
    "flushed": "caches flushed",
    "device_only": "device only",
}

LABELS: dict[str, str] = {
    "spread": "How far the middle half of the samples reaches, and how much of the variance lies between rounds: near "
    "100%, what differs lasts for a round or longer, and more samples in a round would tell nothing new.",
    "correlation": "Whether a slow sample is followed by a slow one, -1 to 1: near 0 they are independent, near 1 they "
    "repeat each other. The interval is made of rounds, so it does not depend on this.",
    "host": "How long the host took to queue one iteration, against the device's time for it.",
    "device busy": "Share of the time in which the device worked on what was timed.",
}
"""What the help says of labels that do not explain themselves."""


def phase_pairs(terms: Terms, measurement: Measurement, name: Phase, result: PhaseResult) -> Iterator[tuple[str, str]]:
    """Everything about one phase, its times in one scale."""
    phase = measurement.phase(name)
    assert phase is not None, "a phase with a result has samples"
    scale = scale_for([result.median_s])
    yield from _judged(result)
    yield from _times(scale, result)
    yield from _taken(terms.protocol, phase, result)
    yield from _host(name, result, _iteration_s(measurement, name, terms))
    yield from _work(measurement, name, rates(measurement, name, result, terms.ceiling, dict(terms.facts)))
    for other in others(measurement, name, result):
        yield _VARIANTS[other.kind], _other(scale, other)
    memory = next((memory for memory in measurement.memory if memory.phase == name), None)
    if memory is not None:
        yield "peak memory", _memory(memory)


def _judged(result: PhaseResult) -> Iterator[tuple[str, str]]:
    """The grade, then each reason with what to do about it."""
    yield "grade", f"{result.grade}: {GRADE_HELP[result.grade]}"
    for reason in result.reasons:
        yield reason.code.replace("_", " "), f"{reason.sentence} {remedy_of(reason.code)}".rstrip()


def _times(scale: Scale, result: PhaseResult) -> Iterator[tuple[str, str]]:
    """The distribution in numbers; percentiles only where there are samples enough."""
    yield "median", scale.text(result.median_s)
    yield "95% interval", _interval(scale, result.low_s, result.high_s, result.relative)
    if result.modes is not None:
        share = part_text(result.modes.share_high)
        yield "two speeds", f"{modes_text(result, scale)}, the slower one in {share} of the samples"
    yield "mean", scale.text(result.mean_s)
    yield "of the mean", _interval(scale, result.mean_low_s, result.mean_high_s, result.mean_relative)
    yield "minimum", scale.text(result.min_s)
    for label, seconds in (("p5", result.p5_s), ("p95", result.p95_s), ("p99", result.p99_s)):
        if seconds is not None:
            yield label, scale.text(seconds)
    yield from _spread(result)


def _spread(result: PhaseResult) -> Iterator[tuple[str, str]]:
    """How the samples lie around their middle, as far as there are enough to tell."""
    parts = []
    if result.iqr_share is not None:
        parts.append(f"the middle half of the samples spans {part_text(result.iqr_share)} of the median")
    if result.between_share is not None:
        parts.append(f"{part_text(result.between_share)} of the variance lies between rounds")
    if parts:
        yield "spread", ", ".join(parts)
    if result.autocorrelation is not None:
        yield "correlation", f"{result.autocorrelation:.2f} between successive samples of a round"


def _interval(scale: Scale, low_s: float | None, high_s: float | None, relative: float | None) -> str:
    if low_s is None or high_s is None:
        return MISSING
    return f"{scale.number(low_s)} to {scale.text(high_s)}, {relative_text(relative)}"


def _taken(protocol: Protocol, phase: PhaseSamples, result: PhaseResult) -> Iterator[tuple[str, str]]:
    """Samples, clock, end."""
    each = phase.iterations_per_sample
    processes = f" of {result.processes} processes" if result.processes > 1 else ""
    grouped = f", each the mean of {each} iterations" if each > 1 else ""
    aside = f", {result.repeated_rounds} more set aside" if result.repeated_rounds else ""
    yield "samples", f"{result.n} in {result.rounds} rounds{processes}{grouped}{aside}"
    yield "clock", _CLOCKS[phase.clock]
    yield "stopped", _stopped(phase.stop, protocol)


def _stopped(stop: Stop, protocol: Protocol) -> str:
    """Why the rounds ended, in words."""
    precision = percent_text(protocol.precision)
    return {
        "precision": f"precise to {precision}",
        "rounds": f"with its pass, after the most rounds ({protocol.max_rounds}), not all of it precise to {precision}",
        "budget": f"with its pass, after {protocol.budget_s:g} s of timed work, not all of it precise to {precision}",
        "fixed": "after the fixed number of iterations of the published method",
    }[stop]


def _iteration_s(measurement: Measurement, name: Phase, terms: Terms) -> float | None:
    """Seconds of a whole iteration of that phase's pass; None when it was not measured."""
    whole = phase_results(measurement, terms).get("total" if PASS_OF[name] == "training" else "inference")
    return whole.median_s if whole is not None else None


def _host(name: Phase, result: PhaseResult, device_s: float | None) -> Iterator[tuple[str, str]]:
    """How long the host took to queue an iteration, against the device's time for it."""
    if result.host_s is not None:
        iteration = "training iteration" if PASS_OF[name] == "training" else "inference"
        yield "host", f"{seconds_text(result.host_s)} to queue one {iteration}{_against(result.host_s, device_s)}"
    if result.utilisation is not None:
        yield "device busy", part_text(result.utilisation)


def _against(host_s: float, device_s: float | None) -> str:
    """``, longer than the device's 150.0 µs``; ``, 25% of the device's 12.00 ms``."""
    if device_s is None or device_s <= 0:
        return ""
    words = "longer than" if host_s > device_s else f"{part_text(host_s / device_s)} of"
    return f", {words} the device's {seconds_text(device_s)}"


def _work(measurement: Measurement, name: Phase, achieved: Rates | None) -> Iterator[tuple[str, str]]:
    """What had to be computed and moved, and how fast that was."""
    work = measurement.work_of(name)
    if work is None:
        return
    missing = f", without {', '.join(work.uncounted)}" if work.uncounted else ""
    speed = f", {flops_text(achieved.flop_per_s, achieved.flop_share)}" if achieved is not None else ""
    limit = " of the measured ceiling" if achieved is not None and achieved.flop_share is not None else ""
    yield "compute", f"{count_text(work.flops, 'FLOP')}{missing}{speed}{limit}"
    speed = f", {gigabytes_text(achieved.bytes_per_s, achieved.bytes_share)}" if achieved is not None else ""
    limit = " of the measured copy" if achieved is not None and achieved.bytes_share is not None else ""
    yield "traffic", f"{count_text(work.bytes, 'B')}, different {count_text(work.footprint_bytes, 'B')}{speed}{limit}"


def _other(scale: Scale, other: VariantResult) -> str:
    """``24.51 ms ±1.2%, 1.034 of the headline``."""
    text = scale.text(other.median_s)
    if other.half_width_s is not None and other.median_s > 0:
        text += f" {relative_text(other.half_width_s / other.median_s)}"
    return text if other.ratio is None else f"{text}, {ratio_text(other.ratio)} of the headline"


def _memory(memory: PhaseMemory) -> str:
    """What is known of it, largest view last."""
    parts = (
        ("allocated", memory.allocated_bytes),
        ("reserved", memory.reserved_bytes),
        ("used on the card", memory.driver_bytes),
        ("growth of the process", memory.resident_bytes),
    )
    return ", ".join(f"{bytes_text(size)} {what}" for what, size in parts if size is not None) or MISSING
