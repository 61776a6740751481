"""What ``r`` would run, in words. The plan, its duration and its need of memory come from the catalog."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from textual.content import Content

from cvbench_tui.base.escape import visible
from cvbench_tui.catalog.duration import expected_by_case
from cvbench_tui.catalog.selection import to_plan
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.plan import Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.text import plural
from cvbench_tui.errors import SelectionError
from cvbench_tui.results.text.units import bytes_parts, percent_text, rough_duration_text, significant
from cvbench_tui.tui.state.selection import PlanSelection

if TYPE_CHECKING:
    from cvbench_tui.catalog.memory import TooLarge

MEMORY_DIGITS = 2  # significant digits of a need of memory that is a guess, and of what it is compared with


def plan_line(
    plan_selection: PlanSelection,
    environment: Environment | None,
    *,
    expected: Callable[[Plan], Mapping[str, float]] = expected_by_case,
) -> Content:
    """``3 models x 2 devices = 6 rows, about 2 min; 2 will not fit in memory``, or what is missing."""
    numbers = ((len(plan_selection.models.ticked), "model"), (len(plan_selection.layers.ticked), "layer"))
    counted = [plural(number, noun) for number, noun in numbers if number]
    if not counted:
        return Content("nothing ticked yet")
    what = counted[0] if len(counted) == 1 else f"({' + '.join(counted)})"
    if environment is None:
        return Content(f"{what}, devices not known yet")
    devices = len(plan_selection.devices.ticked)
    if not devices:
        return Content(f"{what}, no device ticked")
    try:
        plan = to_plan(plan_selection.selection(), environment)
    except SelectionError as error:
        return Content(visible(error.message))
    rows = plural(len(plan.cases), "row")
    line = f"{what} x {plural(devices, 'device')} = {rows}, about {rough_duration_text(sum(expected(plan).values()))}"
    from cvbench_tui.catalog.memory import too_large

    problems = len(too_large(plan, environment))
    return Content.assemble(line, (f"; {problems} will not fit in memory" if problems else "", "$text-warning bold"))


def fit_lines(problems: Iterable[TooLarge]) -> tuple[str, ...]:
    """For each row that will not fit ``VGG19 on cuda:0, batch 64: needs about 31 GiB, the device has 24 GiB.``"""
    lines = []
    for each in problems:
        row = f"{each.case.workload.name} on {each.case.device}, batch {each.case.batch}"
        needs, has = _memory_text(each.needs_bytes), _memory_text(each.has_bytes)
        lines.append(f"{visible(row)}: needs about {needs}, the device has {has}.")
    return tuple(lines)


def settings_line(plan_selection: PlanSelection, *, running: str | None = None) -> str:
    """Protocol, and batch, image size and extras where they are set. ``running``: name of the running protocol."""
    later = " (next run)" if running not in (None, plan_selection.protocol) else ""
    parts = [f"protocol {plan_selection.protocol}{later}"]
    if plan_selection.batch is not None:
        parts.append(f"batch {plan_selection.batch}")
    if plan_selection.image is not None:
        parts.append(f"image {plan_selection.image}")
    parts += [f"with {extra.replace('_', ' ')}" for extra in plan_selection.extras]
    return ", ".join(parts)


def protocol_line(name: str) -> str:
    """What a named protocol means, in at most 76 cells. Raises KeyError for an unknown name."""
    protocol = PROTOCOLS[name]
    if protocol.method == "published":
        return f"the published loop: {protocol.iterations} iterations, models on the CPU {protocol.iterations_cpu}" + (
            f"; then {protocol.clean.name}" if protocol.clean is not None else ""
        )
    parts = [
        f"{protocol.visits} to {protocol.max_visits} visits over {protocol.span_s:g} s or more, "
        f"until \u00b1{percent_text(protocol.precision)}"
    ]
    if protocol.extras:
        few = len(protocol.extras) < 3
        parts.append(" + ".join(protocol.extras) if few else plural(len(protocol.extras), "extra"))
    return "; ".join(parts)


def _memory_text(size_bytes: int) -> str:
    """``31 GiB``: a guess has no megabytes."""
    number, unit = bytes_parts(size_bytes)
    return f"{significant(float(number), MEMORY_DIGITS)} {unit}"
