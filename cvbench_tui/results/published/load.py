"""The published figures as runs: each of the files beside this module has those of one source.

A file has ``source``, ``url``, ``licence``, ``date``, ``notes`` and its ``runs``, one for each device. A run has its
``sets``, one for each framework, way of measuring and group of settings, in which ``figures`` is a table of texts: the
workloads by the names of the lists with ``_`` for a blank, ``batch``, then phases in ``unit``, each number as it is
printed; a dash where there is none.
"""

from __future__ import annotations

import sys
from calendar import timegm
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from time import strptime
from typing import Any

from cvbench_tui import __version__
from cvbench_tui.catalog.layers import LAYERS
from cvbench_tui.catalog.models import MODELS
from cvbench_tui.core.axes import pairs
from cvbench_tui.core.environment import Device, Environment
from cvbench_tui.core.figures import Figure, FigureSet
from cvbench_tui.core.measurement import PHASES, Measurement, Phase, PhaseSamples
from cvbench_tui.core.plan import Case, Plan
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.run import Run
from cvbench_tui.errors import SelectionError
from cvbench_tui.results.stats.together import alike_together

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).parent
PREFIX = "published-"  # begins the name of each of these runs
PROTOCOL = Protocol("published figures")
_PER_SECOND = {"s": 1.0, "ms": 1e3}
_RATE = "img/s"
_PHASES: Mapping[str, Phase] = {phase: phase for phase in PHASES}


@cache
def published() -> Mapping[str, Run]:
    """Every run that ships with the program, by its id, which is its name."""
    files = [FOLDER / "original.toml", *sorted(FOLDER.glob("*.toml"))]
    found = (run for path in dict.fromkeys(files) for run in _runs(path))
    return {run.id: run for run in found}


def source_of(run: Run) -> FigureSet:
    """Its first set: all have the same source, device and licence."""
    return next(iter(run.figures.values())).of


def refuse(reference: str, what: str) -> None:
    """Raise SelectionError for a published run: it has no file here. ``what``: what cannot be done with it."""
    name = reference.strip()
    if name.startswith(PREFIX) and name in published():
        hint = f"It can be shown, saved and compared: cvbench-tui show last --beside {name}"
        raise SelectionError(f"{name} ships with the program and cannot be {what}.", hint)


def _runs(path: Path) -> Iterator[Run]:
    page = tomllib.loads(path.read_text(encoding="utf-8"))
    for table in page["runs"]:
        rows = [row for part in table["sets"] for row in _rows(page, table, part)]
        cases = tuple(alike_together([case for case, _, _ in rows]))
        device = Device(table["device"], table["device_name"])
        began_s = float(timegm(strptime(page["date"], "%Y-%m-%d")))
        yield Run(
            table["name"], Plan(table["name"], cases, PROTOCOL), began_s, __version__,
            environment=Environment((), (device,)),
            outcomes={case.case_id: measurement for case, measurement, _ in rows},
            ended="finished", ended_at_s=began_s,
            figures={case.case_id: figure for case, _, figure in rows},
        )  # fmt: skip


def _rows(
    page: Mapping[str, Any], table: Mapping[str, Any], part: Mapping[str, Any]
) -> Iterator[tuple[Case, Measurement, Figure]]:
    """Each line of one set as a case with its figures."""
    of = FigureSet(
        page["source"], page["url"], page["licence"], table["short"], table["hardware"], part["software"],
        part["precision"], part["statistic"], (*part.get("notes", ()), *table.get("notes", ()), *page["notes"]),
    )  # fmt: skip
    about: dict[str, str] = {}
    for names, note in part.get("about", {}).items():
        about |= dict.fromkeys(names.split(", "), note)
    known = {entry.name: entry.workload for entry in MODELS} | {entry.name: entry.workload for entry in LAYERS}
    heading, *lines = part["figures"].strip().splitlines()
    phases = [_PHASES[name] for name in heading.split()[2:]]
    for line in lines:
        name, batch, *numbers = line.split()
        case = Case(
            known[name.replace("_", " ")],
            table["device"],
            int(batch),
            part["framework"],
            pairs(part.get("settings", {})),
        )
        printed = {phase: number for phase, number in zip(phases, numbers, strict=True) if number != "-"}
        samples = [_samples(phase, number, case.batch, part["unit"]) for phase, number in printed.items()]
        measurement = Measurement(case.case_id, tuple(samples), None, None, None, 0.0, 0.0, None)
        texts = {phase: f"{number} {part['unit']}" for phase, number in printed.items()}
        yield case, measurement, Figure(of, texts, (about[name],) if name in about else ())


def _samples(phase: Phase, number: str, batch: int, unit: str) -> PhaseSamples:
    """The figure as the one sample of its phase, in seconds per iteration."""
    seconds = batch / float(number) if unit == _RATE else float(number) / _PER_SECOND[unit]
    return PhaseSamples(phase, ((seconds,),), 1, "perf_counter", "fixed")
