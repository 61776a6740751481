"""What no true measurement can be: these reasons make a number invalid, or tell how far its clock can be believed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from cvbench_tui.core.grading.context import GradingContext, percent
from cvbench_tui.core.grading.reasons import Grade, Reason
from cvbench_tui.core.measurement import Notice
from cvbench_tui.core.protocol import REGION_TO_TIMER_COST

SAME_SAMPLES = 10
"""So many samples without any difference are not chance: clocks here count nanoseconds."""
ROUNDING = 1e-3
"""Share by which a whole may lie below a part: samples are rounded to nanoseconds."""
MARKS_DOUBT = 0.02
"""Above this share of the marks in a region, twice the default precision, the number is doubtful ..."""
MARKS_WRONG = 0.05
"""... and above this one it is not the workload's."""
FLOOR_NEAR = 1.5
"""Regions may be so many times shorter than the device's clock asks for: groups that are about right are kept."""
FLOOR_FAR = 3.0
"""From here on a synchronise (0.25 ms were seen) is 8% of a region. Events are sure to 0.5 us whatever they enclose."""
ABOVE_CEILING = 1.15
"""Rates may pass the measured ceiling by so much: one size of matrix and one copy are not the device's very best."""
WINOGRAD = 4.0
"""Times fewer multiplications of Winograd's algorithm than counted: 2.25 with the smallest tiles, F(2x2, 3x3), 2.8 for
F(2x2, 5x5), and 4 for F(4x4, 3x3) (Lavin and Gray, arXiv:1509.09308)."""
CACHES = 4
"""Work on fewer bytes than so many times the last cache may be served by it in part, faster than memory."""
DEFERRED = 0.3
"""CPU seconds per second after the last call had returned; a quiet interpreter uses below 0.05 there."""
IDLE = 0.95
"""Share of the blocks' wall time in which the device has to work on the regions."""
HOST_SLOW = 0.5
"""Share of an iteration's time that the host needs to queue it, from which gaps are explained by the host."""
HOST_CLOSE = 0.8
"""The same from which a host that cannot run ahead adds its own time: below it the device never runs dry."""
OUTRAN = 0.25
"""Share of the blocks that may be queued more slowly than their lead lasts: the median does not follow so few."""
EXPLAINED = 0.5
"""Share of the missing time that waiting for a core explains, where the host looked late and nothing was hidden."""
EVENTS_OVER_WALL = 1.02
"""Timed seconds over the wall seconds around them: more than 1 cannot be, 2% are for two clocks."""


def clock(seen: GradingContext) -> Iterator[Reason]:
    """Samples that are no times, or all one time."""
    samples = seen.samples
    broken = sum(not math.isfinite(sample) or sample <= 0 for sample in samples)
    if broken:
        yield Reason("broken_clock", "X", f"{broken} of {len(samples)} samples are zero, negative or no number.")
    elif len(samples) >= SAME_SAMPLES and min(samples) == max(samples):
        yield Reason("no_variation", "X", f"All {len(samples)} samples are equal to the last digit.")


def parts(seen: GradingContext) -> Iterator[Reason]:
    """A whole below its parts, or regions longer than the wall time around them."""
    middle = {
        phase.phase: median(sample for samples in phase.rounds for sample in samples)
        for phase in seen.measurement.phases
        if any(phase.rounds)
    }
    if seen.headline == "total" and "total" in middle:
        part = max(middle.get("forward", 0.0), middle.get("backward", 0.0))
        if middle["total"] < part * (1 - ROUNDING):
            share = percent(middle["total"] / part)
            yield Reason("impossible_parts", "X", f"The total is only {share} of its longest part.")
            return
    timed = sum(evidence.timed_s for evidence in seen.evidence)
    if seen.wall_s > 0 and timed > EVENTS_OVER_WALL * seen.wall_s:
        over = percent(timed / seen.wall_s - 1)
        sentence = f"The timed regions add up to {over} more than the wall time around them."
        yield Reason("impossible_parts", "X", sentence)


def short_region(seen: GradingContext) -> Iterator[Reason]:
    """Marks that are a part of the number."""
    costs = [(record.empty_region_s or 0.0) / record.group for record in seen.records]
    if not seen.records and any(notice.code.startswith("short_region") for notice in _notices(seen)):
        yield Reason("short_region", "B", "The marks may add more than 0.5%.")
    if not costs or seen.estimate is None:
        return
    share = max(costs) / seen.estimate.median_s
    short = max(record.region_floor_s / (record.group * seen.estimate.median_s) for record in seen.records)
    far = short > FLOOR_FAR and not seen.device_clock
    by_marks: Grade = "X" if share > MARKS_WRONG else "C" if share > MARKS_DOUBT else "B"
    if share * REGION_TO_TIMER_COST > 1 and not (far and by_marks == "B"):
        yield Reason("short_region", by_marks, f"The marks may be {percent(share)} of the number.")
    elif short > FLOOR_NEAR:
        sentence = f"A region should last {short:.2g} times as long for this device's clock."
        yield Reason("short_region", "C" if far else "B", sentence)


