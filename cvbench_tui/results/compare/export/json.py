"""Comparisons as JSON: everything that they hold, in SI units, numbers not rounded; null: not available."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from cvbench_tui.results.compare import cells
from cvbench_tui.results.compare.model import ComparedRow, RunComparison, Side, SideTime

SCHEMA = 1
"""Version of this form. Within one, names are added only."""


def render(comparisons: Sequence[RunComparison]) -> str:
    """The sides, the baseline first, then what each other one is against it, one row on a line."""
    sides = [_side(place, side) for place, side in enumerate(cells.sides_of(comparisons))]
    parts = ",\n".join(_comparison(one, place) for place, one in enumerate(comparisons, 1))
    return f'{{\n"schema": {SCHEMA},\n"sides": {_compact(sides)},\n"comparisons": [\n{parts}\n]\n}}\n'


def _compact(value: Any) -> str:
    """On one line. Raises ValueError for a number that JSON does not have."""
    return json.dumps(value, allow_nan=False)


def _side(place: int, side: Side) -> dict[str, Any]:
    run = side.run
    return {
        "letter": cells.letter(place),
        "name": side.name,
        "value": side.value or None,
        "run": run.id,
        "plan": run.plan.name,
        "started_at_s": run.started_at_s,
        "program": run.program,
        "published": bool(run.figures),
        "versions": dict(run.environment.versions) if run.environment is not None else None,
    }


def _comparison(one: RunComparison, place: int) -> str:
    head = {
        "a": cells.letter(0),
        "b": cells.letter(place),
        "along": one.along,
        "bound": one.bound,
        "differences": one.differences,
        "doubtful": one.doubtful,
        "only_a": one.only_a,
        "only_b": one.only_b,
        "means": [{"phase": phase, "rows": rows, **asdict(ratio)} for phase, ratio, rows in one.means],
    }
    lines = [f"{json.dumps(key)}: {_compact(value)}" for key, value in head.items()]
    rows = ",\n".join(_compact(_row(row)) for row in one.rows)
    return "{\n" + ",\n".join([*lines, f'"rows": [\n{rows}\n]']) + "\n}"


def _row(row: ComparedRow) -> dict[str, Any]:
    return {
        "key": row.key,
        "workload": row.label,
        "batch": row.batch,
        "phase": row.phase,
        "a": _time(row.a),
        "b": _time(row.b),
        "ratio": asdict(row.ratio) if row.ratio is not None else None,
        "verdict": row.verdict,
        "sentence": row.sentence or None,
    }


def _time(side: SideTime | None) -> dict[str, Any] | None:
    if side is None:
        return None
    return {
        "case": side.case.case_id,
        "device": side.case.device,
        "seconds": side.seconds,
        "relative": side.relative,
        "quality": side.quality.text,
    }
