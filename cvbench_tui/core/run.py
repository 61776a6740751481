"""State of a run, and the pure fold that makes it from events."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from cvbench_tui.core import event as ev
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.facts import comparable
from cvbench_tui.core.grading.assess import rank
from cvbench_tui.core.measurement import Failure, Measurement, Notice, Outcome, merge
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.plan import Plan, unique
from cvbench_tui.core.text import plural


@dataclass(frozen=True)
class Run:
    """A plan with its outcomes so far."""

    id: str
    plan: Plan
    started_at_s: float  # seconds since the epoch
    program: str  # version of cvbench-tui
    schema: int = ev.SCHEMA
    environment: Environment | None = None  # None until the worker has been probed
    other_machines: tuple[Environment, ...] = ()
    """Environments before that one, of which none may be compared with the next: the run was gone on with elsewhere."""
    ceilings: Mapping[str, DevicePeak] = field(default_factory=dict)  # measured peaks by device id
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)  # by case id; a case without one is pending
    earlier: Mapping[str, Outcome] = field(default_factory=dict)
    """Outcomes of the rows that are being measured again, by case id. When the run ends the better one counts."""
    running: ev.CaseStarted | None = None  # the case being measured
    progress: ev.Progress | None = None  # latest progress of the running case
    ended: ev.EndReason | None = None  # None while the run continues, or when its file ends without ``RunFinished``
    ended_at_s: float | None = None  # seconds since the epoch
    ended_sentence: str = ""

    @property
    def measured(self) -> tuple[Measurement, ...]:
        """The measurements, in the plan's order."""
        outcomes = (self.outcomes.get(case.case_id) for case in self.plan.cases)
        return tuple(outcome for outcome in outcomes if isinstance(outcome, Measurement))

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The failures, in the plan's order."""
        outcomes = (self.outcomes.get(case.case_id) for case in self.plan.cases)
        return tuple(outcome for outcome in outcomes if isinstance(outcome, Failure))

    @property
    def pending(self) -> int:
        """Number of cases without an outcome."""
        return sum(case.case_id not in self.outcomes for case in self.plan.cases)


def fold(run: Run | None, event: ev.Event) -> Run:
    """The run after ``event``. Raises ValueError when the first event is not ``RunStarted``."""
    if isinstance(event, ev.RunStarted):
        return Run(event.run_id, event.plan, event.at_s, event.program, event.schema)
    if run is None:
        raise ValueError(f"a run begins with run_started, not with {event.kind}")
    if isinstance(event, ev.RowsAdded):
        return _with_rows(run, event)
    if isinstance(event, ev.EnvironmentProbed):
        return _with_environment(run, event.environment)
    if isinstance(event, ev.PeakMeasured):
        return _with_peak(run, event.ceiling)
    if isinstance(event, ev.RunFinished):
        run = replace(with_better(run), running=None, progress=None, ended=event.reason)
        return replace(run, ended_at_s=event.at_s, ended_sentence=event.sentence)
    if isinstance(event, ev.CaseStarted):
        return replace(run, running=event, progress=None)
    if isinstance(event, ev.Progress):
        return replace(run, progress=event)
    if isinstance(event, (ev.CaseFinished, ev.CaseFailed)):
        return _with_outcome(run, event.measurement if isinstance(event, ev.CaseFinished) else event.failure)
    return run


def _with_environment(run: Run, environment: Environment) -> Run:
    before = run.environment
    if before is None or comparable(before, environment, run.plan.devices):
        return replace(run, environment=environment)
    return replace(run, environment=environment, other_machines=(*run.other_machines, before))


def _with_peak(run: Run, peak: DevicePeak) -> Run:
    """Peaks are sent again when rows are added; an equal copy would have every row of the device graded anew."""
    return run if run.ceilings.get(peak.device) == peak else replace(run, ceilings={**run.ceilings, peak.device: peak})


def _with_rows(run: Run, event: ev.RowsAdded) -> Run:
    """The run with these cases pending, the new ones last, and not ended. A running case keeps running."""
    added = {case.case_id for case in event.cases}
    run = with_better(run, added)  # a repeat that was cut off, or a second one, is of the better outcome so far
    plan = replace(run.plan, cases=unique((*run.plan.cases, *event.cases)))
    past = {case_id: outcome for case_id, outcome in run.outcomes.items() if case_id in added}
    going_on = {} if event.again else {key: each for key, each in past.items() if isinstance(each, Measurement)}
    outcomes = {case_id: outcome for case_id, outcome in run.outcomes.items() if case_id not in added} | going_on
    earlier = {**run.earlier, **past} if event.again else run.earlier
    if run.running is not None and run.running.case_id in added:
        run = replace(run, running=None, progress=None)  # the run was killed while it was running
    return replace(run, plan=plan, outcomes=outcomes, earlier=earlier, ended=None, ended_at_s=None, ended_sentence="")


def with_better(run: Run, case_ids: Collection[str] | None = None) -> Run:
    """The run with the better outcome of the rows that were measured again, of all or of those; the new one of two
    alike."""
    repeated = {key: each for key, each in run.earlier.items() if case_ids is None or key in case_ids}
    if not repeated:
        return run
    facts = dict(run.environment.facts) if run.environment is not None else {}

    def worth(case_id: str, outcome: Outcome | None) -> tuple[float, ...]:
        if not isinstance(outcome, Measurement):
            return (0.0,) if outcome is not None else (-1.0,)
        return (1.0, *rank(outcome, run.plan.protocol, run.ceilings.get(run.plan.case(case_id).device), facts))

    kept = {
        case_id: before
        for case_id, before in repeated.items()
        if worth(case_id, before) > worth(case_id, run.outcomes.get(case_id))
    }
    earlier = {case_id: before for case_id, before in run.earlier.items() if case_id not in repeated}
    return replace(run, outcomes={**run.outcomes, **kept}, earlier=earlier)


def _with_outcome(run: Run, outcome: Outcome) -> Run:
    """The run with this outcome: visits to one case are merged, and after a first one a failure is a notice; the end of
    a cancelled visit is neither."""
    before = run.outcomes.get(outcome.case_id)
    if isinstance(before, Measurement) and isinstance(outcome, Measurement):
        outcome = merge(before, outcome)
    elif isinstance(before, Measurement) and isinstance(outcome, Failure):
        notice = Notice("visit_failed", f"Visit {before.visits + 1} failed: {outcome.sentence}")
        if outcome.kind == "skipped":
            notice = Notice("visit_skipped", f"Skipped after {plural(before.visits, 'visit')}.")
        cancelled = outcome.kind == "cancelled"
        outcome = before if cancelled else replace(before, notices=(*before.notices, notice))
    return replace(run, outcomes={**run.outcomes, outcome.case_id: outcome}, running=None, progress=None)
