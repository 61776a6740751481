"""Plan of a run: an ordered list of unique cases under one protocol."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.workload import Workload

AXES = ("framework", "precision", "memory_format", "compile_mode", "threads")
"""Settings of a case besides device, batch and image: rows that differ in one of them are not the same work."""


@dataclass(frozen=True)
class Case:
    """One row of the table: a workload on a device, with all settings that its time depends on."""

    workload: Workload
    device: str  # ``cpu``, ``cuda:0``, ``mps``, ``xpu:1``
    batch: int  # images, or other inputs, per iteration
    framework: str = "torch"
    precision: Literal["float32"] = "float32"
    memory_format: Literal["contiguous"] = "contiguous"
    compile_mode: Literal["eager"] = "eager"
    threads: int | None = None  # intra-op CPU threads; None: the worker uses the usable cores

    @property
    def image(self) -> int | None:
        """Side of the input image in pixels; None when the input is not an image."""
        return self.workload.image

    @cached_property
    def case_id(self) -> str:
        """Key of this case in events, rows and files; equal for equal cases."""
        # Cached: without it 28% of the time of filling a table of 1,000 rows.
        work = self.workload
        axes = (self.framework, self.precision, self.memory_format, self.compile_mode, self.threads)
        return case_id_of(work.kind, work.name, work.input_shape, self.device, self.batch, *axes)


def case_id_of(
    kind: str,
    name: str,
    shape: Iterable[int],
    device: str,
    batch: int,
    framework: str,
    precision: str,
    memory_format: str,
    compile_mode: str,
    threads: int | None,
) -> str:
    """The key of the case with these settings: lists of files ask for it without making the case."""
    sizes = "x".join(map(str, shape))
    text = f"{kind}:{name}|{framework}|{device}|b{batch}|{sizes}|{precision}|{memory_format}|{compile_mode}"
    return text if threads is None else f"{text}|t{threads}"


@dataclass(frozen=True)
class Plan:
    """Cases with unique ids, in order, and the protocol they are measured by."""

    name: str
    cases: tuple[Case, ...]
    protocol: Protocol

    def __post_init__(self) -> None:
        """Raise ValueError for two cases of one id: they would share a row."""
        ids = [case.case_id for case in self.cases]
        if len(set(ids)) != len(ids):
            raise ValueError("a plan's cases must have unique ids")

    @property
    def devices(self) -> frozenset[str]:
        """Ids of the devices it measures on."""
        return frozenset(case.device for case in self.cases)

    def case(self, case_id: str) -> Case:
        """The case of that id. Raises KeyError."""
        return self._by_id[case_id]

    @cached_property
    def _by_id(self) -> dict[str, Case]:
        return {case.case_id: case for case in self.cases}


def unique(cases: Iterable[Case]) -> tuple[Case, ...]:
    """The cases in order, each id once."""
    return tuple({case.case_id: case for case in cases}.values())


def expand(
    workloads: Sequence[tuple[Workload, int]],
    devices: Sequence[str],
    *,
    batch: int | None = None,
    image: int | None = None,
) -> tuple[Case, ...]:
    """Every workload on every device, device by device. ``workloads`` has each workload with its default batch, which
    ``batch`` overrides. ``image``, in pixels, changes only workloads whose input is an image."""
    return unique(
        Case(workload.with_image(image) if image else workload, device, batch or default_batch)
        for device in devices
        for workload, default_batch in workloads
    )
