"""Regions run in blocks, and their marks made into seconds. The stopwatch decides how many and when. Needs no torch, so
that tests can stand in for passes and devices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Protocol

from cvbench_tui.core.evidence import PassName
from cvbench_tui.core.measurement import Phase
from cvbench_tui.worker.devices.backend import Backend, ClockError
from cvbench_tui.worker.timing.counters import DeviceReading
from cvbench_tui.worker.timing.pacing import Pacing

PICOSECONDS = 12  # digits of a sample in seconds: the mean of a thousand regions is finer than the clock's nanosecond
MANY = 1_000_000  # more regions than any block has
MAX_STRETCH = 4.0  # times longer a lead may be asked for: one that counts cycles is shorter on a clock that rose since

Marks = tuple[Any, ...]  # points in time that begin and end a region, and the phases within it


class TimedPass(Protocol):
    """Some phases of one workload that are timed together (``worker.timing.passes``)."""

    name: PassName
    phases: tuple[Phase, ...]  # in the order of ``seconds``, the phase that holds all the others last

    def begin(self) -> None:
        """Put the workload into this pass's mode."""

    def regions(self, count: int, group: int) -> list[Marks]:
        """``count`` regions of ``group`` iterations each, as their marks; not settled yet."""

    def seconds(self, marks: Marks) -> tuple[float, ...]:
        """Seconds of each phase in one region, all its iterations together; valid once the device has settled."""


@dataclass
class SampledBlocks:
    """Some blocks in a row."""

    values: list[list[float]]  # seconds per iteration, by phase and region
    host_s: float | None = None  # to queue one iteration; None where nothing is queued, or a lead held it up
    utilisation: float | None = None  # share of the blocks' wall time spent in their regions; None where nothing queues
    device: DeviceReading | None = None
    outran: float | None = None  # share of the blocks whose lead was too short; None where it need not last


@dataclass
class _Block:
    """One block's times, seconds."""

    queue_s: float
    span_s: float  # from its first mark to its last, by the device's clock
    wall_s: float  # by the host's clock, without the lead
    lead_s: float  # how long the lead lasted, by the device's clock


@dataclass
class Sampler:
    """Runs the regions of one pass, and keeps count of the seconds in which the workload was executing."""

    timed: TimedPass
    backend: Backend
    busy_s: float = 0.0
    _reading: DeviceReading | None = None
    _region_s: float = 0.0  # wall time of a region in the last block
    _stretch: float = 1.0  # requested over wanted length of a lead

    def discard(self, pacing: Pacing) -> float | None:
        """Unrecorded regions after a gap; the host's seconds to queue one iteration, or None. The device is idle then
        and little is queued, so that the host never waits for room in the queue."""
        if not pacing.discard:
            return None
        started_s = self.backend.now_s()
        self.timed.regions(pacing.discard, pacing.group)
        queued_s = self.backend.now_s()
        self.backend.settle()
        self.busy_s += _passed(started_s, self.backend.now_s())
        return _passed(started_s, queued_s) / (pacing.discard * pacing.group) if self.backend.queues else None

    def sample(
        self, regions: int, pacing: Pacing, *, until_s: float = math.inf, read_device: bool = False
    ) -> SampledBlocks:
        """Up to so many regions: no block is begun after ``until_s``, by the backend's clock. ``read_device``: the
        device is read once, while it works on the last block. Raises ClockError when the clock gives no duration, and
        whatever the workload raises."""
        values: list[list[float]] = [[] for _ in self.timed.phases]
        blocks: list[_Block] = []
        done = 0
        while done < regions and not (done and self.backend.now_s() >= until_s):
            # what fits as long as the last ones took: a whole block may be too many of work that became slow
            fitting = (until_s - self.backend.now_s()) / self._region_s if self._region_s else MANY
            count = min(regions - done, pacing.regions_per_block, max(1, int(min(MANY, fitting))))
            done += count
            blocks.append(self._block(count, pacing, values, read_device=read_device and done >= regions))
        if read_device and self._reading is None:
            self._reading = self.backend.read_device()
        reading, self._reading = self._reading, None
        if not self.backend.queues:
            return SampledBlocks(values, device=reading)
        host_s = None if pacing.lead_s else sum(block.queue_s for block in blocks) / (done * pacing.group)
        # Reading the device may outlast a short block, and would count as time in which it idled.
        counted = blocks[:-1] if read_device and len(blocks) > 1 else blocks
        share = sum(block.span_s for block in counted) / max(sum(block.wall_s for block in counted), 1e-9)
        late = [block.queue_s > block.lead_s for block in blocks]
        outran = round(sum(late) / len(late), 4) if pacing.covers else None
        return SampledBlocks(values, host_s, round(min(1.0, share), 4), reading, outran)

    def _block(self, count: int, pacing: Pacing, values: list[list[float]], *, read_device: bool) -> _Block:
        """Queue a block, wait for it, and append its seconds to ``values``."""
        backend = self.backend
        started_s = backend.now_s()
        lead_mark = backend.mark() if pacing.lead_s else None
        if lead_mark is not None:
            backend.lead(pacing.lead_s * self._stretch)
        led_s = backend.now_s()
        marks = self.timed.regions(count, pacing.group)
        queued_s = backend.now_s()
        if read_device:
            self._reading = backend.read_device()
        backend.settle()
        settled_s = backend.now_s()
        lead_s = 0.0 if lead_mark is None else _finite(backend.seconds(lead_mark, marks[0][0]))
        if 0 < lead_s < pacing.lead_s:
            self._stretch = min(MAX_STRETCH, self._stretch * pacing.lead_s / lead_s)
        for region in marks:
            for phase_values, seconds in zip(values, self.timed.seconds(region)):
                phase_values.append(seconds / pacing.group)
        for phase_values in values:
            _check(phase_values[-count:])
        wall_s = max(0.0, _passed(started_s, settled_s if backend.queues else queued_s) - lead_s)
        self.busy_s += wall_s
        self._region_s = wall_s / count
        span_s = _finite(backend.seconds(marks[0][0], marks[-1][-1])) if backend.queues else wall_s
        return _Block(_passed(led_s, queued_s), span_s, wall_s, lead_s)


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
