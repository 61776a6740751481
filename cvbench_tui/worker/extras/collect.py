"""Secondary metrics (memory, variants, energy, FLOPs), collected after the timed rounds. None of them may fail the row:
what cannot be measured is a notice, or absent where the device has no counter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import median

import torch

from cvbench_tui.core.measurement import Notice, PassEnergy, PhaseMemory, PhaseWork, Variant
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.worker.devices.backend import Backend
from cvbench_tui.worker.devices.select import meter_for
from cvbench_tui.worker.extras.budget import Budget, attempt
from cvbench_tui.worker.extras.energy import MAX_ENERGY_S, pass_energy
from cvbench_tui.worker.extras.flops import as_known, count_phases, phase_work
from cvbench_tui.worker.extras.memory import memory_peaks_for, phase_memory
from cvbench_tui.worker.extras.variants import VariantTimer
from cvbench_tui.worker.timing.recorded import timed_pass
from cvbench_tui.worker.timing.stopwatch import PassResult
from cvbench_tui.worker.workloads.compiler import is_compiled
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest

MEMORY_ITERATIONS = 4  # iterations of a memory pass, or a few more
COUNTING_ITERATIONS = 3  # time of a counted iteration, in those of the rounds: operators pass Python, small ones twice
ENERGY_BLOCKS = 3  # blocks by which an energy pass may outlast its time: a lead, the last one begun, what was queued


@dataclass
class ExtrasCollector:
    """Made before the module is built, so that growth of memory is seen. ``heartbeat`` is called between the metrics,
    so that the parent does not take the silence for a hang."""

    case: Case
    protocol: Protocol
    backend: Backend
    heartbeat: Callable[[], None]
    memory: Sequence[PhaseMemory] = ()
    energy: list[PassEnergy] = field(default_factory=list)
    work: Sequence[PhaseWork] = ()
    variants: Sequence[Variant] = ()
    notices: list[Notice] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin the readings of memory."""
        self._peaks = memory_peaks_for(torch.device(self.case.device))

    def collect(self, subject: ModuleUnderTest, results: Sequence[PassResult], deadline_s: float, visit: int) -> None:
        """All that fits before ``deadline_s``, by the backend's clock, each once: memory and FLOPs in a case's first
        visit, what takes seconds in the second, so that all rows have their times first."""
        if visit > 1:
            return
        self.heartbeat()
        budget = Budget(self.backend.now_s, deadline_s, {each.record.name: _iteration_s(each) for each in results})
        notices = self.notices
        if visit == 0:
            self.memory = attempt("memory", notices, partial(self._memory, subject, budget), ())
            self.work = attempt("work", notices, partial(self._count, subject, budget), ())
        if visit == min(1, self.protocol.max_visits - 1):
            self.variants = attempt("variants", notices, partial(self._variants, subject, budget), ())
            if "energy" in self.protocol.extras:
                attempt("energy", notices, partial(self._measure_energy, subject, results, budget), None)

    def _memory(self, subject: ModuleUnderTest, budget: Budget) -> Sequence[PhaseMemory]:
        for name in self.protocol.passes:
            budget.check(name, MEMORY_ITERATIONS)
        return phase_memory(subject, self.backend.settle, self._peaks, self.protocol.passes)

    def _count(self, subject: ModuleUnderTest, budget: Budget) -> Sequence[PhaseWork]:
        """Without data; where the work depends on them, as in detection, an iteration of each pass on the device."""
        try:
            return phase_work(self.case, self.protocol.method, self.protocol.passes)
        except Exception:  # whatever the module's own code raises on tensors without data
            if is_compiled(self.case):
                raise  # a compiled module calls no operators that could be counted
            for name in self.protocol.passes:
                budget.check(name, COUNTING_ITERATIONS)
        subject.clear()
        return as_known(self.case, count_phases(subject.module, subject.inputs, self.protocol.passes))

    def _variants(self, subject: ModuleUnderTest, budget: Budget) -> Sequence[Variant]:
        timer = VariantTimer(self.case, subject, self.backend, self.protocol, self.heartbeat, budget, self.notices)
        return timer.run()

    def _measure_energy(self, subject: ModuleUnderTest, results: Sequence[PassResult], budget: Budget) -> None:
        meter = meter_for(torch.device(self.case.device), self.backend)
        if meter is None:
            return
        for result in results:
            self.heartbeat()
            name, regions, group = result.record.name, result.regions_per_block, result.record.group
            budget.check(name, ENERGY_BLOCKS * regions * group, MAX_ENERGY_S)
            energy = pass_energy(timed_pass(name, subject, self.backend), self.backend, meter, regions, group)
            if energy is not None:
                self.energy.append(energy)


def _iteration_s(result: PassResult) -> float:
    """Seconds of an iteration by the slower of device and host, in the last round; 0 where there was none."""
    whole = [each[-1].rounds[-1] for each in (result.phases, result.wall) if each and each[-1].rounds]
    return max((median(samples) for samples in whole if samples), default=0.0)
