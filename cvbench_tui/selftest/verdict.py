"""From figures to a verdict: pass, FAIL, or undecided where the machine is too noisy to tell. Pure: no clock here.

A line fails only when the error is larger than the bound *and* than the noise, surely; it passes when the error is
surely within the bound, or within it on a machine that is quieter than the bound.
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
from cvbench_tui.selftest.figures import Fit, Point, RatioEstimate, at_least, fit

Verdict = Literal["pass", "FAIL", "undecided"]

SLOPE_BOUND = 0.002
"""Programmed durations: most that the slope may differ from 1."""
INTERCEPT_BOUND_S = 5e-6
"""And most that a duration of nothing may seem to last."""
TRAP_SHARE = 0.99
"""Work that was hidden counts as timed when at least this share of it is in the number."""
MISS_CHANCE = 0.05
"""Share of equal pairs whose 95% intervals may fail to cover their difference."""
UNLUCKY = 0.01
"""A number of misses that is less probable than this is no bad luck."""
VOUCHED: tuple[Grade, ...] = ("A", "B")
"""Grades that say that the interval can be relied on."""


@dataclass(frozen=True)
class VerdictLine:
    """One line of the table."""

    check: str
    compared: str
    figure: str
    """The main figure, as text: ``ratio 1.0012``."""
    noise: str
    """The machine's own noise, as text; a dash where it plays no part."""
    verdict: Verdict
    sentence: str
    """Why, in one sentence."""
    numbers: tuple[tuple[str, float | None], ...] = ()
    """The figures for the JSON output, with units in their names."""


def ratio_line(check: str, compared: str, found: RatioEstimate, bound: float, *, vouched: bool = True) -> VerdictLine:
    """Two sides that should take the same time, within ``bound``.

    ``vouched`` is False when the grades of most of our runs say that the machine was disturbed: no failure then.
    """
    verdict, sentence = _judge_ratio(found, bound)
    if verdict == "FAIL" and not vouched:
        verdict, sentence = "undecided", f"Off, but most of our runs were graded below {VOUCHED[-1]}: a busy machine."
    interval = "" if found.low is None or found.high is None else f" [{found.low:.4f}, {found.high:.4f}]"
    numbers = (("ratio", found.ratio), ("low", found.low), ("high", found.high), ("pairs", float(found.pairs)))
    noise = _finite(found.noise)
    return VerdictLine(
        check, compared, f"ratio {found.ratio:.4f}{interval}", relative_text(noise), verdict, sentence,
        (*numbers, ("noise", noise), ("bound", bound)),
    )  # fmt: skip


def _judge_ratio(found: RatioEstimate, bound: float) -> tuple[Verdict, str]:
    """By the interval where there is one, by the noise where the interval is wider than the bound."""
    limit = percent_text(bound)
    off = abs(math.log(found.ratio))
    wide = math.log1p(bound)
    if found.low is None or found.high is None:
        return "undecided", f"Only {found.pairs} pairs in the time there was; six are needed."
    nearest = 0.0 if found.low <= 1 <= found.high else min(abs(math.log(found.low)), abs(math.log(found.high)))
    farthest = max(abs(math.log(found.low)), abs(math.log(found.high)))
    if farthest <= wide:
        return "pass", f"Surely within {limit}."
    if off <= wide and found.noise <= bound:
        return "pass", f"Within {limit}, and so are two runs of one side."
    if nearest > max(wide, math.log1p(found.noise)):
        return "FAIL", f"Surely off by more than {limit} and by more than the machine's noise."
    if found.noise > bound:
        return "undecided", f"Two runs of the same loop differ by {part_text(_finite(found.noise))} here."
    return "undecided", f"More pairs are needed to tell {limit}: --thorough takes them."


def duration_lines(points: Sequence[Point], bare: Sequence[Point]) -> tuple[VerdictLine, VerdictLine]:
    """Programmed durations: the slope and the intercept of measured over programmed, by us and by a bare loop.

    A call that spins for 10 ms was seen to end 50 us late on a busy machine, as if it found its own code out of the
    caches. That is time of the workload, and a bare loop sees it as well.
    """
    found, least, loop = fit(points), fit([point.shortest for point in points]), fit(bare)
    shortest, longest = min(p.programmed_s for p in points), max(p.programmed_s for p in points)
    compared = f"{len(points)} from {seconds_text(shortest)} to {seconds_text(longest)}"
    slope_excused = _excused(found.slope - 1, least.slope - 1, loop.slope - 1, SLOPE_BOUND)
    offset_excused = _excused(found.intercept_s, least.intercept_s, loop.intercept_s, INTERCEPT_BOUND_S)
    return _slope_line(compared, found, slope_excused), _intercept_line(compared, found, offset_excused)


