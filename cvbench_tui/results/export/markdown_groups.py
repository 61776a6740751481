"""Rows of one or several runs arranged as in the original page: by device, then by workload, frameworks together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cvbench_tui.core.measurement import Phase
from cvbench_tui.core.plan import Case
from cvbench_tui.core.run import Run
from cvbench_tui.core.workload import Kind
from cvbench_tui.results.stats.phase_stats import PhaseResult, headline_s
from cvbench_tui.results.stats.row_data import row_data
from cvbench_tui.results.stats.row_notes import RowNote
from cvbench_tui.results.stats.row_state import RowState
from cvbench_tui.results.table.build import build

_FRAMEWORK_NAMES = {"torch": "Pytorch"}
"""As the original page writes them; any other is capitalised."""


@dataclass(frozen=True)
class FrameworkRow:
    """One framework's row in a group."""

    framework: str
    """``Pytorch 2.14.1``."""
    run: Run
    case: Case
    state: RowState
    phases: Mapping[Phase, PhaseResult]
    """Empty when there are no numbers."""
    row_notes: tuple[RowNote, ...] = ()
    """Reasons of its grades, and notices."""

    def headline_s(self, phase: Phase) -> float | None:
        """The number of its protocol, seconds per iteration; None when it was not measured, or is of grade X."""
        result = self.phases.get(phase)
        return headline_s(self.run.plan.protocol, result) if result is not None and result.valid else None

    def comparable(self, phase: Phase) -> bool:
        """False for what may not be called the fastest: no number, one of grade X, or one between two speeds."""
        result = self.phases.get(phase)
        return result is not None and result.valid and result.modes is None

    def min_s(self, phase: Phase) -> float | None:
        """The smallest sample, seconds per iteration; None when it was not measured, or is of grade X."""
        result = self.phases.get(phase)
        return result.min_s if result is not None and result.valid else None


@dataclass(frozen=True)
class WorkloadGroup:
    """The same work in every framework that did it."""

    name: str
    entries: tuple[FrameworkRow, ...]


@dataclass(frozen=True)
class DeviceTable:
    """One table of the page."""

    heading: str
    """``GPU USED --- NVIDIA H100 80GB HBM3``."""
    groups: tuple[WorkloadGroup, ...]


@dataclass(frozen=True)
class Dimension:
    """A batch size with an input shape, and what was measured at it."""

    batch: int
    shape: tuple[int, ...]
    is_image: bool
    names: tuple[str, ...]


def entries_of(runs: Sequence[Run], *, sort: str | None = None, descending: bool = False) -> tuple[FrameworkRow, ...]:
    """Every row of the runs, each run in its table's order. Raises SelectionError for an unknown column."""
    entries = []
    for run in runs:
        for row in build(run, sort=sort, descending=descending).rows:
            case = run.plan.case(row.key)
            found = row_data(run, case)
            entries.append(
                FrameworkRow(framework_text(run, case), run, case, found.state, found.phases, found.row_notes)
            )
    return tuple(entries)


def framework_text(run: Run, case: Case) -> str:
    """``Pytorch 2.14.1``: without what a build adds to its version, ``+cu130``."""
    name = _FRAMEWORK_NAMES.get(case.framework, case.framework.capitalize())
    version = run.environment.version(case.framework) if run.environment is not None else None
    return f"{name} {re.sub(r'[+][0-9A-Za-z.]+$', '', version)}" if version else name


def device_tables(entries: Sequence[FrameworkRow], kind: Kind) -> tuple[DeviceTable, ...]:
    """The tables of models or of layers: accelerators first, as on the page, then in order of appearance."""
    mine = [entry for entry in entries if entry.case.workload.kind == kind]
    by_device: dict[tuple[str, str], list[FrameworkRow]] = {}
    for entry in mine:
        by_device.setdefault((entry.case.device, _device_name(entry)), []).append(entry)
    devices = sorted(by_device, key=lambda device: device[0] == "cpu")
    several = _at_several_dimensions(entries)
    return tuple(DeviceTable(_heading(device, devices), _groups(by_device[device], several)) for device in devices)


def dimensions(entries: Sequence[FrameworkRow]) -> tuple[Dimension, ...]:
    """Every batch and shape, that of the most workloads first."""
    names: dict[tuple[int, tuple[int, ...], bool], dict[str, None]] = {}
    for entry in entries:
        case = entry.case
        key = (case.batch, case.workload.input_shape, case.image is not None)
        names.setdefault(key, {})[case.workload.name] = None
    ranked = sorted(names.items(), key=lambda item: -len(item[1]))
    return tuple(Dimension(*key, tuple(found)) for key, found in ranked)


def _groups(entries: Sequence[FrameworkRow], several: set[str]) -> tuple[WorkloadGroup, ...]:
    """Entries of equal work together, in order of appearance."""
    found: dict[object, list[FrameworkRow]] = {}
    for entry in entries:
        case = entry.case
        work = (case.workload, case.batch, case.precision, case.memory_format, case.compile_mode, case.threads)
        found.setdefault(work, []).append(entry)
    return tuple(WorkloadGroup(_group_name(group[0].case, several), tuple(group)) for group in found.values())


def _group_name(case: Case, several: set[str]) -> str:
    """The workload's name; with its dimensions where it has more than one."""
    name = case.workload.name
    if name not in several:
        return name
    return f"{name} ({' x '.join(str(size) for size in (case.batch, *case.workload.input_shape))})"


def _at_several_dimensions(entries: Sequence[FrameworkRow]) -> set[str]:
    """Names that stand for more than one batch or shape."""
    found = [name for dimension in dimensions(entries) for name in dimension.names]
    return {name for name in found if found.count(name) > 1}


def _device_name(entry: FrameworkRow) -> str:
    """The device's product name, or its id while that is unknown."""
    device = entry.run.environment.device(entry.case.device) if entry.run.environment is not None else None
    return device.name if device is not None else entry.case.device


def _heading(device: tuple[str, str], devices: Sequence[tuple[str, str]]) -> str:
    """``GPU USED --- name``; with the id when two devices have that name."""
    device_id, name = device
    twins = sum(1 for _, other in devices if other == name)
    kind = "CPU" if device_id == "cpu" else "GPU"
    return f"{kind} USED --- {name}" + (f" ({device_id})" if twins > 1 else "")
