"""A run with rows of others beside its own, as one run: tables, details and files then show them as they show any."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cvbench_tui.core.measurement import Outcome
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.run import Origin, Run
from cvbench_tui.core.workload import Workload
from cvbench_tui.results.stats.equal_work import work_of

OWN = "this run"  # whose the other rows are


@dataclass(frozen=True)
class _Beside:
    """What comes to a run of that plan."""

    plan: Plan
    borrowed: Mapping[str, Origin]
    outcomes: Mapping[str, Outcome]
    own_labels: Mapping[str, str]


_NEWEST: list[tuple[tuple[Run, ...], bool, _Beside, Run, Run]] = []
"""What was put beside which plan, and the newest run of it without and with that. A run that goes on has the same plan
with each event, and the table reuses the rows of a plan that is the same object."""


def together(run: Run, beside: Sequence[Run], *, every: bool = False) -> Run:
    """The run with those rows of the others that do the same work as rows of its own, behind them; of a workload of
    which another has none, all its rows: other batches, images and settings. With ``every``: all rows of theirs. The
    run itself without any, and where it has such rows already.

    The rows of others keep their numbers, environment, protocol and grades. Their cases are told apart by what stands
    for the framework: whose they are.
    """
    others = tuple({each.id: each for each in beside if each is not run}.values())
    if not others or run.borrowed:
        return run
    made: _Beside | None = None
    for theirs, all_rows, known, without, whole in tuple(_NEWEST):
        if without.plan is run.plan and all_rows == every and [*map(id, theirs)] == [*map(id, others)]:
            if without is run:
                return whole
            made = known
    made = made or _beside(run, others, every=every)
    if not made.borrowed:
        return run
    whole = replace(
        run,
        plan=made.plan,
        outcomes={**run.outcomes, **made.outcomes},
        borrowed=made.borrowed,
        own_labels=made.own_labels,
    )
    _NEWEST[:] = [(others, every, made, run, whole)]
    return whole


def label_of(run: Run) -> str:
    """What a run is called in a cell."""
    return run.name or run.id


def _beside(run: Run, others: Sequence[Run], *, every: bool) -> _Beside:
    borrowed: dict[str, Origin] = {}
    outcomes: dict[str, Outcome] = {}
    behind: dict[str, list[Case]] = {}
    rest: list[Case] = []
    places = _places(run.plan.cases)
    for other in others:
        alike = set() if every else {_kind(case.workload) for case in other.plan.cases if work_of(case) in places}
        for case in other.plan.cases:
            if _kind(case.workload) in alike and work_of(case) not in places:
                continue
            place = next((places[key] for key in _keys(case) if key in places), None)
            if place is None and not every:
                continue
            label = origin_of(other, case)
            mine = replace(case, framework=_unique(label, case, borrowed))
            outcome = other.outcomes.get(case.case_id)
            if outcome is not None:
                outcomes[mine.case_id] = replace(outcome, case_id=mine.case_id)
            borrowed[mine.case_id] = Origin(other, case.case_id, mine.framework)
            (rest if place is None else behind.setdefault(place, [])).append(mine)
    cases: list[Case] = []
    for case in run.plan.cases:
        theirs, work = behind.get(case.case_id, []), work_of(case)
        cases += [case, *(each for each in theirs if work_of(each) == work)]
        cases += [each for each in theirs if work_of(each) != work]
    if every:
        rest = alike_together(rest)
    name = None if every else OWN
    labels = {case.device: origin_of(run, case, name) for case in run.plan.cases if case.case_id not in run.figures}
    return _Beside(replace(run.plan, cases=(*cases, *rest)), borrowed, outcomes, labels)


def with_same_work(run: Run, others: Iterable[Run]) -> tuple[Run, ...]:
    """Those of the others that have a row of the same work as one of this run: batch, image and settings too."""
    works = {work_of(case) for case in run.plan.cases}
    return tuple(other for other in others if any(work_of(case) in works for case in other.plan.cases))


def origin_of(run: Run, case: Case, name: str | None = None) -> str:
    """``Pytorch 0.4.1, GTX 1080 Ti`` of published figures; else what the run is called, or that name, with the device
    where it has several."""
    figure = run.figures.get(case.case_id)
    if figure is None:
        return f"{name or label_of(run)}{f', {case.device}' if len(run.plan.devices) > 1 else ''}"
    return figure.label(case.framework)


def own_part(run: Run) -> Run:
    """The run without the rows of others."""
    if not run.borrowed:
        return run
    own = tuple(case for case in run.plan.cases if case.case_id not in run.borrowed)
    return replace(run, plan=replace(run.plan, cases=own), borrowed={}, own_labels={})


def _unique(label: str, case: Case, borrowed: Mapping[str, Origin]) -> str:
    """Two runs may have one name."""
    tries = (label, *(f"{label} ({number})" for number in range(2, len(borrowed) + 3)))
    return next(each for each in tries if replace(case, framework=each).case_id not in borrowed)


def _kind(workload: Workload) -> object:
    """Equal for the same model at any image size, and for the same layer."""
    return workload.kind, workload.op, () if workload.kind == "model" else workload.params


def _keys(case: Case) -> tuple[object, ...]:
    """What a row is put behind: the same work, else the same workload; on the same kind of device if there is one."""
    keys = (work_of(case), _kind(case.workload))
    return (*((key, case.device == "cpu") for key in keys), *keys)


def _places(cases: Iterable[Case]) -> Mapping[object, str]:
    """Case id of the last row of each work, and of each workload."""
    return {key: case.case_id for case in cases for key in _keys(case)}


def alike_together(cases: Sequence[Case]) -> list[Case]:
    """Rows of the same work one behind the other, in order of appearance."""
    groups: dict[object, list[Case]] = {}
    for case in cases:
        groups.setdefault(work_of(case), []).append(case)
    return [case for group in groups.values() for case in group]
