"""What the compare screen asks for: which sides, along what, which of them is the baseline, phase and order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

from cvbench_tui.core.measurement import Phase
from cvbench_tui.results.compare.model import Order, Side

ORDERS: tuple[Order, ...] = get_args(Order)
ORDER_WORDS: dict[Order, str] = {"plan": "in the plan's order", "best": "best first", "worst": "worst first"}


@dataclass(frozen=True)
class CompareRequest:
    """One of two or more sides against another one."""

    sides: tuple[Side, ...]
    along: str  # as ``results.compare.build.compare`` has it
    a: int = 0  # places of the baseline and of the side that is judged
    b: int = 1
    phase: Phase | None = None  # None: of each row the total, else inference
    order: Order = "plan"

    def swapped(self) -> CompareRequest:
        """Baseline and judged side change places."""
        return replace(self, a=self.b, b=self.a)

    def next_side(self) -> CompareRequest:
        """The next side against the same baseline."""
        others = [place for place in range(len(self.sides)) if place != self.a]
        return replace(self, b=others[(others.index(self.b) + 1) % len(others)])

    def ordered(self, step: int) -> CompareRequest:
        """The next order, or the one before."""
        return replace(self, order=ORDERS[(ORDERS.index(self.order) + step) % len(ORDERS)])

    def with_phase(self, step: int, shown: Sequence[Phase], known: Sequence[Phase]) -> CompareRequest:
        """The next of the known phases, or the one before. ``shown``: those on screen, of which the first is left."""
        if not known:
            return self
        here = known.index(shown[0]) if shown and shown[0] in known else 0
        if len(shown) > 1:  # rows of several phases: each is shown by itself
            return replace(self, phase=known[here if step > 0 else here - 1])
        return replace(self, phase=known[(here + step) % len(known)])
