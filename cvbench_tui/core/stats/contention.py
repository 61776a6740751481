"""How much threads had to wait for a processor core, by the kernel's run delay (Linux's schedstat)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cvbench_tui.core.evidence import Evidence


@dataclass(frozen=True)
class Contention:
    """Waiting in some rounds."""

    in_sum: float  # seconds waited by all threads together for each second of wall time
    threads: float  # threads that wanted a core, in the mean: those that ran and those that waited

    @property
    def share(self) -> float:
        """What rounds are judged by: the geometric mean of ``in_sum`` and its share of a thread.

        Threads meet at the end of each operator. If all of them wait at once the round becomes longer by the mean wait;
        if each delays the others in turn, by the sum. The actual slowdown is between: 63 threads that wait for 0.1%
        each make 0.8% and not 6%, one of 15 that shares its core with another program makes 13% and not 3%.
        """
        return self.in_sum / math.sqrt(self.threads)


def contention_of(evidence: Sequence[Evidence]) -> Contention | None:
    """The wait of those rounds together; None on a system without run delay. Where CPU seconds are not known, one
    thread is assumed to have waited."""
    wall_s = waited_s = cpu_s = 0.0
    for each in evidence:  # one loop: asked for by every round of every row
        if each.waited_s is not None:
            wall_s += each.wall_s
            waited_s += each.waited_s
            cpu_s += each.cpu_s or 0.0
    return Contention(waited_s / wall_s, max(1.0, (waited_s + cpu_s) / wall_s)) if wall_s > 0 else None
