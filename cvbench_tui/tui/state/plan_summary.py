"""What ``r`` would run, in words. The plan, its duration and its need of memory come from the catalog."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from cvbench_tui.base.escape import visible
from cvbench_tui.catalog.duration import expected_s
from cvbench_tui.catalog.selection import to_plan
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.plan import Plan
from cvbench_tui.core.protocol import PROTOCOLS, Protocol
from cvbench_tui.errors import SelectionError
from cvbench_tui.results.text.units import bytes_text, percent_text, rough_duration_text, significant
from cvbench_tui.tui.state.selection import PlanSelection

if TYPE_CHECKING:
    from cvbench_tui.catalog.memory import TooLarge

MEMORY_DIGITS = 2
"""Significant digits of a need of memory that is a guess, and of what it is compared with."""


def plan_line(
    plan_selection: PlanSelection,
    environment: Environment | None,
    *,
    expected: Callable[[Plan], float] = expected_s,
    too_large: Callable[[Plan], Sequence[object]] | None = None,
) -> Content:
    """``3 models x 2 devices = 6 rows, about 2 min; 2 will not fit in memory``, or what is missing.

    ``expected`` guesses the seconds of a plan; ``too_large`` finds its rows that will not fit, by default from the
    catalog's sizes.
    """
    what = _workloads(plan_selection)
    if not what:
        return Content("nothing ticked yet")
    if environment is None:
        return Content(f"{what}, devices not known yet")
    devices = len(plan_selection.devices.ticked)
    if not devices:
        return Content(f"{what}, no device ticked")
    try:
        plan = to_plan(plan_selection.selection(), environment)
    except SelectionError as error:
        return Content(visible(error.message))
    rows = count(len(plan.cases), "row")
    line = f"{what} x {count(devices, 'device')} = {rows}, about {rough_duration_text(expected(plan))}"
    problems = len(too_large(plan) if too_large is not None else _too_large(plan, environment))
    if not problems:
        return Content(line)
    return Content.assemble(line, (f"; {problems} will not fit in memory", "$text-warning bold"))


def fit_lines(problems: Iterable[TooLarge]) -> tuple[str, ...]:
    """Each row that will not fit, with what it needs and what there is.

    ``VGG19 on cuda:0, batch 64: needs about 31 GiB, the device has 24 GiB.``
    """
    return tuple(
        visible(f"{case.workload.name} on {case.device}, batch {case.batch}: ")
        + f"needs about {_memory_text(problem.needs_bytes)}, the device has {_memory_text(problem.has_bytes)}."
        for problem in problems
        for case in (problem.case,)
    )


def settings_line(plan_selection: PlanSelection) -> str:
    """Protocol, and batch, image size and extras where they are set."""
    parts = [f"protocol {plan_selection.protocol}"]
    if plan_selection.batch is not None:
        parts.append(f"batch {plan_selection.batch}")
    if plan_selection.image is not None:
        parts.append(f"image {plan_selection.image}")
    parts += [f"with {extra.replace('_', ' ')}" for extra in plan_selection.extras]
    return ", ".join(parts)


def protocol_line(name: str) -> str:
    """What a named protocol means, in at most 76 cells. Raises KeyError for a name that is none."""
    protocol = PROTOCOLS[name]
    if protocol.method == "published":
        return (
            f"the published loop: {protocol.iterations} passes, {protocol.iterations_cpu} on the CPU, "
            "the first left out"
        )
    return "; ".join((_stop_rule(protocol), *_beside(protocol)))


def count(number: int, noun: str) -> str:
    """``1 row``, ``2 rows``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _stop_rule(protocol: Protocol) -> str:
    rounds = f"{protocol.min_rounds} to {protocol.max_rounds} rounds"
    return f"stops at \u00b1{percent_text(protocol.precision)} or {protocol.budget_s:g} s a pass, {rounds}"


def _beside(protocol: Protocol) -> list[str]:
    """What it does beyond its rounds."""
    beside = []
    if protocol.max_processes > 1:
        beside.append(f"{protocol.processes} to {protocol.max_processes} processes")
    if protocol.extras:
        extras = " + ".join(protocol.extras) if len(protocol.extras) < 3 else count(len(protocol.extras), "extra")
        beside.append(extras)
    return beside


def _too_large(plan: Plan, environment: Environment) -> Sequence[object]:
    from cvbench_tui.catalog.memory import too_large

    return too_large(plan, environment)


def _memory_text(size_bytes: int) -> str:
    """``31 GiB``: a guess is not told to the megabyte."""
    number, unit = bytes_text(size_bytes).split()
    return f"{significant(float(number), MEMORY_DIGITS)} {unit}"


def _workloads(plan_selection: PlanSelection) -> str:
    models, layers = len(plan_selection.models.ticked), len(plan_selection.layers.ticked)
    parts = [count(models, "model")] if models else []
    parts += [count(layers, "layer")] if layers else []
    both = " + ".join(parts)
    return f"({both})" if len(parts) > 1 else both
