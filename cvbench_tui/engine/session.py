"""One run from its first event to its last: each event of the source is written to the run file, then folded.

Used by the app and the command line. A run may grow (``add``) and continue after its end (``resume``). The source
visits its cases in turn, and asks for those that were added meanwhile.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import Protocol

from cvbench_tui import __version__
from cvbench_tui.core import event as ev
from cvbench_tui.core.facts import comparable
from cvbench_tui.core.measurement import Measurement, Outcome
from cvbench_tui.core.plan import Case, Plan, unique
from cvbench_tui.core.run import Run, fold
from cvbench_tui.core.stats.pairs import settled, to_measure
from cvbench_tui.engine.source import EventSource
from cvbench_tui.errors import WorkerError


class Recorder(Protocol):
    """Writes the run file."""

    def append(self, event: ev.Event, run: Run | None, /) -> None:
        """Write the event that follows ``run``; an outcome is on disk when this returns."""


def new_run_id(at_s: float) -> str:
    """``20261124-153012-9f3a``: sorts by start (UTC); four random digits tell runs of one second apart."""
    return time.strftime("%Y%m%d-%H%M%S", time.gmtime(at_s)) + "-" + secrets.token_hex(2)


class Session:
    """Drives a plan through a source. Blocking: iterate ``run`` in a thread, or in the command line.

    With ``resume`` that run continues under its id and protocol: of the plan's cases new ones are measured, those that
    lack visits go on, and those that had them all are measured anew. ``add``, ``skip`` and ``cancel`` may be called
    from any thread. A case that is to be measured is in one of three states: added, not yet in the run file; pending,
    in the run file and not yet given to the source; running, given to the source, neither failed nor with all visits.
    """

    def __init__(
        self,
        source: EventSource,
        plan: Plan,
        *,
        started_at_s: float | None = None,
        resume: Run | None = None,
        name: str = "",
        tags: tuple[str, ...] = (),
    ) -> None:
        """``started_at_s``: start of the run, or of its continuation, in seconds since the epoch; default now.
        ``name`` and ``tags``: what the user calls a new run."""
        self.started_at_s = time.time() if started_at_s is None else started_at_s
        self.run_id = resume.id if resume is not None else new_run_id(self.started_at_s)
        self.plan = plan if resume is None else _extended(resume.plan, plan.cases)
        """Every case of the run, with those added and not yet announced."""
        self._label = ev.RunLabelled(name, tags, self.started_at_s) if name or tags else None
        self.resume = resume  # the earlier run that it continues
        self._source = source
        self._added: tuple[Case, ...] = ()
        self._running: set[str] = set()
        self._lock = threading.Lock()
        self._cancelled = False
        self._over = False
        self._outcomes: Mapping[str, Outcome] = {} if resume is None else resume.outcomes
        self._anew, self._going_on = to_measure(self.plan, self._outcomes, plan.cases)
        begun = {case.case_id for case in (*self._anew, *self._going_on)}
        self._pending = tuple(case for case in self.plan.cases if case.case_id in begun)
        before = ((case.case_id, self._outcomes.get(case.case_id)) for case in self._going_on)
        self._measured_before = {key: outcome for key, outcome in before if isinstance(outcome, Measurement)}

    @property
    def opening(self) -> tuple[ev.Event, ...]:
        """The first events of the run, or of its continuation."""
        if self.resume is None:
            header = ev.RunStarted(self.run_id, self.plan, self.started_at_s, __version__)
            return (header,) if self._label is None else (header, self._label)
        at_s = self.started_at_s
        added = (ev.RowsAdded(self._anew, at_s), ev.RowsAdded(self._going_on, at_s, again=False))
        return tuple(event for event in added if event.cases)

    def add(self, cases: Iterable[Case]) -> bool:
        """Measure these cases as well: new rows, or finished ones again. Those still to come stay as they are.

        ``RowsAdded`` follows after the next event. Returns False when the run is over or cancelled: nothing is added.
        """
        with self._lock:
            if self._over or self._cancelled:
                return False
            plan = _extended(self.plan, cases)
            queued = self._running | {case.case_id for case in (*self._pending, *self._added)}
            # with all that are measured in turn with one of them
            queued |= {each for case_id in queued for each in plan.in_turn(case_id)}
            free = [case for case in unique(cases) if case.case_id not in queued]
            self._added += tuple(chain(*to_measure(plan, self._outcomes, free)))
            self.plan = _extended(self.plan, self._added)
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
        run = self.resume
        try:
            for event in self._events():
                if run is not None and _same_environment(run, event):
                    continue
                recorder.append(event, run)
                run = fold(run, event)
                self._free(event, run)
                yield event, run
        finally:
            with self._lock:
                self._over = True

    def _events(self) -> Iterator[ev.Event]:
        """The source's events between the header and ``RunFinished``."""
        yield from self.opening
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
            self._over = self._cancelled or not (self._added or self._pending)
            return not self._over

    def _measured(self) -> Iterator[ev.Event]:
        """The source's events of the pending cases, and a ``RowsAdded`` for cases added meanwhile."""
        plan = replace(self.plan, cases=tuple(self._taken()))
        before, self._measured_before = self._measured_before, {}
        for event in self._source.events(plan, before, self._taken):
            yield event
            yield from self._announced()
            if self._cancelled:
                # Repeated, because a source forgets a cancel that came before its ``events`` began.
                self._source.cancel()
        with self._lock:
            self._running.clear()

    def _taken(self) -> Iterable[Case]:
        """The pending cases, which run from here on."""
        with self._lock:
            taken, self._pending = self._pending, ()
            self._running |= {case.case_id for case in taken}
        return taken

    def _free(self, event: ev.Event, run: Run) -> None:
        """After a case's last visit it may be added again, and with it those that are measured in turn with it."""
        case_id = ev.case_of(event) or ""
        self._outcomes = run.outcomes
        if not isinstance(event, (ev.CaseFailed, ev.CaseFinished)):
            return
        over = {each for each in run.plan.in_turn(case_id) if settled(run.plan, run.outcomes, each)}
        if isinstance(event, ev.CaseFailed) or settled(run.plan, run.outcomes, case_id):
            over.add(case_id)
        with self._lock:
            self._running -= over

    def _announced(self) -> Iterator[ev.Event]:
        """The cases added since the last call, as an event."""
        with self._lock:
            added, self._added = self._added, ()
            self._pending += added
        if added:
            yield ev.RowsAdded(added, round(time.time(), 3))


def _same_environment(run: Run, event: ev.Event) -> bool:
    """True for an environment of the run's identity, sent anew by a further call of the source.

    The first one counts, in a resumed run too: later load and temperatures are the run's own doing.
    """
    if not isinstance(event, ev.EnvironmentProbed):
        return False
    known = run.environments.get(event.env) if event.env else run.environment
    return known is not None and comparable(event.environment, known, run.plan.devices)


def _extended(plan: Plan, cases: Iterable[Case]) -> Plan:
    return replace(plan, cases=unique((*plan.cases, *cases)))
