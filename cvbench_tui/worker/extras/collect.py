"""What stands beside a case's times: variants, memory, energy, work. Taken when the times are had.

Nothing here may cost the row: what cannot be had is a notice, or simply absent where the device does not tell.
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
from cvbench_tui.worker.extras.budget import UNLIMITED, Budget, NoTimeLeft
from cvbench_tui.worker.extras.energy import MAX_ENERGY_S, EnergyPass
from cvbench_tui.worker.extras.flops import phase_work
from cvbench_tui.worker.extras.memory import largest_bytes, memory_peaks_for, phase_memory
from cvbench_tui.worker.extras.variants import Variants
from cvbench_tui.worker.timing.passes import pass_of
from cvbench_tui.worker.timing.stopwatch import PassResult
from cvbench_tui.worker.workloads.module_under_test import ModuleUnderTest

MEMORY_ITERATIONS = 4
"""Iterations of a memory pass, or a few more."""
ENERGY_BLOCKS = 3
"""Blocks by which an energy pass may outlast its time: a lead, the last one begun, what was queued."""


class ExtrasCollector:
    """Made before the module is built, so that growth of memory can be told. ``alive`` gives a sign of life."""

    def __init__(self, case: Case, protocol: Protocol, backend: Backend, alive: Callable[[], None]) -> None:
        self._case = case
        self._protocol = protocol
        self._backend = backend
        self._alive = alive
        self._peaks = memory_peaks_for(torch.device(case.device))
        self._budget = UNLIMITED
        self.memory: Sequence[PhaseMemory] = ()
        self.energy: list[PassEnergy] = []
        self.work: Sequence[PhaseWork] = ()
        self.variants: Sequence[Variant] = ()
        self.notices: list[Notice] = []

    @property
    def peak_bytes(self) -> int | None:
        """The largest peak of any phase: allocated on an accelerator, else growth of resident memory."""
        return largest_bytes(self.memory)

    def take(self, subject: ModuleUnderTest, results: Sequence[PassResult], deadline_s: float, *, first: bool) -> None:
        """All that fits before ``deadline_s``, by the backend's clock; the work, which is a formula, in the first
        process only."""
        self._alive()
        iteration_s = {result.record.name: _iteration_s(result) for result in results}
        self._budget = Budget(self._backend.now_s, deadline_s, iteration_s)
        self._try("memory", lambda: self._take_memory(subject))
        self._try("variants", lambda: self._take_variants(subject))
        if "energy" in self._protocol.extras:
            self._try("energy", lambda: self._take_energy(subject, results))
        if first:
            self._try("work", self._take_work)

    def _try(self, what: str, take: Callable[[], None]) -> None:
        try:
            take()
        except NoTimeLeft as error:
            self.notices.append(Notice(f"{what}_failed", f"Not measured ({what}): {error}"))
        except Exception as error:  # the times are had: what is only beside them must not cost the row
            text = next(iter(str(error).splitlines()), "") or "no message"
            self.notices.append(Notice(f"{what}_failed", f"Not measured ({what}): {type(error).__name__}: {text}"))

    def _take_memory(self, subject: ModuleUnderTest) -> None:
        for name in self._protocol.passes:
            self._budget.check(name, MEMORY_ITERATIONS)
        self.memory = phase_memory(subject, self._backend.settle, self._peaks, self._protocol.passes)

    def _take_variants(self, subject: ModuleUnderTest) -> None:
        variants = Variants(self._case, subject, self._backend, self._protocol, self._alive, self._budget)
        variants.take()
        self.variants = variants.found
        self.notices += variants.notices

    def _take_energy(self, subject: ModuleUnderTest, results: Sequence[PassResult]) -> None:
        meter = meter_for(torch.device(self._case.device), self._backend)
        if meter is None:
            return
        for result in results:
            self._alive()
            block = result.regions_per_block * result.record.group
            self._budget.check(result.record.name, ENERGY_BLOCKS * block, MAX_ENERGY_S)
            timed = pass_of(result.record.name, subject, self._backend)
            taken = EnergyPass(self._backend, meter).measure(
                timed, result.record.name, result.regions_per_block, result.record.group
            )
            if taken is not None:
                self.energy.append(taken)

    def _take_work(self) -> None:
        self.work = phase_work(self._case, self._protocol.method)


def _iteration_s(result: PassResult) -> float:
    """Seconds of an iteration by the slower of device and host, in the last round; 0 where none was taken."""
    samples = result.phases[-1].rounds[-1] if result.phases and result.phases[-1].rounds else ()
    hosts = [each.host_s for each in result.record.evidence[-1:] if each.host_s is not None]
    return max(median(samples) if samples else 0.0, *hosts, 0.0)
