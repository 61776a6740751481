"""One pass of a case: warm up until settled, then rounds until precise. Reasons: docs/methodology.md."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import fmean, median

from cvbench_tui.core.estimate import Estimate, estimate, precise
from cvbench_tui.core.event import Stage
from cvbench_tui.core.measurement import Notice, PhaseSamples, Stop
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.worker.backend import Backend
from cvbench_tui.worker.pace import Pace, most_group_for, pace, window_iterations
from cvbench_tui.worker.timed import InferencePass, TrainingPass

_clock = time.perf_counter

FUNCTIONAL_CALLS = 3
"""Calls made, and calls in a row without a new device allocation, before windows are compared."""
EMPTY_REGIONS = 200
"""Empty regions timed to learn what one costs."""
HOST_BOUND = 0.95
"""Share of a block that the host took to queue it, above which the device waited for the host."""
NANOSECONDS = 9
"""Digits kept of a sample in seconds."""

Tell = Callable[[Stage, int, int, "Estimate | None"], None]
"""Stage, rounds taken, most rounds, estimate so far."""


@dataclass
class PassResult:
    """What one pass gives to the measurement."""

    phases: list[PhaseSamples]
    warmup_s: float
    memory_peak_bytes: int | None
    notices: list[Notice] = field(default_factory=list)


class Stopwatch:
    """Takes one pass (training or inference) of one subject under one protocol."""

    def __init__(self, timed: TrainingPass | InferencePass, backend: Backend, protocol: Protocol, tell: Tell) -> None:
        self._timed = timed
        self._backend = backend
        self._protocol = protocol
        self._tell = tell
        self._notices: list[Notice] = []
        self._host_share: list[float] = []

    def run(self) -> PassResult:
        """Warm-up, memory, rounds. Raises whatever the workload raises."""
        self._timed.begin()
        self._tell_warming()
        started = _clock()
        phase_s, iteration_s = self._warm_up()
        peak, iteration_bytes = self._memory()
        warmup_s = _clock() - started
        # On the CPU iterations keep marks of their own: a group holds several graphs, and Dense at batch 1 was seen
        # to take 32% less time forward and 13 to 22% more backward in groups of 16.
        on_cpu = self._backend.clock == "perf_counter"
        most = 1 if on_cpu else most_group_for(self._backend.free_bytes(), iteration_bytes)
        sizes = pace(self._protocol, phase_s, iteration_s, self._empty_region_s(), self._backend.region_s, most)
        if sizes.short:
            self._note("short_region", "Regions are shorter than they should be: the marks may add over 0.5%.")
        self._warm_up_group(sizes.group)
        rounds, stop = self._rounds(sizes)
        phases = [
            PhaseSamples(phase, tuple(taken), sizes.group * sizes.regions_per_sample, self._backend.clock, stop)
            for phase, taken in zip(self._timed.phases, rounds)
        ]
        if self._host_share and median(self._host_share) > HOST_BOUND:
            self._note("host_bound", "The device waited for the host: this is the time to launch the work.")
        return PassResult(phases, warmup_s, peak, self._notices)

    def _warm_up(self) -> tuple[float, float]:
        """Until three window medians agree, or the cap. Seconds of the shortest phase and of one iteration."""
        started = _clock()
        calls = self._functional_calls()
        window = window_iterations(self._protocol, median(calls))
        medians = calls[1:] if window == 1 else []  # so slow that a call is a window: none is run twice
        while True:
            samples = self._take(window, 1)
            headline = median(samples[-1])
            medians.append(headline)
            self._tell_warming()
            last = medians[-3:]
            if len(last) == 3 and max(last) - min(last) <= self._protocol.warmup_agreement * min(last):
                break
            if len(last) == 3 and self._past_cap(started):
                agreement = 100 * self._protocol.warmup_agreement
                self._note("unsettled", f"The last three warm-up windows did not agree within {agreement:g}%.")
                break
            window = max(1, window_iterations(self._protocol, headline))
        return min(median(values) for values in samples), headline

    def _functional_calls(self) -> list[float]:
        """First calls until no new memory is taken from the driver three times in a row; their seconds."""
        seconds: list[float] = []
        quiet, before = 0, self._backend.allocations()
        started = _clock()
        while quiet < FUNCTIONAL_CALLS and (len(seconds) < FUNCTIONAL_CALLS or not self._past_cap(started)):
            seconds.append(self._take(1, 1)[-1][0])
            self._tell_warming()
            now = self._backend.allocations()
            quiet = quiet + 1 if now == before else 0
            before = now
        return seconds

    def _warm_up_group(self, group: int) -> None:
        """Regions of the size that will be timed, until they take no new memory from the driver."""
        started, quiet = _clock(), group == 1
        while not quiet:
            before = self._backend.allocations()
            self._take(1, group)
            quiet = before == self._backend.allocations() or self._past_cap(started)

    def _tell_warming(self) -> None:
        """A sign of life: a large model on a CPU takes minutes here."""
        self._tell("warming up", 0, self._protocol.max_rounds, None)

    def _past_cap(self, started: float) -> bool:
        return _clock() - started >= self._protocol.warmup_cap_s

    def _memory(self) -> tuple[int | None, int | None]:
        """Peak over two untimed iterations, and what one of them takes beyond what was there before."""
        self._timed.begin()
        self._backend.reset_peak()
        before = self._backend.peak_bytes()
        self._timed.regions(2, 1)
        self._backend.settle()
        peak = self._backend.peak_bytes()
        return peak, None if peak is None or before is None else peak - before

    def _empty_region_s(self) -> float:
        """Seconds between two marks with nothing in between, as this device's clock sees it."""
        marks = [(self._backend.mark(), self._backend.mark()) for _ in range(EMPTY_REGIONS)]
        self._backend.settle()
        return max(0.0, median(self._backend.seconds(start, end) for start, end in marks))

    def _rounds(self, sizes: Pace) -> tuple[list[list[tuple[float, ...]]], Stop]:
        """Rounds by phase, and why they ended. The rule is looked at between rounds only."""
        protocol = self._protocol
        taken: list[list[tuple[float, ...]]] = [[] for _ in self._timed.phases]
        timed_s = 0.0
        while True:
            self._take(sizes.discard, sizes.group)
            regions = sizes.samples_per_round * sizes.regions_per_sample
            values = self._take(regions, sizes.group, sizes.regions_per_block)
            timed_s += sum(values[-1]) * sizes.group
            for rounds, phase_values in zip(taken, values):
                rounds.append(_samples(phase_values, sizes.regions_per_sample))
            count = len(taken[0])
            self._tell("measuring", count, protocol.max_rounds, estimate([taken[-1]]))
            if count < protocol.min_rounds:
                continue
            if all(precise([median(samples) for samples in rounds], protocol.precision) for rounds in taken):
                return taken, "precision"
            if count >= protocol.max_rounds:
                return taken, "rounds"
            if timed_s >= protocol.budget_s:
                return taken, "budget"

    def _take(self, regions: int, group: int, per_block: int | None = None) -> list[list[float]]:
        """Seconds per iteration by phase, the headline phase last, in blocks that end with a settled device."""
        values: list[list[float]] = [[] for _ in self._timed.phases]
        while regions > 0:
            block = min(regions, per_block or regions)
            regions -= block
            lead = self._backend.clock == "cuda_event" and per_block is not None and per_block > 1
            started = _clock()
            if lead:  # an idle device would put the latency of the first launch into the first region
                self._timed.regions(1, 1)
            marks = self._timed.regions(block, group)
            queued = _clock()
            self._backend.settle()
            settled = _clock()
            if self._backend.clock == "cuda_event" and per_block:
                self._host_share.append((queued - started) / max(settled - started, 1e-9))
            for region in marks:
                for phase_values, seconds in zip(values, self._timed.seconds(region)):
                    phase_values.append(seconds / group)
        return values

    def _note(self, code: str, sentence: str) -> None:
        """Keep a notice, naming the pass it is about."""
        name = "Inference" if self._timed.headline == "inference" else "Training"
        self._notices.append(Notice(f"{code}_{self._timed.headline}", f"{name}: {sentence}"))


def _samples(values: list[float], per_sample: int) -> tuple[float, ...]:
    """Means of ``per_sample`` successive values each, to the nanosecond."""
    starts = range(0, len(values) - per_sample + 1, per_sample)
    return tuple(round(fmean(values[start : start + per_sample]), NANOSECONDS) for start in starts)
