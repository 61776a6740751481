"""How many times as fast a row is as the one that was marked, per input, with an interval.

Rows of one run only: the machines of two runs may differ.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cvbench_tui.core import axes
from cvbench_tui.core.measurement import WHOLE_PHASE, Phase
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.stats.estimate import MAX_RELATIVE
from cvbench_tui.results.stats.phase_stats import PhaseResult, reported

Phases = Mapping[Phase, PhaseResult]
WHOLE: Sequence[Phase] = tuple(WHOLE_PHASE.values())


def compared_phases(along: str) -> Sequence[Phase]:
    """The phases that rows are compared by, the first that both have: along optimizers the step alone."""
    only = phase_of(along)
    return WHOLE if only is None else (only,)


def phase_of(along: str) -> Phase | None:
    """The only phase that rows along that axis are compared and ranked by; None: any."""
    axis = axes.axis(along)
    return axis.phase if axis is not None else None


@dataclass(frozen=True)
class Comparison:
    """One row against the marked one."""

    ratio: float  # marked row's time per input over this row's: 2 is twice as fast
    relative: float | None
    """Half width of the ratio's interval as a share of it: the relative half widths of both, in quadrature. None where
    one of them has no interval, or has two speeds."""
    is_reference: bool = False  # True for the marked row itself


def compare(
    protocol: Protocol,
    phases: Phases,
    batch: int,
    reference: Phases,
    reference_batch: int,
    order: Sequence[Phase] = WHOLE,
) -> Comparison | None:
    """This row against the marked one; None without a phase that both have, and with a number of grade X.

    Of the first phase of ``order`` that both have: the training iteration, else inference. Time per input is the time
    of an iteration over its batch. As the errors of two rows are independent, the half widths of their logarithms add
    in quadrature.
    """
    phase = next((phase for phase in order if phase in phases and phase in reference), None)
    if phase is None:
        return None
    mine, marked = phases[phase], reference[phase]
    (mine_s, width), (marked_s, marked_width) = reported(protocol, mine), reported(protocol, marked)
    if not (mine.valid and marked.valid) or mine_s <= 0 or marked_s <= 0:
        return None
    ratio = (marked_s / reference_batch) / (mine_s / batch)
    if width is None or marked_width is None:
        return Comparison(ratio, None)
    both = math.hypot(math.asinh(width), math.asinh(marked_width))  # a half width of w is asinh(w) on logarithms
    return Comparison(ratio, min(MAX_RELATIVE, math.sinh(both)))


ITSELF = Comparison(1.0, None, is_reference=True)  # the marked row against itself
