"""Where the run is, in one immutable snapshot that is replaced as a whole."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from cvbench_tui.core.environment import Environment
from cvbench_tui.core.facts import comparable
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.errors import CvbenchError

if TYPE_CHECKING:
    from cvbench_tui.results.storage.run_index import SeenFile

Status = Literal["idle", "probing", "queued", "looking", "waiting", "running", "cancelling"]
"""``queued``: probing, and the user wants to run as soon as the devices are known. ``looking``: whether other programs
use the machine, before a run begins. ``waiting``: until they do not."""
ROWS = ("id", "plan", "environment", "ceilings", "outcomes", "running", "ended", "name")
"""Fields of a run that the table depends on; ``fold`` leaves the objects of all others as they were."""
STEPS = 20  # in which the share of a row that has a single visit grows; one that has several grows by them


@dataclass(frozen=True)
class RunState:
    """The machine and the run that is shown. ``RunManager`` alone makes the next one."""

    status: Status = "idle"
    environment: Environment | None = None  # None until the worker has reported it
    problem: CvbenchError | None = None  # why it did not
    run: Run | None = None  # as the last message had it; None from the start of a run until its first message
    saved: bool = False  # the run was opened from its file
    run_file: SeenFile | None = None  # what the run was read from or is written to, as it was at its end
    began_at_s: float = 0.0  # when measuring began or was resumed, seconds since the epoch

    @property
    def running(self) -> bool:
        """True from the start of a run until its last event has arrived."""
        return self.status in ("running", "cancelling")

    @property
    def beginning(self) -> bool:
        """True while a run is wanted that has not begun, because of the machine."""
        return self.status in ("looking", "waiting")

    @property
    def measured(self) -> str:
        """``3/8``: rows that get no further visit, and all; nothing before the first run."""
        if self.run is None:
            return ""
        from cvbench_tui.results.stats.outcome import settled_rows  # behind the first frame

        return f"{settled_rows(self.run)}/{len(self.run.plan.cases)}"

    @cached_property
    def lacking(self) -> tuple[Case, ...]:
        """Rows that the run lacks: what resuming measures. None while it goes on."""
        if self.run is None or self.running or self.beginning:
            return ()
        from cvbench_tui.results.stats.repeat import rows_to_resume  # behind the first frame

        return rows_to_resume(self.run)

    @cached_property
    def repeatable(self) -> tuple[Case, ...]:
        """Rows that ``R`` measures again (``results.stats.repeat``); of a running run those that are complete."""
        run, here = self.run, self.environment
        if run is None or here is None or self.status == "cancelling" or self.beginning:
            return ()
        before = run.environment if self.saved else None
        if before is not None and not comparable(before, here, run.plan.devices):
            return ()  # a saved run is continued only in an environment of the same identity
        from cvbench_tui.results.stats.repeat import worth_repeating  # behind the first frame

        return tuple(case for case in run.plan.cases if worth_repeating(run, case, running=self.running))

    def same_rows(self, other: RunState) -> bool:
        """True when there is nothing for the table to draw between the two: the same run, or little progress alone."""
        mine, theirs = self.run, other.run
        same = all(getattr(mine, name, None) is getattr(theirs, name, None) for name in ROWS)
        return same and _step(mine) == _step(theirs)


def _step(run: Run | None) -> int:
    """Twentieth of its visits that the running row has come to, in the one that is going on: as often it is drawn."""
    return int(STEPS * run.progress.fraction / run.plan.protocol.max_visits) if run and run.progress else 0


def moment(seconds: float | None) -> str:
    """``2026-11-24 15:30`` in local time; a dash when it is not known. ``seconds`` since the epoch."""
    return "-" if seconds is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
