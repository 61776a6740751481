"""One run from the first event to the last: source, then disk, then fold. Used by the app and the command line.

A run may grow while it goes on (``add``) and go on after its end (``resume``): each lot of cases is one call of the
source. Which process measures, and when a case is left, is the source's business.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Protocol

from cvbench_tui import __version__
from cvbench_tui.core.event import (
    EndReason,
    EnvironmentProbed,
    Event,
    RowsAdded,
    RunFinished,
    RunStarted,
)
from cvbench_tui.core.plan import Case, Plan, unique
from cvbench_tui.core.run import Run, fold
from cvbench_tui.engine.case_queue import CaseQueue
from cvbench_tui.engine.source import EventSource
from cvbench_tui.errors import WorkerError


class Recorder(Protocol):
    """What writes events down: the store's run log."""

    def append(self, event: Event) -> None:
        """Write the event; on disk when a case is settled."""


def new_run_id(at_s: float) -> str:
    """``20261124-153012-9f3a``: sorts by start (UTC), unique enough for one folder."""
    return time.strftime("%Y%m%d-%H%M%S", time.gmtime(at_s)) + "-" + secrets.token_hex(2)


class Session:
    """Drives one plan through a source. Blocking: iterate it in a thread or in the command line.

    With ``resume``, that run goes on under its id and its protocol: the plan's cases are measured as new rows or again.
    ``add``, ``skip`` and ``cancel`` may be called from any thread.
    """

    def __init__(
        self, source: EventSource, plan: Plan, *, started_at_s: float | None = None, resume: Run | None = None
    ) -> None:
        """``started_at_s``: seconds since the epoch, now when left out; of a resumed run, when it goes on."""
        self.started_at_s = time.time() if started_at_s is None else started_at_s
        self.run_id = resume.id if resume is not None else new_run_id(self.started_at_s)
        self.plan = plan if resume is None else _grown(resume.plan, plan.cases)
        """Every case of the run, those included that were added and not yet told."""
        self._source = source
        self._resume = resume
        self._queue = CaseQueue(
            plan.cases, once=max(self.plan.protocol.processes, self.plan.protocol.max_processes) == 1
        )
        self._lock = threading.RLock()
        """Taken again by the same thread when Ctrl-C's handler comes in the middle of it."""
        self._cancelled = False
        self._over = False

    @property
    def resumed(self) -> bool:
        """True when it goes on with a run that there was."""
        return self._resume is not None

    def add(self, cases: Iterable[Case]) -> bool:
        """Measure these as well, under the run's protocol: new rows, or settled ones again. Those to come stay as is.

        ``RowsAdded`` follows after the next event. False when the run is over, or cancelled: nothing was added.
        """
        with self._lock:
            if self._over or self._cancelled:
                return False
            self.plan = _grown(self.plan, self._queue.add(cases))
            return True

    def skip(self) -> None:
        """End the case being measured, as a ``Failure`` of kind ``skipped``; the next one goes on."""
        self._source.skip()

    def cancel(self) -> None:
        """Stop at once; the iteration then ends with ``RunFinished('cancelled')``."""
        self._cancelled = True
        self._source.cancel()

    def run(self, recorder: Recorder) -> Iterator[tuple[Event, Run]]:
        """Every event, already written down, with the run after it."""
        run = self._resume
        try:
            for event in self._events():
                if run is not None and _told_before(run, event):
                    continue
                recorder.append(event)
                run = fold(run, event)
                yield event, run
        finally:
            with self._lock:
                self._over = True

    def _events(self) -> Iterator[Event]:
        """The source's events between a header and a last line that says how it ended."""
        yield self._first()
        reason: EndReason = "finished"
        sentence = ""
        try:
            while self._goes_on():
                yield from self._told()
                yield from self._measured()
        except WorkerError as error:
            reason, sentence = "failed", error.message
        with self._lock:
            self._over = True
        yield from self._told()  # accepted just before a cancel or a failure: rows that were not begun
        if self._cancelled:
            reason, sentence = "cancelled", ""
        yield RunFinished(reason, time.time(), sentence)

    def _first(self) -> Event:
        if self._resume is None:
            return RunStarted(self.run_id, self.plan, self.started_at_s, __version__)
        return RowsAdded(self._queue.waiting, self.started_at_s)

    def _goes_on(self) -> bool:
        """True when there is something to measure; else the run is over, and nothing is accepted any more."""
        with self._lock:
            self._over = self._cancelled or not self._queue.left
            return not self._over

    def _measured(self) -> Iterator[Event]:
        """The source's events of what waits, and what was added meanwhile."""
        with self._lock:
            lot = replace(self.plan, cases=self._queue.take())
        for event in self._source.events(lot):
            with self._lock:
                self._queue.settle(event)
            yield event
            yield from self._told()
            if self._cancelled:
                # Again, because a cancel that came before the source began was forgotten when it did.
                self._source.cancel()
        with self._lock:
            self._queue.done()

    def _told(self) -> Iterator[Event]:
        """The cases that were added since the last time, as an event."""
        with self._lock:
            added = self._queue.tell()
        if added:
            yield RowsAdded(added, round(time.time(), 3))


def _told_before(run: Run, event: Event) -> bool:
    """True for the environment that the run has, told anew because the source began once more.

    The first one stands, also when a run is resumed: by now its load and temperatures are the run's own doing.
    """
    if not isinstance(event, EnvironmentProbed) or run.environment is None:
        return False
    return event.environment.identity_hash == run.environment.identity_hash


def _grown(plan: Plan, cases: Iterable[Case]) -> Plan:
    return replace(plan, cases=unique((*plan.cases, *cases)))
