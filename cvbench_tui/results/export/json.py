"""A run as JSON: everything that is known, in SI units."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from cvbench_tui.core.environment import Environment
from cvbench_tui.core.measurement import PHASES, Failure, Measurement, Phase, PhaseSamples
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.results.stats.derived_metrics import energies, others, rates
from cvbench_tui.results.stats.phase_stats import PhaseResult, Terms, set_aside, terms_of, worst_grade
from cvbench_tui.results.stats.row_data import RowData, row_data
from cvbench_tui.results.stats.row_notes import remedy_of

SCHEMA = 2
"""Version of the JSON export's form. History:
1  the first one.
2  grades with their reasons, percentiles, the mean's interval, processes, two speeds, host time, set-aside rounds;
   what the system did in each round, memory, energy, work, rates, variants; ceilings; the environment's identity.
   Everything of 1 is as it was.
"""

STATISTICS = (
    "median_s", "low_s", "high_s", "mean_s", "mean_low_s", "mean_high_s", "min_s", "p5_s", "p95_s", "p99_s",
    "iqr_share", "between_share", "autocorrelation", "n", "rounds", "processes", "repeated_rounds", "grade",
    "host_bound", "host_s", "utilisation",
)  # fmt: skip
"""Those of a phase, under the names they have everywhere."""
FACTS = ("memory_peak_bytes", "parameters", "first_call_s", "warmup_s", "timed_s", "wall_s")
"""What is known of a measured case beside its phases."""


def export_json(run: Run) -> str:
    """Everything that is known, one result on a line, in SI units; what is not available is null.

    A result has either ``phases`` or ``failure``; a case without an outcome has empty ``phases``.
    """
    head = {
        "schema": SCHEMA,
        "run": {
            "id": run.id,
            "plan": run.plan.name,
            "started_at_s": run.started_at_s,
            "ended_at_s": run.ended_at_s,
            "ended": run.ended,
            "program": run.program,
            "ceilings": [asdict(ceiling) | {"flops_per_s": dict(ceiling.flops_per_s)} for ceiling in _ceilings(run)],
        },
        "environment": _environment(run.environment) if run.environment is not None else None,
        "protocol": asdict(run.plan.protocol),
    }
    lines = [f"{json.dumps(key)}: {_compact(value)}" for key, value in head.items()]
    results = ",\n".join(_compact(_result(run, case)) for case in run.plan.cases)
    return "{\n" + ",\n".join([*lines, f'"results": [\n{results}\n]']) + "\n}\n"


def case_facts(case: Case) -> dict[str, Any]:
    """What was asked for."""
    workload = case.workload
    return {
        "id": case.case_id,
        "name": workload.name,
        "kind": workload.kind,
        "op": workload.op,
        "params": dict(workload.params),
        "framework": case.framework,
        "device": case.device,
        "batch": case.batch,
        "image": case.image,
        "input_shape": list(workload.input_shape),
        "precision": case.precision,
        "memory_format": case.memory_format,
        "compile_mode": case.compile_mode,
        "threads": case.threads,
    }


def facts_of(measurement: Measurement | None) -> Mapping[str, float | int | None]:
    """What is known of a measured case beside its phases; all None without one."""
    return {name: getattr(measurement, name) if measurement is not None else None for name in FACTS}


def _ceilings(run: Run) -> list[Any]:
    return [run.ceilings[device] for device in sorted(run.ceilings)]


def _compact(value: object) -> str:
    """JSON on one line. Raises ValueError for a number that JSON does not have."""
    return json.dumps(value, allow_nan=False)


def _environment(environment: Environment) -> dict[str, Any]:
    return {
        "identity_hash": environment.identity_hash,
        "versions": dict(environment.versions),
        "devices": [asdict(device) for device in environment.devices],
        "facts": dict(environment.facts),
    }


def _result(run: Run, case: Case) -> dict[str, Any]:
    """One case with its numbers or its failure."""
    reading, outcome = row_data(run, case), run.outcomes.get(case.case_id)
    result: dict[str, Any] = {"case": case_facts(case), "state": reading.state.word}
    if isinstance(outcome, Failure):
        failure = {"kind": outcome.kind, "sentence": outcome.sentence, "detail": outcome.detail}
        return {**result, "grade": None, "failure": failure}
    if not isinstance(outcome, Measurement):
        return {**result, "grade": None, "phases": {}, "memory_peak_bytes": None}
    terms = terms_of(run, case)
    phases = {name: _phase(reading.phases[name], outcome, name, terms) for name in PHASES if name in reading.phases}
    return {**result, "grade": worst_grade(reading.phases), "phases": phases, **facts_of(outcome), **_beside(reading)}


def _phase(result: PhaseResult, measurement: Measurement, name: Phase, terms: Terms) -> dict[str, Any]:
    """Statistics and samples of one phase, with how the samples fall into rounds and the rounds into processes."""
    taken = measurement.phase(name)
    assert isinstance(taken, PhaseSamples), "a phase with a result has samples"
    achieved = rates(measurement, name, result, terms.ceiling, dict(terms.facts))
    return {
        **{statistic: getattr(result, statistic) for statistic in STATISTICS},
        "reasons": [asdict(reason) | {"remedy": remedy_of(reason.code)} for reason in result.reasons],
        "modes": asdict(result.modes) if result.modes is not None else None,
        "rates": asdict(achieved) if achieved is not None else None,
        "variants": [asdict(other) for other in others(measurement, name, result)],
        "iterations_per_sample": taken.iterations_per_sample,
        "clock": taken.clock,
        "stop": taken.stop,
        "samples_s": [sample for samples in taken.rounds for sample in samples],
        "rounds_per_process": [len(rounds) for rounds in measurement.rounds_by_process(name)],
        "samples_per_round": [len(samples) for samples in taken.rounds],
        "set_aside": list(set_aside(measurement, name, terms.protocol)),
    }


def _beside(reading: RowData) -> dict[str, Any]:
    """What stands beside the times of a measured case; ``passes`` has the evidence, aligned with the rounds."""
    measurement = reading.measurement
    assert measurement is not None, "only of a measured case"
    return {
        "memory": [asdict(memory) for memory in measurement.memory],
        "energy": [
            asdict(energy) | {"disagreement": energy.disagreement} for energy in energies(measurement, reading.case)
        ],
        "work": [asdict(work) for work in measurement.work],
        "passes": [asdict(each) for each in measurement.passes],
        "notices": [asdict(notice) for notice in measurement.notices],
    }
