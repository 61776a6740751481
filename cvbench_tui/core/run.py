"""State of a run, and the pure fold that makes it from events."""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import compress

from cvbench_tui.core import event as ev
from cvbench_tui.core.axes import ENV
from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.core.facts import comparable
from cvbench_tui.core.figures import Figure
from cvbench_tui.core.grading.assess import rank
from cvbench_tui.core.measurement import Failure, Measurement, Notice, Outcome, merge
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.text import plural


@dataclass(frozen=True)
class Origin:
    """Where a row is from that stands beside those of a run."""

    run: Run
    case_id: str  # in that run's plan
    label: str  # whose it is, in a cell: ``Pytorch 0.4.1, GTX 1080 Ti``, or the run's name


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
    environments: Mapping[str, Environment] = field(default_factory=dict)
    """Of the plan's other environments, by name, the machine as their workers report it."""
    ceilings: Mapping[str, DevicePeak] = field(default_factory=dict)  # measured peaks by device id
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)  # by case id; a case without one is pending
    earlier: Mapping[str, Outcome] = field(default_factory=dict)
    """Outcomes of the rows that are being measured again, by case id. When the run ends the better one counts."""
    batches: Mapping[str, ev.BatchFound] = field(default_factory=dict)
    """The last search of each case whose batch is the largest that fits, by case id; the plan's case has the batch that
    its numbers are of."""
    running: ev.CaseStarted | None = None  # the case being measured
    progress: ev.Progress | None = None  # latest progress of the running case
    ended: ev.EndReason | None = None  # None while the run continues, or when its file ends without ``RunFinished``
    ended_at_s: float | None = None  # seconds since the epoch
    ended_sentence: str = ""
    name: str = ""  # that the user gave it; not that of its plan
    tags: tuple[str, ...] = ()
    figures: Mapping[str, Figure] = field(default_factory=dict)
    """By case id, of a run that nobody measured here: its outcomes are what others have published."""
    borrowed: Mapping[str, Origin] = field(default_factory=dict)
    """By case id, of a run that rows of others were put beside: those rows. Never in a file."""
    own_labels: Mapping[str, str] = field(default_factory=dict)  # whose its other rows are, by device

    def home(self, case: Case) -> tuple[Run, Case]:
        """The run that the case is of, and the case as it is there: another run for a row that is beside this one's."""
        origin = self.borrowed.get(case.case_id) if self.borrowed else None
        return (self, case) if origin is None else (origin.run, origin.run.plan.case(origin.case_id))

    def device_of(self, case: Case) -> Device | None:
        """The device that the case was measured on; None where it is not known."""
        run, mine = self.home(case)
        environment = environment_of(run, mine)
        return environment.device(mine.device) if environment is not None else None

    @property
    def only_figures(self) -> bool:
        """True where every row is of others' published figures."""
        return bool(self.figures) and all(origin.run.figures for origin in self.borrowed.values())

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
    folding = Folding(run)
    folding.add(event)
    return folding.run


