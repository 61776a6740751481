"""Checks of the samples: precision, processes, warm-up, drift, two speeds, fused timing."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from cvbench_tui.core.grading.context import GradingContext
from cvbench_tui.core.grading.reasons import Grade, Reason
from cvbench_tui.core.stats.bimodality import find_bimodality
from cvbench_tui.core.stats.trend import trend
from cvbench_tui.core.text import percent, plural

MIN_ROUNDS = 5  # for fewer rounds Student's t is above 3, and a trend cannot be told from noise
MAX_FUSED_DIFFERENCE = 0.02  # relative difference of a phase by itself from the phase within a training iteration


def precision(context: GradingContext) -> Iterator[Reason]:
    """The interval against the protocol's precision."""
    rounds = sum(len(rounds) for rounds in context.rounds_by_visit)
    if rounds < MIN_ROUNDS:
        sentence = f"Only {plural(rounds, 'round')} with {plural(len(context.samples), 'sample')}."
        yield Reason("few_rounds", "C" if rounds else "X", sentence)
    relative = context.estimate.relative if context.estimate else None
    if relative is None or context.goal is None or relative <= context.goal:
        return
    grade: Grade = "B" if relative <= 2 * context.goal else "C"
    sentence = f"The interval is ±{percent(relative)}; the protocol asks for ±{percent(context.goal)}."
    yield Reason("imprecise", grade, sentence)


def visits(context: GradingContext) -> Iterator[Reason]:
    """Visits that are missing or failed."""
    count, goal = len(context.rounds_by_visit), context.protocol.visits
    if count < goal:
        yield Reason("few_visits", "B", f"Measured in {count} of {goal} visits.")
    failed = sum(notice.code == "visit_failed" for notice in context.measurement.notices)
    if failed:
        yield Reason("visit_failed", "B", f"{plural(failed, 'visit')} failed.")


def warm_up(context: GradingContext) -> Iterator[Reason]:
    """A warm-up that ended at its time limit."""
    unsettled = any(not record.settled for record in context.records)
    if not context.records:  # schema 1 has a notice of the pass
        code = f"unsettled_{context.whole_phase}"
        unsettled = any(notice.code == code for notice in context.measurement.notices)
    if unsettled:
        yield Reason("unsettled", "B", "Times were still changing when the warm-up limit was reached.")


def drift(context: GradingContext) -> Iterator[Reason]:
    """Rounds that became slower or faster."""
    changes = [trend(medians) for medians in context.medians_by_visit]
    change = max(changes, key=abs, default=0.0)
    if abs(change) <= context.tolerance:
        return
    word = "slower" if change > 0 else "faster"
    grade: Grade = "B" if abs(change) <= 2 * context.tolerance else "C"
    yield Reason("drift", grade, f"Iterations became {percent(abs(change))} {word} from the first round to the last.")


def bimodality(context: GradingContext) -> Iterator[Reason]:
    """Two speeds."""
    found = find_bimodality(context.samples)
    if found is not None:
        share, gap = percent(found.share_high), percent(found.gap)
        yield Reason("bimodal", "C", f"Two speeds: {share} of the samples are {gap} slower than the others.")


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


CHECKS = (precision, visits, warm_up, drift, bimodality, fused_timing)
