"""What the system did while it was timed: waiting, stolen cores, clocks, heat, memory, neighbours, the battery."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from statistics import median

from cvbench_tui.core.reasons import Grade, Reason
from cvbench_tui.core.rounds import COOLING, MAJOR_FAULTS, SWAPPED_PAGES, disturbance
from cvbench_tui.core.seen import Seen, percent

WAITED: tuple[tuple[Grade, float], ...] = (("X", 0.25), ("C", 0.05), ("B", 0.02))
"""Share of the wall time that threads waited for a core. A wait makes an iteration as much longer, so above 2%, twice
the default precision, it shows; above 25% the number is the neighbour's."""
STOLEN: tuple[tuple[Grade, float], ...] = (("X", 0.25), ("C", 0.05), ("B", 0.01))
"""The same for cores that the hypervisor gave away, as a share of the CPU time that was wanted."""
OTHERS = 1.0
"""Cores that everything else used in the mean: a whole core of other work shares caches, memory and the turbo clock."""
FEW_REPEATS = 2
"""Rounds set aside that are nothing to remark on."""
CLOCK_LOW = 0.03
"""A card's clock may lie so much below its own median in a round, and fall as much from first to last ..."""
CLOCK_LOW_CPU = 0.10
"""... and a processor's so much: each core's clock moves by some percent all the time, and its reading is of one core
at one moment, while the times themselves are measured."""


def contention(seen: Seen) -> Iterator[Reason]:
    """Threads that waited for a core, by what the system tells best."""
    known = [evidence for evidence in seen.evidence if evidence.waited_s is not None]
    wall = sum(evidence.wall_s for evidence in known)
    share = sum(_of(evidence.waited_s) for evidence in known) / wall if wall > 0 else _unscheduled(seen)
    grade = _grade(share, WAITED)
    if grade is not None and seen.device_clock:
        grade = "B"  # the device's own clock does not see the host wait
    if grade is not None:
        yield Reason("contention", grade, f"Threads waited {percent(share)} of the time for a core.")
    elif known and not seen.device_clock and any(disturbance(each) == "contention" for each in known):
        yield Reason("contention", "B", "In some rounds threads waited over 5% of the time for a core.")
    else:
        yield from _others(seen)


def _others(seen: Seen) -> Iterator[Reason]:
    """Other programs, where waiting is not told or did not happen."""
    known = [evidence for evidence in seen.evidence if evidence.others_s is not None and evidence.wall_s > 0]
    cores = median(_of(evidence.others_s) / evidence.wall_s for evidence in known) if known else 0.0
    if cores >= OTHERS and not seen.device_clock:
        yield Reason("contention", "B", f"Other programs used {cores:.1f} cores meanwhile.")


def _unscheduled(seen: Seen) -> float:
    """Share of the wall time in which the only thread did not run; 0 where there are more threads or it is not told."""
    known = [evidence for evidence in seen.evidence if evidence.thread_s is not None]
    wall = sum(evidence.wall_s for evidence in known)
    if not known or wall <= 0 or seen.measurement.threads != 1 or seen.samples_of.clock != "perf_counter":
        return 0.0
    return max(0.0, 1 - sum(_of(evidence.thread_s) for evidence in known) / wall)


def stolen(seen: Seen) -> Iterator[Reason]:
    """Cores that the hypervisor gave away."""
    taken = sum(_of(evidence.stolen_s) for evidence in seen.evidence)
    wanted = taken + max(seen.wall_s, sum(_of(evidence.cpu_s) for evidence in seen.evidence))
    share = taken / wanted if wanted > 0 else 0.0
    grade = _grade(share, STOLEN)
    if grade is not None:
        sentence = f"The hypervisor kept back {percent(share)} of the processor time."
        yield Reason("stolen", "B" if seen.device_clock else grade, sentence)


