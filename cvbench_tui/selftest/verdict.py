"""From figures to a verdict: pass, FAIL, or undecided where the machine is too noisy to tell. Pure: no clock here.

A line fails only when the whole interval of the error is beyond the bound *and* beyond the scatter of the pairs; it
passes when the interval is within the bound, or the error is and the pairs scatter by less than the bound. How well our
own side says that it knows its number decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from cvbench_tui.core.grading.reasons import Grade
from cvbench_tui.core.protocol import REGION_TO_TIMER_COST
from cvbench_tui.results.text.units import MISSING, part_text, percent_text, relative_text, seconds_text
from cvbench_tui.selftest.figures import Point, RatioEstimate, at_least, fit

Verdict = Literal["pass", "FAIL", "undecided"]
Judged = tuple[Verdict, str]  # with why, in one sentence

SLOPE_BOUND = 0.002  # programmed durations: most that the slope may differ from 1
INTERCEPT_BOUND_S = 5e-6  # and most that a duration of nothing may seem to last
TRAP_SHARE = 0.99  # work that was hidden counts as timed when at least this share of it is in the number
APART_CHANCE = 0.1  # share of equal pairs whose intervals may fail to overlap: the bar of benchmarks/again.py ...
UNCOVERED_CHANCE = 0.2  # ... and of those that may fail to contain the other's centre, each direction half
MIN_CHANCE = 0.01  # a number of misses that is less probable than this is no bad luck
MAX_CHANGE = 0.1  # typical change from one run to the next beyond which a machine shows nothing


@dataclass(frozen=True)
class VerdictLine:
    """One line of the table."""

    check: str
    compared: str
    figure: str  # the main figure, as text: ``ratio 1.0012``
    noise: str  # the machine's own noise, as text; a dash where it plays no part
    verdict: Verdict
    sentence: str  # why, in one sentence
    numbers: tuple[tuple[str, float | None], ...] = ()  # the figures for the JSON output, with units in their names


@dataclass(frozen=True)
class Interval:
    """One measurement as it would stand in a table."""

    median_s: float
    low_s: float
    high_s: float

    def contains(self, seconds: float) -> bool:
        """True when it is a value of the interval."""
        return self.low_s <= seconds <= self.high_s


def ratio_line(check: str, compared: str, sides: RatioEstimate, bound: float) -> VerdictLine:
    """Two sides that should take the same time, within ``bound``."""
    interval = "" if sides.low is None or sides.high is None else f" [{sides.low:.4f}, {sides.high:.4f}]"
    numbers = {"low": sides.low, "high": sides.high, "pairs": sides.pairs, "scatter": sides.scatter, "bound": bound}
    figure, noise = f"ratio {sides.ratio:.4f}{interval}", relative_text(_finite(sides.scatter))
    return _line(check, compared, figure, _judge_ratio(sides, bound), noise, ratio=sides.ratio, **numbers)


def _line(
    check: str, compared: str, figure: str, judged: Judged, noise: str = MISSING, /, **numbers: float | None
) -> VerdictLine:
    """A line, with those of its numbers that are finite."""
    finite = tuple((name, None if value is None else _finite(value)) for name, value in numbers.items())
    return VerdictLine(check, compared, figure, noise, *judged, finite)


def _judge_ratio(sides: RatioEstimate, bound: float) -> Judged:
    """By the interval where there is one, by the pairs' scatter where the interval is wider than the bound."""
    limit = percent_text(bound)
    if sides.low is None or sides.high is None:
        return "undecided", f"Only {sides.pairs} pairs in the time there was; six are needed."
    ends = abs(math.log(sides.low)), abs(math.log(sides.high))
    nearest = 0.0 if sides.low <= 1 <= sides.high else min(ends)
    if max(ends) <= math.log1p(bound):
        return "pass", f"The interval is within {limit}."
    if abs(math.log(sides.ratio)) <= math.log1p(bound) and sides.scatter <= bound:
        return "pass", f"Within {limit}, and the pairs scatter by less."
    if nearest > math.log1p(max(bound, sides.scatter)):
        return "FAIL", f"Off by more than {limit} and by more than the pairs scatter."
    scatter = part_text(_finite(sides.scatter))
    return "undecided", f"Too noisy to tell {limit}: the pairs scatter by {scatter}. --thorough takes more."


