"""A run as JSON: everything that is known, in SI units."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from cvbench_tui.base.choices import Layout
from cvbench_tui.core.axes import AXES
from cvbench_tui.core.facts import environment_id
from cvbench_tui.core.figures import Figure
from cvbench_tui.core.measurement import PHASES, Failure, Measurement, Phase
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run, environment_of
from cvbench_tui.results.stats.derived_metrics import energies, rates, variants
from cvbench_tui.results.stats.phase_stats import PhaseResult, Terms, clean_of, repeated, terms_of
from cvbench_tui.results.stats.published import difference
from cvbench_tui.results.stats.row_data import RowData, remedy_of, row_data
from cvbench_tui.results.stats.together import together
from cvbench_tui.results.table.build import build
from cvbench_tui.results.table.cell import Cell
from cvbench_tui.results.table.model import Row, Table
from cvbench_tui.results.table.view import View

SCHEMA = 6
"""Version of the JSON export's form. History:
1  the first one.
2  grades with their reasons, percentiles, the mean's interval, processes, two speeds, host time, repeated rounds
   (`set_aside`); what the system did in each round, memory, energy, work, rates, variants;
   ceilings; the environment's identity.
   Everything of 1 is as it was.
3  the table's columns as cells: value, unit, relative half width, grade, two speeds, share of the peak; beside a
   published result `clean`, by today's method, with its `differences`; `device_s`, the device's own time, and `host_s`
   is the wall time of a loop (it was the time to queue an iteration, which is still in the evidence of the rounds).
   `environment_id` of each case, for its device; `identity_hash` is that of all the machine's devices together.
   Everything else of 2 is as it was.
4  `quality` of a result in place of `state`, and as a column in place of `grade` and `state`; cells have `valid` where
   it is false, and no grade. Grades are A to D and X. `processes` and `span_s` of a result.
   Everything else of 3 is as it was.
5  a case has each axis of settings by its name: `precision` ("default" where it was "float32"), `memory_format`,
   `compile` in place of `compile_mode`, `threads` ("cores" where it was null, numbers as text), and those that are new;
   `settings` are those that are not default, also of axes that this version does not have; `finds_batch`: the batch is
   the largest that fits, as the run found it. The same as columns of the table, among `cells`.
   Everything else of 4 is as it was.
6  where rows of other runs stand beside: ``beside``, with what is known of each of them, and ``run`` of every result,
   its id; ``figure`` of a result that others have published, whose phases have ``median_s`` and what is ``printed``
   alone, and no grade. Everything else of 5 is as it was.
