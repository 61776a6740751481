"""Which rounds count, when the warm-up is over and when rounds end: for the worker, results and the tests' simulator.

Pure functions of samples and evidence. A round that something outside disturbed is set aside by what the system
tells of it, never by how long it took: dropping slow rounds would bend the number.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from cvbench_tui.core.evidence import Evidence
from cvbench_tui.core.measurement import Measurement, Phase, Stop
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.stats.bimodality import undecided
from cvbench_tui.core.stats.contention import contention_of
from cvbench_tui.core.stats.estimate import precise
from cvbench_tui.core.stats.trend import MIN_VALUES, slope, trend

WAITED_SHARE = 0.05
"""A round in which threads waited longer than this share (``core.stats.contention``) of its wall time for a core is
disturbed: they may make the round as much slower, five times the default precision."""
STOLEN_SHARE = 0.05
"""The same for cores that the hypervisor gave away, told for all cores in sum: a share of the CPU time used ..."""
MIN_STOLEN_S = 0.02
"""... from two ticks on: Linux counts stolen time in ticks of 10 ms, and one is a twelfth of the shortest round."""
SWAPPED_PAGES = 64
"""256 KiB read back from swap, machine-wide: some tens of disk reads at 0.1 ms and more."""
MAJOR_FAULTS = 10
"""Page faults of the measuring process that waited for a disk: about 1 ms in a round of 120 ms."""
COOLING = frozenset({"power_cap"})
"""Why a card lowers its clock without a fault: its power limit is the speed it can sustain."""
WINDOWS = 3
"""Successive warm-up windows that have to agree."""
TREND_WINDOWS = 6
"""Windows over which a trend is looked for, once there are five: a speed that falls for seconds moves three windows
by less than the agreement while it has several percent to go. Without this look the simulator's droops (12%, approached
with 1 s) were off by 1.7% (rmse), and 7% of them graded A though off by more than 2%; with it by 0.6%, and none."""
NOISY_WINDOWS = 8
"""Windows without a trend that end the warm-up although they scatter by more than the agreement: more help nothing."""
CLOCK_AGREEMENT = 0.01
"""The clock's share of change over them."""
OVERRUN = 3.0
"""Budgets after which even the fewest rounds are not waited for, if there are ..."""
MIN_SAMPLES = 5
"""... so many samples: iterations that became slow after the warm-up must not run for hours."""


def disturbance(evidence: Evidence) -> str | None:
    """What bent this round from outside: ``contention``, ``stolen``, ``foreign``, ``swap``; None when nothing did.

    A lowered clock is not among them: heat is the workload's own, and without the hot rounds a number would be that
    of the cold ones.
    """
    waited = contention_of([evidence])
    if waited is not None and waited.share > WAITED_SHARE:
        return "contention"
    used_s = max(evidence.wall_s, evidence.cpu_s or 0.0)
    if (evidence.stolen_s or 0.0) >= max(MIN_STOLEN_S, STOLEN_SHARE * used_s):
        return "stolen"
    if evidence.foreign:
        return "foreign"
    if (evidence.swapped_pages or 0) >= SWAPPED_PAGES or (evidence.major_faults or 0) >= MAJOR_FAULTS:
        return "swap"
    return None


def counted(evidence: Sequence[Evidence], most: int) -> tuple[bool, ...]:
    """For each round whether it enters the estimate.

    Disturbed rounds are set aside while they are at most ``most`` and fewer than the others. Beyond that the
    disturbance is how the machine is, and nothing is set aside: the grade says it instead.
    """
    clean = tuple(disturbance(each) is None for each in evidence)
    disturbed = len(clean) - sum(clean)
    if disturbed > most or disturbed >= sum(clean):
        return (True,) * len(clean)
    return clean


def flags_by_process(measurement: Measurement, phase: Phase, protocol: Protocol) -> tuple[tuple[bool, ...], ...]:
    """For every round of that phase whether it enters the estimate, split by the process that took it.

    Rounds without evidence, as in files of schema 1 or where it does not match the rounds, all count.
    """
    if _matched(measurement, phase):
        return tuple(counted(each, protocol.max_repeats) for each in measurement.evidence_by_process(phase))
    return tuple((True,) * len(rounds) for rounds in measurement.rounds_by_process(phase))


