"""Judges the devices of a run: each row against its yardsticks, and why it is below them."""

from __future__ import annotations

from collections.abc import Sequence

from cvbench_tui.core.environment import Environment
from cvbench_tui.core.measurement import Failure, Measurement
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.core.text import plural
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.results.verdict.causes import UNEXPLAINED, causes_of, machine_findings, of_device, remarks_on
from cvbench_tui.results.verdict.model import (
    DeviceVerdict,
    Finding,
    PeakVerdict,
    References,
    RowEvidence,
    RowVerdict,
    Standing,
)
from cvbench_tui.results.verdict.references import PHASES
from cvbench_tui.results.verdict.yardsticks import against_kept, against_peak, against_published, peak_verdicts

INVALID = "invalid: "  # before the reason of a grade X
NOTHING = "there is nothing to compare it with"
_WORST: tuple[Standing, ...] = ("below", "fine", "unknown")


def judge(run: Run, device: str, references: References) -> DeviceVerdict:
    """The verdict on that device of the run. Pure."""
    environment = of_device(run.environment or Environment((), ()), device)
    cases = [case for case in run.plan.cases if case.device == device]
    shown, rows, judged = [], [], []
    for case in cases:
        evidence = _evidence(run, case, environment, references)
        if evidence:
            shown.append(case)
            verdicts = [_row(run, each, references) for each in evidence]
            rows.append(min(verdicts, key=lambda each: _WORST.index(each.standing)))
            judged += evidence
    peak = run.ceilings.get(device)
    peaks = tuple(peak_verdicts(peak, references.peaks)) if peak is not None else ()
    low = [each for each in peaks if each.standing == "below"]
    of_rows = [each for row in rows for each in row.causes]
    of_peaks = list(machine_findings(environment, device)) if low else []
    causes = tuple({each.code: each for each in reversed([*of_rows, *of_peaks])}.values())[::-1]
    explained = {each.code for each in causes}
    remarks = [*remarks_on(judged), *machine_findings(environment, device)]
    standing = _together(rows, peaks)
    known = environment.device(device)
    name = f"{device} {known.name if known is not None else ''}".strip()
    return DeviceVerdict(
        device,
        known.name if known is not None else "",
        standing,
        f"{name}: {_summary(standing, rows, low, causes)}",
        tuple(rows),
        peaks,
        causes,
        tuple(each for each in remarks if each.code not in explained),
        tuple((run.plan.label(case), _why_none(run, case)) for case in cases if case not in shown),
    )


def _evidence(run: Run, case: Case, environment: Environment, references: References) -> list[RowEvidence]:
    """Each judged phase that was measured."""
    outcome = run.outcomes.get(case.case_id)
    if not isinstance(outcome, Measurement):
        return []
    results, peak = row_data(run, case).phases, run.ceilings.get(case.device)
    return [
        RowEvidence(
            case, phase, results[phase], outcome, environment, peak, references.kept.get((case.case_id, phase), ())
        )
        for phase in PHASES
        if phase in results
    ]


def _row(run: Run, row: RowEvidence, references: References) -> RowVerdict:
    label = run.plan.label(row.case, without=("device",))
    times = row.phase, row.result.median_s, row.result.relative
    if not row.result.valid:
        why = next((each.sentence for each in row.result.reasons), "")
        return RowVerdict(row.case.case_id, label, *times, "unknown", (), sentence=f"{INVALID}{why}")
    published = references.published.get((row.case.case_id, row.phase), ())
    found = (against_kept(row), against_published(row, published), against_peak(row))
    against = tuple(each for each in found if each is not None)
    standing: Standing = "unknown"
    if any(each.below is not None for each in against):
        standing = "below" if any(each.below for each in against) else "fine"
    causes = causes_of(row) if standing == "below" else ()
    return RowVerdict(
        row.case.case_id, label, *times, standing, against, causes, NOTHING if standing == "unknown" else ""
    )


def _together(rows: Sequence[RowVerdict], peaks: Sequence[PeakVerdict]) -> Standing:
    """Below where anything is; fine where a row, or without rows a peak, is."""
    standings = [each.standing for each in rows] + [each.standing for each in peaks]
    return "below" if "below" in standings else "fine" if "fine" in standings else "unknown"


def _summary(
    standing: Standing, rows: Sequence[RowVerdict], low: Sequence[PeakVerdict], causes: Sequence[Finding]
) -> str:
    judged = [row for row in rows if row.standing != "unknown"]
    below = [row for row in rows if row.standing == "below"]
    alone = len(rows) - len(judged)
    more = f"; {plural(alone, 'row')} with nothing to compare with" if alone else ""
    if standing == "unknown" and rows and all(row.sentence.startswith(INVALID) for row in rows):
        return f"cannot be judged: no row has a valid time. {rows[0].sentence.removeprefix(INVALID)}"
    if standing == "unknown":
        return "cannot be judged: nothing to compare its rows with" if rows else "cannot be judged: no row has numbers"
    if standing == "fine":
        if not judged:
            return f"its measured peaks are as they should be{more}"
        return f"as fast as it should be ({len(judged)} of {plural(len(rows), 'row')}{more})"
    slow = [f"in {len(below)} of {plural(len(judged), 'row')}"] if below else []
    slow += [f"by its peak of {', '.join(each.name for each in low)}"] if low else []
    likely = f" Likely: {causes[0].sentence}" if causes and causes[0] != UNEXPLAINED else ""
    return f"slower than it should be {' and '.join(slow)}{more}.{likely}"


def _why_none(run: Run, case: Case) -> str:
    outcome = run.outcomes.get(case.case_id)
    return outcome.sentence if isinstance(outcome, Failure) else "not measured"
