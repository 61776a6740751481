"""What a device's rows are compared with: kept runs that measured them, and published figures of that kind."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cvbench_tui.core.measurement import Measurement, Phase
from cvbench_tui.core.peak import DevicePeak
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.results.published.load import published
from cvbench_tui.results.stats.phase_stats import PhaseResult, phase_result, terms_of
from cvbench_tui.results.storage.history import History
from cvbench_tui.results.storage.past_runs import past_runs
from cvbench_tui.results.verdict.model import Reference, References, RowKey, median_of

LAST = 20  # kept runs that are read, the newest
PHASES: tuple[Phase, ...] = ("total", "inference", "step")  # that are judged
_BRANDS = re.compile(r"\b(?:nvidia|geforce|tesla|amd|radeon|graphics|gpu|\d+\s?gb|hbm\w*|gddr\w*)\b|\((?:r|tm)\)")
"""What names of one product may have or not."""


def product(name: str) -> str:
    """A device's product name without brand and memory: ``gtx 1080 ti``."""
    return " ".join(_BRANDS.sub(" ", name.casefold()).split())


def references(history: History, run: Run, device: str, *peaks: DevicePeak | None) -> References:
    """What is known of that device's rows of the run. ``peaks``: others of the device. Reads at most ``LAST`` files."""
    cases = [case for case in run.plan.cases if case.device == device]
    known = run.environment.device(device) if run.environment is not None else None
    if known is None:
        return References()
    ids = {case.case_id for case in cases}
    kept: dict[RowKey, list[Reference]] = {}
    before = [each for each in peaks if each is not None]
    found = past_runs(history, lambda case_id, name: case_id in ids and name == known.name, LAST + 1)
    for past in [each for each in found.runs if each.run.id != run.id][:LAST]:
        if (peak := past.run.ceilings.get(device)) is not None:
            before.append(peak)
        for case in cases:
            for phase, result, clock_hz in _times(past.run, case):
                reference = Reference(past.name, result.median_s, past.run.environment, clock_hz)
                kept.setdefault((case.case_id, phase), []).append(reference)
    others: dict[RowKey, list[Reference]] = {}
    for name, case, phase, seconds in _published(known.name):
        for mine in cases:
            if _work(mine) == _work(case):
                others.setdefault((mine.case_id, phase), []).append(Reference(name, seconds))
    return References(_fixed(kept), _fixed(others), tuple(before))


def _times(run: Run, case: Case) -> Iterator[tuple[Phase, PhaseResult, float | None]]:
    """The valid times of that case in the run."""
    outcome = run.outcomes.get(case.case_id)
    if not isinstance(outcome, Measurement):
        return
    for phase in PHASES:
        result = phase_result(outcome, phase, terms_of(run, case))
        if result is not None and result.valid and result.median_s > 0:
            rounds = (each for record in outcome.passes_of(phase) for each in record.evidence)
            yield phase, result, median_of(each.clock_hz for each in rounds)


def _published(device_name: str) -> Iterator[tuple[str, Case, Phase, float]]:
    """Figures in PyTorch of devices of that name."""
    for run in published().values():
        for case in run.plan.cases:
            theirs = run.environment.device(case.device) if run.environment is not None else None
            if theirs is None or product(theirs.name) != product(device_name) or not _is_torch(case.framework):
                continue
            outcome = run.outcomes.get(case.case_id)
            for each in outcome.phases if isinstance(outcome, Measurement) else ():
                yield run.id, case, each.phase, each.rounds[0][0]


def _is_torch(framework: str) -> bool:
    """PyTorch alone: ``PyTorch NGC 21.03, reading images`` is another measurement."""
    return framework.casefold().startswith("pytorch") and "," not in framework


def _work(case: Case) -> tuple[object, ...]:
    """What two rows of the same work have in common, whatever the device's number."""
    return case.workload.kind, case.workload.op, case.workload.input_shape, case.batch, case.settings


def _fixed(found: dict[RowKey, list[Reference]]) -> dict[RowKey, tuple[Reference, ...]]:
    return {key: tuple(each) for key, each in found.items()}
