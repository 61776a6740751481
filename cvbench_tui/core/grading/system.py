"""Checks of the system: contention, stolen time, repeated rounds, clocks, throttling, memory, other processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

from cvbench_tui.core.facts import count_listed
from cvbench_tui.core.grading.context import GradingContext
from cvbench_tui.core.grading.reasons import Grade, Reason
from cvbench_tui.core.measurement import Measurement
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.stats.contention import Contention, contention_of
from cvbench_tui.core.stats.stop_rule import (
    COOLING,
    MAX_SLOWER,
    MIN_MAJOR_FAULTS,
    MIN_SWAPPED_PAGES,
    disturbance,
    fast_visits,
)
from cvbench_tui.core.text import percent, plural

Steps = tuple[tuple[Grade, float], ...]  # grades, worst first, each with the share above which it is given
WAITED: Steps = (("X", 0.25), ("C", 0.05), ("B", 0.02))
"""Share of the wall time that threads waited for a core (``core.stats.contention``). An iteration becomes longer by its
wait: above 2%, twice the width of an A, it shows; above 25% the time does not describe the workload."""
STOLEN: Steps = (("X", 0.25), ("C", 0.05), ("B", 0.01))  # the hypervisor's share of the CPU time requested
MIN_OTHER_CORES = 1.0
"""Mean number of cores that other programs use, where the cores do not suffice for both: on a large shared machine some
of the remaining cores are always in use."""
SLOW_MACHINE = MAX_SLOWER
"""Time of the sentinel's product over its best on this device. A shared machine has hours of its own: three in four
products were within 2.2% of the best in its fast ones, and in its slow ones 9% above it, where MobileNets took 31%
longer. So the number of a slow hour is not that of the next run."""
CLOCK_DROP = 0.03  # by which a card's clock may be below its median in a round, and fall from first to last ...
CLOCK_DROP_CPU = 0.10
"""... and a processor's: each core's clock varies by some percent all the time, and one core is read at one moment."""


def contention(context: GradingContext) -> Iterator[Reason]:
    """Threads that waited for a core, by the kernel's run delay; without it, by other programs' CPU time."""
    waited = contention_of(context.evidence)
    if waited is None:
        others = list(_by_other_programs(context))
        yield from others
        # macOS, Windows, kernels without schedstat: no A, since it is not known whether threads waited
        if not others and context.phase_samples.clock == "perf_counter" and context.evidence:
            yield Reason("waits_unknown", "B", "This system does not report whether threads waited for a CPU core.")
    elif context.device_clock:  # the host's wait is not in the device's times
        waits = [Reason("contention", "B", _waited(waited))] if waited.share > WAITED[-1][1] else []
        yield from waits or _by_other_programs(context)
    else:
        yield from list(_by_run_delay(context, waited)) or _by_other_programs(context)


def _by_run_delay(context: GradingContext, waited: Contention) -> Iterator[Reason]:
    """By the kernel's run delay, over all rounds or in one of them."""
    grade = _grade(waited.share, WAITED)
    if grade is not None:
        yield Reason("contention", grade, _waited(waited) + _quota(context))
    elif any(disturbance(each) == "contention" for each in context.evidence):
        sentence = "In some rounds benchmark threads waited for a CPU core over 5% of the time." + _quota(context)
        yield Reason("contention", "B", sentence)


def _waited(waited: Contention) -> str:
    """Mean wait of a thread; with several threads their sum too, since one of them delays the others."""
    threads = round(waited.threads)
    total = f" ({percent(waited.in_sum)} in all {threads})" if threads > 1 else ""
    share = waited.in_sum / waited.threads if threads > 1 else waited.in_sum
    return f"Benchmark threads waited for a CPU core {percent(share)} of the time{total}."


