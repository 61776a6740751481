"""Plan of a run: an ordered list of unique cases under one protocol."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from cvbench_tui.core import axes, row_names
from cvbench_tui.core.axes import Setting
from cvbench_tui.core.protocol import Protocol
from cvbench_tui.core.workload import Workload

MAX_BATCH = 65536  # the largest that a user may name, and that is tried
BATCH_MAX: Setting = ("batch", "max")
"""Among a case's settings: its batch is the largest that fits into the device's memory, which the run finds."""


@dataclass(frozen=True)
class Case:
    """One row of the table: a workload on a device, with all settings that its time depends on."""

    workload: Workload
    device: str  # ``cpu``, ``cuda:0``, ``mps``, ``xpu:1``
    batch: int  # images, or other inputs, per iteration; with ``BATCH_MAX`` what was found, 1 before
    framework: str = "torch"
    settings: tuple[Setting, ...] = ()  # pairs of axis and value that are not default, in the order of ``core.axes``

    @property
    def image(self) -> int | None:
        """Side of the input image in pixels; None when the input is not an image."""
        return self.workload.image

    @property
    def finds_batch(self) -> bool:
        """True where the batch is the largest that fits, which the run finds."""
        return BATCH_MAX in self.settings

    @property
    def threads(self) -> int | None:
        """Intra-op CPU threads; None: the worker uses the usable cores."""
        known = axes.axis("threads")
        return known.number(self.setting("threads")) if known else None

    def setting(self, name: str) -> str:
        """The value of that axis, its default where the case names none; empty for an axis that is not known."""
        found = next((value for each, value in self.settings if each == name), None)
        known = axes.axis(name)
        return found if found is not None else known.default if known else ""

    def varied(self, **changes: str) -> Case:
        """The same case with other values of axes. A default leaves no trace."""
        others = tuple(each for each in self.settings if each == BATCH_MAX)
        return replace(self, settings=others + axes.pairs(dict(self.settings) | changes))

    def without(self, name: str) -> Hashable:
        """What rows have in common that differ in that axis alone, which may be ``batch`` or ``image``. Not the code of
        a user's own model, which is another in each environment."""
        work = self.workload.with_image(1) if name == "image" else self.workload
        batch = None if name == "batch" else "max" if self.finds_batch else self.batch
        settings = tuple(each for each in self.settings if each[0] not in (name, BATCH_MAX[0]))
        return work.kind, work.name, work.input_shape, self.device, batch, self.framework, settings

    @cached_property
    def case_id(self) -> str:
        """Key of this case in events, rows and files; equal for equal cases."""
        # Cached: without it 28% of the time of filling a table of 1,000 rows.
        work = self.workload
        sizes = self.device, self.batch, self.framework, self.settings
        return case_id_of(work.kind, work.name, work.input_shape, *sizes)


def case_id_of(
    kind: str,
    name: str,
    shape: Iterable[int],
    device: str,
    batch: int,
    framework: str,
    settings: Sequence[Setting],
) -> str:
    """The key of the case with these settings: lists of files ask for it without making the case. A case without
    settings has the key of versions that knew none."""
    sizes = "x".join(map(str, shape))
    count = "max" if BATCH_MAX in settings else str(batch)
    others = [each for each in settings if each != BATCH_MAX]
    return f"{kind}:{name}|{framework}|{device}|b{count}|{sizes}|float32|contiguous|eager{axes.id_parts(others)}"


@dataclass(frozen=True)
class NamedEnvironment:
    """A value of the axis ``env``: another Python, or a folder of Python code, or both."""

    name: str
    python: str = ""  # path of the interpreter; empty: the one that runs this program
    folder: str = ""  # whose code is imported before any other, and where the worker runs; empty: none

    @property
    def where(self) -> str:
        """Interpreter or folder, as the user named it."""
        return self.folder or self.python


@dataclass(frozen=True)
class Plan:
    """Cases with unique ids, in order, and the protocol they are measured by."""

    name: str
    cases: tuple[Case, ...]
    protocol: Protocol
    alternate: str = ""
    """The axis whose variants are measured in turn, visit by visit: visit k of one and visit k of the other are a pair.
    Empty: none is."""
    environments: tuple[NamedEnvironment, ...] = ()  # that its rows name with the axis ``env``

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

    def in_turn(self, case_id: str) -> tuple[str, ...]:
        """Ids of the rows that are measured in turn with that one, itself among them, in order; empty where it is
        measured by itself."""
        return self._in_turn.get(case_id, ())

    @cached_property
    def _in_turn(self) -> Mapping[str, tuple[str, ...]]:
        groups: dict[Hashable, list[str]] = {}
        for case in self.cases if self.alternate else ():
            groups.setdefault(case.without(self.alternate), []).append(case.case_id)
        return {case_id: tuple(ids) for ids in groups.values() if len(ids) > 1 for case_id in ids}

    def label(self, case: Case, without: Collection[str] = ()) -> str:
        """What that row is called in a sentence: its name, and in what the plan's rows of that name differ; all its
        settings where they differ in none. ``without``: what stands beside the name anyway, such as ``device``."""
        differ = self._differing.get(case.workload.name, ())
        return row_names.label(case, [name for name in differ if name not in without])

    @cached_property
    def _differing(self) -> dict[str, tuple[str, ...]]:
        alike: dict[str, list[Case]] = {}
        for case in self.cases:
            alike.setdefault(case.workload.name, []).append(case)
        return {name: row_names.differing(cases) for name, cases in alike.items()}

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
    batches: Sequence[int | Literal["max"]] = (),
    images: Sequence[int] = (),
    variants: Sequence[tuple[Setting, ...]] = ((),),
) -> tuple[Case, ...]:
    """Every workload on every device, device by device, in every variant: image by image, batch by batch, then the
    settings. ``workloads`` has each workload with its default batch, in whose place ``batches`` come. ``images``, in
    pixels, change only workloads whose input is an image."""
    return unique(
        _case(workload.with_image(side) if side else workload, device, batch, settings)
        for device in devices
        for workload, default_batch in workloads
        for side in images or (None,)
        for batch in batches or (default_batch,)
        for settings in variants
    )


def _case(workload: Workload, device: str, batch: int | Literal["max"], settings: tuple[Setting, ...]) -> Case:
    if batch == "max":
        return Case(workload, device, 1, settings=(BATCH_MAX, *settings))
    return Case(workload, device, batch, settings=settings)