"""

STATISTICS = (
    "median_s", "low_s", "high_s", "mean_s", "mean_low_s", "mean_high_s", "min_s", "p5_s", "p95_s", "p99_s",
    "iqr_share", "between_share", "autocorrelation", "n", "rounds", "visits", "repeated_rounds", "grade",
    "host_bound", "device_s", "host_s", "utilisation",
)  # fmt: skip
USUAL = asdict(Cell(None))  # fields of a cell that say nothing
FACTS = ("memory_peak_bytes", "parameters", "first_call_s", "warmup_s", "timed_s", "wall_s", "processes", "span_s")


_compact = partial(json.dumps, allow_nan=False)
"""JSON on one line. Raises ValueError for a number that JSON does not have."""


def render(run: Run, _layout: Layout, view: View) -> str:
    """Everything that is known, one result on a line in the plan's order, in SI units; null: not available.

    A result has either ``phases`` or ``failure``; a case without an outcome has empty ``phases``.
    """
    run = together(run, view.beside)
    head: dict[str, Any] = {"schema": SCHEMA, **_head(run)}
    if run.borrowed:
        others = {origin.run.id: origin.run for origin in run.borrowed.values()}
        head["beside"] = [_head(other) for other in others.values()]
    lines = [f"{json.dumps(key)}: {_compact(value)}" for key, value in head.items()]
    table = build(run, View(reference=view.reference, compare=view.compare))
    results = ",\n".join(
        _compact(result_of(run, case, samples=True) | {"cells": _cells(table, row)})
        for case, row in zip(run.plan.cases, table.rows, strict=True)
    )
    return "{\n" + ",\n".join([*lines, f'"results": [\n{results}\n]']) + "\n}\n"


def _head(run: Run) -> dict[str, Any]:
    """What is known of a run, its environment and its protocol."""
    peaks = [run.ceilings[device] for device in sorted(run.ceilings)]
    environment = run.environment
    return {
        "run": {
            "id": run.id,
            "plan": run.plan.name,
            "name": run.name,
            "tags": run.tags,
            "started_at_s": run.started_at_s,
            "ended_at_s": run.ended_at_s,
            "ended": run.ended,
            "program": run.program,
            "ceilings": [asdict(peak) | {"flops_per_s": dict(peak.flops_per_s)} for peak in peaks],
        },
        "environment": environment
        and {
            "identity_hash": environment.identity_hash,
            "versions": dict(environment.versions),
            "devices": [asdict(device) for device in environment.devices],
            "facts": dict(environment.facts),
        },
        "protocol": asdict(run.plan.protocol),
    }


def result_of(run: Run, case: Case, *, samples: bool) -> dict[str, Any]:
    """One case with its numbers or its failure; ``samples``: with them and the evidence of their rounds."""
    source, mine = run.home(case)
    if source is not run:
        borrowed = result_of(source, mine, samples=samples) | {"run": source.id}
        return borrowed | {"case": borrowed["case"] | {"id": case.case_id}}
    row, outcome = row_data(run, case), run.outcomes.get(case.case_id)
    environment = environment_of(run, case)
    identity = environment_id(environment, case.device) if environment is not None else None
    result: dict[str, Any] = {
        "case": _case(case),
        "environment_id": identity,
        "quality": row.quality.text,
        "grade": row.quality.letter,
        **({"run": run.id} if run.borrowed else {}),
    }
    if row.figure is not None:
        return {**result, "phases": _printed(row, row.figure), "figure": _figure(row.figure)}
    if isinstance(outcome, Failure):
        failure = {"kind": outcome.kind, "sentence": outcome.sentence, "detail": outcome.detail}
        return {**result, "failure": failure}
    if not isinstance(outcome, Measurement):
        return {**result, "phases": {}, "memory_peak_bytes": None}
    terms = terms_of(run, case)
    beside = clean_of(outcome, terms)
    return {
        **result,
        "phases": _phases(row.phases, outcome, terms, samples=samples),
        **({"clean": _clean(row, *beside, samples=samples)} if beside is not None else {}),
        **{name: getattr(outcome, name) for name in FACTS},
        **({"check": asdict(outcome.check) | {"same": outcome.check.same}} if outcome.check else {}),
        **({"optimizer": outcome.optimizer} if outcome.optimizer else {}),
        "memory": [asdict(memory) for memory in outcome.memory],
        "energy": [asdict(energy) for energy in energies(outcome, case)],
        "work": [asdict(work) for work in outcome.work],
        **({"passes": [asdict(each) for each in outcome.passes]} if samples else {}),
        **({"compilation": asdict(outcome.compilation)} if outcome.compilation is not None else {}),
        "notices": [asdict(notice) for notice in outcome.notices],
    }


def _printed(row: RowData, figure: Figure) -> dict[str, Any]:
    phases = row.phases.items()
    return {name: {"median_s": result.median_s, "printed": figure.printed[name]} for name, result in phases}


def _figure(figure: Figure) -> dict[str, Any]:
    return asdict(figure.of) | {"notes": " ".join(figure.reading)}


def _cells(table: Table, row: Row) -> dict[str, Any]:
    """The row's cell in every column of the table that has a value, by the column's key; fields that say something."""
    return {
        column.key: {name: value for name, value in asdict(cell).items() if name == "value" or value != USUAL[name]}
        for column, cell in zip(table.columns, row.cells, strict=True)
        if cell.value is not None and not column.drawn
    }


def _case(case: Case) -> dict[str, Any]:
    workload = case.workload
    return {
        "id": case.case_id,
        "name": workload.name,
        "kind": workload.kind,
        "op": workload.op,
        "params": dict(workload.params),
        **{name: getattr(case, name) for name in ("framework", "device", "batch", "image")},
        "input_shape": list(workload.input_shape),
        "finds_batch": case.finds_batch,
        **{axis.name: case.setting(axis.name) for axis in AXES},
        "settings": dict(case.settings),
    }


def _clean(row: RowData, measurement: Measurement, terms: Terms, *, samples: bool) -> dict[str, Any]:
    """What was measured beside the published loop, and how far that is from it."""
    apart = {phase: difference(row, phase) for phase in PHASES}
    return {
        "phases": _phases(row.clean, measurement, terms, samples=samples),
        "differences": {phase: asdict(each) for phase, each in apart.items() if each is not None},
        **{name: getattr(measurement, name) for name in ("warmup_s", "timed_s", "wall_s", "processes", "span_s")},
        **({"passes": [asdict(each) for each in measurement.passes]} if samples else {}),
    }


def _phases(
    results: Mapping[Phase, PhaseResult], measurement: Measurement, terms: Terms, *, samples: bool
) -> dict[str, Any]:
    return {name: _phase(result, measurement, name, terms, samples=samples) for name, result in results.items()}


def _phase(
    result: PhaseResult, measurement: Measurement, name: Phase, terms: Terms, *, samples: bool
) -> dict[str, Any]:
    """Statistics; ``samples``: with how they fall into rounds and the rounds into visits."""
    phase, achieved = measurement.phase(name), rates(measurement, name, result, terms)
    assert phase is not None, "a phase with a result has samples"
    known = vars(result)
    figures = {
        **{statistic: known[statistic] for statistic in STATISTICS},
        "reasons": [asdict(reason) | {"remedy": remedy_of(reason.code)} for reason in result.reasons],
        "modes": asdict(result.modes) if result.modes is not None else None,
        "rates": asdict(achieved) if achieved is not None else None,
        "variants": [asdict(variant) for variant in variants(measurement, name, result)],
    }
    if not samples:
        return figures
    return figures | {
        "iterations_per_sample": phase.iterations_per_sample,
        "clock": phase.clock,
        "stop": phase.stop,
        "samples_s": [sample for samples in phase.rounds for sample in samples],
        "rounds_per_process": [len(rounds) for rounds in measurement.rounds_by_visit(name)],
        "samples_per_round": [len(samples) for samples in phase.rounds],
        "set_aside": list(repeated(measurement, name, terms.protocol)),
    }