def _quota(context: GradingContext) -> str:
    """That a quota pauses them, which is no other program's doing, after a blank; empty without one."""
    quota, affinity = context.facts.get("quota_cores"), context.facts.get("affinity")
    cores = count_listed(affinity) if isinstance(affinity, str) else context.facts.get("cpu_cores")
    if not isinstance(quota, (int, float)) or not isinstance(cores, (int, float)) or quota >= cores:
        return ""
    return f" The container's quota, {quota:g} of {plural(round(cores), 'core')}, pauses them too."


def _by_other_programs(context: GradingContext) -> Iterator[Reason]:
    """By other programs that need more cores than the measurement leaves."""
    known = [evidence for evidence in context.evidence if evidence.others_s is not None and evidence.wall_s > 0]
    used = median((evidence.others_s or 0.0) / evidence.wall_s for evidence in known) if known else 0.0
    cores = context.facts.get("cpu_cores")
    if not isinstance(cores, (int, float)) or context.device_clock:
        return
    if used >= MIN_OTHER_CORES and used + (context.measurement.threads or 1) > cores:
        sentence = f"Other programs used {used:.1f} of the {cores:g} CPU cores."
        yield Reason("contention", "B", sentence)


def stolen_time(context: GradingContext) -> Iterator[Reason]:
    """CPU time that the hypervisor gave to other virtual machines."""
    stolen_s = context.total("stolen_s")
    wanted_s = stolen_s + max(context.wall_s, context.total("cpu_s"))
    share = stolen_s / wanted_s if wanted_s > 0 else 0.0
    grade = _grade(share, STOLEN)
    if grade is not None:
        sentence = f"The hypervisor took {percent(share)} of the CPU time."
        yield Reason("stolen", "B" if context.device_clock else grade, sentence)


def machine_speed(context: GradingContext) -> Iterator[Reason]:
    """A machine that was slower than at its best, by the fixed work of every visit."""
    slow = slowness(context.measurement, context.peak)
    middle = median(slow) if slow else 0.0
    if middle > SLOW_MACHINE:
        sentence = f"The machine was {percent(middle)} slower than at its best."
        yield Reason("slow_machine", "C", sentence, percent(middle))


def slowness(measurement: Measurement, peak: DevicePeak | None) -> list[float]:
    """How much longer the sentinel's product took in each visit that counts than at its best on this device, in this
    measurement or in an earlier run: 0 and more, as shares. Empty without sentinels."""
    if not measurement.visit_records:
        return []
    visits = zip(measurement.visit_records, fast_visits(measurement))
    known = [visit.product_s for visit, counts in visits if visit.product_s and counts]
    return [seconds / best_product_s(known, peak) - 1 for seconds in known]


def best_product_s(known: Sequence[float], peak: DevicePeak | None) -> float:
    """The least of those sentinels' products and of earlier runs', seconds. Raises ValueError for none."""
    return min([*known, *([peak.product_s] if peak is not None and peak.product_s else [])])


def repeated_rounds(context: GradingContext) -> Iterator[Reason]:
    """Disturbed rounds that were repeated: the disturbance was over then, so this is a note."""
    causes = Counter(disturbance(evidence) or "slow machine" for evidence in context.repeated)
    count = sum(causes.values())
    if count:
        total = count + len(context.evidence)
        why = ", ".join(f"{code} {times}" for code, times in causes.most_common())
        yield Reason("repeated", "A", f"Repeated {count} of {total} rounds: {why}.")


def clock_speed(context: GradingContext) -> Iterator[Reason]:
    """A clock that differed between the rounds of a visit."""
    allowed = CLOCK_DROP_CPU if context.phase_samples.clock == "perf_counter" else CLOCK_DROP
    drop = 0.0
    for each in context.evidence_by_visit:
        clocks = [evidence.clock_hz for evidence in each if evidence.clock_hz]
        if len(clocks) >= 2:
            drop = max(drop, 1 - min(clocks) / median(clocks), 1 - clocks[-1] / clocks[0])
    if drop > allowed:
        yield Reason("clock", "B", f"The clock was {percent(drop)} lower in one round than in others.")


