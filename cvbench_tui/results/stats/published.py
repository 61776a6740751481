"""How far the published means are from the clean numbers of the same rows, and what makes the difference."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import get_args

from cvbench_tui.core.measurement import PHASES, WHOLE_PHASE, Phase
from cvbench_tui.core.workload import Kind
from cvbench_tui.results.stats.row_data import RowData
from cvbench_tui.results.text.units import times_text


@dataclass(frozen=True)
class Difference:
    """One phase by the published loop against the same by today's method."""

    ratio: float  # published mean over clean median: 1.04 is 4% longer
    warm_ratio: float | None  # the same without the cold iteration of each process; None where nothing is left


def difference(row: RowData, phase: Phase) -> Difference | None:
    """How they differ; None without both, and where one of them is invalid."""
    published, clean = row.phases.get(phase), row.clean.get(phase)
    if row.measurement is None or published is None or clean is None or not (published.valid and clean.valid):
        return None
    cold = [rounds[0][0] for rounds in row.measurement.rounds_by_visit(phase) if rounds and rounds[0]]
    left = published.n - len(cold)
    warm_s = (published.n * published.mean_s - sum(cold)) / left if left > 0 else None
    return Difference(published.mean_s / clean.median_s, None if warm_s is None else warm_s / clean.median_s)


def difference_line(rows: Collection[RowData], shown: Callable[[RowData], Collection[Phase]] = lambda _: PHASES) -> str:
    """How the means of these rows differ, and all that the two methods do differently; empty without clean numbers.
    ``shown``: the phases of a row that are on the page."""
    if not any(row.clean for row in rows):
        return ""
    parts, phases = [], dict[Phase, None]()
    for kind in get_args(Kind):
        shares = []
        for phase in WHOLE_PHASE.values():
            mine = (difference(row, phase) for row in rows if row.case.workload.kind == kind and phase in shown(row))
            ratios = [each.ratio for each in mine if each is not None]
            if ratios:
                phases[phase] = None
                shares.append(f"{_range(ratios)} in {phase}")
        parts += [f"{kind}s {', '.join(shares)}"] if shares else []
    if not parts:
        return ""
    return (
        f"Published means over clean numbers: {'; '.join(parts)}. What differs: {', '.join(_differing(rows, phases))}."
    )


def _range(ratios: Collection[float]) -> str:
    """``1.04x``, ``1.04x to 1.31x``."""
    return " to ".join(dict.fromkeys(map(times_text, (min(ratios), max(ratios)))))


def _differing(rows: Collection[RowData], phases: Collection[Phase]) -> Iterator[str]:
    yield "the cold iteration is in the mean"
    yield "Python's collector is on"
    if any(row.case.device != "cpu" for row in rows):
        yield "the device is waited for after every pass"
    if "total" in phases:
        yield "gradients accumulate"
        yield "output gradients are ones"
    if any(row.case.workload.kind == "layer" for row in rows):
        yield "inputs of layers are uniform" + " and get no gradient, which is less work" * ("total" in phases)
    if "inference" in phases:
        yield "autograd records inference"
