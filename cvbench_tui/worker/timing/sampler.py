"""Regions run in blocks, and their marks made into seconds. The stopwatch decides how many and when. Needs no torch, so
that tests can stand in for passes and devices."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Protocol

from cvbench_tui.core.evidence import PassName
from cvbench_tui.core.measurement import Phase
from cvbench_tui.worker.devices.backend import Backend, ClockError
from cvbench_tui.worker.timing.counters import DeviceReading
from cvbench_tui.worker.timing.pacing import LEAD_MARGIN, MAX_LEAD_S, Pacing

PICOSECONDS = 12  # digits of a sample in seconds: the mean of a thousand regions is finer than the clock's nanosecond
MANY = 1_000_000  # more regions than any block has
MAX_STRETCH = 16.0
"""Times longer a lead may be asked for: one that counts cycles is shorter on a clock that rose since, from 0.2 to 2.5
GHz on cards that rest."""
TRIES = 3  # of a block until its lead lasts; each asks for a longer one
LONGER = 1.5  # times longer
OPERATOR_S = 60e-6  # of a segment's first lead for each operator: twice what one of two launches was seen to need
MIN_IDLE_S = 1e-4  # for which a block may wait for the device beside the usual: a late synchronise is no hidden work

Marks = tuple[Any, ...]  # points in time that begin and end a region, and the phases within it


class TimedPass(Protocol):
    """Some phases of one workload that are timed together (``worker.timing.passes``)."""

    name: PassName
    phases: tuple[Phase, ...]  # in the order of ``seconds``, the phase that holds all the others last
    segments: bool  # True when ``segmented`` is there

    def begin(self) -> None:
        """Put the workload into this pass's mode."""

    def regions(self, count: int, group: int) -> list[Marks]:
        """``count`` regions of ``group`` iterations each, as their marks; not settled yet."""

    def seconds(self, marks: Marks) -> tuple[float, ...]:
        """Seconds of each phase in one region, all its iterations together; valid once the device has settled."""

    def segmented(self, operators: int, cut: Callable[[], None]) -> tuple[int, ...]:
        """One iteration, with a ``cut`` between its phases and after every so many operators of one: the number of
        segments of each phase in turn."""


@dataclass
class SampledBlocks:
    """Some blocks in a row."""

    values: list[list[float]]  # seconds per iteration, by phase and region
    host_s: float | None = None  # to queue one iteration; None where nothing is queued, or a lead held it up
    utilisation: float | None = None
    """Share of the blocks' wall time spent in their regions; None where nothing queues, and for blocks without a
    lead."""
    device: DeviceReading | None = None
    outran: float | None = None  # share of the blocks whose lead was too short; None where it need not last


@dataclass
class _Block:
    """One block's times, seconds."""

    queue_s: float
    span_s: float  # from its first mark to its last, by the device's clock
    wall_s: float  # by the host's clock, without the lead
    lead_s: float  # how long the lead lasted, by the device's clock
    late: bool  # the lead ended before all was queued
    waits: int = 1  # for the device


@dataclass
class _Led:
    """What is queued behind one lead: a block, or a segment of an iteration. ``begin``, queue, ``end``."""

    backend: Backend
    lead_s: float
    begun_s: float = 0.0
    led_s: float = 0.0
    lead_mark: Any = None
    first: Any = None  # the segment's first mark

    def begin(self) -> None:
        """Keep the device busy from here on."""
        self.begun_s = self.backend.now_s()
        self.lead_mark = self.backend.mark() if self.lead_s else None
        if self.lead_s:
            self.backend.lead(self.lead_s)
        self.led_s = self.backend.now_s()

    def end(self, first: Any, last: Callable[[], Any], meanwhile: Callable[[], None] = lambda: None) -> _Block:
        """Wait for the device. ``first``: the first mark; ``last`` gives the last one; ``meanwhile``: done while the
        device works."""
        backend = self.backend
        final, queued_s = last(), backend.now_s()
        meanwhile()
        backend.settle()
        settled_s = backend.now_s()
        lead_s = 0.0 if self.lead_mark is None else _finite(backend.seconds(self.lead_mark, first))
        wall_s = max(0.0, _passed(self.begun_s, settled_s if backend.queues else queued_s) - lead_s)
        span_s = _finite(backend.seconds(first, final)) if backend.queues else wall_s
        queue_s = _passed(self.led_s, queued_s)
        return _Block(queue_s, span_s, wall_s, lead_s, bool(self.lead_s) and queue_s > lead_s)


