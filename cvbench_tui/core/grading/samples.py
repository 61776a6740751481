"""Checks of the samples: visits, warm-up, drift, two speeds, fused timing, processes."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from cvbench_tui.core.grading.context import GradingContext
from cvbench_tui.core.grading.reasons import Reason
from cvbench_tui.core.stats.bimodality import find_bimodality
from cvbench_tui.core.stats.estimate import centre
from cvbench_tui.core.stats.trend import trend
from cvbench_tui.core.stats.visits import complete
from cvbench_tui.core.text import percent, plural

DRIFT_B, DRIFT_C = 0.01, 0.03  # change over the visits above which there is a mark: the widths of an A and of a B
MIN_PROCESSES = 3  # from so many on their differences are in the interval, which is then over visits
MAX_FUSED_DIFFERENCE = 0.02  # relative difference of a phase by itself from the phase within a training iteration


def visits(context: GradingContext) -> Iterator[Reason]:
    """Visits that are missing or failed."""
    count, goal = len(context.rounds_by_visit), context.protocol.visits
    if context.relative is None:
        rounds = sum(map(len, context.rounds_by_visit))
        sentence = f"Only {plural(rounds, 'round')} with {plural(len(context.samples), 'sample')}."
        yield Reason("one_visit", "D", sentence)
    elif count < goal and not complete(context.measurement, context.protocol):
        yield Reason("few_visits", "B", f"Only {count} of {goal} visits were made.")
    failed = sum(notice.code == "visit_failed" for notice in context.measurement.notices)
    if failed:
        yield Reason("visit_failed", "B", f"{plural(failed, 'visit')} failed.")


def warm_up(context: GradingContext) -> Iterator[Reason]:
    """Warm-ups that ended at their time limit, in half of the visits or more."""
    unsettled, count = sum(not record.settled for record in context.records), len(context.records)
    if not context.records:  # schema 1 has a notice of the pass
        code = f"unsettled_{context.whole_phase}"
        unsettled, count = sum(notice.code == code for notice in context.measurement.notices), 1
    if 2 * unsettled >= count:
        where = f" in {unsettled} of {count} visits" if count > 1 else ""
        yield Reason("unsettled", "B", f"Times were still changing when the warm-up limit was reached{where}.")


def drift(context: GradingContext) -> Iterator[Reason]:
    """Visits that became slower or faster; of a single one its rounds."""
    single = len(context.medians_by_visit) == 1
    centres = context.medians_by_visit[0] if single else [centre(medians) for medians in context.medians_by_visit]
    change, word = trend(centres), "round" if single else "visit"
    if abs(change) > DRIFT_B:
        way = "slower" if change > 0 else "faster"
        sentence = f"Iterations became {percent(abs(change))} {way} from the first {word} to the last."
        yield Reason("drift", "C" if abs(change) > DRIFT_C else "B", sentence)


def bimodality(context: GradingContext) -> Iterator[Reason]:
    """Two speeds."""
    found = find_bimodality(context.samples)
    if found is not None:
        share, gap = percent(found.share_high), percent(found.gap)
        yield Reason("bimodal", "C", f"{share} of the samples are {gap} slower than the others.")


def fused_timing(context: GradingContext) -> Iterator[Reason]:
    """A phase that takes another time by itself."""
    alone = context.measurement.variant("alone", context.phase)
    values = [sample for rounds in alone.rounds for sample in rounds] if alone else []
    device = context.measurement.device(context.phase)  # alone, too, a card is timed behind a lead
    fused = [sample for rounds in device.rounds for sample in rounds] if device else []
    if not values or context.estimate is None or (context.measurement.wall_of(context.phase) and not device):
        return
    difference = median(values) / (median(fused) if fused else context.estimate.median_s) - 1
    if abs(difference) > MAX_FUSED_DIFFERENCE:
        word = "longer" if difference > 0 else "less"
        yield Reason("fused_differs", "A", f"By itself the phase takes {percent(abs(difference))} {word}.")


def processes(context: GradingContext) -> Iterator[Reason]:
    """Too few processes for an A, where the number is not the device's own."""
    count = context.measurement.processes
    if count < MIN_PROCESSES and not context.device_clock and not context.host_bound:
        yield Reason(
            "one_process" if count == 1 else "two_processes",
            "B",
            f"Measured in {plural(count, 'process', 'processes')}.",
        )


CHECKS = (visits, warm_up, drift, bimodality, fused_timing)
