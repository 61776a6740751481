"""How many iterations make a window, a region, a sample and a round. Pure arithmetic, no torch, no clock. Iteration,
region, sample, block and round are in docs/glossary.md."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from cvbench_tui.core.measurement import SLOWER
from cvbench_tui.core.protocol import REGION_TO_TIMER_COST, Protocol

MAX_GROUP = 64
"""Most iterations in one region: the training pass holds the graphs of all of them at once, and where the host runs
ahead all their launches have to fit the queue."""
MAX_CALLS = 500  # in one region of inference where the host does not run ahead: outputs are released one by one
BLIND_GROUP = 16  # the same where the device's free memory is not known
MEMORY_SHARE = 0.25  # most of the device's free memory that the graphs of one region may take
BLOCK_S = 0.05  # work queued between two device-wide synchronises lasts at least this long ...
BLOCK_ITERATIONS = 500  # ... with at most so many queued: those of one launch fill half of CUDA's queue of 1,000
DISCARD_TWO_S = 0.025
DISCARD_ONE_S = 0.1  # iterations up to this long are cheap enough to run two (or one) unrecorded after a gap
LEAD_S = 0.01
"""A host-bound block is queued while the device spins for so long: 800 launches of 10 us, which fit the queue, ..."""
MAX_LEAD_S = 0.1  # ... or longer where one region needs it: a training step of the deepest models takes 50 ms to queue
SEGMENT_OPERATORS = 400
"""Operators of an iteration that are queued behind one lead where a whole iteration does not fit the queue of 1,000:
two launches each fill 800. densenet201 has at least 3,724 launches in training, resnet152 1,495."""
MIN_OPERATORS = 50  # fewest: an operator is never 20 launches
LEAD_MARGIN = 1.25  # lead for each second that the host was seen to need
HOST_BOUND_FROM = 0.8  # share of the device's time from which the host's leaves no margin to stay ahead


@dataclass(frozen=True)
class Pacing:
    """The sizes of one pass."""

    group: int  # iterations in a region
    regions_per_sample: int
    samples_per_round: int
    discard: int  # regions run unrecorded at the start of a round
    regions_per_block: int  # regions between two settles
    lead_s: float = 0.0  # how long the device is kept busy before each block: no region starts on an idle device
    covers: bool = False  # the lead has to last until the whole block is queued: the host is slower than the device
    operators: int = 0  # of a segment, where an iteration is queued in several, each behind a lead; 0: in one
    retries: bool = False  # a block whose lead was too short is queued again behind a longer one
    wall_regions: int = 0  # regions without a lead that fill ``BLOCK_S``; 0: without a lead is how all are queued
    host_slower: bool = False  # the wall time is the number, and most of a round is spent on it

    @property
    def regions(self) -> int:
        """Regions of a round."""
        return self.samples_per_round * self.regions_per_sample

    def shares(self, regions: int) -> tuple[int, int]:
        """Of so many regions those behind a lead and those without: all of the number, a block of the other."""
        if self.host_slower:
            return min(regions, self.regions_per_block), regions
        return regions, min(regions, self.wall_regions)


@dataclass(frozen=True)
class Room:
    """What fits the launch queue behind one lead, as far as was tried."""

    iterations: int = BLOCK_ITERATIONS
    operators: int = 0  # of a segment, where no whole iteration fits; 0: one does
    enough: bool = True  # False: nothing fits, or the queue's work cannot be cut into segments

    def less(self, tried: int, *, segments: bool) -> Room:
        """After ``tried`` iterations did not fit. ``segments``: an iteration can be cut."""
        if tried > 1:
            return replace(self, iterations=tried // 2)
        if not segments or 0 < self.operators <= MIN_OPERATORS:
            return replace(self, operators=0, enough=False)
        return replace(self, iterations=1, operators=self.operators // 2 or SEGMENT_OPERATORS)


WIDE = Room()


@dataclass(frozen=True)
class Costs:
    """What is known of one iteration and of the clock, seconds."""

    iteration_s: float
    phase_s: float  # of the shortest phase
    host_s: float | None = None  # the host's time to queue one iteration; None where nothing is queued
    empty_region_s: float = 0.0
    region_floor_s: float = 0.0  # shortest region that the device's clock is trusted with
    wall_s: float | None = None  # wall time of an iteration without a lead; None while not known
    leads: bool = True  # the device can be kept busy by a lead

    @property
    def covers(self) -> bool:
        """True when the host may not stay ahead of the device by itself."""
        return self.host_s is not None and self.host_s > HOST_BOUND_FROM * self.iteration_s

    @property
    def host_slower(self) -> bool:
        """True when the wall time is the number."""
        if self.wall_s is None or not self.leads:
            return self.covers or not self.leads
        return self.wall_s > SLOWER * self.iteration_s

    @property
    def number_s(self) -> float:
        """The iteration's number: its wall time where the host is the slower one, else the device's."""
        return self.wall_s if self.wall_s is not None and self.host_slower else self.iteration_s

    @property
    def elapsed_s(self) -> float:
        """Wall time of an iteration; where the host is the slower one it is the host's, with its lead."""
        if self.wall_s is not None and self.host_slower:
            return self.wall_s
        if self.host_s is None or not self.covers:
            return self.iteration_s
        return LEAD_MARGIN * self.host_s + self.iteration_s


