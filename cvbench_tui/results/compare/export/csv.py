"""Comparisons as CSV: a line for each row and judged side, numbers in SI units and not rounded."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from cvbench_tui.results.compare.model import ComparedRow, RunComparison, SideTime
from cvbench_tui.results.export.csv import safe_cell

COLUMNS = (
    "a", "b", "a_run", "b_run", "along", "workload", "batch", "phase", "a_s", "a_relative", "a_quality", "b_s",
    "b_relative", "b_quality", "speedup", "low", "high", "made_of", "repeats", "verdict", "doubtful", "sentence",
)  # fmt: skip


def render(comparisons: Sequence[RunComparison]) -> str:
    """One line for each row of each comparison, in its order."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for one in comparisons:
        writer.writerows({name: safe_cell(value) for name, value in _row(one, row).items()} for row in one.rows)
    return text.getvalue()


def _row(one: RunComparison, row: ComparedRow) -> dict[str, Any]:
    ratio = row.ratio
    return {
        "a": one.a.name,
        "b": one.b.name,
        "a_run": one.a.run.id,
        "b_run": one.b.run.id,
        "along": one.along,
        "workload": row.label,
        "batch": row.batch,
        "phase": row.phase,
        **_side("a", row.a),
        **_side("b", row.b),
        "speedup": ratio and ratio.speedup,
        "low": ratio and ratio.low,
        "high": ratio and ratio.high,
        "made_of": ratio and ratio.basis,
        "repeats": ratio and ratio.repeats,
        "verdict": row.verdict,
        "doubtful": one.doubtful,
        "sentence": row.sentence or None,
    }


def _side(name: str, side: SideTime | None) -> dict[str, Any]:
    return {
        f"{name}_s": side and side.seconds,
        f"{name}_relative": side and side.relative,
        f"{name}_quality": side and side.quality.text,
    }
