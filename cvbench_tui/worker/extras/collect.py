"""Secondary metrics (memory, variants, energy, FLOPs), collected after the timed rounds.

None of them may fail the row: what cannot be measured is a notice, or absent where the device has no counter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

import torch

from cvbench_tui.core.measurement import Notice, PassEnergy, PhaseMemory, PhaseWork, Variant
from cvbench_tui.core.plan import Case
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.worker.devices.backend import Backend
from cvbench_tui.worker.devices.select import meter_for
from cvbench_tui.worker.extras.budget import UNLIMITED, Budget, attempt
from cvbench_tui.worker.extras.energy import MAX_ENERGY_S, EnergyPass
from cvbench_tui.worker.extras.flops import phase_work
from cvbench_tui.worker.extras.memory import memory_peaks_for, phase_memory
from cvbench_tui.worker.extras.variants import VariantTimer
from cvbench_tui.worker.timing.passes import pass_of
from cvbench_tui.worker.timing.stopwatch import PassResult
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest

MEMORY_ITERATIONS = 4  # iterations of a memory pass, or a few more
ENERGY_BLOCKS = 3  # blocks by which an energy pass may outlast its time: a lead, the last one begun, what was queued


class ExtrasCollector:
    """Made before the module is built, so that growth of memory is seen.

    ``heartbeat`` is called between the metrics, so that the parent does not take the silence for a hang.
    """

    def __init__(self, case: Case, protocol: Protocol, backend: Backend, heartbeat: Callable[[], None]) -> None:
        self._case = case
        self._protocol = protocol
        self._backend = backend
        self._heartbeat = heartbeat
        self._peaks = memory_peaks_for(torch.device(case.device))
        self._budget = UNLIMITED
        self.memory: Sequence[PhaseMemory] = ()
        self.energy: list[PassEnergy] = []
        self.work: Sequence[PhaseWork] = ()
        self.variants: Sequence[Variant] = ()
        self.notices: list[Notice] = []

    def collect(
        self, subject: ModuleUnderTest, results: Sequence[PassResult], deadline_s: float, *, first: bool
    ) -> None:
        """All that fits before ``deadline_s``, by the backend's clock; FLOPs, which are the same in every process of a
        case, in the ``first`` only."""
        self._heartbeat()
        iteration_s = {result.record.name: _iteration_s(result) for result in results}
        self._budget = Budget(self._backend.now_s, deadline_s, iteration_s)
        notices = self.notices
        self.memory = attempt("memory", notices, lambda: self._memory(subject), ())
        self.variants = attempt("variants", notices, lambda: self._variants(subject), ())
        if "energy" in self._protocol.extras:
            attempt("energy", notices, lambda: self._measure_energy(subject, results), None)
        if first:
            self.work = attempt("work", notices, lambda: phase_work(self._case, self._protocol.method), ())

    def _memory(self, subject: ModuleUnderTest) -> Sequence[PhaseMemory]:
        for name in self._protocol.passes:
            self._budget.check(name, MEMORY_ITERATIONS)
        return phase_memory(subject, self._backend.settle, self._peaks, self._protocol.passes)

    def _variants(self, subject: ModuleUnderTest) -> Sequence[Variant]:
        timer = VariantTimer(self._case, subject, self._backend, self._protocol, self._heartbeat, self._budget)
        timer.run()
        self.notices += timer.notices
        return timer.variants

    def _measure_energy(self, subject: ModuleUnderTest, results: Sequence[PassResult]) -> None:
        meter = meter_for(torch.device(self._case.device), self._backend)
        if meter is None:
            return
        for result in results:
            self._heartbeat()
            name, regions, group = result.record.name, result.regions_per_block, result.record.group
            self._budget.check(name, ENERGY_BLOCKS * regions * group, MAX_ENERGY_S)
            timed = pass_of(name, subject, self._backend)
            energy = EnergyPass(self._backend, meter).measure(timed, name, regions, group)
            if energy is not None:
                self.energy.append(energy)


def _iteration_s(result: PassResult) -> float:
    """Seconds of an iteration by the slower of device and host, in the last round; 0 where there was none."""
    samples = result.phases[-1].rounds[-1] if result.phases and result.phases[-1].rounds else ()
    hosts = [each.host_s for each in result.record.evidence[-1:] if each.host_s is not None]
    return max(median(samples) if samples else 0.0, *hosts, 0.0)