def throttling(context: GradingContext) -> Iterator[Reason]:
    """Why the card lowered its clock."""
    causes = Counter(cause for evidence in context.evidence for cause in evidence.throttle)
    total = plural(len(context.evidence), "round")
    faults = [f"{cause.replace('_', ' ')} in {times}" for cause, times in causes.items() if cause not in COOLING]
    if faults:
        yield Reason("throttled", "C", f"Throttled: {', '.join(faults)} of {total}.")
    if causes.get("power_cap"):
        yield Reason("power_cap", "A", f"At the power limit in {causes['power_cap']} of {total}.")


def memory(context: GradingContext) -> Iterator[Reason]:
    """Memory that came from the driver or a disk during the timed rounds."""
    allocations, retries = context.total("allocations"), context.total("retries")
    if retries:
        sentence = f"{plural(retries, 'allocation')} succeeded only after the allocator's cache was emptied."
        yield Reason("allocator", "C", sentence)
    elif allocations and not context.published:  # the published loop has its cold iteration in it
        yield Reason("allocator", "B", f"Memory was allocated from the driver {plural(allocations, 'time')}.")
    pages, faults = context.total("swapped_pages"), context.total("major_faults")
    if pages >= MIN_SWAPPED_PAGES or faults >= MIN_MAJOR_FAULTS:
        disturbed = any(disturbance(each) == "swap" for each in context.evidence)
        sentence = f"{plural(faults, 'page fault')} waited for a disk, {plural(pages, 'page')} came from swap."
        yield Reason("swap", "C" if disturbed else "B", sentence)


def stopped(context: GradingContext) -> Iterator[Reason]:
    """Stops of the measuring process in rounds that count."""
    stops = context.total("stops")
    if stops:
        yield Reason("stopped", "C", f"The measuring process was stopped and continued {plural(stops, 'time')}.")


def interpreter(context: GradingContext) -> Iterator[Reason]:
    """Compilation and garbage collection during the timed rounds."""
    recompiled, collections = context.total("recompiles"), context.total("collections")
    if recompiled:
        yield Reason("recompiled", "C", f"torch.compile recompiled {plural(recompiled, 'graph')}.")
    if collections and not context.published:  # the published loop leaves the collector on
        yield Reason("collections", "B", f"The garbage collector ran {plural(collections, 'time')}.")


def compilation(context: GradingContext) -> Iterator[Reason]:
    """What torch.compile left to Python, or did not record."""
    found = context.measurement.compilation
    if found is not None and found.breaks:
        why = f", the first one: {found.break_reason.rstrip('.')}" if found.break_reason else ""
        yield Reason("graph_break", "B", f"torch.compile left {plural(found.breaks, 'graph break')}{why}.")
    if found is not None and found.graph_skips and context.phase_samples.clock == "cuda_event":
        sentence = f"{plural(found.graph_skips, 'compiled graph')} ran without a CUDA graph."
        yield Reason("graph_skipped", "B", sentence)


def surroundings(context: GradingContext) -> Iterator[Reason]:
    """Other processes on the card, and the battery."""
    processes = max((evidence.foreign or 0 for evidence in context.evidence), default=0)
    if processes:
        yield Reason("foreign", "C", f"{plural(processes, 'other process', 'other processes')} used the card.")
    if context.facts.get("on_battery") is True:
        yield Reason("battery", "B", "The machine ran on battery.")


def _grade(share: float, steps: Steps) -> Grade | None:
    """Grade of the first step that ``share`` exceeds; None below all."""
    return next((grade for grade, above in steps if share > above), None)


WITHOUT_EVIDENCE = (machine_speed, compilation, surroundings)
"""Those that can say anything of a row whose rounds have no evidence."""
CHECKS = (
    contention,
    stolen_time,
    machine_speed,
    repeated_rounds,
    clock_speed,
    throttling,
    memory,
    stopped,
    interpreter,
    compilation,
    surroundings,
)
