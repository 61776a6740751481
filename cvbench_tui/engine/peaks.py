"""The ceilings of a plan's devices: from the store at the start, measured once where it has none.

A missing one is measured after the first case on its device: the first number must not wait for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from cvbench_tui.core.environment import Environment
from cvbench_tui.core.event import PeakMeasured
from cvbench_tui.core.peak import DevicePeak, peak_key
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.engine.worker_supervisor import WorkerSupervisor
from cvbench_tui.errors import WorkerError

PEAK_S = 60.0
"""Seconds in which a worker must have measured a device's ceiling; it takes about two."""


class PeakStore(Protocol):
    """Keeps ceilings from run to run."""

    def get(self, key: str) -> DevicePeak | None:
        """The ceiling of that key, or None."""

    def put(self, ceiling: DevicePeak) -> None:
        """Keep it; one that is not sure need not be kept."""


class MemoryStore:
    """Keeps ceilings as long as this program runs."""

    def __init__(self) -> None:
        self._by_key: dict[str, DevicePeak] = {}

    def get(self, key: str) -> DevicePeak | None:
        """The ceiling of that key, or None."""
        return self._by_key.get(key)

    def put(self, ceiling: DevicePeak) -> None:
        """Keep it, sure or not: it is of this hour."""
        self._by_key[ceiling.key] = ceiling


class DevicePeaks:
    """Asks the store, then the worker; each device once in a run."""

    def __init__(self, keeper: WorkerSupervisor, store: PeakStore) -> None:
        self._supervisor = keeper
        self._store = store
        self._told: set[str] = set()

    def kept(self, plan: Plan, environment: Environment) -> Iterator[PeakMeasured]:
        """The stored ceilings of the plan's devices. Begins a new run."""
        self._told.clear()
        for device in dict.fromkeys(case.device for case in plan.cases if case.threads is None):
            found = self._store.get(peak_key(environment, device))
            if found is not None:
                self._told.add(device)
                yield PeakMeasured(found)

    def missing(self, case: Case, environment: Environment) -> Iterator[PeakMeasured]:
        """The ceiling of that case's device, measured now when none is known; nothing when the worker cannot."""
        can = self._supervisor.ready is not None and "ceiling" in self._supervisor.ready.can
        if not can or case.device in self._told or case.threads is not None:
            return
        self._told.add(case.device)
        key = peak_key(environment, case.device)
        try:
            answer = self._supervisor.ask({"kind": "ceiling", "device": case.device, "key": key}, PEAK_S)
        except WorkerError:
            return  # a percentage less; the next case gets a new worker
        if self._supervisor.ready is not None and self._supervisor.ready.one_case:
            self._supervisor.discard()  # it has touched the device: the next case gets a process that has not
        if isinstance(answer, PeakMeasured):
            self._store.put(answer.ceiling)
            yield answer
