"""How many rows of a run came to what: the one sentence about it, and the count of it from events alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

NOT_FAILED = ("skipped", "cancelled")  # kinds of failures that are the user's own doing
INTERRUPTED = "interrupted"  # how a run ended whose file has no ``run_finished``
MEASURED = "measured"


@dataclass(frozen=True)
class RowCounts:
    """Rows by what came of them; their sum is the number of rows."""

    measured: int = 0
    failed: int = 0
    skipped: int = 0
    cancelled: int = 0
    not_begun: int = 0
    invalid: int | None = None  # of the measured ones those of grade X; None where they have not been graded

    @property
    def text(self) -> str:
        """``12 measured (2 invalid), 1 failed, 2 not begun``."""
        measured = f"{self.measured} measured" + f" ({self.invalid} invalid)" * bool(self.invalid)
        failed = (("failed", self.failed), ("skipped", self.skipped), ("cancelled", self.cancelled))
        others = (*failed, ("not begun", self.not_begun))
        return ", ".join([measured, *(f"{count} {what}" for what, count in others if count)])


@dataclass
class RowTally:
    """Counts rows as ``core.run.fold`` does, by the kinds of their outcomes: ``measured``, or that of a failure.

    Changed by each event: for a run file that is listed and not opened.
    """

    rows: dict[str, None] = field(default_factory=dict)  # case ids of the plan
    outcomes: dict[str, str] = field(default_factory=dict)
    earlier: dict[str, str] = field(default_factory=dict)  # of the rows that are being measured again

    def add(self, case_ids: Iterable[str], *, again: bool) -> None:
        """``RowsAdded``, or the plan."""
        added = dict.fromkeys(case_ids)
        self.settle(added)
        for case_id in added:
            outcome = self.outcomes.get(case_id)
            if outcome is not None and again:
                self.earlier[case_id] = self.outcomes.pop(case_id)
            elif outcome is not None and outcome != MEASURED:
                del self.outcomes[case_id]
        self.rows |= added

    def outcome(self, case_id: str, kind: str) -> None:
        """``CaseFinished`` or ``CaseFailed``: after a first visit with numbers a failure is a notice."""
        if self.outcomes.get(case_id) != MEASURED:
            self.outcomes[case_id] = kind

    def settle(self, case_ids: Iterable[str] | None = None) -> None:
        """Of those rows that were measured again, or of all, the better outcome counts."""
        for case_id in list(self.earlier) if case_ids is None else case_ids:
            before = self.earlier.pop(case_id, None)
            if before is not None and _worth(before) > _worth(self.outcomes.get(case_id)):
                self.outcomes[case_id] = before

    @property
    def counts(self) -> RowCounts:
        """Of the plan's rows as they are now."""
        kinds = Counter(self.outcomes.get(case_id) for case_id in self.rows)
        own = {kind: kinds[kind] for kind in NOT_FAILED}
        failed = len(self.rows) - kinds[MEASURED] - kinds[None] - sum(own.values())
        return RowCounts(kinds[MEASURED], failed, **own, not_begun=kinds[None])


def _worth(kind: str | None) -> int:
    return 0 if kind is None else 2 if kind == MEASURED else 1
