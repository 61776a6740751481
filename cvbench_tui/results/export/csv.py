"""A run as CSV: one row per case, SI units in the headings."""

from __future__ import annotations

import csv
import io
from typing import Any

from cvbench_tui.core.measurement import PHASES, Failure, Measurement, Phase
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.results.export.json import STATISTICS, case_facts, facts_of
from cvbench_tui.results.stats.derived_metrics import energy_of, others, rates
from cvbench_tui.results.stats.phase_stats import PhaseResult, Terms, terms_of, worst_grade
from cvbench_tui.results.stats.row_data import RowData, row_data
from cvbench_tui.results.table.build import build

_MODES = ("low_s", "high_s", "share_high")
_RATES = ("flop_per_s", "flop_share", "bytes_per_s", "bytes_share")
_MEMORY = ("allocated_bytes", "reserved_bytes", "driver_bytes", "resident_bytes")
_WORK = ("flops", "bytes", "footprint_bytes")


def export_csv(run: Run, *, sort: str | None = None, descending: bool = False) -> str:
    """One row per case, SI units in the headings, an empty cell where nothing is available."""
    rows = [_flat(run, run.plan.case(row.key)) for row in build(run, sort=sort, descending=descending).rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["name"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _flat(run: Run, case: Case) -> dict[str, Any]:
    """One row."""
    reading, outcome = row_data(run, case), run.outcomes.get(case.case_id)
    environment = run.environment
    device = environment.device(case.device) if environment is not None else None
    row = {name: value for name, value in case_facts(case).items() if name not in ("id", "params", "input_shape")}
    row["input_shape"] = "x".join(str(size) for size in case.workload.input_shape)
    row["device_name"] = device.name if device is not None else None
    row["framework_version"] = environment.version(case.framework) if environment is not None else None
    row["identity_hash"] = environment.identity_hash if environment is not None else None
    for phase in PHASES:
        row |= _phase(reading, phase, terms_of(run, case))
    row["inference_per_s"] = reading.inference_per_s
    row |= {**facts_of(reading.measurement), **_energy(reading)}
    row |= {"grade": worst_grade(reading.phases), "state": reading.state.word}
    row["failure"] = outcome.sentence if isinstance(outcome, Failure) else None
    notices = outcome.notices if isinstance(outcome, Measurement) else ()
    row["notices"] = " ".join(notice.code for notice in notices) or None
    return row


def _phase(reading: RowData, phase: Phase, terms: Terms) -> dict[str, Any]:
    """All columns of one phase; empty without a result."""
    result = reading.phases.get(phase)
    cells = {name: getattr(result, name) if result is not None else None for name in STATISTICS}
    cells["reasons"] = (" ".join(reason.code for reason in result.reasons) or None) if result is not None else None
    modes = result.modes if result is not None else None
    cells |= {f"mode_{name}": getattr(modes, name) if modes is not None else None for name in _MODES}
    cells |= _measured(reading, phase, result, terms)
    return {f"{phase}_{name}": value for name, value in cells.items()}


def _measured(reading: RowData, phase: Phase, result: PhaseResult | None, terms: Terms) -> dict[str, Any]:
    """Memory, work, rates and ratios of the other ways of measuring."""
    taken = reading.measurement
    memory = next((each for each in taken.memory if each.phase == phase), None) if taken is not None else None
    work = taken.work_of(phase) if taken is not None else None
    achieved = None
    if taken is not None and result is not None:
        achieved = rates(taken, phase, result, terms.ceiling, dict(terms.facts))
    cells: dict[str, Any] = {name: getattr(memory, name) if memory is not None else None for name in _MEMORY}
    cells |= {name: getattr(work, name) if work is not None else None for name in _WORK}
    cells |= {name: getattr(achieved, name) if achieved is not None else None for name in _RATES}
    ratios = {other.kind: other.ratio for other in others(taken, phase, result)} if taken is not None else {}
    return cells | {f"{kind}_ratio": ratios.get(kind) for kind in ("alone", "flushed", "device_only")}


def _energy(reading: RowData) -> dict[str, Any]:
    """Joules for one input of both passes, and the idle watts."""
    cells: dict[str, Any] = {}
    for name in ("training", "inference"):
        taken = reading.measurement
        energy = energy_of(taken, reading.case, name) if taken is not None else None
        cells[f"{name}_joules_per_input"] = energy.joules_per_input if energy is not None else None
        cells[f"{name}_idle_w"] = energy.idle_w if energy is not None else None
    return cells
