"""One phase of a row as labelled texts: grade and reasons, statistics, work, variants, memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cvbench_tui.core.grading.reasons import GRADE_HELP, REASONS
from cvbench_tui.core.measurement import Clock, Measurement, Phase, PhaseSamples, Stop, VariantKind
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.stats.pairs import BUDGETS, group_ended_by
from cvbench_tui.core.stats.visits import ended_by
from cvbench_tui.core.text import plural
from cvbench_tui.results.stats.derived_metrics import VariantResult, rates, variants
from cvbench_tui.results.stats.phase_stats import PhaseResult, Terms
from cvbench_tui.results.stats.row_data import remedy_of
from cvbench_tui.results.text import units

Pair = tuple[str, str]

_CLOCKS: dict[Clock, str] = {
    "perf_counter": "host clock",
    "cuda_event": "CUDA events",
    "host_synchronize": "host clock around a synchronise",
}
_VARIANTS: dict[VariantKind, tuple[str, str]] = {
    "alone": ("timed alone", "in its pass"),
    "flushed": ("cold cache", "warm"),
    "device_only": ("CUDA graph", "without a graph"),
}
"""The label of each, and what its ratio is to."""
_MEMORY = {
    "allocated_bytes": "allocated",
    "reserved_bytes": "reserved",
    "driver_bytes": "used on the card",
    "resident_bytes": "growth of the process",
}

LABELS: dict[str, str] = {
    "spread": "IQR: how far the middle half of the samples reaches. Variance between rounds: near 100%, what differs "
    "lasts for a round or longer, and more samples in a round would tell nothing new.",
    "correlation": "Whether a slow sample is followed by a slow one, -1 to 1: near 0 they are independent, near 1 they "
    "repeat each other. The interval is made of rounds, so it does not depend on this.",
    "device time": "The device's own time, its work queued ahead of it. A dash where that cannot be done.",
    "host time": "Wall time of an iteration in a loop, where the host launches as it goes. The number is this one "
    "where the host is the slower of the two, else the device's.",
    "device busy": "Share of the time in which the device worked on what was timed, its work queued ahead of it.",
}
"""Explanations of labels, for the help."""


def phase_pairs(
    terms: Terms,
    measurement: Measurement,
    name: Phase,
    results: Mapping[Phase, PhaseResult],
    partners: Sequence[Measurement | None] = (),
) -> Iterator[Pair]:
    """Everything about one phase, its times in one scale. ``results``: of all phases. ``partners``: what the rows have
    that were measured in turn with it, None without a visit."""
    phase, result = measurement.phase(name), results[name]
    assert phase is not None, "a phase with a result has samples"
    scale = units.scale_for([result.median_s])
    if result.grade is not None:
        yield "grade", f"{result.grade}: {GRADE_HELP[result.grade]}"
    for reason in result.reasons:
        label = f"{reason.grade} {REASONS[reason.code].word}" if reason.grade != "A" else "note"
        yield label, f"{reason.sentence} {remedy_of(reason.code)}".rstrip()
    yield from _statistics(scale, result, measurement.span_s)
    yield "samples", _samples(phase, result)
    yield "clock", _CLOCKS[phase.clock]
    yield "stopped", _stopped(measurement, phase, terms.protocol, partners)
    yield from _device_and_host(scale, result)
    yield from _work(measurement, name, result, terms)
    for variant in variants(measurement, name, result):
        label, base = _VARIANTS[variant.kind]
        yield label, _variant(scale, variant, base)
    for memory in (each for each in measurement.memory if each.phase == name):
        sizes = ((getattr(memory, field), what) for field, what in _MEMORY.items())
        parts = [f"{units.bytes_text(size)} {what}" for size, what in sizes if size is not None]
        yield "peak memory", ", ".join(parts) or units.MISSING


def _statistics(scale: units.Scale, result: PhaseResult, span_s: float | None) -> Iterator[Pair]:
    """Times, over how long their intervals speak, and the spread of the samples as far as there are enough of them."""
    over = "" if span_s is None else f" over {units.rough_duration_text(span_s)}"
    yield "median", scale.text(result.median_s, result.relative)
    yield "95% CI", _interval(scale, result.low_s, result.high_s, result.relative, over)
    if result.modes is not None:
        share = units.part_text(result.modes.share_high)
        speeds = scale.both(result.modes.low_s, result.modes.high_s)
        yield "two speeds", f"{speeds}, the slower one in {share} of the samples"
    yield "mean", scale.text(result.mean_s, result.mean_relative)
    yield "mean, 95% CI", _interval(scale, result.mean_low_s, result.mean_high_s, result.mean_relative, over)
    yield "minimum", scale.text(result.min_s, digits=units.DIGITS)
    for label, seconds in (("p5", result.p5_s), ("p95", result.p95_s), ("p99", result.p99_s)):
        if seconds is not None:
            yield label, scale.text(seconds, digits=units.DIGITS)
    parts = [f"IQR {units.part_text(result.iqr_share)} of median"] if result.iqr_share is not None else []
    if result.between_share is not None:
        parts.append(f"{units.part_text(result.between_share)} of variance between rounds")
    if parts:
        yield "spread", "; ".join(parts)
    if result.autocorrelation is not None:
        yield "correlation", f"{result.autocorrelation:.2f} between successive samples of a round"


def _interval(scale: units.Scale, low_s: float | None, high_s: float | None, relative: float | None, over: str) -> str:
    if low_s is None or high_s is None:
        return units.MISSING
    low, high = scale.number(low_s, digits=units.DIGITS), scale.text(high_s, digits=units.DIGITS)
    return f"{low} to {high}, {units.relative_text(relative)}{over}"


def _samples(phase: PhaseSamples, result: PhaseResult) -> str:
    each = phase.iterations_per_sample
    visits = f" in {result.visits} visits" if result.visits > 1 else ""
    grouped = f", each the mean of {each} iterations" if each > 1 else ""
    repeated = f", {result.repeated_rounds} repeated" if result.repeated_rounds else ""
    return f"{result.n} in {plural(result.rounds, 'round')}{visits}{grouped}{repeated}"


def _stopped(
    measurement: Measurement, phase: PhaseSamples, protocol: Protocol, partners: Sequence[Measurement | None]
) -> str:
    known = [each for each in partners if each is not None]
    if len(known) < len(partners):
        stop: Stop = "visit"
    elif known:
        stop = group_ended_by([measurement, *known], protocol)
    else:
        stop = phase.stop if protocol.max_visits == 1 else ended_by(measurement, protocol)
    precision = f"\u00b1{units.percent_text(protocol.precision)}{' of the ratio' * bool(partners)}"
    most = f"{protocol.max_rounds} rounds" if protocol.max_visits == 1 else f"{protocol.max_visits} visits"
    due = f"{protocol.visits}" if measurement.visits < protocol.visits else f"at most {protocol.max_visits}"
    limit_s = protocol.budget_s * (BUDGETS if partners else 1)
    every = "in all phases" + " of the pass" * (protocol.max_visits == 1)
    return {
        "precision": f"{precision} reached",
        "rounds": f"maximum of {most} reached before {precision} {every}",
        "budget": f"{limit_s:g} s time limit reached before {precision} {every}",
        "fixed": "after the fixed number of iterations of the published method",
        "visit": f"it had {measurement.visits} of {due} visits",
    }[stop]


def _device_and_host(scale: units.Scale, result: PhaseResult) -> Iterator[Pair]:
    """The device's own time beside the wall time of a loop, and how busy the device was."""
    if result.host_s is not None:
        yield "device time", units.MISSING if result.device_s is None else scale.text(result.device_s, result.relative)
        yield "host time", scale.text(result.host_s, result.relative)
    if result.utilisation is not None:
        yield "device busy", units.part_text(result.utilisation)