class Folding:
    """The fold of many events, in time linear in their number: what one of them changes is changed in place.

    ``fold`` copies the outcomes for each event, since a run that somebody sees never changes; for a file of 20,000 rows
    that would be 4 s.
    """

    def __init__(self, run: Run | None = None) -> None:
        """``run``: the one that is continued; it stays as it is."""
        self._run = run
        self._cases: dict[str, Case] | None = None  # these are None until they are changed
        self._outcomes: dict[str, Outcome] | None = None
        self._earlier: dict[str, Outcome] | None = None

    @property
    def rows(self) -> int:
        """Number of cases of its plan so far."""
        if self._cases is not None:
            return len(self._cases)
        return 0 if self._run is None else len(self._run.plan.cases)

    def outcome(self, case_id: str) -> Outcome | None:
        """What came of that case so far."""
        if self._outcomes is not None:
            return self._outcomes.get(case_id)
        return None if self._run is None else self._run.outcomes.get(case_id)

    @property
    def run(self) -> Run:
        """The run after all events. Raises ValueError without any."""
        run = self._run
        if run is None:
            raise ValueError("a run begins with run_started")
        if self._cases is not None:
            run = replace(run, plan=replace(run.plan, cases=tuple(self._cases.values())))
        if self._outcomes is not None:
            run = replace(run, outcomes=self._outcomes)
        if self._earlier is not None:
            run = replace(run, earlier=self._earlier)
        self._run, self._cases, self._outcomes, self._earlier = run, None, None, None
        return run

    def add(self, event: ev.Event) -> None:
        """Take the next event. Raises ValueError when the first one is not ``RunStarted``."""
        if isinstance(event, ev.RunStarted):
            self._run = Run(event.run_id, event.plan, event.at_s, event.program, event.schema)
            self._cases = self._outcomes = self._earlier = None
        elif self._run is None:
            raise ValueError(f"a run begins with run_started, not with {event.kind}")
        else:
            self._run = self._changed(self._run, event)

    def _changed(self, run: Run, event: ev.Event) -> Run:
        if isinstance(event, ev.RowsAdded):
            return self._with_rows(run, event)
        if isinstance(event, ev.RunLabelled):
            return replace(run, name=event.name, tags=event.tags)
        if isinstance(event, ev.EnvironmentProbed):
            return _with_environment(run, event)
        if isinstance(event, ev.PeakMeasured):
            return _with_peak(run, event.ceiling)
        if isinstance(event, ev.RunFinished):
            self.settle()
            run = replace(run, running=None, progress=None, ended=event.reason)
            return replace(run, ended_at_s=event.at_s, ended_sentence=event.sentence)
        if isinstance(event, ev.CaseStarted):
            return replace(run, running=event, progress=None)
        if isinstance(event, ev.Progress):
            return replace(run, progress=event)
        if isinstance(event, ev.BatchFound):
            self._set_batch(run, event.case_id, event.batch)
            return replace(run, batches={**run.batches, event.case_id: event})
        if isinstance(event, (ev.CaseFinished, ev.CaseFailed)):
            outcome = event.measurement if isinstance(event, ev.CaseFinished) else event.failure
            outcomes = self._own_outcomes(run)
            outcomes[outcome.case_id] = _after(outcomes.get(outcome.case_id), outcome)
            self._take_batch(run, outcome)
            over = run.running is None and run.progress is None
            return run if over else replace(run, running=None, progress=None)
        return run

    def settle(self, case_ids: Collection[str] | None = None) -> None:
        """Of the rows that were measured again, of all or of those, the better outcome counts; the new one of two
        alike."""
        run = self._run
        earlier = {} if run is None else run.earlier if self._earlier is None else self._earlier
        repeated = [key for key in (earlier if case_ids is None else case_ids) if key in earlier]
        if run is None or not repeated:
            return
        outcomes, earlier = self._own_outcomes(run), self._own_earlier(run)
        cases = self._cases if self._cases is not None else {key: run.plan.case(key) for key in repeated}
        plan = replace(run.plan, cases=tuple(cases.values())) if run.plan.alternate else run.plan

        def worth(outcome: Outcome, case: Case) -> tuple[float, ...]:
            if not isinstance(outcome, Measurement):
                return (0.0,)
            environment = environment_of(run, case)
            facts = dict(environment.facts) if environment is not None else {}
            return (1.0, *rank(outcome, run.plan.protocol, run.ceilings.get(case.device), facts))

        # Rows measured in turn stay together, or visit k of one would be no pair with visit k of the other.
        for group in dict.fromkeys(plan.in_turn(case_id) or (case_id,) for case_id in repeated):
            ids = [each for each in group if each in earlier]
            # Where nothing new was measured nothing is ranked: that reads every round of a row.
            kept = any(each not in outcomes for each in ids)
            if not kept:
                was, is_now = (min(worth(held[each], cases[each]) for each in ids) for held in (earlier, outcomes))
                kept = was > is_now
            for case_id, before in [(each, earlier.pop(each)) for each in ids]:
                if kept:
                    outcomes[case_id] = before
                    self._take_batch(run, before)

    def _take_batch(self, run: Run, outcome: Outcome) -> None:
        """Let the plan's case have the batch that the outcome's numbers are of."""
        if isinstance(outcome, Measurement) and outcome.batch is not None:
            self._set_batch(run, outcome.case_id, outcome.batch)

    def _set_batch(self, run: Run, case_id: str, batch: int) -> None:
        """Only where the run finds it, and the run has that case."""
        cases = self._cases if self._cases is not None else {each.case_id: each for each in run.plan.cases}
        case = cases.get(case_id)
        if case is not None and case.finds_batch and case.batch != batch:
            cases[case_id] = replace(case, batch=batch)
            self._cases = cases  # a plan in which nothing changes stays the same object

    def _with_rows(self, run: Run, event: ev.RowsAdded) -> Run:
        """The run with these cases pending, the new ones last, and not ended. A running case keeps running."""
        added = {case.case_id: case for case in event.cases}
        self.settle(added)  # a repeat that was cut off, or a second one, is of the better outcome so far
        if self._cases is None:
            self._cases = {case.case_id: case for case in run.plan.cases}
        known = self._cases
        changed_work = {key: key in known and known[key].workload != case.workload for key, case in added.items()}
        self._cases |= added
        outcomes = self._own_outcomes(run)
        for case_id in added:
            before = outcomes.get(case_id)
            if before is not None and changed_work[case_id]:
                del outcomes[case_id]  # of code that has changed since: it is no other result of the same
            elif before is not None and event.again:
                self._own_earlier(run)[case_id] = outcomes.pop(case_id)
            elif isinstance(before, Failure):
                del outcomes[case_id]
            elif before is not None:
                self._take_batch(run, before)
        if run.running is not None and run.running.case_id in added:
            run = replace(run, running=None, progress=None)  # the run was killed while it was running
        return replace(run, ended=None, ended_at_s=None, ended_sentence="")

    def _own_outcomes(self, run: Run) -> dict[str, Outcome]:
        if self._outcomes is None:
            self._outcomes = dict(run.outcomes)
        return self._outcomes

    def _own_earlier(self, run: Run) -> dict[str, Outcome]:
        if self._earlier is None:
            self._earlier = dict(run.earlier)
        return self._earlier


