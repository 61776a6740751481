"""Makes a comparison of two sides."""

from __future__ import annotations

from collections.abc import Sequence

from cvbench_tui.core.measurement import Phase
from cvbench_tui.core.run import Run
from cvbench_tui.results.compare.model import BOUND, Order, RunComparison, Side


def compare(
    a: Side,
    b: Side,
    *,
    along: str = "run",
    phases: Sequence[Phase] = (),
    bound: float = BOUND,
    order: Order = "plan",
) -> RunComparison:
    """Side B against side A, row by row. ``phases``: those shown; none: total, else inference (of optimizers the step).
    Raises SelectionError where no row of one does the work of a row of the other."""
    raise NotImplementedError


def sides_along(run: Run, axis: str) -> tuple[Side, ...]:
    """The values of that axis in the run, the baseline first. Raises SelectionError for fewer than two."""
    raise NotImplementedError