def rates(seen: GradingContext) -> Iterator[Reason]:
    """More operations or bytes per second than the device was measured to reach."""
    work, ceiling = seen.measurement.work_of(seen.phase), seen.ceiling
    if work is None or ceiling is None or not ceiling.sure or seen.estimate is None:
        return
    names = ("float32",) if ceiling.device == "cpu" else ("float32", "tf32")
    operations = _times(work.flops / seen.estimate.median_s, ceiling.flops(*names))
    moved = _times(work.footprint_bytes / seen.estimate.median_s, ceiling.most_bytes_per_s or ceiling.bytes_per_s)
    cached = ceiling.cache_bytes is None or work.footprint_bytes <= CACHES * ceiling.cache_bytes
    if operations > ABOVE_CEILING * (WINOGRAD if work.winograd else 1.0):
        yield Reason("impossible_rate", "X", f"{operations:.2g} times the operations per second of the ceiling.")
    elif operations > ABOVE_CEILING:
        yield Reason("winograd", "A", f"{operations:.2g} times the operations per second of the ceiling.")
    if moved > ABOVE_CEILING and not cached:
        yield Reason("impossible_rate", "X", f"{moved:.2g} times the bytes per second of the ceiling.")


def after_the_call(seen: GradingContext) -> Iterator[Reason]:
    """Work that went on after the calls had returned."""
    deferred = max((record.deferred_share or 0.0 for record in seen.records), default=0.0)
    if deferred > DEFERRED:
        sentence = f"{percent(deferred)} of a core were still in use after the last call had returned."
        yield Reason("deferred", "X", sentence)


def idle_device(seen: GradingContext) -> Iterator[Reason]:
    """A device that waited for its host, or worked where its events did not look."""
    shares = [each.utilisation for each in seen.evidence if each.utilisation is not None]
    hosts = [each.host_s for each in seen.evidence if each.host_s is not None]
    whole = _iteration_s(seen)
    if whole is None or not (shares or hosts):
        return
    busy = median(shares) if shares else 1.0
    host_s = median(hosts) if hosts else None
    slow = 0.0 if host_s is None else host_s / whole
    if host_s is not None and slow > HOST_CLOSE and not _ran_ahead(seen):
        sentence = f"The host took {_time(host_s)} to launch an iteration and could not run ahead: "
        yield Reason("host_bound", "C", f"{sentence}the device may have needed less than the {_time(whole)} shown.")
    elif host_s is not None and (slow > 1 or (busy < IDLE and slow > HOST_SLOW)):
        sentence = f"The host took {_time(host_s)} to launch an iteration, the device {_time(whole)}."
        yield Reason("host_bound", "B", sentence)
    elif busy < IDLE and host_s is not None and _waited(seen) < EXPLAINED * (1 - busy):
        sentence = f"The timed regions are only {percent(busy)} of the blocks' time, and the host was not the cause."
        yield Reason("unaccounted", "X", sentence)
    elif busy < IDLE:
        yield Reason("host_bound", "B", f"The device worked in {percent(busy)} of the blocks' time only.")


def _ran_ahead(seen: GradingContext) -> bool:
    """False when no lead was given, or when it ended before the blocks were queued: a queue holds 1,000 launches."""
    led = all(record.lead_s is None or record.lead_s > 0 for record in seen.records)
    late = [each.outran for each in seen.evidence if each.outran is not None]
    return led and (not late or median(late) <= OUTRAN)


def _waited(seen: GradingContext) -> float:
    """Share of the wall time in which threads of the host waited for a core."""
    return sum(each.waited_s or 0.0 for each in seen.evidence) / seen.wall_s if seen.wall_s > 0 else 0.0


def _notices(seen: GradingContext) -> list[Notice]:
    """The worker's notices about this phase's pass."""
    return [notice for notice in seen.measurement.notices if notice.code.endswith(seen.headline)]


def _iteration_s(seen: GradingContext) -> float | None:
    """Seconds of a whole iteration of the pass, by the device."""
    samples = seen.measurement.phase(seen.headline)
    values = [sample for rounds in samples.rounds for sample in rounds] if samples else list(seen.samples)
    return median(values) if values else None


def _times(rate: float, ceiling: float | None) -> float:
    return rate / ceiling if ceiling else 0.0


def _time(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms" if seconds < 0.9995 else f"{seconds:.3g} s"


CHECKS = (clock, parts, short_region, rates, after_the_call, idle_device)
