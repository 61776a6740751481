"""Which batch is tried next for the largest one that fits, and when it is found. Pure: starts nothing, reads no clock.

A try tells how much memory its iteration took and how much it could have taken. Memory is a fixed part and one for each
input: what was taken for each input so far, the fixed part counted in, is a bound that fits, and two tries make a line
that meets the room at the largest batch. A last try next to it shows that the line is right. Where a batch near the
line does not fit, the bounds are narrowed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cvbench_tui.core.event import MOST_TRIES, BatchTry
from cvbench_tui.core.plan import MAX_BATCH
from cvbench_tui.core.protocol import Protocol

FIRST = 2  # at batch 1 some networks cannot train
MOST = MAX_BATCH
NEAR = 0.03  # by this share the largest that was tried may be below what fits
BELOW = 0.985  # of the line's end is tried, as the line is a little wrong and a batch that fits ends the search
AFTER_MISS = 0.05  # less is tried after a batch that did not fit although it should, then twice as much less
FAR = 1.25  # times the largest that was tried: a line is less sure beyond
APART = 0.7  # of the largest batch is the other end of the line at the most: nearer ones differ by noise
CLOSE = 1.3  # times the largest that fits: so near a batch that does not, the two are halved
LEAP = 8.0  # times as far as its two points are apart a line is followed at the most
REACH = 30.0  # times the first batch is tried where that took less than the process had at hand
LEAST_ITERATIONS = 7
"""Of a visit, at the least: a first call, three windows of warm-up and a round, inference beside training."""


@dataclass
class BatchSearch:
    """``next`` is the batch to try; None when ``found`` is final. ``record`` each try."""

    protocol: Protocol
    tries: list[BatchTry] = field(default_factory=list)

    @property
    def found(self) -> int | None:
        """The largest that fits; None where none does."""
        return max((each.batch for each in self.tries if each.fits), default=None)

    @property
    def next(self) -> int | None:
        """None when the search is over."""
        if len(self.tries) >= MOST_TRIES:
            return None
        low, high = self.found, min((each.batch for each in self.tries if not each.fits), default=MOST + 1)
        if not self.tries:
            return FIRST
        if low is None:
            return 1 if high > 1 else None
        if low >= high - 1:
            return None
        end = min(self._end(), high - 1)
        if len(self.tries) > 1 and end - low <= NEAR * low:
            return None
        if high <= MOST and end == high - 1:  # what is the smallest that does not fit was to fit
            missed = sum(not each.fits for each in self.tries)
            guess = int((1.0 - AFTER_MISS * missed) * high)
            if high <= CLOSE * low or missed > 2 or len(self.tries) - missed == 1:
                guess = (low + high) // 2
        else:
            guess = int(BELOW * end) if FAR * low < end < MOST else end
        return max(low + 1, min(guess, high - 1))

    def record(self, tried: BatchTry) -> None:
        """The outcome of a try."""
        self.tries.append(tried)

    def too_slow(self, batch: int) -> float | None:
        """Seconds that a visit at that batch would take, where that is more than the protocol gives it, by the time of
        the largest that fits; None where there is time, or nothing is known."""
        fits = [each for each in self.tries if each.fits and each.iteration_s is not None]
        if not fits:
            return None
        last = max(fits, key=lambda each: each.batch)
        iteration_s = (last.iteration_s or 0.0) * batch / last.batch
        iterations = LEAST_ITERATIONS
        if self.protocol.method == "published":
            iterations = self.protocol.iterations_cpu
        visit_s = iterations * iteration_s
        return visit_s if visit_s > self.protocol.timeout_s or iteration_s > self.protocol.silence_s else None

    def _end(self) -> int:
        """The batch at which memory is full: of the line through the largest that fits and one well below it; of one
        alone four times its batch, or what surely fits."""
        fits = sorted((each for each in self.tries if each.fits), key=lambda each: each.batch)
        last = fits[-1]
        if not last.peak_bytes or not last.room_bytes:
            return int(REACH * last.batch)  # or it is not known what it took
        surely = last.batch * last.room_bytes / last.peak_bytes
        below = [each for each in fits if each.batch <= APART * last.batch and each.peak_bytes]
        if not below:
            return int(max(surely, 4 * last.batch))
        slope = (last.peak_bytes - (below[-1].peak_bytes or 0)) / (last.batch - below[-1].batch)
        left = last.room_bytes - last.peak_bytes
        leap = LEAP * (last.batch - below[-1].batch)
        return int(max(surely, last.batch + (min(leap, left / slope) if slope > 0 else leap)))
