"""The rows that two runs have in common, to be measured once more, in turn: what differs between the runs besides what
they compare (the hour, the neighbours, the temperature) then hits both sides alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cvbench_tui.catalog.axes import COMPARED
from cvbench_tui.core.axes import ENV, axis
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.facts import differing, kind_of
from cvbench_tui.core.plan import Case, NamedEnvironment, Plan, unique
from cvbench_tui.core.run import Run
from cvbench_tui.errors import SelectionError

TWO = "Name two, so that they are the sides: --env old=WHERE --env new=WHERE"


def again_plan(a: Run, b: Run, here: Environment | None = None, environments: Sequence[NamedEnvironment] = ()) -> Plan:
    """Both sides of the rows that two runs have in common, alternated along the one axis in which they differ; where
    they differ in none, along two ``environments``, the sides. Under the protocol of B, which is judged. ``here``: this
    machine, which the runs have to be of; None: not looked at. Raises SelectionError where nothing can be measured."""
    mine, theirs = _measurable(a), _measurable(b)
    both = {case.case_id for case in mine} & {case.case_id for case in theirs}
    only = [[case for case in cases if case.case_id not in both] for cases in (mine, theirs)]
    pairs, name = _differing(*only)
    if both and len(environments) > 1:
        plan = _along_environments([case for case in theirs if case.case_id in both], b, environments)
    elif pairs:
        plan = _along_axis(pairs, name, b, environments)
    elif both:
        raise SelectionError("The rows of both runs are the same: none differ that could be alternated.", TWO)
    else:
        raise SelectionError(
            "The runs have no rows that differ in one axis alone, so none can be measured again.",
            "Measure the rows of both in a run of their own: cvbench-tui run ... --alternate AXIS",
        )
    if here is not None and (why := _elsewhere((a, b), here, plan)):
        raise SelectionError(why, "Rows are measured again on the machine that both runs are of.")
    return plan


def _measurable(run: Run) -> list[Case]:
    """Its rows, those whose batch is found without what was found."""
    return [replace(case, batch=1) if case.finds_batch else case for case in run.plan.cases]


def _differing(mine: Sequence[Case], theirs: Sequence[Case]) -> tuple[list[tuple[Case, Case]], str]:
    """The pairs of rows that differ in one axis alone, and the axis: that of most pairs."""
    found = {name: _partners(mine, theirs, name) for name in COMPARED}
    best = max(found, key=lambda name: len(found[name]))
    return found[best], best


def _partners(mine: Sequence[Case], theirs: Sequence[Case], name: str) -> list[tuple[Case, Case]]:
    by_key: dict[object, list[Case]] = {}
    for case in theirs:
        by_key.setdefault(case.without(name), []).append(case)
    return [(case, other) for case in mine for other in by_key.get(case.without(name), ())]


def _along_axis(
    pairs: Sequence[tuple[Case, Case]], name: str, b: Run, environments: Sequence[NamedEnvironment]
) -> Plan:
    cases = unique(case for pair in pairs for case in pair)
    known = axis(ENV)
    wanted = {case.setting(ENV) for case in cases} - {known.default if known else ""}
    if missing := sorted(wanted - {each.name for each in environments}):
        sentence = f"The environment {missing[0]} is started only where you name it."
        raise SelectionError(sentence, f"Add --env {missing[0]}=WHERE")
    return Plan("again", cases, b.plan.protocol, name, tuple(each for each in environments if each.name in wanted))


def _along_environments(cases: Sequence[Case], b: Run, environments: Sequence[NamedEnvironment]) -> Plan:
    """Each row in every one of the environments."""
    varied = unique(case.varied(env=each.name) for case in cases for each in environments)
    return Plan("again", varied, b.plan.protocol, ENV, tuple(each for each in environments if each.where))


def _elsewhere(runs: Sequence[Run], here: Environment, plan: Plan) -> str:
    """In what this machine is another than that of a run, in a sentence; its software may be another."""
    for run in runs:
        if run.environment is None:
            continue
        facts = [each for each in differing(run.environment, here, plan.devices) if _is_of_machine(each)]
        if facts:
            return f"The run {run.id} is of another machine: {facts[0]}."
    return ""


def _is_of_machine(difference: str) -> bool:
    """True for a fact of the hardware: ``device cpu``, ``cpu_model``."""
    name = difference.split(" ", 1)[0]
    kind = kind_of(name)
    of_processor = kind is not None and kind.group == "processor"
    return name in ("cpu", "mps") or name.startswith(("cuda:", "xpu:")) or of_processor
