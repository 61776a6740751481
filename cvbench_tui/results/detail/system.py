"""What the system did while a row was measured, its energy and its own seconds, as labelled texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from cvbench_tui.core.evidence import Evidence, PassRecord
from cvbench_tui.core.measurement import Measurement
from cvbench_tui.core.stats.stop_rule import disturbance
from cvbench_tui.results.stats.derived_metrics import Energy
from cvbench_tui.results.text.units import (
    MISSING,
    bytes_text,
    celsius_text,
    hertz_text,
    joules_text,
    parameters_text,
    part_text,
    seconds_text,
    significant,
    watts_text,
)


def pass_pairs(record: PassRecord) -> Iterator[tuple[str, str]]:
    """One pass in one process. What no round tells is left out."""
    evidence = record.evidence
    yield from _shares(evidence)
    yield from _events(evidence)
    yield from _gauges(evidence)
    causes = [cause for cause in map(disturbance, evidence) if cause is not None]
    if causes:
        yield "disturbed", f"{len(causes)} of {len(evidence)} rounds: {', '.join(dict.fromkeys(causes))}"
    windows = f", {len(record.warmup_windows_s)} windows" if record.warmup_windows_s else ""
    yield "warm-up", f"{seconds_text(record.warmup_s)}{windows}{'' if record.settled else ', not settled'}"
    if record.wall_s > 0:
        yield "busy", f"{part_text(record.busy_s / record.wall_s)} of {seconds_text(record.wall_s)}"
    if record.empty_region_s is not None:
        yield "empty region", seconds_text(record.empty_region_s)
    if record.deferred_share is not None:
        yield "still computing", f"{part_text(record.deferred_share)} of a core after the last call"


def _shares(evidence: Sequence[Evidence]) -> Iterator[tuple[str, str]]:
    """Seconds of the rounds as shares of their wall time."""
    wall_s = sum(each.wall_s for each in evidence)
    readings: tuple[tuple[str, Callable[[Evidence], float | None]], ...] = (
        ("waited for a core", lambda each: each.waited_s),
        ("stolen by the host", lambda each: each.stolen_s),
        ("used by others", lambda each: each.others_s),
        ("used by itself", lambda each: each.cpu_s),
    )
    for label, reading in readings:
        seconds = _known(evidence, reading)
        if seconds and wall_s > 0:
            yield label, f"{part_text(sum(seconds) / wall_s)} of the wall time, all cores added up"


def _events(evidence: Sequence[Evidence]) -> Iterator[tuple[str, str]]:
    """Counts over all rounds; those of which nothing was seen share a line."""
    readings: tuple[tuple[str, Callable[[Evidence], float | None]], ...] = (
        ("preempted", lambda each: each.switches),
        ("disk faults", lambda each: each.major_faults),
        ("swapped pages", lambda each: each.swapped_pages),
        ("collections", lambda each: each.collections),
        ("allocations", lambda each: each.allocations),
        ("retries", lambda each: each.retries),
        ("recompiles", lambda each: each.recompiles),
        ("others on the card", lambda each: each.foreign),
    )
    never = []
    for label, reading in readings:
        counts = _known(evidence, reading)
        if any(counts):
            yield label, f"{max(counts) if label == 'others on the card' else sum(counts):.0f}"
        elif counts:
            never.append(label)
    if never:
        yield "none seen", ", ".join(never)


def _gauges(evidence: Sequence[Evidence]) -> Iterator[tuple[str, str]]:
    """Lowest and highest of what was read at the end of each round."""
    readings: tuple[tuple[str, Callable[[Evidence], float | None], Callable[[float | None], str]], ...] = (
        ("clock", lambda each: each.clock_hz, hertz_text),
        ("temperature", lambda each: each.temperature_c, celsius_text),
        ("power", lambda each: each.power_w, watts_text),
    )
    for label, reading, text in readings:
        values = _known(evidence, reading)
        if values:
            low, high = text(min(values)), text(max(values))
            yield label, low if low == high else f"{low} to {high}"
    reasons = dict.fromkeys(reason for each in evidence for reason in each.throttle)
    if reasons:
        yield "lowered clock", ", ".join(reason.replace("_", " ") for reason in reasons)


def _known(evidence: Sequence[Evidence], reading: Callable[[Evidence], float | None]) -> list[float]:
    return [value for value in map(reading, evidence) if value is not None]


def energy_pairs(energy: Energy, noun: str) -> Iterator[tuple[str, str]]:
    """The sustained pass: counter, power integral, idle baseline."""
    yield "per input", joules_text(energy.joules_per_input, noun, doubtful=energy.doubtful)
    counter = MISSING if energy.counter_j is None else f"{significant(energy.counter_j)} J"
    yield f"{energy.source} counter", f"{counter} in {seconds_text(energy.seconds)}, {energy.iterations} iterations"
    if energy.integral_j is not None:
        apart = "" if energy.disagreement is None else f", {part_text(energy.disagreement)} apart"
        yield "sum of power", f"{significant(energy.integral_j)} J{apart}{', doubtful' if energy.doubtful else ''}"
    yield "idle", watts_text(energy.idle_w)


def fact_pairs(measurement: Measurement) -> Iterator[tuple[str, str]]:
    """What belongs to the whole case."""
    yield "peak memory", bytes_text(measurement.memory_peak_bytes)
    yield "parameters", parameters_text(measurement.parameters)
    yield "first call", seconds_text(measurement.first_call_s)
    yield "warm-up", seconds_text(measurement.warmup_s)
    yield "timed", seconds_text(measurement.timed_s)
    yield "wall time", seconds_text(measurement.wall_s)
    yield "threads", MISSING if measurement.threads is None else str(measurement.threads)
    yield "processes", str(measurement.processes)