def duration_lines(points: Sequence[Point], bare: Sequence[Point]) -> tuple[VerdictLine, VerdictLine]:
    """Programmed durations: the slope and the intercept of measured over programmed, by us and by a bare loop. A call
    that spins for 10 ms was seen to end 50 us late on a busy machine, as if that had evicted its own code from the
    caches. That is time of the workload, and a bare loop sees it as well."""
    ours, least, loop = fit(points), fit([point.shortest for point in points]), fit(bare)
    check, durations = "durations", [point.programmed_s for point in points]
    compared = f"{len(points)} from {seconds_text(min(durations))} to {seconds_text(max(durations))}"
    excused = _excused(ours.slope - 1, least.slope - 1, loop.slope - 1, SLOPE_BOUND)
    width = ours.slope_half_width
    where = f"{percent_text(SLOPE_BOUND)} of 1"
    judged = _judge(ours.slope - 1, width, SLOPE_BOUND, where, least.slope - 1, excused)
    figure, noise = f"slope {ours.slope:.5f}", relative_text(_finite(width))
    slope = _line(check, compared, figure, judged, noise, slope=ours.slope, slope_half_width=width)

    excused = _excused(ours.intercept_s, least.intercept_s, loop.intercept_s, INTERCEPT_BOUND_S)
    width_s, where = ours.intercept_half_width_s, f"{seconds_text(INTERCEPT_BOUND_S)} of 0"
    judged = _judge(ours.intercept_s, width_s, INTERCEPT_BOUND_S, where, least.intercept_s, excused)
    figure = f"intercept {'-' if ours.intercept_s < 0 else ''}{seconds_text(abs(ours.intercept_s))}"
    numbers = {"intercept_s": ours.intercept_s, "intercept_half_width_s": width_s}
    return slope, _line(check, compared, figure, judged, seconds_text(_finite(width_s)), **numbers)


def _excused(error: float, least: float, loop: float, bound: float) -> bool:
    """True when the machine and not the clock can be to blame for an error. A wrong clock shows in the shortest samples
    as well, and not in a bare loop that is itself right."""
    return abs(least) <= bound or abs(loop) > bound or abs(error - loop) <= bound


def _judge(error: float, half_width: float, bound: float, where: str, least: float, excused: bool) -> Judged:
    """An error with its interval against a bound; ``where`` is the bound as text, ``least`` the error of the shortest
    samples, which decide where the interval is too wide. An error that is ``excused`` decides nothing: work that was
    interrupted does last longer."""
    if abs(error) + half_width <= bound:
        return "pass", f"The interval is within {where}."
    if abs(error) - half_width > bound and excused:
        return "undecided", f"Not within {where}, but the shortest samples are, or a bare loop is off as well."
    if abs(error) - half_width > bound:
        return "FAIL", f"The interval is not within {where}."
    if half_width <= bound and abs(error) <= bound:
        return "pass", f"Within {where}, by an interval that is narrower than that."
    if abs(least) <= bound:
        return "pass", f"The shortest samples are within {where}; the interval is wider than that."
    return "undecided", f"Too noisy to tell whether it is within {where}."


def hidden_work_line(compared: str, measured_s: float, programmed_s: float, grade: Grade | None) -> VerdictLine:
    """Work that continues after its call returned: it must be in the number, or the number must have grade X."""
    judged: Judged = ("FAIL", "Work was missed, and the number does not have grade X.")
    if measured_s / programmed_s >= TRAP_SHARE:
        judged = "pass", "The hidden work was timed in full."
    elif grade == "X":
        judged = "pass", "The hidden work was detected: the number has grade X."
    figure = f"{seconds_text(measured_s)} of {seconds_text(programmed_s)}, {grade}"
    return _line("async trap", compared, figure, judged, measured_s=measured_s, programmed_s=programmed_s)


def known_duration_line(check: str, compared: str, point: Point, bound: float) -> VerdictLine:
    """One workload of known duration: the number must be right to ``bound``."""
    ratio, noise = point.measured_s / point.programmed_s, point.half_width_s / point.programmed_s
    least = point.shortest.measured_s / point.programmed_s - 1
    judged = _judge(
        ratio - 1, noise, bound, f"{percent_text(bound)} of the programmed duration", least, abs(least) <= bound
    )
    figure, wide = f"ratio {ratio:.4f}", relative_text(_finite(noise))
    return _line(check, compared, figure, judged, wide, ratio=ratio, noise=noise, bound=bound)


