"""What ``r`` would run, in words. The plan, its duration and its need of memory come from the catalog."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from textual.content import Content

from cvbench_tui.base.escape import visible
from cvbench_tui.catalog.duration import about, expected_by_case, too_long
from cvbench_tui.catalog.selection import to_plan
from cvbench_tui.core.axes import AXES
from cvbench_tui.core.environment import Environment
from cvbench_tui.core.plan import Plan
from cvbench_tui.core.protocol import PROTOCOLS
from cvbench_tui.core.text import plural
from cvbench_tui.errors import SelectionError
from cvbench_tui.results.text.units import percent_text, rough_duration_text
from cvbench_tui.tui.state.plan_settings import PlanSettings
from cvbench_tui.tui.state.selection import PlanSelection

MOST_JUDGED = 2000
"""Rows of a plan whose duration and problems are told: they take 0.1 ms a row, after each tick."""


def plan_line(
    plan_selection: PlanSelection,
    environment: Environment | None,
    *,
    expected: Callable[[Plan], Mapping[str, float]] = expected_by_case,
    how: PlanSettings | None = None,
) -> Content:
    """``3 models x 2 precisions = 6 rows, about 2 min; 1 unsupported, 2 will not fit in memory``, or what is missing.
    ``how``: measured like that, in place of what is set."""
    numbers = ((len(plan_selection.models.ticked), "model"), (len(plan_selection.layers.ticked), "layer"))
    counted = [plural(number, noun) for number, noun in numbers if number]
    if not counted:
        return Content("nothing ticked yet")
    what = counted[0] if len(counted) == 1 else f"({' + '.join(counted)})"
    if environment is None:
        return Content(f"{what}, devices not known yet")
    if not plan_selection.devices.ticked:
        return Content(f"{what}, no device ticked")
    how = how or plan_selection.how
    try:
        plan = to_plan(replace(plan_selection.selection(), **vars(how)), environment)
    except SelectionError as error:
        return Content(visible(error.message))
    factors = _factors(len(plan_selection.devices.ticked), how)
    line = f"{' x '.join([what, *factors])} = {plural(len(plan.cases), 'row')}"
    if len(plan.cases) > MOST_JUDGED:
        return Content.assemble(line, ("; many rows", "$text-warning bold"))
    duration_s = sum(expected(plan).values())
    from cvbench_tui.results.plan_notes import counted as problems_of
    from cvbench_tui.results.plan_notes import plan_notes

    notes = [problems_of(plan_notes(plan, environment)), too_long(len(plan.cases), duration_s)]
    warnings = "".join(f"; {note}" for note in notes if note)
    return Content.assemble(
        f"{line}, {about(plan)} {rough_duration_text(duration_s)}", (warnings, "$text-warning bold")
    )


def _factors(devices: int, how: PlanSettings) -> list[str]:
    """``["2 precisions", "3 batches"]``: what the workloads are multiplied by. Of one device only where it is all."""
    settings = dict(how.settings)
    counts = [(len(settings.get(axis.name, ())), axis.counted) for axis in AXES]
    counts.append((len(how.batches), lambda number: plural(number, "batch", "batches")))
    counts.append((len(how.images), lambda number: plural(number, "image size")))
    factors = [words(number) for number, words in counts if number > 1]
    return [plural(devices, "device"), *factors] if devices > 1 or not factors else factors


def settings_line(plan_selection: PlanSelection, *, running: str | None = None) -> str:
    """Protocol, and batch, image size and extras where they are set. ``running``: name of the running protocol."""
    later = " (next run)" if running not in (None, plan_selection.protocol) else ""
    parts = [f"protocol {plan_selection.protocol}{later}"]
    if plan_selection.batches:
        parts.append(f"batch {', '.join(map(str, plan_selection.batches))}")
    if plan_selection.images:
        parts.append(f"image {', '.join(map(str, plan_selection.images))}")
    parts += [f"{name.replace('_', ' ')} {', '.join(values)}" for name, values in plan_selection.settings.items()]
    parts += [f"alternated along {plan_selection.alternated.replace('_', ' ')}"] * bool(plan_selection.alternated)
    parts += ["phases " + ", ".join(plan_selection.phases)] * bool(plan_selection.phases)
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
