"""Rules of a pass: which rounds count, when the warm-up ends, when the rounds end. Shared by worker and results.

Pure functions of samples and evidence. A round is repeated because of its evidence, never because of its duration:
dropping slow rounds would bias the estimate.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from statistics import median
from typing import Any
from weakref import ref

from cvbench_tui.core.evidence import Evidence
from cvbench_tui.core.measurement import Measurement, Phase, PhaseSamples, Stop
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.stats.bimodality import undecided
from cvbench_tui.core.stats.contention import contention_of
from cvbench_tui.core.stats.estimate import estimate, precise
from cvbench_tui.core.stats.record_array import RecordArray
from cvbench_tui.core.stats.trend import MIN_VALUES, slope, trend

MAX_WAITED_SHARE = 0.05
"""Time that threads waited for a core, as a share of a round's wall time (``core.stats.contention``). Above it the
round is disturbed: it may be slower by that share, five times the default precision."""
MAX_STOLEN_SHARE = 0.05  # the same for time that the hypervisor took from all cores, as a share of the CPU time used
MIN_STOLEN_S = 0.02  # and at least two ticks: Linux counts it in ticks of 10 ms, a tenth of the shortest round
MIN_SWAPPED_PAGES = 64  # 256 KiB read back from swap by the whole machine: tens of disk reads of 0.1 ms or more
MIN_MAJOR_FAULTS = 10  # page faults of the measuring process that waited for a disk: about 1 ms in a round of 100 ms
MAX_SLOWER = 0.03
"""Time of a visit's sentinel over the least of the row's, above which it met a slow machine. On a shared one three in
four products were within 2.2% of the best in its fast minutes, and 9% above it in its slow ones, where MobileNets took
31% longer. Of 68 pairs of numbers within 3%, from runs one after the other, 99% of the intervals overlap with this rule
and 46% without it."""
MIN_FAST_VISITS = 3
MAX_DISTURBED_SHARE = 1 / 3  # of the rounds, all visits together
COOLING = frozenset({"power_cap"})  # no faults: the power limit sets the speed that a card can sustain
WINDOWS = 3  # successive warm-up windows that have to agree
TREND_WINDOWS = 6
"""Windows whose trend is tested, from five on: three windows of a speed that falls for seconds agree while several
percent are still to come. Without this test the simulated droops (12%, time constant 1 s) had an error of 1.7% (rmse),
and 7% of them were graded A with an error above 2%; with it 0.5%, and none."""
NOISY_WINDOWS = 8  # without a trend they end a warm-up in which they vary by more than the agreement: more do not help
CLOCK_AGREEMENT = 0.01
"""Maximum relative change of the device's clock over the windows, where it only rises or only falls. One that goes up
and down jitters, and does so for ever: at 2% 6 of 20 warm-ups did not end before their limit."""
MAX_OVERRUN = 3.0  # multiple of the budget at which a pass ends even below the minimum of rounds, if it has ...
MIN_SAMPLES = 5  # ... so many samples: iterations that became slow after the warm-up must not run for hours


DISTURBING = ("waited_s", "stolen_s", "foreign", "swapped_pages", "major_faults", "stops")
"""Counters that a round is judged by. More of one, in less wall time or with fewer CPU seconds, is never better."""


def disturbance(evidence: Evidence) -> str | None:
    """External disturbance of a round: ``contention``, ``stolen``, ``foreign``, ``swap``, ``stopped``, or None. A
    lowered clock is none: the workload itself makes the heat, and without its hot rounds the estimate would be that of
    a cold device."""
    waited = contention_of([evidence])
    if waited is not None and waited.share > MAX_WAITED_SHARE:
        return "contention"
    used_s = max(evidence.wall_s, evidence.cpu_s or 0.0)
    if (evidence.stolen_s or 0.0) >= max(MIN_STOLEN_S, MAX_STOLEN_SHARE * used_s):
        return "stolen"
    if evidence.foreign:
        return "foreign"
    if (evidence.swapped_pages or 0) >= MIN_SWAPPED_PAGES or (evidence.major_faults or 0) >= MIN_MAJOR_FAULTS:
        return "swap"
    return "stopped" if evidence.stops else None


def counted(evidence: Sequence[Evidence], max_repeats: int) -> tuple[bool, ...]:
    """For each round whether it enters the estimate. Disturbed rounds are set aside while they are at most a third of
    all, and others take their place, unless ``max_repeats`` is 0. Beyond that the disturbance is the machine's normal
    state: all rounds count, and the grade is lower."""
    clean = tuple(disturbance(each) is None for each in evidence)
    disturbed = len(clean) - sum(clean)
    if not max_repeats or disturbed > MAX_DISTURBED_SHARE * len(clean):
        return (True,) * len(clean)
    return clean


def undisturbed(measurement: Measurement) -> bool:
    """True when a round with the worst of each counter over all rounds is not disturbed, and so none of them is. False
    says nothing."""
    rounds = measurement.all_evidence
    if rounds is None:
        return True
    most: dict[str, Any] = {name: rounds.most(name) for name in DISTURBING}
    worst = Evidence(rounds.least("wall_s"), 0.0, **most)
    return worst.wall_s > 0 and disturbance(worst) is None


def flags_by_visit(measurement: Measurement, phase: Phase, protocol: Protocol) -> tuple[tuple[bool, ...], ...]:
    """For each round of that phase, by visit, whether it enters the estimate: neither disturbed, nor of a visit that
    met a slow machine. All rounds count where their evidence is missing (files of schema 1) or does not match them."""
    for known, *terms, flags in tuple(_NEWEST):
        if known() is measurement and terms == [phase, protocol]:
            return flags
    made = _flags_by_visit(measurement, phase, protocol)
    _NEWEST[:] = [(ref(measurement), phase, protocol, made)]
    return made


_NEWEST: list[tuple[ref[Measurement], Phase, Protocol, tuple[tuple[bool, ...], ...]]] = []
"""The newest flags: the statistics of a phase and its grade ask six times for them, a tenth of their time."""


def _flags_by_visit(measurement: Measurement, phase: Phase, protocol: Protocol) -> tuple[tuple[bool, ...], ...]:
    samples = measurement.phase(phase)
    counts = measurement.counts(samples) if samples is not None else ()
    if counts != measurement.evidence_counts(phase):
        return tuple([(True,) * count for count in counts])
    if undisturbed(measurement):
        by_visit = tuple([(True,) * count for count in counts])
    else:
        evidence = measurement.evidence_by_visit(phase)
        flags = iter(counted([each for visit in evidence for each in visit], protocol.max_repeats))
        by_visit = tuple(tuple(next(flags) for _ in visit) for visit in evidence)
    if not protocol.max_repeats or len(measurement.visit_records) != len(by_visit):
        return by_visit
    fast = fast_visits(measurement)
    return tuple(visit if each else (False,) * len(visit) for visit, each in zip(by_visit, fast))


def fast_visits(measurement: Measurement) -> tuple[bool, ...]:
    """For each visit whether it counts by its sentinel: some hosts have two speeds, for minutes each, by what their
    other guests do, and a mean of both is neither. Those that met a slow machine are set aside while three, and a third
    of all, did not; beyond that slow is what the machine was, and ``core.grading`` says so by its best."""
    visits = measurement.visit_records
    speeds = visits.values("product_s") if isinstance(visits, RecordArray) else []
    best = min((speed for speed in speeds if speed), default=0.0)
    fast = tuple(not speed or speed <= (1 + MAX_SLOWER) * best for speed in speeds)
    enough = sum(fast) >= max(MIN_FAST_VISITS, len(fast) / 3)
    return fast if enough else (True,) * len(fast)


def counted_rounds_by_visit(
    measurement: Measurement, phase: Phase, protocol: Protocol
) -> tuple[tuple[tuple[float, ...], ...], ...]:
    """The rounds of that phase's number that enter its estimate, by visit."""
    samples = measurement.phase(phase)
    return () if samples is None else counted_rounds_of(measurement, samples, protocol)