def _excused(error: float, least: float, loop: float, bound: float) -> bool:
    """True when the machine and not the clock can be to blame for an error.

    A wrong clock shows in the shortest samples as well, and not in a bare loop that is itself right.
    """
    return abs(least) <= bound or abs(loop) > bound or abs(error - loop) <= bound


def _slope_line(compared: str, found: Fit, excused: bool) -> VerdictLine:
    noise = _finite(found.slope_half_width)
    where = f"{percent_text(SLOPE_BOUND)} of 1"
    verdict, sentence = _judge(found.slope - 1, found.slope_half_width, SLOPE_BOUND, where, excused)
    numbers = (("slope", found.slope), ("slope_half_width", noise))
    figure = f"slope {found.slope:.5f}"
    return VerdictLine("programmed durations", compared, figure, relative_text(noise), verdict, sentence, numbers)


def _intercept_line(compared: str, found: Fit, excused: bool) -> VerdictLine:
    noise_s = _finite(found.intercept_half_width_s)
    where = f"{seconds_text(INTERCEPT_BOUND_S)} of nothing"
    width_s = found.intercept_half_width_s
    verdict, sentence = _judge(found.intercept_s, width_s, INTERCEPT_BOUND_S, where, excused)
    numbers = (("intercept_s", found.intercept_s), ("intercept_half_width_s", noise_s))
    figure = f"intercept {_signed(found.intercept_s)}"
    return VerdictLine("programmed durations", compared, figure, seconds_text(noise_s), verdict, sentence, numbers)


def _judge(error: float, half_width: float, bound: float, where: str, excused: bool) -> tuple[Verdict, str]:
    """An error with its interval against a bound, which ``where`` says in words.

    An error that is ``excused`` decides nothing: work that was interrupted does last longer.
    """
    if abs(error) + half_width <= bound:
        return "pass", f"Surely within {where}."
    if abs(error) - half_width > bound and excused:
        return "undecided", f"Not within {where}, but the shortest samples are, or a bare loop is off as well."
    if abs(error) - half_width > bound:
        return "FAIL", f"Surely not within {where}."
    if half_width <= bound and abs(error) <= bound:
        return "pass", f"Within {where}, by an interval that is narrower than that."
    return "undecided", f"The machine is too noisy to tell whether it is within {where}."


def hidden_work_line(compared: str, measured_s: float, programmed_s: float, grade: Grade) -> VerdictLine:
    """Work that goes on after its call returned: it must be in the number, or the number must be called invalid."""
    share = measured_s / programmed_s
    numbers = (("measured_s", measured_s), ("programmed_s", programmed_s))
    figure = f"{seconds_text(measured_s)} of {seconds_text(programmed_s)}, {grade}"
    if share >= TRAP_SHARE:
        return VerdictLine(
            "async trap", compared, figure, MISSING, "pass", "The hidden work was timed in full.", numbers
        )
    if grade == "X":
        sentence = "The hidden work was found, and the number is called invalid."
        return VerdictLine("async trap", compared, figure, MISSING, "pass", sentence, numbers)
    sentence = "Work was missed, and the number was not called invalid."
    return VerdictLine("async trap", compared, figure, MISSING, "FAIL", sentence, numbers)


def known_duration_line(check: str, compared: str, point: Point, bound: float) -> VerdictLine:
    """One workload of known duration: the number must be right to ``bound``."""
    ratio, noise = point.measured_s / point.programmed_s, point.half_width_s / point.programmed_s
    where = f"{percent_text(bound)} of the programmed duration"
    excused = abs(point.shortest.measured_s / point.programmed_s - 1) <= bound
    verdict, sentence = _judge(ratio - 1, noise, bound, where, excused)
    numbers = (("ratio", ratio), ("noise", _finite(noise)), ("bound", bound))
    return VerdictLine(check, compared, f"ratio {ratio:.4f}", relative_text(_finite(noise)), verdict, sentence, numbers)


def busy_line(compared: str, grades: Iterable[Grade]) -> VerdictLine:
    """With a busy process on every core, no number may be graded A."""
    found = sorted(grades)
    numbers = (("graded_a", float(found.count("A"))), ("graded", float(len(found))))
    figure = "graded " + " ".join(found) if found else MISSING
    if not found:
        return VerdictLine("busy machine", compared, figure, MISSING, "undecided", "Nothing was measured.", numbers)
    if "A" in found:
        sentence = "A number taken on a busy machine was graded A."
        return VerdictLine("busy machine", compared, figure, MISSING, "FAIL", sentence, numbers)
    return VerdictLine("busy machine", compared, figure, MISSING, "pass", "No grade A survived.", numbers)


