"""The state of a run, and the one pure function that events change it with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cvbench_tui.core import event as ev
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.measurement import Failure, Measurement, Notice, Outcome, merge
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.plan import Plan, unique


@dataclass(frozen=True)
class Run:
    """A plan with what came of it so far."""

    id: str
    plan: Plan
    started_at_s: float
    """Seconds since the epoch."""
    program: str
    """Version of cvbench-tui that took it."""
    schema: int = ev.SCHEMA
    environment: Environment | None = None
    """None until the worker has told."""
    ceilings: Mapping[str, DevicePeak] = field(default_factory=dict)
    """By device id."""
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    """By case id; a case that is not in it is pending."""
    running: ev.CaseStarted | None = None
    """The case being measured now."""
    progress: ev.Progress | None = None
    """Newest progress of the running case."""
    ended: ev.EndReason | None = None
    """None while it goes on, or when its file ends without a last event."""
    ended_at_s: float | None = None
    """Seconds since the epoch."""
    ended_sentence: str = ""

    @property
    def measured(self) -> tuple[Measurement, ...]:
        """The measurements, in the plan's order."""
        found = (self.outcomes.get(case.case_id) for case in self.plan.cases)
        return tuple(outcome for outcome in found if isinstance(outcome, Measurement))

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The failures, in the plan's order."""
        found = (self.outcomes.get(case.case_id) for case in self.plan.cases)
        return tuple(outcome for outcome in found if isinstance(outcome, Failure))

    @property
    def pending(self) -> int:
        """Cases without an outcome."""
        return sum(case.case_id not in self.outcomes for case in self.plan.cases)


def fold(run: Run | None, event: ev.Event) -> Run:
    """The run after ``event``. Pure: the same events always give the same run.

    Raises ValueError when the first event is not ``RunStarted``.
    """
    if isinstance(event, ev.RunStarted):
        return Run(event.run_id, event.plan, event.at_s, event.program, event.schema)
    if run is None:
        raise ValueError(f"a run begins with run_started, not with {event.kind}")
    if isinstance(event, ev.RowsAdded):
        return _grown(run, event)
    if isinstance(event, ev.EnvironmentProbed):
        return replace(run, environment=event.environment)
    if isinstance(event, ev.PeakMeasured):
        return replace(run, ceilings={**run.ceilings, event.ceiling.device: event.ceiling})
    if isinstance(event, ev.RunFinished):
        return _ended(run, event)
    return _of_case(run, event)


def _of_case(run: Run, event: ev.Event) -> Run:
    """The run after an event about one case; the same run after any other."""
    if isinstance(event, ev.CaseStarted):
        return replace(run, running=event, progress=None)
    if isinstance(event, ev.Progress):
        return replace(run, progress=event)
    if isinstance(event, ev.CaseFinished):
        return _settle(run, event.measurement)
    return _settle(run, event.failure) if isinstance(event, ev.CaseFailed) else run


def _ended(run: Run, event: ev.RunFinished) -> Run:
    sentence = event.sentence
    return replace(run, running=None, progress=None, ended=event.reason, ended_at_s=event.at_s, ended_sentence=sentence)


def _grown(run: Run, event: ev.RowsAdded) -> Run:
    """The run with these cases pending, the new ones last, and going on. A case that is running keeps running."""
    listed = {case.case_id for case in event.cases}
    plan = replace(run.plan, cases=unique((*run.plan.cases, *event.cases)))
    outcomes = {case_id: outcome for case_id, outcome in run.outcomes.items() if case_id not in listed}
    if run.running is not None and run.running.case_id in listed:
        run = replace(run, running=None, progress=None)  # it was running when its run was interrupted by force
    return replace(run, plan=plan, outcomes=outcomes, ended=None, ended_at_s=None, ended_sentence="")


def _noted(measurement: Measurement, failure: Failure) -> Measurement:
    """The numbers there are, with why a repetition is missing."""
    notice = Notice("repetition_failed", f"A repetition failed: {failure.sentence}")
    return replace(measurement, notices=(*measurement.notices, notice))


def _settle(run: Run, outcome: Outcome) -> Run:
    """Put an outcome into its row: repetitions are merged, a later failure does not wipe out numbers."""
    before = run.outcomes.get(outcome.case_id)
    if isinstance(before, Measurement):
        outcome = merge(before, outcome) if isinstance(outcome, Measurement) else _noted(before, outcome)
    return replace(run, outcomes={**run.outcomes, outcome.case_id: outcome}, running=None, progress=None)