def counted_rounds_of(
    measurement: Measurement, samples: PhaseSamples, protocol: Protocol
) -> tuple[tuple[tuple[float, ...], ...], ...]:
    """The rounds of those samples that enter an estimate, by visit."""
    flags = flags_by_visit(measurement, samples.phase, protocol)
    return tuple(tuple(compress(*both)) for both in zip(measurement.by_visit(samples), flags))


def counted_evidence_by_visit(
    measurement: Measurement, phase: Phase, protocol: Protocol
) -> tuple[tuple[Evidence, ...], ...]:
    """The evidence of the same rounds; all of it where it does not match them, since all rounds count then."""
    evidence, flags = measurement.evidence_by_visit(phase), flags_by_visit(measurement, phase, protocol)
    if [len(each) for each in evidence] != [len(each) for each in flags]:
        return evidence
    return tuple(tuple(compress(*both)) for both in zip(evidence, flags))


def precise_over_visits(measurement: Measurement, protocol: Protocol) -> bool:
    """True when every phase's interval over the visits so far is within the protocol's precision."""
    phases = [samples.phase for samples in measurement.phases]
    found = [estimate(counted_rounds_by_visit(measurement, phase, protocol)) for phase in phases]
    return all(each and each.relative is not None and each.relative <= protocol.precision for each in found)


