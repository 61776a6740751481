"""System counters and sensors during a row, its energy and its overall times, as labelled texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from cvbench_tui.core.evidence import Evidence, PassRecord
from cvbench_tui.core.measurement import Compilation, Measurement, ResultCheck
from cvbench_tui.core.stats.stop_rule import disturbance
from cvbench_tui.core.text import plural
from cvbench_tui.results.detail.phase import Pair
from cvbench_tui.results.stats.derived_metrics import Energy
from cvbench_tui.results.text import units

_SHARES = {
    "waited for a core": "waited_s",
    "stolen by the host": "stolen_s",
    "used by others": "others_s",
    "used by itself": "cpu_s",
}
"""Seconds of the rounds, as shares of their wall time."""
_OTHERS_ON_CARD = "others on the card"
_COUNTS = {
    "preempted": "switches",
    "disk faults": "major_faults",
    "swapped pages": "swapped_pages",
    "collections": "collections",
    "allocations": "allocations",
    "retries": "retries",
    "recompiles": "recompiles",
    "stops": "stops",
    _OTHERS_ON_CARD: "foreign",
}
"""Events, added up over the rounds; of the processes of others, the most at a time."""
_GAUGES: dict[str, tuple[str, Callable[[float | None], str]]] = {
    "clock": ("clock_hz", units.hertz_text),
    "temperature": ("temperature_c", units.celsius_text),
    "power": ("power_w", units.watts_text),
}
"""Read at the end of each round, from the lowest to the highest."""


def pass_pairs(record: PassRecord) -> Iterator[Pair]:
    """One pass in one process. What no round has is left out."""
    evidence = record.evidence
    yield from _shares(evidence)
    yield from _events(evidence)
    yield from _gauges(evidence)
    causes = [cause for cause in map(disturbance, evidence) if cause is not None]
    if causes:
        yield "disturbed", f"{len(causes)} of {plural(len(evidence), 'round')}: {', '.join(dict.fromkeys(causes))}"
    windows = f", {len(record.warmup_windows_s)} windows" if record.warmup_windows_s else ""
    yield "warm-up", f"{units.seconds_text(record.warmup_s)}{windows}{'' if record.settled else ', not settled'}"
    if record.wall_s > 0:
        yield "busy", f"{units.part_text(record.busy_s / record.wall_s)} of {units.seconds_text(record.wall_s)}"
    if record.empty_region_s is not None:
        yield "empty region", units.seconds_text(record.empty_region_s)
    if record.deferred_share is not None:
        yield "still computing", f"{units.part_text(record.deferred_share)} of a core after the last call"


def _shares(evidence: Sequence[Evidence]) -> Iterator[Pair]:
    wall_s = sum(each.wall_s for each in evidence)
    for label, name in _SHARES.items():
        seconds = _known(evidence, name)
        if seconds and wall_s > 0:
            yield label, f"{units.part_text(sum(seconds) / wall_s)} of the wall time, all cores added up"


def _events(evidence: Sequence[Evidence]) -> Iterator[Pair]:
    """Counts over all rounds; those of which nothing was seen share a line."""
    counts = {label: _known(evidence, name) for label, name in _COUNTS.items()}
    for label, values in counts.items():
        if any(values):
            yield label, f"{max(values) if label == _OTHERS_ON_CARD else sum(values):.0f}"
    never = [label for label, values in counts.items() if values and not any(values)]
    if never:
        yield "none seen", ", ".join(never)


def _gauges(evidence: Sequence[Evidence]) -> Iterator[Pair]:
    for label, (name, text) in _GAUGES.items():
        values = _known(evidence, name)
        if values:
            low, high = text(min(values)), text(max(values))
            yield label, low if low == high else f"{low} to {high}"
    reasons = dict.fromkeys(reason for each in evidence for reason in each.throttle)
    if reasons:
        yield "lowered clock", ", ".join(reason.replace("_", " ") for reason in reasons)


def _known(evidence: Sequence[Evidence], name: str) -> list[float]:
    return [value for value in (getattr(each, name) for each in evidence) if value is not None]


def energy_pairs(energy: Energy, noun: str) -> Iterator[Pair]:
    """The sustained pass: counter, power integral, idle baseline."""
    yield "per input", f"{units.significant(energy.joules_per_input)} J/{noun}{'?' * energy.doubtful}"
    counter = units.MISSING if energy.counter_j is None else f"{units.significant(energy.counter_j)} J"
    taken = f"{units.seconds_text(energy.seconds)}, {plural(energy.iterations, 'iteration')}"
    yield f"{energy.source} counter", f"{counter} in {taken}"
    if energy.integral_j is not None:
        apart = "" if energy.disagreement is None else f", {units.part_text(energy.disagreement)} apart"
        yield "sum of power", f"{units.significant(energy.integral_j)} J{apart}{', doubtful' * energy.doubtful}"
    yield "idle", units.watts_text(energy.idle_w)


def check_pairs(check: ResultCheck) -> Iterator[Pair]:
    """``0.0065 of the largest value apart; its precision explains 0.043``."""
    where = f", at batch {check.batch}" if check.batch is not None else ""
    yield "output against float32", _error_text(check.output_error, check.output_bound) + where
    if check.gradient_error is not None and check.gradient_bound is not None:
        yield "last gradient", _error_text(check.gradient_error, check.gradient_bound)


def _error_text(error: float, bound: float) -> str:
    return f"{error:.2g} of the largest value apart; its precision explains {bound:.2g}"


def case_pairs(measurement: Measurement) -> Iterator[Pair]:
    """What belongs to the whole case."""
    yield "peak memory", units.bytes_text(measurement.memory_peak_bytes)
    yield "parameters", units.parameters_text(measurement.parameters)
    if measurement.compilation is not None:
        yield "compilation", _compilation(measurement.compilation)
    yield "first call", units.seconds_text(measurement.first_call_s)
    yield "warm-up", units.seconds_text(measurement.warmup_s)
    yield "timed", units.seconds_text(measurement.timed_s)
    yield "wall time", units.seconds_text(measurement.wall_s)
    yield "threads", units.MISSING if measurement.threads is None else str(measurement.threads)
    if measurement.check is not None:
        yield from check_pairs(measurement.check)
    yield from [("optimizer", measurement.optimizer)] if measurement.optimizer else []
    yield "visits", str(measurement.visits)


def _compilation(found: Compilation) -> str:
    """``94.2 s, cold cache, 2 graphs, 1 graph break: ...``."""
    counts = ((found.graphs, "graph"), (found.recompiles, "recompile"), (found.breaks, "graph break"))
    parts = [units.seconds_text(found.compile_s), *([f"{found.cache} cache"] if found.cache else [])]
    parts += [plural(count, noun) for count, noun in counts if count]
    because = f": {found.break_reason}" if found.break_reason else ""
    return ", ".join(parts) + because
