"""Where the cases of a session are: added, told and waiting, or in the source's hands. Locks and starts nothing."""

from __future__ import annotations

from collections.abc import Iterable

from cvbench_tui.core.event import CaseFailed, CaseFinished, Event
from cvbench_tui.core.plan import Case, unique


class CaseQueue:
    """What a source is given lot by lot; no case is on its way twice."""

    def __init__(self, cases: tuple[Case, ...], *, once: bool) -> None:
        """``once``: a case is done with its first outcome, since no further process will visit it."""
        self.waiting = cases
        """Told of, for the source to measure next."""
        self._once = once
        self._added: tuple[Case, ...] = ()
        self._measuring: set[str] = set()
        """Ids of the source's cases that are not done."""

    def add(self, cases: Iterable[Case]) -> tuple[Case, ...]:
        """Take in those that are not on their way. Returns them."""
        coming = self._measuring | {case.case_id for case in (*self.waiting, *self._added)}
        new = tuple(case for case in unique(cases) if case.case_id not in coming)
        self._added += new
        return new

    def tell(self) -> tuple[Case, ...]:
        """What was added, once; it waits for the source from now on."""
        added, self._added = self._added, ()
        self.waiting += added
        return added

    def take(self) -> tuple[Case, ...]:
        """Everything that waits, for the source."""
        lot, self.waiting = self.waiting, ()
        self._measuring = {case.case_id for case in lot}
        return lot

    @property
    def left(self) -> bool:
        """True when something is to be measured, or told and then measured."""
        return bool(self.waiting or self._added)

    def done(self) -> None:
        """The source has measured all it was given."""
        self._measuring.clear()

    def settle(self, event: Event) -> None:
        """A case is done: it may be added again."""
        if isinstance(event, CaseFailed):
            self._measuring.discard(event.failure.case_id)
        elif isinstance(event, CaseFinished) and self._once:
            self._measuring.discard(event.measurement.case_id)
