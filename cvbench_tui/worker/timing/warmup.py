"""Warm-up until the medians of its windows agree; and what an iteration costs. Reasons: docs/methodology.md."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from statistics import median

from cvbench_tui.core.measurement import MAX_OUTRAN
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.stats import stop_rule
from cvbench_tui.worker.devices.backend import Backend, ClockError
from cvbench_tui.worker.timing.pacing import (
    MAX_CALLS,
    MAX_GROUP,
    Costs,
    Pacing,
    Room,
    max_group_for,
    pacing_for,
    window_iterations,
)
from cvbench_tui.worker.timing.sampler import SampledBlocks, Sampler, TimedPass

FUNCTIONAL_CALLS = 3  # made, and in a row without new device memory or compiled graph, before windows are compared
EMPTY_REGIONS, EMPTY_BLOCKS = 40, 5  # empty regions of a block and blocks, timed to learn what one of each costs
EMPTY_LEAD_S = 5e-3  # lead before them: on an idle device they would show what the host needs between two marks
ONE = Pacing(group=1, regions_per_sample=1, samples_per_round=1, discard=0, regions_per_block=1)


@dataclass
class WarmUp:
    """The warm-up of one pass, and what it found. ``heartbeat`` follows each step, which on a CPU may take minutes;
    ``wall``: the wall time without a lead is sampled as well, where the device queues."""

    timed: TimedPass
    sampler: Sampler
    backend: Backend
    protocol: Protocol
    heartbeat: Callable[[], None]
    deadline_s: float = math.inf
    max_group: int | None = None
    wall: bool = True
    settled: bool = False
    windows_s: list[float] = field(default_factory=list)
    costs: Costs = field(init=False)

    def __post_init__(self) -> None:
        """Begin now."""
        self._started_s = self.backend.now_s()
        self._room = Room()

    def run(self) -> Pacing:
        """Functional calls, then windows until three agree, or the cap: the pacing of the rounds. Raises whatever the
        workload raises."""
        calls = self._functional_calls()
        self.costs = self._first_costs(calls)
        max_group = self.max_group or self._max_group()
        windows = self.windows_s
        if window_iterations(self.protocol, self.costs.elapsed_s) == 1:
            windows += [call.values[-1][0] for call in calls[1:]]  # so slow that a call is a window: none is run twice
        clocks: list[float | None] = [None] * len(windows)
        pacing = pacing_for(self.protocol, self.costs, max_group)
        while True:
            allocations = self.backend.allocations()
            window = self._window(pacing)
            too_short = pacing.retries and (window.outran or 0.0) > MAX_OUTRAN
            if too_short:  # more launches than the queue holds: a mixture of the device's time and the host's
                tried = pacing.regions_per_block * pacing.group
                self._room = self._room.less(tried, segments=self.timed.segments)
            pacing = pacing_for(self.protocol, self.costs, max_group, pacing.group, self._room)
            self.heartbeat()
            if too_short and self.backend.now_s() < self.deadline_s:
                self._started_s = self.backend.now_s()  # the cap is for windows that are compared
                continue  # planned again: after 9 halvings of the block and 5 segments nothing is left to try
            windows.append(self.costs.number_s)
            clocks.append(window.device.clock_hz if window.device else None)
            quiet = allocations == self.backend.allocations()
            self.settled = quiet and stop_rule.settled(windows, self.protocol, clocks)
            if self.settled or self._over(len(windows) >= stop_rule.WINDOWS):
                return pacing

    def _functional_calls(self) -> list[SampledBlocks]:
        """First calls until nothing new was allocated or compiled three times in a row."""
        calls: list[SampledBlocks] = []
        quiet, before = 0, self._one_time_work()
        while quiet < FUNCTIONAL_CALLS and not self._over(len(calls) >= FUNCTIONAL_CALLS, bool(calls)):
            calls.append(self.sampler.sample(1, ONE))
            self.heartbeat()
            now = self._one_time_work()
            quiet = quiet + 1 if now == before else 0
            before = now
        return calls

    def _one_time_work(self) -> tuple[int | None, int | None]:
        """Segments of device memory and compiled graphs so far."""
        return self.backend.allocations(), self.backend.counters.read().recompiles

    def _over(self, enough: bool, any_at_all: bool = True) -> bool:
        """True past the cap with enough in hand, or at the deadline with anything at all."""
        now_s = self.backend.now_s()
        past_cap = now_s - self._started_s >= self.protocol.warmup_cap_s
        return (enough and past_cap) or (any_at_all and now_s >= self.deadline_s)

    def _first_costs(self, calls: list[SampledBlocks]) -> Costs:
        """A first idea, from the functional calls. Raises ClockError when they took no time."""
        by_phase = [median(call.values[phase][0] for call in calls) for phase in range(len(self.timed.phases))]
        if by_phase[-1] <= 0:
            raise ClockError(f"The clock stood still while {len(calls)} iterations ran.")
        queued = [call.host_s for call in calls if call.host_s is not None]
        host_s = median(queued) if queued else None
        empty_region_s, leads = self._empty_region_s(), self.backend.leads or not self.backend.queues
        return Costs(by_phase[-1], min(by_phase), host_s, empty_region_s, self.backend.region_s, leads=leads)

    def _empty_region_s(self) -> float:
        """Seconds of a region with nothing in it, by the device's clock; where it queues, what a block costs as
        well."""
        backend = self.backend
        backend.lead(EMPTY_LEAD_S)  # the first is calibrated
        backend.settle()
        empty_s, waits_s = [], []
        for _ in range(EMPTY_BLOCKS):
            begun_s, lead_mark = backend.now_s(), backend.mark()
            backend.lead(EMPTY_LEAD_S)
            marks = [(backend.mark(), backend.mark()) for _ in range(EMPTY_REGIONS)]
            backend.settle()
            waits_s.append(backend.now_s() - begun_s - backend.seconds(lead_mark, marks[-1][-1]))
            empty_s += [backend.seconds(start, end) for start, end in marks]
        self.sampler.wait_s = max(0.0, median(waits_s))
        return max(0.0, median(empty_s))

    def _window(self, pacing: Pacing) -> SampledBlocks:
        """One window in the manner of a round, and what an iteration costs by it. The clock is read of cards only: a
        core's jitters by several percent from one reading to the next."""
        host_s = self.sampler.discard(pacing) if self.backend.queues else None
        wanted = math.ceil(window_iterations(self.protocol, self.costs.elapsed_s) / pacing.group)
        # work that becomes slow must not make one window last: a third of the cap is enough for it
        until_s = min(self.deadline_s, self.backend.now_s() + max(0.5, self.protocol.warmup_cap_s / 3))
        led, unled = pacing.shares(wanted) if self.wall else (wanted, 0)
        window = self.sampler.sample(led, pacing, until_s=until_s, read_device=self.backend.queues and not unled)
        by_phase = [median(values) for values in window.values]
        host_s = next((seconds for seconds in (host_s, window.host_s) if seconds is not None), self.costs.host_s)
        self.costs = replace(self.costs, iteration_s=by_phase[-1], phase_s=min(by_phase), host_s=host_s)
        if unled:
            wall = self.sampler.sample_wall(unled, pacing, until_s=until_s, read_device=True)
            self.costs = replace(self.costs, wall_s=median(wall.values[-1]))
            window.device = wall.device
        return window

    def _max_group(self) -> int:
        """On the CPU iterations keep marks of their own: a group holds several graphs, and Dense at batch 1 was seen to
        take 32% less time forward and 13 to 22% more backward in groups of 16."""
        if not self.backend.region_s:
            return 1
        if self.timed.name == "inference":
            return MAX_GROUP if self.backend.queues else MAX_CALLS
        return max_group_for(self.backend.free_bytes(), self.backend.extra_bytes(partial(self.timed.regions, 1, 1)))
