"""Published figures of several frameworks on one page: each framework is a side of its own."""

from __future__ import annotations

from dataclasses import replace

from cvbench_tui.results.compare.model import Side


def by_framework(side: Side) -> tuple[Side, ...]:
    """The side itself, or of published figures one for each framework: ``published-1080ti Flux 0.6.8+``."""
    plan = side.run.plan
    names = dict.fromkeys(case.framework for case in plan.cases)
    if not side.run.figures or len(names) < 2:
        return (side,)
    parts = []
    for name in names:
        cases = tuple(case for case in plan.cases if case.framework == name)
        parts.append(replace(side, name=f"{side.name} {name}", run=replace(side.run, plan=replace(plan, cases=cases))))
    return tuple(parts)
