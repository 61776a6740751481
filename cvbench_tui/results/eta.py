"""How long a run still takes, from what its finished cases took. Before the first one, from the plan's guess."""

from __future__ import annotations

from cvbench_tui.core.measurement import Measurement
from cvbench_tui.core.run import Run


def done_share(run: Run) -> float:
    """Share of the run's work that is done, 0 to 1: settled cases, and the running one's own fraction."""
    total = _units(run)
    return min(1.0, _units_done(run) / total) if total else 1.0


def eta_s(run: Run, expected_s: float) -> float:
    """Seconds the run still takes: what is left, times the mean wall time of what was measured.

    A unit is one case in one process. ``expected_s`` is the guess for the whole plan, used until the first
    case is measured.
    """
    left = _units(run) - _units_done(run)
    measured = run.measured
    walls = sum(measurement.wall_s for measurement in measured)
    units = sum(measurement.processes for measurement in measured)
    per_unit = walls / units if units else expected_s / max(1, _units(run))
    return max(0.0, left) * per_unit


def _units(run: Run) -> int:
    return len(run.plan.cases) * run.plan.protocol.processes


def _units_done(run: Run) -> float:
    """A failed case takes no further process; the running one counts by its fraction."""
    each = run.plan.protocol.processes
    settled = sum(outcome.processes if isinstance(outcome, Measurement) else each for outcome in run.outcomes.values())
    return settled + (run.progress.fraction if run.progress is not None else 0.0)