@dataclass
class Sampler:
    """Runs the regions of one pass, and keeps count of the seconds in which the workload was executing."""

    timed: TimedPass
    backend: Backend
    busy_s: float = 0.0
    wait_s: float = 0.0  # what a block takes beside its lead and its regions: to begin, and to learn that it is done
    _reading: DeviceReading | None = None
    _region_s: dict[bool, float] = field(default_factory=dict)  # wall time of a region, behind a lead and without
    _stretch: float = 1.0  # requested over wanted length of a lead
    _segment_s: float = 0.0  # lead of the next segments; 0 before the first

    def discard(self, pacing: Pacing) -> float | None:
        """Unrecorded regions after a gap; the host's seconds to queue one iteration, or None. Where there are two, the
        first is waited for: the host's caches are warm again, and the last is queued on an idle device, so that the
        host does not wait for room in the queue as long as a region has no more launches than that holds."""
        if not pacing.discard:
            return None
        backend, started_s = self.backend, self.backend.now_s()
        if pacing.discard > 1:
            self.timed.regions(pacing.discard - 1, pacing.group)
            backend.settle()
        last_s = backend.now_s()
        self.timed.regions(1, pacing.group)
        queued_s = backend.now_s()
        backend.settle()
        self.busy_s += _passed(started_s, backend.now_s())
        return _passed(last_s, queued_s) / pacing.group if backend.queues else None

    def sample(
        self, regions: int, pacing: Pacing, *, until_s: float = math.inf, read_device: bool = False
    ) -> SampledBlocks:
        """Up to so many regions, behind the pacing's leads: no block is begun after ``until_s``, by the backend's
        clock. ``read_device``: the device is read once, while it works on the last block. Raises ClockError when the
        clock gives no duration, and whatever the workload raises."""
        values: list[list[float]] = [[] for _ in self.timed.phases]
        blocks: list[_Block] = []
        done = 0
        while done < regions and not (done and self.backend.now_s() >= until_s):
            count = min(regions - done, pacing.regions_per_block, self._fitting(until_s, led=True))
            done += count
            blocks.append(self._block(count, pacing, values, read_device=read_device and done >= regions))
        reading = self._take_reading(wanted=read_device)
        if not self.backend.queues:
            return SampledBlocks(values, device=reading)
        host_s = None if pacing.lead_s else sum(block.queue_s for block in blocks) / (done * pacing.group)
        # Reading the device may outlast a short block, and would count as time in which it idled.
        counted = blocks[:-1] if read_device and len(blocks) > 1 else blocks
        outran = round(sum(block.late for block in blocks) / len(blocks), 4) if pacing.covers else None
        if not self.backend.leads:
            outran = 1.0
        return SampledBlocks(values, host_s, self._utilisation(counted), reading, outran)

    def sample_wall(
        self, regions: int, pacing: Pacing, *, until_s: float = math.inf, read_device: bool = False
    ) -> SampledBlocks:
        """Up to so many regions without a lead, back to back behind an unrecorded one: the pace that a loop settles to.
        A region lasts until the next one begins, so that what a loop does between two iterations, clearing gradients
        and giving back memory, is in it, in the last of its phases. By the device's marks, so that reading the device
        meanwhile costs nothing. Raises as ``sample`` does."""
        values: list[list[float]] = [[] for _ in self.timed.phases]
        count = min(regions, self._fitting(until_s, led=False))
        unled = _Led(self.backend, 0.0)
        unled.begin()
        self.timed.regions(min(1, pacing.discard), pacing.group)
        marks = [*self.timed.regions(count, pacing.group), (self.backend.mark(),)]
        meanwhile = self._read_device if read_device else lambda: None
        block = unled.end(marks[0][0], lambda: marks[-1][0], meanwhile)
        self._keep([(*region[:-1], after[0]) for region, after in zip(marks, marks[1:])], pacing, values)
        self.busy_s += block.wall_s
        self._region_s[False] = block.wall_s / count
        return SampledBlocks(values, device=self._take_reading(wanted=read_device))

    def _fitting(self, until_s: float, *, led: bool) -> int:
        """Regions that fit as long as the last ones took, one at least: work may have become slow."""
        region_s = self._region_s.get(led)
        return max(1, int(min(MANY, (until_s - self.backend.now_s()) / region_s))) if region_s else MANY

    def _block(self, count: int, pacing: Pacing, values: list[list[float]], *, read_device: bool) -> _Block:
        """Queue a block, wait for it, and append its seconds to ``values``. One whose lead was too short is neither the
        device's time nor the host's: it is queued again, behind a longer lead."""
        for tried in range(TRIES):
            found: list[list[float]] = [[] for _ in values]
            if pacing.operators:
                block = self._in_segments(pacing, found)
            else:
                block = self._whole(count, pacing, LONGER**tried, found, read_device=read_device)
            self.busy_s += block.wall_s
            if not (block.late and pacing.retries):
                break
        for phase_values, new in zip(values, found):
            phase_values += new
        self._region_s[True] = block.wall_s / count
        return block

    def _whole(
        self, count: int, pacing: Pacing, longer: float, values: list[list[float]], *, read_device: bool
    ) -> _Block:
        """Whole regions behind one lead."""
        lead_s = pacing.lead_s * longer
        led = _Led(self.backend, lead_s * self._stretch)
        led.begin()
        marks = self.timed.regions(count, pacing.group)
        block = led.end(marks[0][0], lambda: marks[-1][-1], self._read_device if read_device else lambda: None)
        if 0 < block.lead_s < lead_s:
            self._stretch = min(MAX_STRETCH, self._stretch * lead_s / block.lead_s)
        self._keep(marks, pacing, values)
        return block

    def _in_segments(self, pacing: Pacing, values: list[list[float]]) -> _Block:
        """One iteration in segments, each behind a lead of its own: more launches than the queue holds."""
        backend = self.backend
        lead_s = self._segment_s or min(MAX_LEAD_S, OPERATOR_S * pacing.operators)
        led = _Led(backend, lead_s * self._stretch)
        segments: list[_Block] = []

        def begin() -> None:
            led.begin()
            led.first = backend.mark()

        def end() -> None:
            segments.append(led.end(led.first, backend.mark))

        def cut() -> None:
            end()
            begin()

        begin()
        counts = self.timed.segmented(pacing.operators, cut)
        end()
        longest_s, shortest_s = max(each.queue_s for each in segments), min(each.lead_s for each in segments)
        late = any(segment.late for segment in segments)
        if 0 < shortest_s < lead_s:
            self._stretch = min(MAX_STRETCH, self._stretch * lead_s / shortest_s)
        # from the longest one's queueing; one that was held up by its full queue asks for more as well
        self._segment_s = min(MAX_LEAD_S, longest_s * (LEAD_MARGIN * LONGER if late else LEAD_MARGIN))
        spans, begin_at, parts = [segment.span_s for segment in segments], 0, []
        for number in counts:
            parts.append(sum(spans[begin_at : begin_at + number]))
            begin_at += number
        for phase_values, seconds in zip(values, parts if len(parts) == 1 else [*parts, sum(parts)]):
            phase_values.append(seconds)
        for phase_values in values:
            _check(phase_values)
        return _Block(
            queue_s=longest_s,
            span_s=sum(spans),
            wall_s=sum(segment.wall_s for segment in segments),
            lead_s=shortest_s,
            late=late,
            waits=len(segments),
        )

    def _keep(self, marks: list[Marks], pacing: Pacing, values: list[list[float]]) -> None:
        """Append the regions' seconds per iteration."""
        for region in marks:
            for phase_values, seconds in zip(values, self.timed.seconds(region)):
                phase_values.append(seconds / pacing.group)
        for phase_values in values:
            _check(phase_values[-len(marks) :])

    def _utilisation(self, blocks: list[_Block]) -> float:
        """Share of the blocks' wall time spent in their regions, without what beginning and waiting cost."""
        span_s, free_s = sum(block.span_s for block in blocks), self.wait_s + max(self.wait_s, MIN_IDLE_S)
        idle_s = sum(block.wall_s - block.span_s - free_s * block.waits for block in blocks)
        return round(span_s / max(span_s + max(0.0, idle_s), 1e-9), 4)

    def _read_device(self) -> None:
        self._reading = self.backend.read_device()

    def _take_reading(self, *, wanted: bool) -> DeviceReading | None:
        """The reading, taken now where no block was long enough for one."""
        if wanted and self._reading is None:
            self._read_device()
        reading, self._reading = self._reading, None
        return reading


def samples(values: list[float], per_sample: int) -> tuple[float, ...]:
    """Means of ``per_sample`` successive values each, to the picosecond; a rest too small for one is left out. Raises
    ClockError for a mean of 0: no work takes no time, so the clock stood still."""
    per_sample = min(per_sample, len(values))
    starts = range(0, len(values) - per_sample + 1, per_sample)
    means = tuple(round(fmean(values[start : start + per_sample]), PICOSECONDS) for start in starts)
    if min(means) <= 0:
        raise ClockError(f"The clock stood still while {per_sample} iterations ran.")
    return means


def _check(values: list[float]) -> None:
    """Raise ClockError for a value that cannot be a duration."""
    if not math.isfinite(sum(values)):
        raise ClockError("The device's timer gave no number.")
    if min(values) < 0:
        raise ClockError("The clock went backwards between two marks.")


def _finite(seconds: float) -> float:
    _check([seconds])
    return seconds


def _passed(start: float, end: float) -> float:
    """Seconds of the host's clock. Raises ClockError when it went backwards."""
    if not end >= start:
        raise ClockError("The host's clock went backwards.")
    return end - start
