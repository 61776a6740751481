"""Checks for impossible values: they make a number invalid, or question its clock."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain
from statistics import median

from cvbench_tui.core.axes import peaks
from cvbench_tui.core.grading.context import GradingContext
from cvbench_tui.core.grading.reasons import Grade, Reason
from cvbench_tui.core.measurement import middle
from cvbench_tui.core.protocol import REGION_TO_TIMER_COST
from cvbench_tui.core.text import percent

MIN_EQUAL_SAMPLES = 10  # so many equal samples are no chance: the clocks here count nanoseconds
ROUNDING = 1e-3  # share by which the total may be below a part: samples are rounded to nanoseconds
MAX_TIMER_SHARE_CERTAIN = 0.02  # of a region, twice the width of an A, above which the number is doubtful ...
MAX_TIMER_SHARE_VALID = 0.05  # ... and above which it is not the workload's
FLOOR_NEAR = 1.5
"""Factor by which regions may be below the minimum of the device's clock: groups that are about right are kept."""
FLOOR_FAR = 3.0  # from here on a synchronise (up to 0.25 ms) is 8% of a region; events are accurate to 0.5 us in any
ABOVE_PEAK = 1.15  # factor by which rates may exceed the peak: one matrix size and one copy are not the very best
WINOGRAD = 4.0
"""Factor by which Winograd's algorithm needs fewer multiplications than are counted: 2.25 for F(2x2, 3x3), 2.8 for
F(2x2, 5x5), 4 for F(4x4, 3x3) (Lavin and Gray, arXiv:1509.09308)."""
MIN_CACHES = 4  # work on less than so many times the last cache may be served by it in part, faster than memory
MAX_DEFERRED_CORES = 0.3  # cores in use after the last call had returned; an idle interpreter uses below 0.05
MIN_UTILISATION = 0.95  # share of the blocks' wall time in which the device has to work on the regions
EXPLAINED = 0.5  # share of the missing time that waiting for a core explains: the host was late, no work is hidden
MAX_EVENTS_OVER_WALL = 1.02  # timed seconds over the wall seconds around them: above 1 is impossible, 2% for two clocks


def clock(context: GradingContext) -> Iterator[Reason]:
    """Samples that are no times, or all equal."""
    samples = context.samples
    broken = sum(not math.isfinite(sample) or sample <= 0 for sample in samples)
    if broken:
        yield Reason("broken_clock", "X", f"{broken} of {len(samples)} samples are zero, negative or not a number.")
    elif len(samples) >= MIN_EQUAL_SAMPLES and min(samples) == max(samples):
        yield Reason("no_variation", "X", f"All {len(samples)} samples are equal to the last digit.")


def same_result(context: GradingContext) -> Iterator[Reason]:
    """Another output or gradient than float32's, contiguous and eager, beyond what the precision explains."""
    check = context.measurement.check
    if check is None or check.same:
        return
    what, error, bound = "output", check.output_error, check.output_bound
    if error <= bound:
        what, error, bound = "last gradient", check.gradient_error or 0.0, check.gradient_bound or 0.0
    far = f"its {what} differs from float32's by {percent(error)} of the largest value"
    yield Reason("not_same", "X", f"Not the same result: {far}; the precision explains {percent(bound)}.")


def parts(context: GradingContext) -> Iterator[Reason]:
    """A total below its parts, or regions longer than the wall time around them."""
    medians: dict[str, float] = {}
    if context.whole_phase == "total":
        medians = {
            phase.phase: median(chain.from_iterable(phase.rounds))
            for phase in context.measurement.numbers
            if any(phase.rounds)
        }
    if "total" in medians:
        part = max(medians.get("forward", 0.0), medians.get("backward", 0.0))
        if medians["total"] < part * (1 - ROUNDING):
            share = percent(medians["total"] / part)
            yield Reason("impossible_parts", "X", f"The total is only {share} of its longest part.")
            return
    timed_s = context.total("timed_s")
    if context.wall_s > 0 and timed_s > MAX_EVENTS_OVER_WALL * context.wall_s:
        over = percent(timed_s / context.wall_s - 1)
        sentence = f"The timed regions add up to {over} more than the wall time around them."
        yield Reason("impossible_parts", "X", sentence)


