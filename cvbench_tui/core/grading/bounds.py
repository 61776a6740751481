"""What the extremes of a row's counters and samples rule out, so that a comparison need not look at every round."""

from __future__ import annotations

import math
from operator import le

from cvbench_tui.core.grading.context import GradingContext
from cvbench_tui.core.grading.physics import MAX_DEFERRED_CORES, MAX_TIMER_SHARE_VALID, ROUNDING
from cvbench_tui.core.measurement import Measurement, Phase, PhaseSamples
from cvbench_tui.core.stats.record_array import RecordArray, Same
from cvbench_tui.core.stats.sample_array import SampleArray
from cvbench_tui.core.stats.stop_rule import undisturbed

SURE = 0.8  # of a limit, which no rounding of sums and quotients bridges


def surely_valid(context: GradingContext) -> bool:
    """True when no check but those of results and rates can give an X. False says nothing."""
    samples, measurement, centre = context.samples, context.measurement, context.estimate
    if centre is None or not 0 < min(samples) < max(samples) or not math.isfinite(math.fsum(samples)):
        return False
    if context.whole_phase == "total" and not _ordered(measurement):
        return False
    if not measurement.passes:
        return True
    rounds, passes = measurement.all_evidence, measurement.passes
    if rounds is None or not isinstance(passes, RecordArray) or not undisturbed(measurement):
        return False
    used = rounds.column("utilisation")
    timer_s = passes.most("empty_region_s") / passes.least("group")
    return (
        isinstance(used, Same)
        and used.value is None
        and all(map(le, rounds.values("timed_s"), rounds.values("wall_s")))
        and rounds.most("stolen_s") <= rounds.least("wall_s") * SURE / 4
        and timer_s <= SURE * MAX_TIMER_SHARE_VALID * centre.median_s
        and passes.most("deferred_share") <= MAX_DEFERRED_CORES
    )


def _ordered(measurement: Measurement) -> bool:
    """Whether each sample of the total is longer than any of its parts, or there is no total."""
    phases: tuple[Phase, ...] = ("forward", "backward", "total")
    found = {phase: _extremes(measurement.phase(phase)) for phase in phases}
    total, parts = found.pop("total"), [part[1] for part in found.values() if part is not None]
    return total is None or total[0] >= max(parts, default=0.0) * (1 - ROUNDING)


def _extremes(samples: PhaseSamples | None) -> tuple[float, float] | None:
    return samples.rounds.extremes if samples is not None and isinstance(samples.rounds, SampleArray) else None