def pacing_for(
    protocol: Protocol, costs: Costs, max_group: int = MAX_GROUP, group: int | None = None, room: Room = WIDE
) -> Pacing:
    """Sizes for iterations of those costs. A ``group`` that is given is kept while it is about right."""
    wanted = _ceil(max(costs.region_floor_s, REGION_TO_TIMER_COST * costs.empty_region_s), costs.phase_s)
    if group is None or not wanted / 1.5 <= group <= 1.5 * wanted:
        group = wanted
    group = max(1, min(group, max_group, room.iterations))
    region_s = max(costs.iteration_s * group, 1e-9)
    regions_per_sample = _ceil(protocol.sample_s, region_s)
    sample_s = regions_per_sample * group * costs.elapsed_s
    # as many as let the fewest rounds fit the budget: a slow model gets five rounds of one iteration
    fit = int(protocol.budget_s / protocol.min_rounds / max(costs.elapsed_s, 1e-9))
    iterations = max(_ceil(protocol.round_s, costs.elapsed_s), min(protocol.round_iterations, fit))
    block, lead_s = _block(costs, group, region_s, room)
    samples_per_round = max(1, round(iterations * costs.elapsed_s / max(sample_s, 1e-9)))
    discard = (costs.number_s <= DISCARD_TWO_S) + (costs.number_s <= DISCARD_ONE_S)
    two_times, covers = lead_s > 0 or not costs.leads, costs.covers and lead_s > 0
    return Pacing(
        group, regions_per_sample, samples_per_round, discard, block, lead_s, covers,
        operators=room.operators * covers,
        retries=covers and room.enough,
        wall_regions=_ceil(BLOCK_S, (costs.wall_s or costs.elapsed_s) * group) * two_times,
        host_slower=costs.host_slower and two_times,
    )  # fmt: skip


def _block(costs: Costs, group: int, region_s: float, room: Room) -> tuple[int, float]:
    """Regions of a block, and the lead before it.

    A device that is slower than the host needs a lead of one region: the host then stays ahead by itself, also
    where one half of an iteration is queued more slowly than it runs. One that is faster has to wait until the
    whole block is queued; otherwise some regions would show the device's time, others the host's.
    """
    block = min(_ceil(BLOCK_S, region_s), max(1, min(BLOCK_ITERATIONS, room.iterations) // group))
    if costs.host_s is None or not costs.leads or (costs.iteration_s > DISCARD_ONE_S and not costs.covers):
        return block, 0.0  # nothing queues, or the latency of a launch is 0.01% of a region
    queue_s = LEAD_MARGIN * costs.host_s * group
    if costs.covers:
        block = max(1, min(block, int(LEAD_S / max(queue_s, 1e-9))))
        return block, min(MAX_LEAD_S, block * queue_s)
    return block, min(MAX_LEAD_S, queue_s)


def window_iterations(protocol: Protocol, iteration_s: float) -> int:
    """Iterations of a warm-up window: five if three such windows fit the cap, else as many as do, at least one."""
    fit = int(protocol.warmup_cap_s / 3 / max(iteration_s, 1e-9))
    return max(1, min(protocol.warmup_iterations, fit), _ceil(protocol.warmup_window_s, iteration_s))


def max_group_for(free_bytes: int | None, iteration_bytes: int | None) -> int:
    """Most iterations whose graphs may be held at once; 16 where the device's free memory is not known."""
    if free_bytes is None or iteration_bytes is None:
        return BLIND_GROUP
    return max(1, min(MAX_GROUP, int(MEMORY_SHARE * free_bytes / max(1, iteration_bytes))))


def _ceil(wanted_s: float, step_s: float) -> int:
    """How many steps cover ``wanted_s``; bounded, so that an unmeasurably short step asks for no endless round."""
    return min(1_000_000, max(1, math.ceil(wanted_s / max(step_s, 1e-9))))
