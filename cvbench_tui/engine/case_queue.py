"""Queue of added, pending and running cases. Not thread-safe: ``Session`` holds its lock around every call."""

from __future__ import annotations

from collections.abc import Iterable

from cvbench_tui.core.event import CaseFailed, CaseFinished, Event
from cvbench_tui.core.plan import Case, unique


class CaseQueue:
    """Cases of one session; each is in at most one of the three states.

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

    def record(self, event: Event) -> None:
        """A case with its last outcome is no longer running and may be added again."""
        if isinstance(event, CaseFailed):
            self._running.discard(event.failure.case_id)
        elif isinstance(event, CaseFinished) and self._once:
            self._running.discard(event.measurement.case_id)
