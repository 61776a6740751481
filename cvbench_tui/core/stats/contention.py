"""How much threads had to wait for a processor core: what the system tells of it, and what can be told without it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cvbench_tui.core.evidence import Evidence

CLOCK_STEPS_S = (1 / 64, 0.01)
"""Steps in which Windows (15.6 ms) and some sandboxes (10 ms) count the CPU seconds of threads and processes."""
STEPS = 2
"""A difference of so many steps a round may be theirs: one at its beginning, one at its end."""


@dataclass(frozen=True)
class Contention:
    """What the kernel's run delay says of some rounds."""

    in_sum: float
    """Seconds waited by all threads together for each second of wall time."""
    threads: float
    """Threads that wanted a core, in the mean: those that ran and those that waited."""

    @property
    def mean(self) -> float:
        """Share of the wall time that a thread waited, in the mean."""
        return self.in_sum / self.threads

    @property
    def share(self) -> float:
        """What rounds are judged by: the geometric mean of ``mean`` and ``in_sum``.

        Threads meet at the end of each operator. If all of them wait at once the round becomes longer by the mean
        wait; if each delays the others in turn, by the sum. The truth lies between: 63 threads that wait for 0.1% each
        make 0.8% and not 6%, one of 15 that shares its core with another program makes 13% and not 3%.
        """
        return self.in_sum / math.sqrt(self.threads)


def contention_of(evidence: Sequence[Evidence]) -> Contention | None:
    """The wait of those rounds together; None where it is not told.

    Where CPU seconds are not told, one thread is taken to have waited.
    """
    known = [each for each in evidence if each.waited_s is not None]
    wall_s = sum(each.wall_s for each in known)
    if wall_s <= 0:
        return None
    waited_s = sum(each.waited_s or 0.0 for each in known)
    wanted_s = waited_s + sum(each.cpu_s or 0.0 for each in known)
    return Contention(waited_s / wall_s, max(1.0, wanted_s / wall_s))


def idle_share(spent_s: Sequence[float | None], evidence: Sequence[Evidence], threads: int) -> float | None:
    """Share of the wall time in which that many threads did not run, from their CPU seconds in each round.

    0 where the clock of CPU seconds is too coarse to tell; None where they are not told.
    """
    known = [(spent, each.wall_s) for spent, each in zip(spent_s, evidence) if spent is not None]
    whole_s = threads * sum(wall_s for _, wall_s in known)
    if whole_s <= 0:
        return None
    idle_s = whole_s - sum(spent for spent, _ in known)
    step_s = _step_s([spent for spent, _ in known])
    return max(0.0, idle_s / whole_s) if idle_s > STEPS * step_s * len(known) else 0.0


def _step_s(spent_s: Sequence[float]) -> float:
    """The coarse step that all of them are multiples of; 0 when there is none. Evidence is kept to the microsecond."""
    for step_s in CLOCK_STEPS_S:
        if all(abs(spent - step_s * round(spent / step_s)) <= 1e-6 for spent in spent_s):
            return step_s
    return 0.0


def interrupted_per_s(evidence: Sequence[Evidence]) -> float | None:
    """Involuntary context switches per second; None where they are not told.

    A sandbox that tells none in any round does not count them.
    """
    known = [each for each in evidence if each.switches is not None]
    wall_s, switches = sum(each.wall_s for each in known), sum(each.switches or 0 for each in known)
    return switches / wall_s if switches and wall_s > 0 else None
