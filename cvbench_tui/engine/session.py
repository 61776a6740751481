"""One run from its first event to its last: each event of the source is written to the run file, then folded.

Used by the app and the command line. A run may grow (``add``) and continue after its end (``resume``): pending cases
are given to the source in one call, cases added meanwhile in the next. The source decides which process measures.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Protocol

from cvbench_tui import __version__
from cvbench_tui.core import event as ev
from cvbench_tui.core.plan import Case, Plan, unique
from cvbench_tui.core.run import Run, fold
from cvbench_tui.engine.source import EventSource
from cvbench_tui.errors import WorkerError


class Recorder(Protocol):
    """Writes the run file."""

    def append(self, event: ev.Event) -> None:
        """Write the event; an outcome is on disk when this returns."""


def new_run_id(at_s: float) -> str:
    """``20261124-153012-9f3a``: sorts by start (UTC); four random digits tell runs of one second apart."""
    return time.strftime("%Y%m%d-%H%M%S", time.gmtime(at_s)) + "-" + secrets.token_hex(2)


class CaseQueue:
    """Added, pending and running cases; each is in at most one of the three states. Not thread-safe: ``Session`` holds
    its lock around every call.

    Added: not yet in the run file. Pending: in the run file, not yet given to the source. Running: given to the source
    in its present call, without an outcome.
    """

    def __init__(self, cases: tuple[Case, ...], *, once: bool) -> None:
        """``once``: one outcome finishes a case, because no further process will repeat it."""
        self.pending = cases
        self._once = once
        self._added: tuple[Case, ...] = ()
        self._running: set[str] = set()

    def add(self, cases: Iterable[Case]) -> tuple[Case, ...]:
        """Add the cases that are in none of the states. Returns them."""
        queued = self._running | {case.case_id for case in (*self.pending, *self._added)}
        new = tuple(case for case in unique(cases) if case.case_id not in queued)
        self._added += new
        return new

    def announce(self) -> tuple[Case, ...]:
        """Make the added cases pending. Returns them, for the run file."""
        added, self._added = self._added, ()
        self.pending += added
        return added

    def start(self) -> tuple[Case, ...]:
        """Make the pending cases running. Returns them, for the source."""
        started, self.pending = self.pending, ()
        self._running = {case.case_id for case in started}
        return started

    @property
    def empty(self) -> bool:
        """True when no case is added or pending."""
        return not (self.pending or self._added)

    def finish(self) -> None:
        """The source's call has ended: no case is running."""
        self._running.clear()

    def record(self, event: ev.Event) -> None:
        """A case with its last outcome is no longer running and may be added again."""
        if isinstance(event, ev.CaseFailed):
            self._running.discard(event.failure.case_id)
        elif isinstance(event, ev.CaseFinished) and self._once:
            self._running.discard(event.measurement.case_id)


class Session:
    """Drives a plan through a source. Blocking: iterate ``run`` in a thread, or in the command line.

    With ``resume`` that run continues under its id and protocol, and the plan's cases are new rows or repeated ones.
    ``add``, ``skip`` and ``cancel`` may be called from any thread.
    """

    def __init__(
        self, source: EventSource, plan: Plan, *, started_at_s: float | None = None, resume: Run | None = None
    ) -> None:
        """``started_at_s``: start of the run, or of its continuation, in seconds since the epoch; default now."""
        self.started_at_s = time.time() if started_at_s is None else started_at_s
        self.run_id = resume.id if resume is not None else new_run_id(self.started_at_s)
        self.plan = plan if resume is None else _extended(resume.plan, plan.cases)
        """Every case of the run, with those added and not yet announced."""
        self._source = source
        self._resume = resume
        protocol = self.plan.protocol
        self._queue = CaseQueue(plan.cases, once=max(protocol.processes, protocol.max_processes) == 1)
        self._lock = threading.RLock()  # reentrant: Ctrl-C's handler calls cancel in the thread that may hold it
        self._cancelled = False
        self._over = False

    @property
    def resumed(self) -> bool:
        """True when it continues an earlier run."""
        return self._resume is not None

    def add(self, cases: Iterable[Case]) -> bool:
        """Measure these cases as well: new rows, or finished ones again. Those still to come stay as they are.

        ``RowsAdded`` follows after the next event. Returns False when the run is over or cancelled: nothing is added.
        """
        with self._lock:
            if self._over or self._cancelled:
                return False
            self.plan = _extended(self.plan, self._queue.add(cases))
            return True

    def skip(self) -> None:
        """End the running case as a ``Failure`` of kind ``skipped`` and go on with the next one."""
        self._source.skip()

    def cancel(self) -> None:
        """Stop at once; the iteration then ends with ``RunFinished('cancelled')``."""
        self._cancelled = True
        self._source.cancel()

    def run(self, recorder: Recorder) -> Iterator[tuple[ev.Event, Run]]:
        """Every event, already written to the recorder, with the run after it."""
        run = self._resume
        try:
            for event in self._events():
                if run is not None and _same_environment(run, event):
                    continue
                recorder.append(event)
                run = fold(run, event)
                yield event, run
        finally:
            with self._lock:
                self._over = True

    def _events(self) -> Iterator[ev.Event]:
        """The source's events between the header and ``RunFinished``."""
        if self._resume is None:
            yield ev.RunStarted(self.run_id, self.plan, self.started_at_s, __version__)
        else:
            yield ev.RowsAdded(self._queue.pending, self.started_at_s)
        reason: ev.EndReason = "finished"
        sentence = ""
        try:
            while self._has_work():
                yield from self._announced()
                yield from self._measured()
        except WorkerError as error:
            reason, sentence = "failed", error.message
        with self._lock:
            self._over = True
        yield from self._announced()  # added just before a cancel or a failure: rows that were not begun
        if self._cancelled:
            reason, sentence = "cancelled", ""
        yield ev.RunFinished(reason, time.time(), sentence)

    def _has_work(self) -> bool:
        """True when there are cases to measure; else the run is over and ``add`` returns False."""
        with self._lock:
            self._over = self._cancelled or self._queue.empty
            return not self._over

    def _measured(self) -> Iterator[ev.Event]:
        """The source's events of the pending cases, and a ``RowsAdded`` for cases added meanwhile."""
        with self._lock:
            plan = replace(self.plan, cases=self._queue.start())
        for event in self._source.events(plan):
            with self._lock:
                self._queue.record(event)
            yield event
            yield from self._announced()
            if self._cancelled:
                # Repeated, because a source forgets a cancel that came before its ``events`` began.
                self._source.cancel()
        with self._lock:
            self._queue.finish()

    def _announced(self) -> Iterator[ev.Event]:
        """The cases added since the last call, as an event."""
        with self._lock:
            added = self._queue.announce()
        if added:
            yield ev.RowsAdded(added, round(time.time(), 3))


def _same_environment(run: Run, event: ev.Event) -> bool:
    """True for an environment of the run's identity, sent anew by a further call of the source.

    The first one counts, in a resumed run too: later load and temperatures are the run's own doing.
    """
    if not isinstance(event, ev.EnvironmentProbed) or run.environment is None:
        return False
    return event.environment.identity_hash == run.environment.identity_hash


def _extended(plan: Plan, cases: Iterable[Case]) -> Plan:
    return replace(plan, cases=unique((*plan.cases, *cases)))
