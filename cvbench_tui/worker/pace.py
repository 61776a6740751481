"""How many iterations make a window, a region, a sample and a round. Pure arithmetic, no torch, no clock.

Words: an *iteration* is one call (forward and backward, or inference); a *region* is what lies between
two marks, one iteration or a group of them; a *sample* is the mean of one or more regions; a *round* is
many samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from cvbench_tui.core.protocol import Protocol

REGION_TO_COST = 200
"""A region lasts at least this many times the cost of an empty one, so its marks add at most 0.5%."""
MOST_GROUP = 64
"""Most iterations in one region: the training pass holds the graphs of all of them at once."""
MEMORY_SHARE = 0.25
"""Most of the device's free memory that the graphs of one region may take."""
BLOCK_S = 0.05
"""Work queued between two device-wide synchronises lasts at least this long ..."""
BLOCK_MARKS = 500
"""... with at most so many regions outstanding, half of a CUDA launch queue of about 1,000."""
DISCARD_TWO_S = 0.025
DISCARD_ONE_S = 0.1
"""Iterations up to this long are cheap enough to run two (or one) unrecorded after the gap between rounds."""


@dataclass(frozen=True)
class Pace:
    """The sizes of one pass."""

    group: int
    """Iterations in a region."""
    regions_per_sample: int
    samples_per_round: int
    discard: int
    """Iterations run unrecorded at the start of a round."""
    regions_per_block: int
    """Regions between two settles."""
    short: bool
    """True when the regions stayed shorter than they should be."""


def pace(
    protocol: Protocol,
    phase_s: float,
    iteration_s: float,
    region_cost_s: float,
    region_floor_s: float,
    most_group: int = MOST_GROUP,
) -> Pace:
    """Sizes for iterations of ``iteration_s`` seconds whose shortest phase takes ``phase_s``."""
    wanted_region_s = max(region_floor_s, REGION_TO_COST * region_cost_s)
    wanted_group = _ceil(wanted_region_s, phase_s)
    group = max(1, min(wanted_group, most_group))
    region_s = max(iteration_s * group, 1e-9)
    regions_per_sample = max(1, _ceil(protocol.sample_s, region_s))
    sample_s = region_s * regions_per_sample
    iterations = max(_ceil(protocol.round_s, iteration_s), _fewest_iterations(protocol, iteration_s))
    return Pace(
        group=group,
        regions_per_sample=regions_per_sample,
        samples_per_round=max(1, round(iterations * iteration_s / sample_s)),
        discard=2 if iteration_s <= DISCARD_TWO_S else 1 if iteration_s <= DISCARD_ONE_S else 0,
        regions_per_block=max(1, min(_ceil(BLOCK_S, region_s), BLOCK_MARKS // group)),
        short=group < wanted_group,
    )


def window_iterations(protocol: Protocol, iteration_s: float) -> int:
    """Iterations of a warm-up window: five if three such windows fit the cap, else as many as do, at least one."""
    fit = int(protocol.warmup_cap_s / 3 / max(iteration_s, 1e-9))
    fewest = max(1, min(protocol.warmup_iterations, fit))
    return max(fewest, _ceil(protocol.warmup_window_s, iteration_s))


def most_group_for(free_bytes: int | None, iteration_bytes: int | None) -> int:
    """Most iterations whose graphs may be held at once; 16 when the device does not tell its memory."""
    if free_bytes is None or not iteration_bytes:
        return 16
    return max(1, min(MOST_GROUP, int(MEMORY_SHARE * free_bytes / iteration_bytes)))


def _fewest_iterations(protocol: Protocol, iteration_s: float) -> int:
    """Ten, or as many as let the fewest rounds fit the budget: a slow model gets five rounds of one iteration."""
    fit = int(protocol.budget_s / protocol.min_rounds / max(iteration_s, 1e-9))
    return max(1, min(protocol.round_iterations, fit))


def _ceil(wanted_s: float, step_s: float) -> int:
    """How many steps cover ``wanted_s``; bounded, so that an unmeasurably short step asks for no endless round."""
    return min(1_000_000, max(1, math.ceil(wanted_s / max(step_s, 1e-9))))
