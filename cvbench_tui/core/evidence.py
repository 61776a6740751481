"""What the system did while a round was timed: the facts that ``core.grading`` judges by.

Every field that a system or a device may not tell is None then, never 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PassName = Literal["training", "inference"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One round. Counters are differences over the round, gauges are read at its end while the device still works."""

    wall_s: float
    """Seconds by the host clock over which the counters were read: the timed regions, what stands between them, and
    the unrecorded iterations that a round begins with."""
    timed_s: float
    """Seconds inside the timed regions."""
    cpu_s: float | None = None
    """CPU seconds of this process, all threads."""
    thread_s: float | None = None
    """CPU seconds of the measuring thread."""
    waited_s: float | None = None
    """Seconds that threads of this process were ready and had no core, summed over threads (Linux: run delay)."""
    switches: int | None = None
    """Involuntary context switches of this process."""
    major_faults: int | None = None
    """Page faults that waited for a disk."""
    others_s: float | None = None
    """CPU seconds of everything else on the machine."""
    stolen_s: float | None = None
    """CPU seconds that the hypervisor gave to somebody else."""
    swapped_pages: int | None = None
    """Pages read back from swap, machine-wide."""
    collections: int = 0
    """Runs of Python's garbage collector."""
    allocations: int | None = None
    """Segments taken from the device's driver."""
    retries: int | None = None
    """Allocations that succeeded only after the cache was given back."""
    recompiles: int | None = None
    """Graphs compiled anew by torch.compile."""
    clock_hz: float | None = None
    """Clock of the processor or of the card's compute units, under load."""
    temperature_c: float | None = None
    power_w: float | None = None
    """Power draw of the card."""
    throttle: tuple[str, ...] = ()
    """Why the card lowers its clock: ``power_cap``, ``thermal``, ``hardware``, ``power_brake`` ..."""
    foreign: int | None = None
    """Other processes with work on the card."""
    host_s: float | None = None
    """Seconds the host took to queue one iteration."""
    utilisation: float | None = None
    """Share of the blocks' wall time, after the lead, in which the device worked on the regions."""
    outran: float | None = None
    """Share of the blocks whose lead ended before all of their work was queued, though it should have lasted so long;
    None where no lead has to."""


@dataclass(frozen=True, slots=True)
class PassRecord:
    """How one pass (training or inference) of one process went."""

    name: PassName
    evidence: tuple[Evidence, ...] = ()
    """One for each round, in order; empty where none was taken."""
    settled: bool = True
    """False when the warm-up ended at its cap."""
    warmup_s: float = 0.0
    warmup_windows_s: tuple[float, ...] = ()
    """Median iteration of each warm-up window, seconds."""
    busy_s: float = 0.0
    """Seconds in which the workload was executing: warm-up, rounds and what is run unrecorded."""
    wall_s: float = 0.0
    """Seconds of the pass from its first call to its last."""
    empty_region_s: float | None = None
    """Seconds between two marks with nothing in between."""
    group: int = 1
    """Iterations between two marks."""
    region_floor_s: float = 0.0
    """Shortest region that the device's clock is trusted with."""
    lead_s: float | None = None
    """Seconds the device is kept busy before each block, so that the host runs ahead; 0 where that would take too
    long, None where nothing is queued."""
    deferred_share: float | None = None
    """CPU seconds per second that this process still used after its last call had returned and the device was idle."""