def _work(measurement: Measurement, name: Phase, result: PhaseResult, terms: Terms) -> Iterator[Pair]:
    """FLOPs and memory traffic, with their rates."""
    work, achieved = measurement.work_of(name), rates(measurement, name, result, terms)
    if work is None:
        return
    compute = [units.count_text(work.flops, "FLOP")]
    compute += [f"without {', '.join(work.uncounted)}"] if work.uncounted else []
    traffic = [f"{units.count_text(work.bytes, 'B')} ({units.count_text(work.footprint_bytes, 'B')} unique)"]
    if achieved is not None:
        compute.append(units.count_text(achieved.flop_per_s, "FLOP/s"))
        traffic.append(units.count_text(achieved.bytes_per_s, "B/s"))
        if achieved.flop_share is not None:
            compute.append(f"{units.part_text(achieved.flop_share)} of the measured peak")
        if achieved.bytes_share is not None:
            traffic.append(f"{units.part_text(achieved.bytes_share)} of copy bandwidth")
    yield "compute", ", ".join(compute)
    if work.bytes:
        yield "memory traffic", ", ".join(traffic)


def _variant(scale: units.Scale, variant: VariantResult, base: str) -> str:
    """``31.41 ms ±5.5%, 1.06x warm``."""
    width_s, median_s = variant.half_width_s, variant.median_s
    relative = width_s / median_s if width_s is not None and median_s > 0 else None
    interval = "" if relative is None else f" {units.relative_text(relative)}"
    ratio = "" if variant.ratio is None else f", {units.times_text(variant.ratio)} {base}"
    return f"{scale.text(median_s, relative)}{interval}{ratio}"