@dataclass(frozen=True)
class Interval:
    """One measurement as it would stand in a table."""

    median_s: float
    half_width_s: float
    grade: Grade


def equal_pairs_line(compared: str, pairs: Sequence[tuple[Interval, Interval]], noise: float) -> VerdictLine:
    """Pairs of measurements of the same thing: their intervals must cover the difference as often as they promise.

    Only pairs count whose grades say that the interval can be relied on. ``noise`` is how far two runs of the bare loop
    lie apart: an interval from one process cannot know of a machine that changes between processes.
    """
    vouched = [pair for pair in pairs if all(one.grade in VOUCHED for one in pair)]
    missed = sum(not _covered(*pair) for pair in vouched)
    promised = median(_width(*pair) / pair[0].median_s for pair in vouched) if vouched else math.inf
    figure = f"{len(vouched) - missed} of {len(vouched)} covered"
    numbers = (
        ("pairs", float(len(pairs))), ("vouched", float(len(vouched))), ("missed", float(missed)),
        ("noise", _finite(noise)), ("promised", _finite(promised)),
    )  # fmt: skip
    verdict, sentence = _judge_pairs(len(pairs), len(vouched), missed, promised, noise)
    return VerdictLine("A/A pairs", compared, figure, relative_text(_finite(noise)), verdict, sentence, numbers)


def _judge_pairs(pairs: int, vouched: int, missed: int, promised: float, noise: float) -> tuple[Verdict, str]:
    """By the chance of so many misses; no failure where the machine itself varies more than the intervals promise."""
    chance = at_least(missed, vouched, MISS_CHANCE)
    if chance < UNLUCKY and noise > promised:
        apart, within = part_text(_finite(noise)), part_text(_finite(promised))
        return (
            "undecided",
            f"Two runs of the bare loop differ by {apart} here, more than the {within} of our intervals.",
        )
    if chance < UNLUCKY:
        return (
            "FAIL",
            f"So many misses have a chance of {percent_text(round(chance, 4))}: the intervals are too narrow.",
        )
    if not vouched or 2 * vouched < pairs:
        return "undecided", f"Only {vouched} of {pairs} pairs were graded {' or '.join(VOUCHED)}."
    return "pass", "As often as 95% intervals promise."


def _width(first: Interval, second: Interval) -> float:
    """Half width of the interval of a difference of independent numbers: the root of the sum of squares."""
    return math.hypot(first.half_width_s, second.half_width_s)


def _covered(first: Interval, second: Interval) -> bool:
    return abs(first.median_s - second.median_s) <= _width(first, second)


def empty_region_line(compared: str, cost_s: float | None, region_s: float | None) -> VerdictLine:
    """What two marks with nothing in between cost, against the shortest region behind a number graded A."""
    numbers = (("cost_s", cost_s), ("region_s", region_s))
    if cost_s is None or region_s is None:
        sentence = "No number was graded A, so no region had to be long enough."
        return VerdictLine("empty region", compared, seconds_text(cost_s), MISSING, "undecided", sentence, numbers)
    figure = f"{seconds_text(cost_s)} of {seconds_text(region_s)}"
    if cost_s * REGION_TO_TIMER_COST <= region_s:
        sentence = f"At most 1/{REGION_TO_TIMER_COST} of the shortest region behind a grade A."
        return VerdictLine("empty region", compared, figure, MISSING, "pass", sentence, numbers)
    sentence = f"More than 1/{REGION_TO_TIMER_COST} of a region whose number was graded A."
    return VerdictLine("empty region", compared, figure, MISSING, "FAIL", sentence, numbers)


def nothing_line(measured_s: float, grade: Grade) -> VerdictLine:
    """A call that does nothing: whatever number it gives, it must not be graded A."""
    figure, numbers = f"{seconds_text(measured_s)}, {grade}", (("measured_s", measured_s),)
    if grade == "A":
        sentence = "The marks are a part of this number, and it was graded A."
        return VerdictLine("empty region", "a call that does nothing", figure, MISSING, "FAIL", sentence, numbers)
    sentence = "Too short to be measured, and the grade says so."
    return VerdictLine("empty region", "a call that does nothing", figure, MISSING, "pass", sentence, numbers)


def broken_line(check: str, sentence: str, *, ours: bool) -> VerdictLine:
    """A check that could not be made: a failure when our side gave no number, else undecided."""
    return VerdictLine(check, MISSING, MISSING, MISSING, "FAIL" if ours else "undecided", sentence)


def exit_code(lines: Iterable[VerdictLine]) -> int:
    """1 when a line failed; 0 with lines undecided."""
    return int(any(line.verdict == "FAIL" for line in lines))


def _signed(seconds: float) -> str:
    return ("-" if seconds < 0 else "") + seconds_text(abs(seconds))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
