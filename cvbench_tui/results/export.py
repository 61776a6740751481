"""A run as JSON, as CSV and as a file. The markdown is ``results.markdown``'s, the writing ``results.atomic``'s."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cvbench_tui.core.environment import Environment
from cvbench_tui.core.measurement import PHASES, Failure, Measurement, Phase, PhaseSamples
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.results.atomic import check_destination, write_atomically
from cvbench_tui.results.columns import Reading, read
from cvbench_tui.results.markdown import Layout, render
from cvbench_tui.results.statistics import PhaseResult, throughput_per_s
from cvbench_tui.results.table import build

SCHEMA = 1
"""Version of the JSON export's form. History: 1, the first one."""
SUFFIXES = (".md", ".json", ".csv")
"""What a run can be written as."""

_STATISTICS = ("median_s", "low_s", "high_s", "mean_s", "min_s", "n", "rounds")


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
        },
        "environment": _environment(run.environment) if run.environment is not None else None,
        "protocol": asdict(run.plan.protocol),
    }
    lines = [f"{json.dumps(key)}: {_compact(value)}" for key, value in head.items()]
    results = ",\n".join(_compact(_result(run, case)) for case in run.plan.cases)
    return "{\n" + ",\n".join([*lines, f'"results": [\n{results}\n]']) + "\n}\n"


def export_csv(run: Run, *, sort: str | None = None, descending: bool = False) -> str:
    """One row per case, SI units in the headings, an empty cell where nothing is available."""
    rows = [_flat(run, run.plan.case(row.key)) for row in build(run, sort=sort, descending=descending).rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["name"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_output(
    run: Run, path: Path, *, layout: Layout = "wide", sort: str | None = None, descending: bool = False
) -> None:
    """Write the run in the form the suffix says: the whole file or nothing. Raises StoreError when it cannot be."""
    check_destination(path, SUFFIXES)
    suffix = path.suffix.lower()
    if suffix == ".json":
        text = export_json(run)
    elif suffix == ".csv":
        text = export_csv(run, sort=sort, descending=descending)
    else:
        text = render(run, layout, sort=sort, descending=descending)
    write_atomically(path, text)


def check_writable(path: Path) -> None:
    """Refuse a destination that ``write_output`` could not write, with a StoreError. Leaves nothing behind."""
    check_destination(path, SUFFIXES)


def _compact(value: object) -> str:
    """JSON on one line. Raises ValueError for a number that JSON does not have."""
    return json.dumps(value, allow_nan=False)


def _environment(environment: Environment) -> dict[str, Any]:
    return {
        "versions": dict(environment.versions),
        "devices": [asdict(device) for device in environment.devices],
        "facts": dict(environment.facts),
    }


def _result(run: Run, case: Case) -> dict[str, Any]:
    """One case with its numbers or its failure."""
    reading, outcome = read(run, case), run.outcomes.get(case.case_id)
    result: dict[str, Any] = {"case": _case(case), "state": reading.state.word}
    if isinstance(outcome, Failure):
        failure = {"kind": outcome.kind, "sentence": outcome.sentence, "detail": outcome.detail}
        return {**result, "failure": failure}
    if not isinstance(outcome, Measurement):
        return {**result, "phases": {}, "memory_peak_bytes": None}
    phases = {name: _phase(reading.phases[name], outcome, name) for name in PHASES if name in reading.phases}
    return {**result, "phases": phases, **_facts(outcome), "notices": [asdict(notice) for notice in outcome.notices]}


def _case(case: Case) -> dict[str, Any]:
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


def _phase(result: PhaseResult, measurement: Measurement, name: Phase) -> dict[str, Any]:
    """Statistics and samples of one phase, with how the samples fall into rounds and the rounds into processes."""
    taken = measurement.phase(name)
    assert isinstance(taken, PhaseSamples), "a phase with a result has samples"
    return {
        **_statistics(result),
        "iterations_per_sample": taken.iterations_per_sample,
        "clock": taken.clock,
        "stop": taken.stop,
        "samples_s": [sample for samples in taken.rounds for sample in samples],
        "rounds_per_process": [len(rounds) for rounds in measurement.rounds_by_process(name)],
        "samples_per_round": [len(samples) for samples in taken.rounds],
    }


def _statistics(result: PhaseResult | None) -> Mapping[str, float | int | None]:
    """The statistics under the names they have everywhere; all None without a result."""
    return {name: getattr(result, name) if result is not None else None for name in _STATISTICS}


def _facts(measurement: Measurement | None) -> Mapping[str, float | int | None]:
    """What is known of a measured case beside its phases; all None without one."""
    names = ("memory_peak_bytes", "parameters", "first_call_s", "warmup_s", "wall_s")
    return {name: getattr(measurement, name) if measurement is not None else None for name in names}


def _flat(run: Run, case: Case) -> dict[str, Any]:
    """One row of the CSV."""
    reading, outcome = read(run, case), run.outcomes.get(case.case_id)
    device = run.environment.device(case.device) if run.environment is not None else None
    row = {name: value for name, value in _case(case).items() if name not in ("id", "params", "input_shape")}
    row["input_shape"] = "x".join(str(size) for size in case.workload.input_shape)
    row["device_name"] = device.name if device is not None else None
    row["framework_version"] = run.environment.version(case.framework) if run.environment is not None else None
    for phase in PHASES:
        statistics = _statistics(reading.phases.get(phase))
        row |= {f"{phase}_{name}": value for name, value in statistics.items()}
    row["inference_per_s"] = _inference_per_s(reading)
    row |= {**_facts(reading.measurement), "state": reading.state.word}
    row["failure"] = outcome.sentence if isinstance(outcome, Failure) else None
    notices = outcome.notices if isinstance(outcome, Measurement) else ()
    row["notices"] = " ".join(notice.code for notice in notices) or None
    return row


def _inference_per_s(reading: Reading) -> float | None:
    result = reading.phases.get("inference")
    return throughput_per_s(reading.case, result) if result is not None else None
