"""What the samples tell of themselves: too wide, too few, drifting, of two speeds, different in each process."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from cvbench_tui.core.grading.context import GradingContext, percent
from cvbench_tui.core.grading.reasons import Grade, Reason
from cvbench_tui.core.stats.bimodality import find_bimodality
from cvbench_tui.core.stats.estimate import centre, half_width
from cvbench_tui.core.stats.trend import trend

MIN_ROUNDS = 5
"""Student's t for fewer than five rounds is above 3, and a trend among them cannot be told from noise."""
FUSED = 0.02
"""A phase alone may differ by this share from the phase between fused marks."""


def precision(seen: GradingContext) -> Iterator[Reason]:
    """The interval against the protocol's goal."""
    found = seen.estimate
    rounds = sum(len(rounds) for rounds in seen.rounds_by_process)
    if rounds < MIN_ROUNDS:
        sentence = f"Only {_count(rounds, 'round')} with {_count(len(seen.samples), 'sample')}."
        yield Reason("few_rounds", "C" if rounds else "X", sentence)
    if found is None or found.relative is None or seen.goal is None or found.relative <= seen.goal:
        return
    grade: Grade = "B" if found.relative <= 2 * seen.goal else "C"
    sentence = f"The interval is ±{percent(found.relative)}; the protocol asks for ±{percent(seen.goal)}."
    yield Reason("imprecise", grade, sentence)


def processes(seen: GradingContext) -> Iterator[Reason]:
    """Fresh processes that are missing, failed or do not agree."""
    taken = len(seen.rounds_by_process)
    if taken < seen.protocol.processes:
        sentence = f"{_count(taken, 'process', 'processes')} of the {seen.protocol.processes} asked for."
        yield Reason("few_processes", "B", sentence)
    failed = sum(notice.code == "repetition_failed" for notice in seen.measurement.notices)
    if failed:
        yield Reason("repetition_failed", "B", f"{_count(failed, 'repetition')} in a fresh process failed.")
    if taken >= 2:
        yield from _apart(seen)


def _apart(seen: GradingContext) -> Iterator[Reason]:
    """Processes that differ by more than the precision, and by more than the rounds of one of them can tell."""
    middles = [centre(medians) for medians in seen.medians_by_process]
    own = max(half_width(medians) or 0.0 for medians in seen.medians_by_process)
    apart = max(middles) - min(middles)
    if apart > 2 * max(own, seen.tolerance * centre(middles)):
        share = percent(apart / centre(middles))
        yield Reason("process_dependent", "C", f"The medians of {len(middles)} processes lie {share} apart.")


def unsettled(seen: GradingContext) -> Iterator[Reason]:
    """A warm-up that ended at its cap."""
    ended = sum(not record.settled for record in seen.records)
    if not seen.records:  # schema 1 said it in a notice of the pass
        ended = sum(notice.code == f"unsettled_{seen.headline}" for notice in seen.measurement.notices)
    if ended:
        yield Reason("unsettled", "B", "The warm-up ended at its time limit, before its windows agreed.")


def drift(seen: GradingContext) -> Iterator[Reason]:
    """Rounds that became slower or faster."""
    changes = [trend(medians) for medians in seen.medians_by_process]
    change = max(changes, key=abs, default=0.0)
    if abs(change) <= seen.tolerance:
        return
    word = "slower" if change > 0 else "faster"
    grade: Grade = "B" if abs(change) <= 2 * seen.tolerance else "C"
    yield Reason("drift", grade, f"Iterations became {percent(abs(change))} {word} from the first round to the last.")


def modes(seen: GradingContext) -> Iterator[Reason]:
    """Two speeds."""
    found = find_bimodality(seen.samples)
    if found is not None:
        sentence = f"{percent(found.share_high)} of the samples are {percent(found.gap)} slower than the others."
        yield Reason("bimodal", "C", sentence)


def fused(seen: GradingContext) -> Iterator[Reason]:
    """A phase that takes another time by itself."""
    alone = seen.measurement.variant("alone", seen.phase)
    values = [sample for rounds in alone.rounds for sample in rounds] if alone else []
    if not values or seen.estimate is None:
        return
    ratio = median(values) / seen.estimate.median_s - 1
    if abs(ratio) > FUSED:
        word = "longer" if ratio > 0 else "less"
        yield Reason("fused_differs", "A", f"By itself the phase takes {percent(abs(ratio))} {word}.")


def _count(number: int, one: str, many: str = "") -> str:
    """``1 round``, ``3 rounds``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


CHECKS = (precision, processes, unsettled, drift, modes, fused)
