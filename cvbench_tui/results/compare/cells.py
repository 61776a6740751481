"""The texts of comparisons, made in one place for the terminal, the files and the screen: none of them rounds a number.

``tables([comparison])`` has a table for each phase that was compared: a line for each row in the comparison's order,
and the geometric mean at its foot. A screen shows ``table.headings``, then the ``texts`` of each line. By
``line.verdicts`` it chooses the colour, ``line.key`` is the row's in ``comparison.rows``, and ``line.sentence`` stands
below the table or in the detail. Several comparisons with one baseline become one table, in which each judged side has
columns of its own. Texts are as they come from names: whoever draws them escapes them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cvbench_tui.base.escape import one_line
from cvbench_tui.core.measurement import PHASES, Phase
from cvbench_tui.core.plan import Case
from cvbench_tui.core.stats.ratio import Basis, Ratio
from cvbench_tui.core.text import first_names, plural
from cvbench_tui.results.compare.match import value_of
from cvbench_tui.results.compare.model import ComparedRow, RunComparison, Side, SideTime, Verdict
from cvbench_tui.results.export.about_lines import beside_lines
from cvbench_tui.results.text.units import MISSING, Scale, percent_text, scale_for, utc_text

MOST_DIFFERENCES = 8  # that are named in text; JSON has them all
DOUBT = "?"  # behind a verdict where more differs than what is compared
MOST_NAMED = 4  # rows that a sentence names
MOST_DECIMALS = 4  # of a ratio
VERDICTS: tuple[Verdict, ...] = ("faster", "slower", "same", "not told apart")
USUAL = ("Speedup", "95% CI", "Verdict")  # headings where one side is judged
_MADE_OF: dict[Basis, str] = {
    "pairs": "pairs measured in turn", "processes": "processes of each side", "rounds": "rounds of each side",
}  # fmt: skip


@dataclass(frozen=True)
class ComparisonLine:
    """A row of a table, or the geometric mean at its foot."""

    key: str  # of its row in the first comparison that has it; of a mean the phase
    texts: tuple[str, ...]  # one for each heading
    verdicts: tuple[Verdict | None, ...] = ()  # of each judged side
    sentence: str = ""  # why there is no verdict, or what it would take


@dataclass(frozen=True)
class ComparisonTable:
    """One phase of one comparison, or of several with one baseline."""

    phase: Phase
    headings: tuple[tuple[str, bool], ...]  # and whether the column is aligned to the right
    lines: tuple[ComparisonLine, ...]
    foot: tuple[ComparisonLine, ...]  # the geometric mean of several rows
    counts: tuple[str, ...] = ()  # of verdicts, of each judged side where there are several; one has them at the foot


def letter(place: int) -> str:
    """What a side is called: the baseline, 0, is A; behind Z come AA, AB."""
    text = ""
    while place >= 0:
        text, place = chr(ord("A") + place % 26) + text, place // 26 - 1
    return text


def phases_of(comparisons: Sequence[RunComparison]) -> tuple[Phase, ...]:
    """Phases with a row in one of them, in the order of the columns."""
    there = {row.phase for each in comparisons for row in each.rows}
    return tuple(phase for phase in PHASES if phase in there)


def tables(comparisons: Sequence[RunComparison], first: int = 1) -> tuple[ComparisonTable, ...]:
    """A table for each phase. ``first``: place of the first judged side among all sides, where only some are shown."""
    return tuple(_table(comparisons, phase, first) for phase in phases_of(comparisons))


def _table(comparisons: Sequence[RunComparison], phase: Phase, first: int) -> ComparisonTable:
    """Rows in the order of the first comparison, then those that only a later one has."""
    by_key: list[dict[str, ComparedRow]] = [
        {row.baseline or row.key: row for row in each.rows if row.phase == phase} for each in comparisons
    ]
    keys = list(dict.fromkeys(key for rows in by_key for key in rows))
    found = [[rows.get(key) for rows in by_key] for key in keys]
    times = [side.seconds for rows in found for row in rows if row for side in (row.a, row.b) if side]
    scale, several = scale_for(times), len(comparisons) > 1
    headings = [("Workload", False), ("Batch", True), (f"A {scale.unit}", True)]
    for place in range(first, first + len(comparisons)):
        name = letter(place)
        words = (
            (f"{name} speedup", f"{name} 95% CI", f"{name} verdict") if several else ("Speedup", "95% CI", "Verdict")
        )
        headings += [(f"{name} {scale.unit}", True), (words[0], True), (words[1], True), (words[2], False)]
    lines = [_line(comparisons, rows, scale) for rows in found]
    means = [next((each for each in one.means if each[0] == phase and each[2] > 1), None) for one in comparisons]
    counts = [f"{letter(place)}: {counts_text(one, phase)}" for place, one in enumerate(comparisons, first) if several]
    foot = _foot(comparisons, phase, means) if any(mean is not None for mean in means) else ()
    return ComparisonTable(phase, tuple(headings), tuple(lines), foot, tuple(counts))


def _foot(
    comparisons: Sequence[RunComparison], phase: Phase, means: Sequence[tuple[Phase, Ratio, int] | None]
) -> tuple[ComparisonLine, ...]:
    numbers = sorted({mean[2] for mean in means if mean is not None})
    texts = [f"geometric mean of {' or '.join(map(str, numbers))}", "", ""]
    for one, mean in zip(comparisons, means, strict=True):
        ratio = mean[1] if mean is not None else None
        counts = counts_text(one, phase) if len(comparisons) == 1 else ""
        texts += ["", speedup_text(ratio), interval_text(ratio), counts]
    return (ComparisonLine(phase, tuple(texts)),)


def _line(comparisons: Sequence[RunComparison], rows: Sequence[ComparedRow | None], scale: Scale) -> ComparisonLine:
    known = [row for row in rows if row is not None]
    a = next((row.a for row in known if row.a is not None), None)
    texts = [known[0].label, known[0].batch, _time(a, scale)]
    for one, row in zip(comparisons, rows, strict=True):
        ratio = row.ratio if row is not None else None
        texts += [_time(row.b if row is not None else None, scale), speedup_text(ratio), interval_text(ratio)]
        texts.append(verdict_text(one, row) if row is not None else MISSING)
    sentences = dict.fromkeys(row.sentence for row in known if row.sentence)
    verdicts = tuple(row.verdict if row is not None else None for row in rows)
    return ComparisonLine(known[0].key, tuple(texts), verdicts, "; ".join(sentences))


def _time(side: SideTime | None, scale: Scale) -> str:
    return MISSING if side is None else scale.number(side.seconds, side.relative)


def speedup_text(ratio: Ratio | None) -> str:
    """``1.40x``; a dash without a ratio."""
    return MISSING if ratio is None else f"{ratio.speedup:.{decimals(ratio)}f}x"


def interval_text(ratio: Ratio | None) -> str:
    """``1.39\u20131.41``; a dash where nothing was repeated."""
    if ratio is None or ratio.low is None or ratio.high is None:
        return MISSING
    return f"{ratio.low:.{decimals(ratio)}f}\u2013{ratio.high:.{decimals(ratio)}f}"


def decimals(ratio: Ratio) -> int:
    """Digits behind the point of a ratio and its interval, so that its two ends differ: three digits in all, and more
    where the interval is narrower."""
    size = math.floor(math.log10(ratio.speedup))
    usual = max(0, 2 - size) if size >= 0 else 1 - size
    if ratio.low is None or ratio.high is None or ratio.high <= ratio.low:
        return usual
    return max(usual, min(MOST_DECIMALS, math.ceil(-math.log10(ratio.high - ratio.low))))


def made_of(ratio: Ratio) -> str:
    """What its interval is made of: ``12 processes of each side``."""
    return _MADE_OF["single"] if ratio.basis == "single" else f"{ratio.repeats} {_MADE_OF[ratio.basis]}"


def verdict_text(comparison: RunComparison, row: ComparedRow) -> str:
    """``faster``, ``faster?`` where more differs than what is compared; why there is none, in a few words."""
    if row.verdict is not None:
        return row.verdict + DOUBT * comparison.doubtful
    if row.ratio is not None:
        return "no interval"
    return "no number" if row.a is None or row.b is None else "no ratio"


def counts_text(comparison: RunComparison, phase: Phase) -> str:
    """``3 faster, 1 slower, 2 not told apart``."""
    found = [row.verdict for row in comparison.rows if row.phase == phase]
    counts = [f"{found.count(verdict)} {verdict}" for verdict in VERDICTS if verdict in found]
    counts += [f"{found.count(None)} without a verdict"] if None in found else []
    return ", ".join(counts)


def side_line(side: Side) -> str:
    """What a side is: ``last~1: quick, 2026-11-24 16:00:00 UTC, run 20261124-151012-9f3a``."""
    run = side.run
    return one_line(f"{side.name}: {run.plan.name}, {utc_text(run.started_at_s)}, run {run.id}")


def sides_of(comparisons: Sequence[RunComparison]) -> tuple[Side, ...]:
    """The baseline, then the judged ones."""
    return (comparisons[0].a, *(each.b for each in comparisons))


def title(comparisons: Sequence[RunComparison], phase: Phase, first: int = 1) -> str:
    """``Total: B against A``, what a table or a chart is of. ``first``: place of the first judged side."""
    judged = ", ".join(letter(place) for place in range(first, first + len(comparisons)))
    return f"{phase.capitalize()}: {judged} against A"


def about_lines(comparisons: Sequence[RunComparison]) -> list[str]:
    """What stands before the tables: the sides, which of them are one run, what differs, what only one of them has, and
    where published figures are from and how they are read."""
    lines = [f"{letter(place)}: {side_line(side)}" for place, side in enumerate(sides_of(comparisons))]
    lines += same_lines(comparisons)
    for place, one in enumerate(comparisons, 1):
        lines += [*difference_lines(one, place), missing_line(one, place)]
    return list(dict.fromkeys(line for line in lines if line))


def source_lines(comparisons: Sequence[RunComparison]) -> list[str]:
    """Where published figures on a side are from, and how to read them; none where all was measured."""
    cases: dict[int, list[Case]] = {}
    for one in comparisons:
        for row in one.rows:
            for side, time in ((one.a, row.a), (one.b, row.b)):
                if time is not None and side.run.figures:
                    cases.setdefault(id(side.run), []).append(time.case)
    runs = {id(side.run): side.run for side in sides_of(comparisons)}
    return [line for key, named in cases.items() for line in beside_lines(runs[key], list(dict.fromkeys(named)))]


def closing_lines(comparisons: Sequence[RunComparison]) -> list[str]:
    """What stands below the tables: what the mark of doubt means, and the method."""
    return [line for line in (doubt_line(comparisons), *method_lines(comparisons)) if line]


def same_lines(comparisons: Sequence[RunComparison]) -> list[str]:
    """``A and B are the same run.`` of each judged side that repeats one before it."""
    sides, lines = sides_of(comparisons), []
    for place, side in enumerate(sides):
        first = next(at for at, each in enumerate(sides) if _rows_of(each) == _rows_of(side))
        if first < place:
            lines.append(f"{letter(first)} and {letter(place)} are the same run: its numbers are beside themselves.")
    return lines


def _rows_of(side: Side) -> tuple[object, ...]:
    return side.run.id, side.value, side.run.plan.cases


def difference_lines(comparison: RunComparison, place: int = 1) -> list[str]:
    """What differs between the sides besides what is compared, in one line; one that says so where nothing does."""
    b, along = letter(place), comparison.along.replace("_", " ")
    if not comparison.differences:
        if not _differ_in(comparison, comparison.along):
            return [f"No difference between A and {b} is known in machine, software or settings."]
        return [f"A and {b} differ in {along} only."]
    named = comparison.differences[:MOST_DIFFERENCES]
    more = len(comparison.differences) - len(named)
    return [one_line(f"A and {b} differ: {'; '.join(named)}" + f"; and {more} more" * bool(more))]


def _differ_in(comparison: RunComparison, along: str) -> bool:
    """Whether two rows that are compared differ in what is compared along."""
    pairs = [(row.a.case, row.b.case) for row in comparison.rows if row.a is not None and row.b is not None]
    sides = comparison.a.value != comparison.b.value
    return sides or any(value_of(one, along) != value_of(other, along) for one, other in pairs)


def doubt_line(comparisons: Sequence[RunComparison]) -> str:
    """What the mark behind a verdict means; empty where none has it."""
    doubtful = [each for each in comparisons if each.doubtful and any(row.verdict for row in each.rows)]
    if not doubtful:
        return ""
    if doubtful[0].along == "run":
        return f"{DOUBT} doubtful: the sides differ as said above, so that a verdict may be due to any of that."
    what = doubtful[0].along.replace("_", " ")
    return f"{DOUBT} doubtful: more than {what} differs, so that a verdict may have another cause."


def missing_line(comparison: RunComparison, place: int = 1) -> str:
    """Rows that only one side has, and are not compared; empty without any."""
    sides = ((comparison.only_a, "A"), (comparison.only_b, letter(place)))
    parts = [f"{plural(len(names), 'row')} in {side} only ({first_names(names)})" for names, side in sides if names]
    return f"{' and '.join(parts)}, not compared." if parts else ""


def method_lines(comparisons: Sequence[RunComparison]) -> list[str]:
    """What a ratio is, what its interval is made of, and how the verdicts come about."""
    ratios = [row.ratio for each in comparisons for row in each.rows if row.ratio is not None]
    judged = sum(row.verdict is not None for each in comparisons for row in each.rows)
    made = []
    for basis, words in _MADE_OF.items():
        repeats = [ratio.repeats for ratio in ratios if ratio.basis == basis]
        if repeats:
            counts = " to ".join(dict.fromkeys(map(str, (min(repeats), max(repeats)))))
            made.append(f"{counts} {words}")
    lines = ["Speedup: time per input of A over that of the other side; 2 is twice as fast."]
    if made:
        lines.append(f"95% intervals on logarithms, of {'; '.join(made)}.")
    if any(ratio.basis == "single" for ratio in ratios):
        lines.append("A single number has no interval.")
    if judged:
        corrected = comparisons[0].corrected
        over = plural(judged, "row") if len(comparisons) == 1 and corrected == judged else f"all {corrected}"
        holm = f" corrected over {over} by Holm's method" if corrected > 1 else ""
        lines.append(f"Verdicts{holm}; same: within \u00b1{percent_text(comparisons[0].bound)}.")
    return lines


def note_lines(table: ComparisonTable) -> Iterator[str]:
    """The counts of each side where several are judged, then the sentences of its rows, each once with the rows that it
    is about."""
    yield from table.counts
    grouped: dict[str, list[str]] = {}
    for line in table.lines:
        if line.sentence:
            grouped.setdefault(line.sentence, []).append(line.texts[0])
    for sentence, names in grouped.items():
        named = ", ".join(dict.fromkeys(names[:MOST_NAMED]))
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        yield one_line(f"{'All rows' if len(names) == len(table.lines) > 1 else named + more}: {sentence}")