def counted_rounds_by_process(
    measurement: Measurement, phase: Phase, protocol: Protocol
) -> tuple[tuple[tuple[float, ...], ...], ...]:
    """The rounds of that phase that enter its estimate, split by the process that took them."""
    flags = flags_by_process(measurement, phase, protocol)
    return tuple(
        tuple(samples for samples, counts in zip(rounds, each) if counts)
        for rounds, each in zip(measurement.rounds_by_process(phase), flags)
    )


def counted_evidence_by_process(
    measurement: Measurement, phase: Phase, protocol: Protocol
) -> tuple[tuple[Evidence, ...], ...]:
    """The evidence of the same rounds; all of it where it does not match them, since nothing is set aside then."""
    evidence = measurement.evidence_by_process(phase)
    if not _matched(measurement, phase):
        return evidence
    flags = flags_by_process(measurement, phase, protocol)
    return tuple(tuple(one for one, counts in zip(*both) if counts) for both in zip(evidence, flags))


def _matched(measurement: Measurement, phase: Phase) -> bool:
    """True when every round of that phase has its evidence."""
    rounds, evidence = measurement.rounds_by_process(phase), measurement.evidence_by_process(phase)
    return [len(each) for each in rounds] == [len(each) for each in evidence]


def settled(windows: Sequence[float], protocol: Protocol, clocks_hz: Sequence[float | None] = ()) -> bool:
    """True when the last warm-up windows (medians, seconds) agree, and so does the device's clock where it is told.

    Windows that scatter too much to agree are settled as well once there are eight without a trend.
    """
    if len(windows) < WINDOWS or min(windows) <= 0:
        return False
    last, longer = windows[-WINDOWS:], windows[-TREND_WINDOWS:]
    moving = len(longer) >= MIN_VALUES and abs(slope(longer)) > protocol.warmup_agreement
    if moving or max(last) - min(last) > protocol.warmup_agreement * min(last):
        return len(windows) >= NOISY_WINDOWS and trend(windows[-NOISY_WINDOWS:]) == 0.0
    clocks = [clock for clock in clocks_hz[-WINDOWS:] if clock is not None]
    return not clocks or max(clocks) - min(clocks) <= CLOCK_AGREEMENT * max(clocks)


def stop(
    rounds: Sequence[Sequence[Sequence[float]]], evidence: Sequence[Evidence], protocol: Protocol, timed_s: float
) -> Stop | None:
    """Why the rounds of a pass end here, or None to take another one.

    ``rounds`` are the samples by phase and round, ``timed_s`` the seconds timed so far, set-aside rounds included.
    Rounds that count and are disturbed keep the precision from being believed, since another round may outnumber
    them; so does a second speed that was hardly seen yet.
    """
    flags = counted(evidence, protocol.max_repeats) if evidence else (True,) * len(rounds[0])
    taken = [[samples for samples, counts in zip(phase, flags) if counts] for phase in rounds]
    count = len(taken[0])
    if count < protocol.min_rounds:
        samples = sum(len(samples) for samples in taken[0])
        return "budget" if timed_s >= OVERRUN * protocol.budget_s and samples >= MIN_SAMPLES else None
    if all(precise([median(each) for each in phase], protocol.precision) for phase in taken) and (
        count >= protocol.max_rounds or not _unresolved(taken[-1], flags, evidence)
    ):
        return "precision"
    if count >= protocol.max_rounds:
        return "rounds"
    return "budget" if timed_s >= protocol.budget_s else None


def _unresolved(rounds: Sequence[Sequence[float]], flags: Sequence[bool], evidence: Sequence[Evidence]) -> bool:
    """True while another round may settle a doubt: a disturbed round that counts, or a hint of a second speed."""
    disturbed = any(counts and disturbance(each) for counts, each in zip(flags, evidence))
    return disturbed or undecided([sample for samples in rounds for sample in samples])