def settled(windows: Sequence[float], protocol: Protocol, clocks_hz: Sequence[float | None] = ()) -> bool:
    """True when the last warm-up windows (medians, seconds) agree, and so does the device's clock where it is known.
    Windows that vary too much to agree are settled once eight of them have no trend."""
    if len(windows) < WINDOWS or min(windows) <= 0:
        return False
    last, longer = windows[-WINDOWS:], windows[-TREND_WINDOWS:]
    moving = len(longer) >= MIN_VALUES and abs(slope(longer)) > protocol.warmup_agreement
    if moving or max(last) - min(last) > protocol.warmup_agreement * min(last):
        return len(windows) >= NOISY_WINDOWS and trend(windows[-NOISY_WINDOWS:]) == 0.0
    clocks = [clock for clock in clocks_hz[-WINDOWS:] if clock is not None]
    one_way = clocks in (sorted(clocks), sorted(clocks, reverse=True))
    return not clocks or not one_way or max(clocks) - min(clocks) <= CLOCK_AGREEMENT * max(clocks)


def stop(
    rounds: Sequence[Sequence[Sequence[float]]], evidence: Sequence[Evidence], protocol: Protocol, timed_s: float
) -> Stop | None:
    """Reason to end the rounds of a pass, or None to take another round. ``rounds`` are the samples by phase and round,
    ``timed_s`` the seconds timed so far, repeated rounds included. A precise pass continues while another round may
    outnumber disturbed rounds that count, or show a second speed. One of several visits ends with its few rounds."""
    if protocol.max_visits > 1:
        clean = sum(disturbance(each) is None for each in evidence)
        over = len(rounds[0]) >= protocol.max_rounds or clean >= protocol.min_rounds
        return "visit" if over or timed_s >= protocol.budget_s else None
    flags = counted(evidence, protocol.max_repeats) if evidence else (True,) * len(rounds[0])
    by_phase = [list(compress(phase, flags)) for phase in rounds]
    count = len(by_phase[0])
    if count < protocol.min_rounds:
        samples = sum(len(samples) for samples in by_phase[0])
        return "budget" if timed_s >= MAX_OVERRUN * protocol.budget_s and samples >= MIN_SAMPLES else None
    is_precise = all(precise([median(each) for each in phase], protocol.precision) for phase in by_phase)
    if count >= protocol.max_rounds:
        return "precision" if is_precise else "rounds"
    disturbed = (counts and disturbance(each) for counts, each in zip(flags, evidence))
    if is_precise and not any(disturbed) and not undecided([sample for samples in by_phase[-1] for sample in samples]):
        return "precision"
    return "budget" if timed_s >= protocol.budget_s else None
