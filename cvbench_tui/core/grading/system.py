"""What the system did while it was timed: waiting, stolen cores, clocks, heat, memory, neighbours, the battery."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from statistics import median

from cvbench_tui.core.grading.context import GradingContext, percent
from cvbench_tui.core.grading.reasons import Grade, Reason
from cvbench_tui.core.stats.contention import Contention, contention_of
from cvbench_tui.core.stats.stop_rule import COOLING, MAJOR_FAULTS, SWAPPED_PAGES, disturbance

Steps = tuple[tuple[Grade, float], ...]
"""Grades, worst first, each with the share above which it is given."""
WAITED: Steps = (("X", 0.25), ("C", 0.05), ("B", 0.02))
"""Share of the wall time that threads waited for a core, between the mean thread's and the sum of all
(``core.stats.contention``). A wait makes an iteration as much longer, so above 2%, twice the default precision, it
shows; above 25% the number is the neighbour's."""
STOLEN: Steps = (("X", 0.25), ("C", 0.05), ("B", 0.01))
"""The same for cores that the hypervisor gave away, as a share of the CPU time that was wanted."""
OTHERS = 1.0
"""Cores that everything else used in the mean, from which it is worth a word where the cores do not suffice for both:
on a large shared host others always use some of the cores that are left."""
MAX_PLAIN_REPEATS = 2
"""Rounds set aside that are nothing to remark on."""
CLOCK_LOW = 0.03
"""A card's clock may lie so much below its own median in a round, and fall as much from first to last ..."""
CLOCK_LOW_CPU = 0.10
"""... and a processor's so much: each core's clock moves by some percent all the time, and its reading is of one core
at one moment, while the times themselves are measured."""


def contention(seen: GradingContext) -> Iterator[Reason]:
    """Threads that waited for a core, by the kernel's run delay; without it, by what else is known."""
    waited = contention_of(seen.evidence)
    if waited is None:
        yield from list(_others(seen)) or _not_seen(seen)
    elif seen.device_clock:  # the device's own clock does not see the host wait
        yield from [Reason("contention", "B", _waited(waited))] if waited.share > WAITED[-1][1] else _others(seen)
    else:
        yield from list(_by_run_delay(seen, waited)) or _others(seen)


def _not_seen(seen: GradingContext) -> Iterator[Reason]:
    """macOS, Windows, kernels without schedstat: no A where nobody can tell that threads did not wait."""
    if seen.samples_of.clock == "perf_counter" and seen.evidence:
        yield Reason("contention", "B", "Waiting for cores cannot be seen on this system.")


def _by_run_delay(seen: GradingContext, waited: Contention) -> Iterator[Reason]:
    """In all rounds together, or in one of them."""
    grade = _grade(waited.share, WAITED)
    if grade is not None:
        yield Reason("contention", grade, _waited(waited))
    elif any(disturbance(each) == "contention" for each in seen.evidence):
        yield Reason("contention", "B", "In some rounds threads waited over 5% of the time for a core.")


def _waited(waited: Contention) -> str:
    """In one sentence; mean and sum where there were several threads."""
    threads = round(waited.threads)
    if threads < 2:
        return f"Threads waited {percent(waited.in_sum)} of the time for a core."
    return f"{threads} threads waited {percent(waited.mean)} of the time for a core, {percent(waited.in_sum)} in sum."


def _others(seen: GradingContext) -> Iterator[Reason]:
    """Other programs that need more cores than the measurement leaves."""
    known = [evidence for evidence in seen.evidence if evidence.others_s is not None and evidence.wall_s > 0]
    used = median(_of(evidence.others_s) / evidence.wall_s for evidence in known) if known else 0.0
    cores = seen.facts.get("cpu_cores")
    if not isinstance(cores, (int, float)) or seen.device_clock:
        return
    if used >= OTHERS and used + (seen.measurement.threads or 1) > cores:
        yield Reason("contention", "B", f"Other programs used {used:.1f} of the {cores:g} cores meanwhile.")


def stolen(seen: GradingContext) -> Iterator[Reason]:
    """Cores that the hypervisor gave away."""
    taken = sum(_of(evidence.stolen_s) for evidence in seen.evidence)
    wanted = taken + max(seen.wall_s, sum(_of(evidence.cpu_s) for evidence in seen.evidence))
    share = taken / wanted if wanted > 0 else 0.0
    grade = _grade(share, STOLEN)
    if grade is not None:
        sentence = f"The hypervisor kept back {percent(share)} of the processor time."
        yield Reason("stolen", "B" if seen.device_clock else grade, sentence)


def repeated(seen: GradingContext) -> Iterator[Reason]:
    """Rounds that were set aside."""
    causes = Counter(disturbance(evidence) or "" for evidence in seen.set_aside)
    count = sum(causes.values())
    if count:
        total = count + len(seen.evidence)
        why = ", ".join(f"{code} {times}" for code, times in causes.most_common())
        grade: Grade = "A" if count <= MAX_PLAIN_REPEATS * max(1, len(seen.records)) else "B"
        yield Reason("repeated", grade, f"{count} of {total} rounds were set aside and taken again: {why}.")


def clock(seen: GradingContext) -> Iterator[Reason]:
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


def throttled(seen: GradingContext) -> Iterator[Reason]:
    """Why the card lowered its clock."""
    causes = Counter(cause for evidence in seen.evidence for cause in evidence.throttle)
    total = len(seen.evidence)
    faults = {cause: times for cause, times in causes.items() if cause not in COOLING}
    if faults:
        why = ", ".join(f"{cause.replace('_', ' ')} in {times}" for cause, times in faults.items())
        yield Reason("throttled", "C", f"Of {total} rounds: {why}.")
    if causes.get("power_cap"):
        yield Reason("power_cap", "A", f"At the power limit in {causes['power_cap']} of {total} rounds.")


def memory(seen: GradingContext) -> Iterator[Reason]:
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


def program(seen: GradingContext) -> Iterator[Reason]:
    """Python and the compiler at work in the timed rounds."""
    compiled = sum(evidence.recompiles or 0 for evidence in seen.evidence)
    if compiled:
        yield Reason("recompiled", "C", f"{compiled} graphs were compiled anew.")
    collections = sum(evidence.collections for evidence in seen.evidence)
    if collections:
        yield Reason("collections", "B", f"The garbage collector ran {collections} times.")


def surroundings(seen: GradingContext) -> Iterator[Reason]:
    """Neighbours on the card, and the battery."""
    foreign = max((evidence.foreign or 0 for evidence in seen.evidence), default=0)
    aside = sum(bool(evidence.foreign) for evidence in seen.set_aside)
    if foreign:
        yield Reason("foreign", "C", f"{foreign} other processes had work on the card.")
    elif aside:
        yield Reason("foreign", "B", f"Other processes had work on the card in {aside} rounds that were set aside.")
    if seen.facts.get("on_battery") is True:
        yield Reason("battery", "B", "The machine ran on its battery.")


def _grade(share: float, steps: Steps) -> Grade | None:
    """The grade of the first step that ``share`` lies above; None below all."""
    return next((grade for grade, above in steps if share > above), None)


def _of(value: float | None) -> float:
    return value or 0.0


CHECKS = (contention, stolen, repeated, clock, throttled, memory, program, surroundings)
