"""Everything that is known about one row, as titled pairs of texts and as histograms. Drawing them is the screen's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cvbench_tui.core.environment import Fact
from cvbench_tui.core.measurement import PHASES, Clock, Failure, Measurement, PhaseSamples, Stop
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.run import Run
from cvbench_tui.results.state import state_of
from cvbench_tui.results.statistics import PhaseResult, histogram, phase_results
from cvbench_tui.results.units import (
    MISSING,
    Scale,
    bytes_text,
    parameters_text,
    percent_text,
    relative_text,
    scale_for,
    seconds_text,
    telling_apart,
    utc_text,
)

BINS = 12
"""Bins of a row's histograms: enough for a shape, few enough for a small terminal."""

_CLOCKS: dict[Clock, str] = {
    "perf_counter": "host clock",
    "cuda_event": "CUDA events",
    "host_synchronize": "host clock around a synchronise",
}


@dataclass(frozen=True)
class Section:
    """A title with labelled texts, lines, or both."""

    title: str
    pairs: tuple[tuple[str, str], ...] = ()
    """Label and text."""
    lines: tuple[str, ...] = ()
    """Whole lines, e.g. of a traceback; below the pairs."""


@dataclass(frozen=True)
class Bin:
    """One bar of a histogram."""

    low: str
    """Its lower edge as text; every bin of one histogram is in one unit."""
    high: str
    count: int


@dataclass(frozen=True)
class Histogram:
    """The samples of one phase, counted."""

    title: str
    bins: tuple[Bin, ...]


def detail(run: Run, case_id: str) -> tuple[Section, ...]:
    """Every section there is about that row. Raises KeyError when the plan has no such case."""
    case = run.plan.case(case_id)
    outcome = run.outcomes.get(case_id)
    sections = [Section(case.workload.name, tuple(_case(run, case)))]
    if isinstance(outcome, Measurement):
        sections += _measured(run.plan.protocol, outcome)
    elif isinstance(outcome, Failure):
        sections += _failed(outcome)
    sections += _environment(run, case)
    return tuple(sections)


def histograms(run: Run, case_id: str, bins: int = BINS) -> tuple[Histogram, ...]:
    """The samples of every measured phase of that row; empty when it has none. Raises KeyError as ``detail``."""
    outcome = run.outcomes.get(run.plan.case(case_id).case_id)
    if not isinstance(outcome, Measurement):
        return ()
    return tuple(_histograms(outcome, bins))


def _histograms(measurement: Measurement, bins: int) -> Iterator[Histogram]:
    for phase in measurement.phases:
        found = histogram([sample for samples in phase.rounds for sample in samples], bins)
        if found is None:
            continue
        scale = scale_for(found.edges)
        edges = [scale.text(edge, telling_apart(found.edges)) for edge in found.edges]
        bars = zip(edges[:-1], edges[1:], found.counts, strict=True)
        yield Histogram(f"{phase.phase.capitalize()} samples", tuple(Bin(*bar) for bar in bars))


def _case(run: Run, case: Case) -> Iterator[tuple[str, str]]:
    """What was asked for, and where it stands."""
    device = run.environment.device(case.device) if run.environment is not None else None
    yield "state", state_of(run, case).text
    yield "kind", case.workload.kind
    yield "built by", _call(case)
    yield "device", f"{case.device}, {device.name}" if device is not None else case.device
    yield "input", " x ".join(str(size) for size in (case.batch, *case.workload.input_shape))
    yield "framework", case.framework
    yield "settings", f"{case.precision}, {case.memory_format}, {case.compile_mode}"
    yield "protocol", run.plan.protocol.name


def _call(case: Case) -> str:
    """``conv2d(in_channels=3, ...)``; a model's constructor alone."""
    arguments = ", ".join(f"{name}={value}" for name, value in case.workload.params)
    return f"{case.workload.op}({arguments})" if arguments else case.workload.op


def _measured(protocol: Protocol, measurement: Measurement) -> Iterator[Section]:
    """The phases, then what belongs to all of them."""
    results = phase_results(measurement)
    for name in PHASES:
        phase, result = measurement.phase(name), results.get(name)
        if phase is not None and result is not None:
            yield Section(name.capitalize(), tuple(_statistics(protocol, phase, result)))
    if measurement.notices:
        yield Section("Notices", tuple((notice.code, notice.sentence) for notice in measurement.notices))
    yield Section("Case", tuple(_facts(measurement)))


def _statistics(protocol: Protocol, phase: PhaseSamples, result: PhaseResult) -> Iterator[tuple[str, str]]:
    """One phase in numbers, in one scale."""
    scale = scale_for([result.median_s])
    yield "median", scale.text(result.median_s)
    yield "95% interval", _interval(scale, result)
    yield "mean", scale.text(result.mean_s)
    yield "minimum", scale.text(result.min_s)
    each = phase.iterations_per_sample
    yield "samples", f"{result.n} in {result.rounds} rounds" + (f", each the mean of {each} iterations" * (each > 1))
    yield "clock", _CLOCKS[phase.clock]
    yield "stopped", _stopped(phase.stop, protocol)


def _interval(scale: Scale, result: PhaseResult) -> str:
    if result.low_s is None or result.high_s is None:
        return MISSING
    return f"{scale.number(result.low_s)} to {scale.text(result.high_s)}, {relative_text(result.relative)}"


def _stopped(stop: Stop, protocol: Protocol) -> str:
    """Why the rounds ended, in words."""
    precision = percent_text(protocol.precision)
    return {
        "precision": f"precise to {precision}",
        "rounds": f"after the most rounds ({protocol.max_rounds}), not precise to {precision}",
        "budget": f"after {protocol.budget_s:g} s of timed work, not precise to {precision}",
        "fixed": "after the fixed number of iterations of the published method",
    }[stop]


def _facts(measurement: Measurement) -> Iterator[tuple[str, str]]:
    yield "peak memory", bytes_text(measurement.memory_peak_bytes)
    yield "parameters", parameters_text(measurement.parameters)
    yield "first call", seconds_text(measurement.first_call_s)
    yield "warm-up", seconds_text(measurement.warmup_s)
    yield "wall time", seconds_text(measurement.wall_s)
    yield "threads", MISSING if measurement.threads is None else str(measurement.threads)
    yield "processes", str(measurement.processes)


def _failed(failure: Failure) -> Iterator[Section]:
    """The reason, and the tail of what was printed."""
    yield Section("Failure", (("kind", failure.kind.replace("_", " ")), ("reason", failure.sentence)))
    if failure.detail:
        yield Section("Details", lines=tuple(failure.detail.splitlines()))


def _environment(run: Run, case: Case) -> Iterator[Section]:
    """The machine, as far as it has told."""
    pairs = [("run", run.id), ("started", utc_text(run.started_at_s)), ("cvbench-tui", run.program)]
    if run.environment is not None:
        pairs += [(name, version) for name, version in run.environment.versions if name != "cvbench-tui"]
        device = run.environment.device(case.device)
        if device is not None:
            pairs += [("device memory", bytes_text(device.memory_bytes)), ("device detail", device.detail or MISSING)]
            pairs += [("device id", device.uuid)] if device.uuid else []
        pairs += [
            (name.removesuffix("_bytes").replace("_", " "), _fact(name, value)) for name, value in run.environment.facts
        ]
    yield Section("Environment", tuple(pairs))


def _fact(name: str, value: Fact) -> str:
    """A fact as text; what is counted in bytes by its name is written as memory."""
    if value is None:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return bytes_text(int(value)) if name.endswith("_bytes") and isinstance(value, (int, float)) else str(value)