def busy_line(compared: str, seen: Sequence[bool]) -> VerdictLine:
    """With a busy process on every core each number needs a mark of it. ``seen``: for each, whether it has one."""
    judged: Judged = ("pass", "Every number says that the machine was busy.")
    if not seen:
        judged = "undecided", "Nothing was measured."
    elif not all(seen):
        judged = "FAIL", "A number does not say that the machine was busy."
    figure = f"{sum(seen)} of {len(seen)} marked" if seen else MISSING
    return _line("busy machine", compared, figure, judged, marked=sum(seen), numbers=len(seen))


def twice_line(compared: str, pairs: Sequence[tuple[Interval, Interval]]) -> VerdictLine:
    """The same numbers in two runs, one after the other: intervals must overlap, and contain the other's centre, as
    often as the bar of ``benchmarks/again.py`` has it. Every pair counts, however wide its intervals."""
    apart = sum(one.low_s > other.high_s or other.low_s > one.high_s for one, other in pairs)
    covered = [one.contains(other.median_s) + other.contains(one.median_s) for one, other in pairs]
    uncovered = len(pairs) - sum(covered) / 2
    change = math.expm1(median(abs(math.log(other.median_s / one.median_s)) for one, other in pairs))
    count = len(pairs)
    figure = f"{count - apart} of {count} overlap, {count - uncovered:g} cover"
    numbers = {"pairs": count, "apart": apart, "uncovered": uncovered, "change": change}
    return _line("twice", compared, figure, _judge_twice(count, apart, uncovered, change), part_text(change), **numbers)


def _judge_twice(pairs: int, apart: int, uncovered: float, change: float) -> Judged:
    """By the chance of so many misses."""
    changed = part_text(change)
    chances = at_least(apart, pairs, APART_CHANCE), at_least(math.floor(uncovered), pairs, UNCOVERED_CHANCE)
    if min(chances) < MIN_CHANCE:
        return "FAIL", f"The intervals are too narrow: from one run to the next numbers change by {changed}."
    if change > MAX_CHANGE:
        return "undecided", f"Too noisy to tell: from one run to the next numbers change by {changed}."
    return "pass", f"What the intervals promise holds; from one run to the next numbers change by {changed}."


def empty_region_line(compared: str, cost_s: float, region_s: float) -> VerdictLine:
    """What two marks with nothing in between cost, against the shortest region behind a number."""
    judged: Judged = ("FAIL", f"More than 1/{REGION_TO_TIMER_COST} of a region behind a number.")
    figure = f"{seconds_text(cost_s)} of {seconds_text(region_s)}"
    if cost_s * REGION_TO_TIMER_COST <= region_s:
        judged = "pass", f"At most 1/{REGION_TO_TIMER_COST} of the shortest region behind a number."
    return _line("empty region", compared, figure, judged, cost_s=cost_s, region_s=region_s)


def nothing_line(measured_s: float, *, seen: bool) -> VerdictLine:
    """A call that does nothing. ``seen``: the number is marked as too short, or invalid."""
    judged: Judged = (
        ("pass", "The number says that it is too short.") if seen else ("FAIL", "Nothing speaks against it.")
    )
    return _line("empty region", "a call that does nothing", seconds_text(measured_s), judged, measured_s=measured_s)


def broken_line(check: str, sentence: str, *, ours: bool) -> VerdictLine:
    """A check that could not be made: a failure when our side gave no number, else undecided."""
    return _line(check, MISSING, MISSING, ("FAIL" if ours else "undecided", sentence))


def closing(lines: Sequence[VerdictLine]) -> str:
    """What the lines mean together, in one sentence."""
    counts = {word: sum(line.verdict == word for line in lines) for word in ("undecided", "FAIL")}
    if counts["FAIL"]:
        return f"Do not rely on the numbers of this machine: {counts['FAIL']} of {len(lines)} lines failed."
    if counts["undecided"]:
        left = f"{counts['undecided']} of {len(lines)} lines are undecided"
        return f"Nothing is wrong as far as can be told; {left}: an idle machine tells more."
    return "The numbers of this machine can be relied on."


def exit_code(lines: Iterable[VerdictLine]) -> int:
    """1 when a line failed; 0 with lines undecided."""
    return int(any(line.verdict == "FAIL" for line in lines))


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
