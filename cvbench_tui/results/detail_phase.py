"""One phase of a row as labelled texts: grade and reasons, statistics, work, other ways of measuring, memory."""

from __future__ import annotations

from collections.abc import Iterator

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
from cvbench_tui.core.reasons import GRADE_HELP
from cvbench_tui.results.beside import Other, Rates, others, rates
from cvbench_tui.results.phase_text import modes_text
from cvbench_tui.results.remarks import remedy_of
from cvbench_tui.results.statistics import PhaseResult, Terms
from cvbench_tui.results.units import (
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


def phase_pairs(terms: Terms, measurement: Measurement, name: Phase, result: PhaseResult) -> Iterator[tuple[str, str]]:
    """Everything about one phase, its times in one scale."""
    phase = measurement.phase(name)
    assert phase is not None, "a phase with a result has samples"
    scale = scale_for([result.median_s])
    yield from _judged(result)
    yield from _times(scale, result)
    yield from _taken(terms.protocol, phase, result)
    yield from _host(name, result)
    yield from _work(measurement, name, rates(measurement, name, result, terms.ceiling))
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
    spread = f"middle half of the samples within {part_text(result.iqr_share)} of the median"
    yield "spread", spread + f", {part_text(result.between_share)} of the variance between rounds"


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
        "rounds": f"after the most rounds ({protocol.max_rounds}), not precise to {precision}",
        "budget": f"after {protocol.budget_s:g} s of timed work, not precise to {precision}",
        "fixed": "after the fixed number of iterations of the published method",
    }[stop]


def _host(name: Phase, result: PhaseResult) -> Iterator[tuple[str, str]]:
    """How long the host took to queue the work, beside the device's time."""
    if result.host_s is not None:
        bound = ", longer than the device's" if result.host_bound else ""
        iteration = "training iteration" if PASS_OF[name] == "training" else "inference"
        yield "host", f"{seconds_text(result.host_s)} to queue one {iteration}{bound}"
    if result.utilisation is not None:
        yield "device busy", part_text(result.utilisation)


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


def _other(scale: Scale, other: Other) -> str:
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
