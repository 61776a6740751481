"""What a compared row says beside its numbers: why there is no verdict, and what it would take to tell."""

from __future__ import annotations

import math

from cvbench_tui.core.grading.reasons import REASONS
from cvbench_tui.core.measurement import Phase
from cvbench_tui.core.stats.bimodality import Bimodality
from cvbench_tui.core.stats.ratio import Ratio, detectable, more_repeats
from cvbench_tui.core.text import plural
from cvbench_tui.results.compare.model import Verdict
from cvbench_tui.results.compare.row_times import RowTimes
from cvbench_tui.results.text.units import relative_text

ALIKE = {"contention", "stolen"}
"""Reasons of grade X that hit both sides of pairs alike, visit by visit: their ratio holds, as wide as it then is."""
RARE = 0.2
"""Share of samples, up to which a second speed is what single visits had by chance: repeats that are fewer than a
quarter move no median of differences far. Where each visit has both speeds, their ratio depends on how much of each.
Of rows measured in turn both sides meet the machine's two speeds alike."""
ONE_PROCESS = "measured in one process or two: 1% is taken for what others would differ by"


def why_not(data: tuple[RowTimes, RowTimes], phase: Phase, names: tuple[str, str], *, in_turn: bool) -> str:
    """Why two rows have no ratio in that phase; empty where they have one: ``OOM in nhwc``, ``X busy in main``."""
    found = [_fault(each, phase, in_turn=in_turn) for each in data]
    if found[0] == found[1]:
        return f"{found[0]} in both" if found[0] else ""
    return "; ".join(f"{fault} in {name}" for fault, name in zip(found, names, strict=True) if fault)


def _fault(data: RowTimes, phase: Phase, *, in_turn: bool) -> str:
    result = data.time(phase)
    if result is None:
        return f"no {phase}" if data.measurement is not None else data.quality.text if data.over else "no number yet"
    disturbed = {reason.code for reason in result.reasons if reason.grade == "X"} <= ALIKE
    if not result.valid and not (in_turn and result.reasons and disturbed):
        worst = result.reasons[0].code if result.reasons else ""
        return f"X {REASONS[worst].word}" if worst in REASONS else "X"
    if not result.repeats:
        return "no time"
    return "two speeds" if result.modes is not None and not in_turn and not _rare(result.modes) else ""


def _rare(modes: Bimodality) -> bool:
    """Whether one of the two speeds is so rare that a ratio is of the other one."""
    return min(modes.share_high, 1 - modes.share_high) <= RARE


def about(ratio: Ratio, verdict: Verdict | None, bound: float) -> str:
    """What is to be said of a ratio: without an interval why, of one that tells nothing what it would take."""
    if verdict is None:
        return "nothing was repeated: a single number has no interval"
    one_process = ONE_PROCESS if ratio.basis == "rounds" else ""
    if verdict != "not told apart":
        return one_process
    return "; ".join(filter(None, (one_process, _it_takes(ratio, bound))))


def _it_takes(ratio: Ratio, bound: float) -> str:
    """``needs 12 more processes``; ``±3.1%: a difference below 4% cannot be seen``."""
    more = more_repeats(ratio, bound)
    if more is not None and ratio.basis in ("pairs", "processes"):
        one, many = ("pair", "pairs") if ratio.basis == "pairs" else ("process", "processes")
        return f"needs {plural(more, f'more {one}', f'more {many}')}"
    least = detectable(ratio) or 0.0
    percent = math.ceil(100 * least) if least >= 0.01 else math.ceil(1000 * least) / 10
    return f"{relative_text(ratio.relative)}: a difference below {percent:g}% cannot be seen"
