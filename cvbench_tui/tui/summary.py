"""The top line: what ``r`` would run, in words. The plan and its duration come from the catalog."""

from __future__ import annotations

from cvbench_tui.catalog.duration import expected_s
from cvbench_tui.catalog.selection import to_plan
from cvbench_tui.core.environment import Environment
from cvbench_tui.errors import SelectionError
from cvbench_tui.results.units import rough_duration_text
from cvbench_tui.tui.picks import Picks


def plan_line(picks: Picks, environment: Environment | None) -> str:
    """``3 models + 2 layers x 2 devices = 10 rows, about 2 min``, or what is missing."""
    what = _workloads(picks)
    if not what:
        return "nothing ticked yet"
    if environment is None:
        return f"{what}, devices not known yet"
    devices = len(picks.devices.ticked)
    if not devices:
        return f"{what}, no device ticked"
    try:
        plan = to_plan(picks.selection(), environment)
    except SelectionError as error:
        return error.message
    rows = count(len(plan.cases), "row")
    return f"{what} x {count(devices, 'device')} = {rows}, about {rough_duration_text(expected_s(plan))}"


def settings_line(picks: Picks) -> str:
    """Protocol, and batch and image size where they are overridden."""
    parts = [f"protocol {picks.protocol}"]
    if picks.batch is not None:
        parts.append(f"batch {picks.batch}")
    if picks.image is not None:
        parts.append(f"image {picks.image}")
    return ", ".join(parts)


def count(number: int, noun: str) -> str:
    """``1 row``, ``2 rows``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _workloads(picks: Picks) -> str:
    models, layers = len(picks.models.ticked), len(picks.layers.ticked)
    parts = [count(models, "model")] if models else []
    parts += [count(layers, "layer")] if layers else []
    both = " + ".join(parts)
    return f"({both})" if len(parts) > 1 else both