def with_better(run: Run, case_ids: Collection[str] | None = None) -> Run:
    """The run with the better outcome of the rows that were measured again, of all or of those; the new one of two
    alike."""
    folding = Folding(run)
    folding.settle(case_ids)
    return folding.run


def environment_of(run: Run, case: Case) -> Environment | None:
    """The machine and the versions that this row is measured with; None until they are known."""
    run, case = run.home(case)
    if not run.plan.environments:
        return run.environment
    name = case.setting(ENV)
    return run.environments.get(name) if name in [each.name for each in run.plan.environments] else run.environment


def _with_environment(run: Run, event: ev.EnvironmentProbed) -> Run:
    """An environment that may not be compared with the one before it makes the run one of two machines."""
    environment, name = event.environment, event.env
    before = run.environments.get(name) if name else run.environment
    if before is not None and not comparable(before, environment, run.plan.devices):
        run = replace(run, other_machines=(*run.other_machines, before))
    if name:
        return replace(run, environments={**run.environments, name: environment})
    return replace(run, environment=environment)


def _with_peak(run: Run, peak: DevicePeak) -> Run:
    """Peaks are sent again when rows are added; an equal copy would have every row of the device graded anew."""
    return run if run.ceilings.get(peak.device) == peak else replace(run, ceilings={**run.ceilings, peak.device: peak})


def _after(before: Outcome | None, outcome: Outcome) -> Outcome:
    """What a row has after this outcome: visits to one case are merged, and after a first one a failure is a notice;
    the end of a cancelled visit is neither."""
    if isinstance(before, Measurement) and isinstance(outcome, Measurement):
        return merge(before, outcome)
    if isinstance(before, Measurement) and isinstance(outcome, Failure):
        notice = Notice("visit_failed", f"Visit {before.visits + 1} failed: {outcome.sentence}")
        if outcome.kind == "skipped":
            notice = Notice("visit_skipped", f"Skipped after {plural(before.visits, 'visit')}.")
        return before if outcome.kind == "cancelled" else replace(before, notices=(*before.notices, notice))
    return outcome


def changed(before: Mapping[str, Outcome], now: Mapping[str, Outcome]) -> Iterable[str]:
    """Ids of the cases whose outcome is another object than before, of those too that have none any more. 1 ms for
    20,000 rows."""
    if before is now:
        return ()
    fresh = list(compress(now, map(operator.is_not, now.values(), map(before.get, now))))
    gone = len(before) + sum(key not in before for key in fresh) > len(now)
    return [*fresh, *(before.keys() - now.keys())] if gone else fresh
