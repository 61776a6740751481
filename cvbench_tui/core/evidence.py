"""System counters and sensor readings of each round, by which ``core.grading`` grades a phase. A field that this system
or device does not provide is None, never 0."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Literal

# without dictionaries 1,000 rows take a quarter less memory; Python 3.9 lacks the argument
SLOTS = {"slots": True} if sys.version_info >= (3, 10) else {}

PassName = Literal["training", "inference", "step"]


@dataclass(frozen=True, **SLOTS)
class Evidence:
    """One round. Counters are differences over the round; sensors are read at its end, under load."""

    wall_s: float
    """Wall seconds between the two readings of the counters: the timed regions, the gaps between them, and the
    unrecorded iterations at the start of a round."""
    timed_s: float  # seconds inside the timed regions
    cpu_s: float | None = None  # CPU seconds of this process, all threads
    thread_s: float | None = None  # CPU seconds of the measuring thread
    waited_s: float | None = None  # seconds that this process's threads waited for a core, summed (Linux run delay)
    switches: int | None = None  # involuntary context switches of this process
    major_faults: int | None = None  # page faults that waited for a disk
    others_s: float | None = None  # CPU seconds of all other processes on the machine
    stolen_s: float | None = None  # CPU seconds that the hypervisor gave to other virtual machines
    swapped_pages: int | None = None  # pages read back from swap, machine-wide
    collections: int = 0  # collections by Python's garbage collector
    allocations: int | None = None  # memory segments allocated from the device's driver
    retries: int | None = None  # allocations that succeeded only after the allocator's cache was freed
    recompiles: int | None = None  # graphs recompiled by torch.compile
    clock_hz: float | None = None  # clock of the processor, or of the card's compute units
    temperature_c: float | None = None
    power_w: float | None = None  # power draw of the card
    throttle: tuple[str, ...] = ()  # of the card: ``power_cap``, ``thermal``, ``hardware``, ``power_brake`` ...
    foreign: int | None = None  # number of other processes that use the card
    host_s: float | None = None  # host seconds to queue one iteration
    utilisation: float | None = None  # timed share of the blocks' wall time, without the lead, by device events
    outran: float | None = None  # share of the blocks whose lead ended before all was queued; None without one
    stops: int | None = None  # how often this process was stopped and continued, or the whole machine slept


@dataclass(frozen=True, **SLOTS)
class Visit:
    """When and by what a case was visited, and how fast the machine was then."""

    begun_at_s: float  # seconds since the epoch
    wall_s: float  # to its result, building the module included
    process: int  # the measuring process's number in the system; a kept process is that of several visits
    product_s: float | None = None  # of the sentinel's matrix product, whose data fits a core's cache
    copy_s: float | None = None  # of its copy, which does not fit the last cache


@dataclass(frozen=True, **SLOTS)
class PassRecord:
    """Warm-up, rounds and timer of one pass (training or inference) in one visit."""

    name: PassName
    evidence: tuple[Evidence, ...] = ()  # one for each round, in order
    settled: bool = True  # False when the warm-up ended at its time limit
    warmup_s: float = 0.0
    warmup_windows_s: tuple[float, ...] = ()  # median iteration of each warm-up window, seconds
    busy_s: float = 0.0  # seconds in which the workload was executing: warm-up, rounds, unrecorded iterations
    wall_s: float = 0.0  # wall seconds from the first call to the last
    empty_region_s: float | None = None  # cost of the timer: seconds between two marks with nothing in between
    group: int = 1  # iterations of a region
    region_floor_s: float = 0.0  # shortest region that the device's clock resolves well enough
    lead_s: float | None = None
    """Seconds for which the device is kept busy before each block, so that the host runs ahead; 0 where that would
    take too long, None where nothing is queued."""
    deferred_share: float | None = None  # cores that this process still used after its last call, with an idle device
