"""Measured peaks of a plan's devices: read from the store at the start, measured once where it has none; and the
fastest sentinel of each device, by which a slow hour of the machine shows.

A missing one is measured after the first case on its device, so that the first number does not wait for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from cvbench_tui.core.environment import Environment
from cvbench_tui.core.event import CaseFinished, Event, PeakMeasured
from cvbench_tui.core.peak import DevicePeak, peak_key
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.engine.workers.worker_supervisor import WorkerSupervisor
from cvbench_tui.errors import WorkerError

PEAK_S = 60.0  # time limit of measuring one device, seconds; it takes about two


class PeakStore(Protocol):
    """Keeps peaks from run to run."""

    def get(self, key: str, /) -> DevicePeak | None:
        """The peak of that key, or None."""

    def put(self, peak: DevicePeak, /) -> None:
        """Keep it; one that is not sure need not be kept."""


class MemoryStore(dict[str, DevicePeak]):
    """Keeps peaks as long as this program runs, unsure ones too, since they are recent."""

    def put(self, peak: DevicePeak, /) -> None:
        """Keep it."""
        self[peak.key] = peak


class DevicePeaks:
    """Looks a peak up in the store, else asks the worker; each device once in a run."""

    def __init__(self, supervisor: WorkerSupervisor, store: PeakStore) -> None:
        self._supervisor = supervisor
        self._store = store
        self._done: set[str] = set()  # devices whose peak was looked up with success, or asked of the worker
        self._product_s: dict[str, float] = {}  # fastest sentinel of this run by key

    def stored(self, plan: Plan, environment: Environment) -> Iterator[PeakMeasured]:
        """The stored peaks of the plan's devices. Begins a new run."""
        self._done.clear()
        self._product_s.clear()
        for device in dict.fromkeys(case.device for case in plan.cases if case.threads is None):
            peak = self._store.get(peak_key(environment, device))
            if peak is not None:
                self._done.add(device)
                yield PeakMeasured(peak)

    def record(self, event: Event, case: Case, environment: Environment) -> None:
        """Keep the fastest sentinel of that case's visit in mind; other events are ignored."""
        visits = event.measurement.visit_records if isinstance(event, CaseFinished) and case.threads is None else ()
        for seconds in (visit.product_s for visit in visits if visit.product_s):
            key = peak_key(environment, case.device)
            self._product_s[key] = min(seconds, self._product_s.get(key, seconds))

    def keep(self) -> None:
        """At the end of a run: keep the fastest sentinel of each device with its peak."""
        for key, seconds in self._product_s.items():
            peak = self._store.get(key)
            if peak is not None and (peak.product_s is None or seconds < peak.product_s):
                self._store.put(replace(peak, product_s=seconds))

    def measured(self, case: Case, environment: Environment) -> Iterator[PeakMeasured]:
        """The peak of the case's device, measured now if it is missing; nothing when the worker cannot."""
        if not self._supervisor.can("ceiling") or case.device in self._done or case.threads is not None:
            return
        self._done.add(case.device)
        key = peak_key(environment, case.device)
        if (kept := self._store.get(key)) is not None:  # of a row that was added on another device
            yield PeakMeasured(kept)
            return
        try:
            answer = self._supervisor.ask({"kind": "ceiling", "device": case.device, "key": key}, PEAK_S)
        except WorkerError:
            return  # without a peak the percentages are missing; the next case gets a new worker
        if self._supervisor.one_case:
            self._supervisor.discard()  # it has touched the device, and every case needs a process that has not
        if isinstance(answer, PeakMeasured):
            self._store.put(answer.ceiling)
            yield answer