def short_region(context: GradingContext) -> Iterator[Reason]:
    """Regions of which the timer is a relevant part."""
    costs = [(record.empty_region_s or 0.0) / record.group for record in context.records]
    notices = [each for each in context.measurement.notices if each.code.endswith(context.whole_phase)]
    if not context.records and any(notice.code.startswith("short_region") for notice in notices):
        yield Reason("short_region", "B", "Timer overhead may be more than 0.5%.")
    if not costs or context.estimate is None:
        return
    share = max(costs) / context.estimate.median_s
    short = max(record.region_floor_s / (record.group * context.estimate.median_s) for record in context.records)
    far = short > FLOOR_FAR and context.phase_samples.clock != "cuda_event"
    grade: Grade = "X" if share > MAX_TIMER_SHARE_VALID else "C" if share > MAX_TIMER_SHARE_CERTAIN else "B"
    if share * REGION_TO_TIMER_COST > 1 and not (far and grade == "B"):
        yield Reason("short_region", grade, f"Timer overhead may be {percent(share)} of the time.")
    elif short > FLOOR_NEAR:
        sentence = f"Timed regions should be {short:.2g} times as long for this device's clock."
        yield Reason("short_region", "C" if far else "B", sentence)


def rates(context: GradingContext) -> Iterator[Reason]:
    """More operations or bytes per second than the device's measured peak."""
    work, peak = context.measurement.work_of(context.phase), context.peak
    if work is None or peak is None or not peak.sure or context.estimate is None:
        return
    names = peaks(context.measurement.case_id) or (("float32",) if peak.device == "cpu" else ("float32", "tf32"))
    device = context.measurement.device(context.phase)  # the shorter of two times shows sooner what was missed
    seconds = context.estimate.median_s if device is None else middle(device.rounds)
    flops = work.flops / seconds / (peak.flops(*names) or math.inf)
    bytes_per_s = peak.most_bytes_per_s or peak.bytes_per_s or math.inf
    moved = work.footprint_bytes / seconds / bytes_per_s
    cached = peak.cache_bytes is None or work.footprint_bytes <= MIN_CACHES * peak.cache_bytes
    if flops > ABOVE_PEAK * (WINOGRAD if work.winograd else 1.0):
        yield Reason("impossible_rate", "X", f"{flops:.2g} times the FLOP/s of the measured peak.")
    elif flops > ABOVE_PEAK:
        yield Reason("winograd", "A", f"{flops:.2g} times the FLOP/s of the measured peak.")
    if moved > ABOVE_PEAK and not cached:
        yield Reason("impossible_rate", "X", f"{moved:.2g} times the memory bandwidth of the measured peak.")


def deferred_work(context: GradingContext) -> Iterator[Reason]:
    """Asynchronous work that outlives the timed call."""
    cores = max((record.deferred_share or 0.0 for record in context.records), default=0.0)
    if cores > MAX_DEFERRED_CORES:
        sentence = f"The process still used {percent(cores)} of a core after the last call had returned."
        yield Reason("deferred", "X", sentence)


def utilisation(context: GradingContext) -> Iterator[Reason]:
    """A device that worked outside the timed regions, then a host that is slower than it. In that order: behind a lead
    that lasted until all was queued a slow host is no explanation for a device that is not in the regions."""
    shares = [each.utilisation for each in context.evidence if each.utilisation is not None]
    busy = median(shares) if shares else 1.0
    if busy < MIN_UTILISATION and context.total("waited_s") <= EXPLAINED * (1 - busy) * context.wall_s:
        sentence = f"Only {percent(busy)} of the device's time was in timed regions, and the host was not the cause."
        yield Reason("unaccounted", "X", sentence)
        return
    if not context.host_bound:
        return
    device, wall = context.measurement.device(context.whole_phase), context.measurement.wall_of(context.whole_phase)
    if wall is not None:
        other = f"the device needs {_time(middle(device.rounds))}" if device else "the device's own time is not known"
        yield Reason("host_bound", "B", f"A loop takes {_time(middle(wall.rounds))} an iteration, {other}.")


def _time(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms" if seconds < 0.9995 else f"{seconds:.3g} s"


CHECKS = (clock, same_result, parts, short_region, rates, deferred_work, utilisation)