def repeated(seen: Seen) -> Iterator[Reason]:
    """Rounds that were set aside."""
    causes = Counter(disturbance(evidence) or "" for evidence in seen.set_aside)
    count = sum(causes.values())
    if count:
        total = count + len(seen.evidence)
        why = ", ".join(f"{code} {times}" for code, times in causes.most_common())
        grade: Grade = "A" if count <= FEW_REPEATS * max(1, len(seen.records)) else "B"
        yield Reason("repeated", grade, f"{count} of {total} rounds were set aside and taken again: {why}.")


def clock(seen: Seen) -> Iterator[Reason]:
    """A clock that differed between rounds, process by process."""
    allowed = CLOCK_LOW_CPU if seen.samples_of.clock == "perf_counter" else CLOCK_LOW
    worst = 0.0
    for each in seen.evidence_by_process:
        clocks = [evidence.clock_hz for evidence in each if evidence.clock_hz]
        if len(clocks) >= 2:
            low = 1 - min(clocks) / median(clocks)
            droop = 1 - clocks[-1] / clocks[0]
            worst = max(worst, low, droop)
    if worst > allowed:
        yield Reason("clock", "B", f"The clock was {percent(worst)} lower in one round than in others.")


def throttled(seen: Seen) -> Iterator[Reason]:
    """Why the card lowered its clock."""
    causes = Counter(cause for evidence in seen.evidence for cause in evidence.throttle)
    total = len(seen.evidence)
    faults = {cause: times for cause, times in causes.items() if cause not in COOLING}
    if faults:
        why = ", ".join(f"{cause.replace('_', ' ')} in {times}" for cause, times in faults.items())
        yield Reason("throttled", "C", f"Of {total} rounds: {why}.")
    if causes.get("power_cap"):
        yield Reason("power_cap", "A", f"At the power limit in {causes['power_cap']} of {total} rounds.")


def memory(seen: Seen) -> Iterator[Reason]:
    """Memory that was fetched from the driver or the disk while it was timed."""
    taken = sum(evidence.allocations or 0 for evidence in seen.evidence)
    retries = sum(evidence.retries or 0 for evidence in seen.evidence)
    if retries:
        yield Reason("allocator", "C", f"{retries} allocations succeeded only after the cache was emptied.")
    elif taken:
        yield Reason("allocator", "B", f"Memory was taken from the driver {taken} times.")
    pages = sum(evidence.swapped_pages or 0 for evidence in seen.evidence)
    faults = sum(evidence.major_faults or 0 for evidence in seen.evidence)
    if pages >= SWAPPED_PAGES or faults >= MAJOR_FAULTS:
        many = any(disturbance(evidence) == "swap" for evidence in seen.evidence)
        sentence = f"{faults} page faults waited for a disk, and {pages} pages were read back from swap."
        yield Reason("swap", "C" if many else "B", sentence)


def program(seen: Seen) -> Iterator[Reason]:
    """Python and the compiler at work in the timed rounds."""
    compiled = sum(evidence.recompiles or 0 for evidence in seen.evidence)
    if compiled:
        yield Reason("recompiled", "C", f"{compiled} graphs were compiled anew.")
    collections = sum(evidence.collections for evidence in seen.evidence)
    if collections:
        yield Reason("collections", "B", f"The garbage collector ran {collections} times.")


def surroundings(seen: Seen) -> Iterator[Reason]:
    """Neighbours on the card, and the battery."""
    foreign = max((evidence.foreign or 0 for evidence in seen.evidence), default=0)
    if foreign:
        yield Reason("foreign", "C", f"{foreign} other processes had work on the card.")
    if seen.facts.get("on_battery") is True:
        yield Reason("battery", "B", "The machine ran on its battery.")


def _grade(share: float, steps: tuple[tuple[Grade, float], ...]) -> Grade | None:
    """The grade of the first step that ``share`` lies above; None below all."""
    return next((grade for grade, above in steps if share > above), None)


def _of(value: float | None) -> float:
    return value or 0.0


CHECKS = (contention, stolen, repeated, clock, throttled, memory, program, surroundings)
