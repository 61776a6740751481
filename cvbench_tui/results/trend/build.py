"""Makes the trend of one row from the kept runs that measured it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from cvbench_tui.core.axes import labels
from cvbench_tui.core.facts import differing
from cvbench_tui.core.measurement import PHASES, Measurement, Phase
from cvbench_tui.core.plan import Case
from cvbench_tui.core.row_names import batch_text, settings_of
from cvbench_tui.core.run import Run
from cvbench_tui.core.stats.ratio import LEVEL, p_different, unpaired, within
from cvbench_tui.errors import SelectionError
from cvbench_tui.results.compare.model import BOUND
from cvbench_tui.results.compare.row_ratio import repeats_of
from cvbench_tui.results.stats.phase_stats import PhaseResult, phase_results, reported, terms_of
from cvbench_tui.results.storage.history import History
from cvbench_tui.results.storage.past_runs import PastRun, past_runs
from cvbench_tui.results.trend.choose import KnownRow, Wish, choose

LAST = 20  # runs that are shown unless the user says how many
MAX_LAST = 400  # runs that are read at most: 10 ms each
Step = Literal["faster", "slower", ""]
_PREFERRED: tuple[Phase, ...] = ("total", "inference", *PHASES)  # the first that was measured is shown


@dataclass(frozen=True)
class TrendPoint:
    """The row in one run."""

    run_id: str
    name: str  # what the run is called
    path: Path
    at_s: float  # when the run began, seconds since the epoch
    batch: int
    seconds: float  # per iteration: the number that tables show
    low_s: float  # ends of its 95% interval; the number itself where there is none
    high_s: float
    relative: float | None  # half width of the interval as a share of the number
    grade: str  # empty for a published figure
    changes: tuple[str, ...] = ()  # what differs from the run before: ``torch 2.14.1, was 2.11.0``
    step: Step = ""  # against the run before, where that is certain

    @property
    def valid(self) -> bool:
        """False for a number of grade X."""
        return self.grade != "X"


@dataclass(frozen=True)
class Trend:
    """One phase of a row over the kept runs."""

    workload: str
    settings: str  # ``batch 8, amp-bf16``
    device: str  # ``cpu``
    device_name: str
    phase: Phase
    points: tuple[TrendPoint, ...]  # oldest first
    others: tuple[str, ...] = ()  # rows of the same name that are not shown, newest first
    left_out: int = 0  # older runs that are not shown
    without: int = 0  # runs that measured the row, but not this phase
    problems: tuple[str, ...] = ()  # files that could not be read


def trend_of(history: History, wish: Wish, phase: Phase | None = None, last: int = LAST) -> Trend:
    """The trend of the row of that wish which was measured last. ``phase``: None takes the first of total, inference
    and the others that it has. ``last``: so many runs, the newest. Raises SelectionError for a row or phase that no
    kept run has."""
    row, others = choose(history, wish)
    return _trend(history, row, phase, last, others)


def trend_of_row(history: History, run: Run, case: Case, last: int = LAST) -> Trend:
    """The trend of a row that is on screen. Raises SelectionError where no kept run has it."""
    device = run.environment.device(case.device) if run.environment is not None else None
    return _trend(history, KnownRow(case.case_id, device.name if device is not None else ""), None, last, ())


def _trend(history: History, row: KnownRow, phase: Phase | None, last: int, others: tuple[str, ...]) -> Trend:
    kept = past_runs(history, lambda *other: other == (row.case_id, row.device_name), min(last, MAX_LAST))
    rows = [(past, case, results) for past in reversed(kept.runs) for case, results in _row(past.run, row.case_id)]
    measured = list(dict.fromkeys(each for _, _, results in rows for each in results))
    chosen = phase or next((each for each in _PREFERRED if each in measured), None)
    results = [found[chosen] for _, _, found in rows if chosen in found]
    points = [_point(past, case, found[chosen]) for past, case, found in rows if chosen in found]
    if not points or chosen is None:
        if kept.problems:
            raise SelectionError(kept.problems[0], "cvbench-tui list runs shows what can be read.")
        if phase is not None and measured:
            raise SelectionError(f"No kept run has its {phase}.", f"Its phases are {', '.join(measured)}.")
        raise SelectionError("No kept run has numbers of this row.", "Each run is kept: r measures what is ticked.")
    runs = [past.run for past, _, found in rows if chosen in found]
    case = next(case for _, case, found in reversed(rows) if chosen in found)
    return Trend(
        case.workload.name,
        ", ".join((batch_text(case), *labels(settings_of(case)))),
        case.device,
        row.device_name,
        chosen,
        _stepped(points, results, runs, case.device),
        others,
        kept.left_out,
        len(rows) - len(points),
        kept.problems,
    )


def _row(run: Run, case_id: str) -> list[tuple[Case, dict[Phase, PhaseResult]]]:
    """That case of the run with its statistics, where it was measured; one at most."""
    outcome = run.outcomes.get(case_id)
    if not isinstance(outcome, Measurement) or all(case.case_id != case_id for case in run.plan.cases):
        return []
    case = run.plan.case(case_id)
    return [(case, dict(phase_results(outcome, terms_of(run, case))))]


def _point(past: PastRun, case: Case, result: PhaseResult) -> TrendPoint:
    run = past.run
    seconds, relative = reported(run.plan.protocol, result)
    width_s = seconds * (relative or 0.0)
    return TrendPoint(
        run.id, past.name, past.path, run.started_at_s, case.batch, seconds, max(0.0, seconds - width_s),
        seconds + width_s, relative, result.grade or "",
    )  # fmt: skip


def _stepped(
    points: Sequence[TrendPoint], results: Sequence[PhaseResult], runs: Sequence[Run], device: str
) -> tuple[TrendPoint, ...]:
    """The points with what changed since the one before: the environment, the protocol, the batch that was found, and
    the time where the change is certain."""
    stepped = list(points[:1])
    for at in range(1, len(points)):
        before, now = points[at - 1], points[at]
        changes = _changes(before, now, runs[at - 1], runs[at], device)
        stepped.append(replace(now, changes=changes, step=_step(before, now, results[at - 1], results[at])))
    return tuple(stepped)


def _changes(before: TrendPoint, now: TrendPoint, old: Run, new: Run, device: str) -> tuple[str, ...]:
    changes: tuple[str, ...] = ()
    if old.environment is not None and new.environment is not None:
        changes = differing(old.environment, new.environment, (device,))
    was, protocol = old.plan.protocol.name, new.plan.protocol.name
    return (
        *changes,
        *([f"protocol {protocol}, was {was}"] if was != protocol else []),
        *([f"largest batch {now.batch}, was {before.batch}"] if now.batch != before.batch else []),
    )


def _step(before: TrendPoint, now: TrendPoint, was: PhaseResult, result: PhaseResult) -> Step:
    """What a comparison of the two runs would say of this row by itself."""
    if not (before.valid and now.valid) or before.relative is None or now.relative is None:
        return ""
    if before.seconds <= 0 or now.seconds <= 0:
        return ""
    ratio = unpaired(repeats_of(was, before.batch), repeats_of(result, now.batch))
    if within(ratio, BOUND) or p_different(ratio) > LEVEL:
        return ""
    return "faster" if ratio.speedup > 1 else "slower"
