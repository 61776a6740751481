"""Comparisons in plain sentences, for a screen reader: a paragraph for each row. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Sequence

from cvbench_tui.base.escape import one_line
from cvbench_tui.core.stats.ratio import Ratio
from cvbench_tui.results.compare import cells
from cvbench_tui.results.compare.model import ComparedRow, RunComparison, SideTime
from cvbench_tui.results.export.plain_text import SPOKEN
from cvbench_tui.results.text.units import scale_for


def sentences(comparisons: Sequence[RunComparison]) -> str:
    """The comparisons as paragraphs, ending in a newline."""
    paragraphs = cells.about_lines(comparisons)
    for place, one in enumerate(comparisons, 1):
        paragraphs += [_paragraph(one, row, place) for row in one.rows]
        for phase, mean, count in one.means:
            words = ", ".join(_ratio(mean))
            rows = f"{cells.letter(place)} in {phase}, geometric mean of {count}"
            paragraphs.append(f"{rows}: {words}; {cells.counts_text(one, phase)}.")
    paragraphs += [*cells.source_lines(comparisons), *cells.closing_lines(comparisons)]
    return "\n\n".join(map(one_line, filter(None, paragraphs))).replace("\u00b1", "plus or minus ") + "\n"


def _paragraph(one: RunComparison, row: ComparedRow, place: int) -> str:
    """``resnet50, batch 64, total: A 61.4 ms, B 43.8 ms, 1.40 times as fast, interval 1.39 to 1.41, faster.``"""
    parts = [_time("A", row.a), _time(cells.letter(place), row.b)]
    parts += _ratio(row.ratio) if row.ratio is not None else []
    parts.append(cells.verdict_text(one, row).replace(cells.DOUBT, ", doubtful"))
    said = f"; {row.sentence.rstrip('.')}" if row.sentence else ""
    return f"{row.label}, batch {row.batch}, {row.phase}: {', '.join(parts)}{said}."


def _ratio(ratio: Ratio) -> list[str]:
    words = [f"{cells.speedup_text(ratio).removesuffix('x')} times as fast"]
    if ratio.low is not None:
        words.append(f"interval {cells.interval_text(ratio)}".replace("\u2013", " to "))
    return words


def _time(name: str, side: SideTime | None) -> str:
    if side is None:
        return f"{name} not available"
    scale = scale_for([side.seconds])
    number = scale.number(side.seconds, side.relative)
    return f"{name} {number} {SPOKEN.get(scale.unit, scale.unit)}"
